"""The arguments of `transaction`.

transaction user maxspan=2m startswith=(a=1) endswith=eval(b>2)  ──>  Transaction(("user",), 120, starts=Search, ...)
"""

from __future__ import annotations

import re
from dataclasses import replace

from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.search_parser import parse_group, parse_search
from converter.targets.splunk.engine.language.syntax import Search, Span, Transaction, Where

_LENGTH = re.compile(r"(-?[0-9]{1,12})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_NUMBER = re.compile(r"-?[0-9]{1,18}")


def transaction(scanner: Scanner, span: Span) -> Transaction:
    """Read the arguments of `transaction`.

    Raises:
        QueryError: they hold what Splunk does not know, or `name=`, which refers to a configuration file.
    """
    names: list[str] = []
    found = Transaction((), span=span)
    unify: bool | None = None
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
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
                found = _option(scanner, found, option, start)
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise scanner.error(f"the field {twice!r} twice in transaction", span)
    return replace(found, fields=tuple(names), unify_ends=found.connected if unify is None else unify)


def _fields(scanner: Scanner) -> list[str]:
    """Read a field, or a quoted list of them."""
    start = scanner.pos
    names = re.split(r"[,\s]+", scanner.name("a field").strip(", "))
    if any("*" in name for name in names):
        raise scanner.error("a wildcard in the fields of transaction", scanner.span_from(start))
    return names


def _option(scanner: Scanner, found: Transaction, option: str, start: int) -> Transaction:
    match option:
        case "maxspan":
            return replace(found, max_span=_length(scanner))
        case "maxpause":
            return replace(found, max_pause=_length(scanner))
        case "maxevents":
            return replace(found, max_events=_number(scanner))
        case "maxopentxn":
            return replace(found, max_open=_number(scanner))
        case "maxopenevents":
            return replace(found, max_open_events=_number(scanner))
        case "startswith":
            return replace(found, starts=_filter(scanner))
        case "endswith":
            return replace(found, ends=_filter(scanner))
        case "connected":
            return replace(found, connected=scanner.boolean(option))
        case "keeporphans":
            return replace(found, keep_orphans=scanner.boolean(option))
        case "keepevicted":
            return replace(found, keep_evicted=scanner.boolean(option))
        case "mvlist":
            return replace(found, lists=_lists(scanner))
        case "mvraw":
            return replace(found, raw_list=scanner.boolean(option))
        case "nullstr":
            return replace(found, null=scanner.value("a text"))
        case "delim":
            return replace(found, delimiter=scanner.value("a delimiter"))
        case "name":
            raise scanner.error(
                "the option name of transaction refers to transactiontypes.conf, which is not here",
                Span(start, len(option)),
                "write its options out",
            )
    raise scanner.unknown_option("transaction", option, start)


def _length(scanner: Scanner) -> float | None:
    """Read a length of time; a negative one is none."""
    scanner.skip()
    start = scanner.pos
    text = scanner.value("a length of time")
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise scanner.error(
            f"expected a length of time, found {text!r}", scanner.span_from(start), "a number and s, m, h or d"
        )
    number = int(match.group(1))
    return None if number < 0 else number * _SECONDS[match.group(2)]


def _number(scanner: Scanner) -> int | None:
    """Read a whole number; a negative one is no limit."""
    scanner.skip()
    start = scanner.pos
    text = scanner.value("a number")
    if not _NUMBER.fullmatch(text):
        raise scanner.error(f"expected a number, found {text!r}", scanner.span_from(start))
    number = int(text)
    if number == 0:
        raise scanner.error("a limit of zero", scanner.span_from(start))
    return None if number < 0 else number


def _filter(scanner: Scanner) -> Search | Where:
    """Read a filter: a search in quotes, a search in brackets, or `eval(condition)`."""
    here = scanner.peek()
    start = scanner.pos
    if here == '"':
        raw = scanner.quoted()
        if not raw.strip() or '\\"' in raw:
            raise scanner.error("a filter without a word, or with quotes inside quotes", scanner.span_from(start))
        # Read in place, so that errors have their place in the whole text.
        inner = Scanner(scanner.text[: scanner.pos - 1], scanner.origin)
        inner.pos = start + 1
        expression = parse_search(inner)
        if inner.peek():
            raise inner.error(f"unexpected {inner.found()} in a search")
        return Search(expression)
    if here == "(":
        return Search(parse_group(scanner))
    if scanner.accept_word("eval"):
        scanner.expect("(", "after eval")
        condition = parse_expression(scanner)
        scanner.expect(")", "to close eval")
        return Where(condition, scanner.span_from(start))
    raise scanner.error(
        f"expected a filter, found {scanner.found()}",
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
