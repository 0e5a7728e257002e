"""`transaction`: events that belong together become one row.

transaction user maxspan=2m startswith=(a=1) endswith=eval(b>2)  ──>  Transaction(("user",), 120, starts=Search, ...)
rows ──newest first──> TransactionPool ──> one row for each transaction
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.readers.source import Span
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.filter import Search, Where
from converter.targets.splunk.engine.commands.transaction_pool import Transaction, TransactionPool
from converter.targets.splunk.engine.functions.evaluate import compile_condition
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.search_parser import parse_group, parse_search
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.values import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.values import Row

_LENGTH = re.compile(r"(-?[0-9]{1,12})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_Test: TypeAlias = "Callable[[Row], Any]"


def _read_transaction(scanner: Scanner, span: Span) -> Transaction:
    """Read the arguments of `transaction`.

    Raises:
        QueryError: they hold what Splunk does not know, or `name=`, which refers to a configuration file.
    """
    names: list[str] = []
    read = Transaction((), span=span)
    unify: bool | None = None
    while not scanner.at_command_end():
        start = scanner.offset
        match TRANSACTION.option(scanner):
            case "":
                names.extend(_fields(scanner))
                scanner.accept(",")
            case "fields":
                names.extend(_fields(scanner))
                # A list without quotes goes on after a comma.
                while scanner.accept(","):
                    names.extend(_fields(scanner))
            case "unifyends":
                unify = scanner.boolean("unifyends")
            case option:
                read = _option(scanner, read, option, start)
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise scanner.error(f"the field {twice!r} twice in transaction", span)
    return replace(read, fields=tuple(names), unify_ends=read.connected if unify is None else unify)


def _fields(scanner: Scanner) -> list[str]:
    """Read a field, or a quoted list of them."""
    start = scanner.offset
    names = re.split(r"[,\s]+", scanner.name("a field").strip(", "))
    if any("*" in name for name in names):
        raise scanner.error("a wildcard in the fields of transaction", scanner.span(start))
    return names


def _option(scanner: Scanner, read: Transaction, option: str, start: int) -> Transaction:
    match option:
        case "maxspan":
            return replace(read, max_span=_length(scanner))
        case "maxpause":
            return replace(read, max_pause=_length(scanner))
        case "maxevents":
            return replace(read, max_events=_number(scanner))
        case "maxopentxn":
            return replace(read, max_open=_number(scanner))
        case "maxopenevents":
            return replace(read, max_open_events=_number(scanner))
        case "startswith":
            return replace(read, starts=_filter(scanner))
        case "endswith":
            return replace(read, ends=_filter(scanner))
        case "connected":
            return replace(read, connected=scanner.boolean(option))
        case "keeporphans":
            return replace(read, keep_orphans=scanner.boolean(option))
        case "keepevicted":
            return replace(read, keep_evicted=scanner.boolean(option))
        case "mvlist":
            return replace(read, lists=_lists(scanner))
        case "mvraw":
            return replace(read, raw_list=scanner.boolean(option))
        case "nullstr":
            return replace(read, null=scanner.value("a text"))
        case "delim":
            return replace(read, delimiter=scanner.value("a delimiter"))
        case "name":
            raise scanner.error(
                "the option name of transaction refers to transactiontypes.conf, which is not here",
                Span(start, start + len(option)),
                "write its options out",
            )
    raise AssertionError(option)


def _length(scanner: Scanner) -> float | None:
    """Read a length of time; a negative one is none."""
    scanner.skip()
    start = scanner.offset
    text = scanner.value("a length of time")
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise scanner.error(
            f"expected a length of time, found {text!r}", scanner.span(start), "a number and s, m, h or d"
        )
    number = int(match.group(1))
    return None if number < 0 else number * _SECONDS[match.group(2)]


def _number(scanner: Scanner) -> int | None:
    """Read a whole number; a negative number means no limit."""
    scanner.skip()
    start = scanner.offset
    text = scanner.value("a number")
    if not _NUMBER.fullmatch(text):
        raise scanner.error(f"expected a number, found {text!r}", scanner.span(start))
    number = int(text)
    if number == 0:
        raise scanner.error("a limit of zero", scanner.span(start))
    return None if number < 0 else number


def _filter(scanner: Scanner) -> Search | Where:
    """Read a filter: a search in quotes, a search in brackets, or `eval(condition)`."""
    here = scanner.peek()
    start = scanner.offset
    if here == '"':
        raw = scanner.quoted()
        if not raw.strip() or '\\"' in raw:
            raise scanner.error("a filter without a word, or with quotes inside quotes", scanner.span(start))
        # Read in place, so that errors have their place in the whole text.
        inner = Scanner(scanner.source, scanner.pipelines, scanner.offset - 1)
        inner.offset = start + 1
        expression = parse_search(inner)
        if inner.peek():
            raise inner.error(f"unexpected {inner.describe()} in a search")
        return Search(expression)
    if here == "(":
        return Search(parse_group(scanner))
    if scanner.accept_word("eval"):
        scanner.expect("(", "after eval")
        condition = parse_expression(scanner)
        scanner.expect(")", "to close eval")
        return Where(condition, scanner.span(start))
    raise scanner.error(
        f"expected a filter, found {scanner.describe()}",
        hint='startswith="text", startswith=(a=b) or startswith=eval(a=b)',
    )


def _lists(scanner: Scanner) -> bool | tuple[str, ...]:
    """Read `mvlist`: yes, no, or the fields."""
    words = [scanner.value("true, false or fields")]
    while scanner.accept(","):
        words.append(scanner.value("a field"))
    names = [name for word in words for name in re.split(r"[,\s]+", word.strip(", "))]
    match [name.lower() for name in names]:
        case ["t" | "true" | "yes" | "1"]:
            return True
        case ["f" | "false" | "no" | "0"]:
            return False
    return tuple(names)


def _compile_transaction(command: Transaction, context: SearchContext) -> Stage:
    """Return the stage of `transaction`.

    Raises:
        QueryError: an option whose meaning is not documented; when run: an event without `_time`, without any of the
            fields, or with several values of one.
    """
    if command.keep_orphans:
        raise context.error(
            "keeporphans=t of transaction is not supported", command.span, "which events are orphans is not documented"
        )
    if command.delimiter is not None:
        raise context.error(
            "the option delim of transaction is not supported", command.span, "the documents disagree on its meaning"
        )
    starts, ends = (_test(filtered, context) for filtered in (command.starts, command.ends))

    def run(rows: Iterable[Row]) -> list[Row]:
        pool = TransactionPool(command, context)
        for time, row in _newest_first(rows, command, context):
            pool.add(
                row,
                time,
                starts=starts is not None and bool(starts(row)),
                ends=ends is not None and bool(ends(row)),
            )
        pool.finish()
        return pool.rows()

    return run


def _test(filtered: Search | Where | None, context: SearchContext) -> _Test | None:
    if filtered is None:
        return None
    if isinstance(filtered, Search):
        return compile_search(filtered.expression, context.source)
    return compile_condition(filtered.expression, context.source, filtered.span, "a filter of transaction")


def _newest_first(rows: Iterable[Row], command: Transaction, context: SearchContext) -> list[tuple[float, Row]]:
    """Return the rows by descending time; rows from old to new are turned round, so that equal times are, too."""
    timed: list[tuple[float, Row]] = []
    for row in rows:
        time = number_of(row.get("_time"))
        if time is None:
            raise context.error("transaction needs _time, which a row does not have", command.span)
        timed.append((time, row))
    if any(before[0] < after[0] for before, after in pairwise(timed)):
        if all(before[0] <= after[0] for before, after in pairwise(timed)):
            timed.reverse()
        else:
            timed.sort(key=lambda pair: -pair[0])
    return timed


TRANSACTION = Command(
    "transaction",
    _read_transaction,
    _compile_transaction,
    (Transaction,),
    aliases=("transam",),
    arguments="fields",
    options=(
        "fields",
        "maxspan",
        "maxpause",
        "maxevents",
        "maxopentxn",
        "maxopenevents",
        "startswith",
        "endswith",
        "connected",
        "unifyends",
        "keepevicted",
        "mvlist",
        "mvraw",
        "nullstr",
    ),
    refused_options=("keeporphans", "name", "delim"),
    refuses=("keeporphans=t of transaction", "the option name of transaction", "the option delim of transaction"),
)

COMMANDS: tuple[Command[Any], ...] = (TRANSACTION,)
