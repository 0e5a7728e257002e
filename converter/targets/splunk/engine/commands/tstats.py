"""`tstats`: statistics over the events that are in a data set of a data model, or over fields of the index.

    count min(_time) as first from datamodel=A.B where B.c=1 by B.d  ──>  Tstats(aggregates, source, where, by)
    events ──data_sets──> rows of the data set ──where──> ──fillnull_value──> ──stats by──> rows

The grammar is that of searchbnf.conf. Namespaces and `sid` (tscollect), and `PREFIX()`, are refused by name: they read
files of the index that a list of events has not. Nothing is accelerated here: every event counts as summarized,
whatever `summariesonly` says, and a note says so. What `where` may hold is what `search` may, with the field names of
the data model; a keyword is refused, since a data model has no raw text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from converter.errors import suggest
from converter.readers.source import Span
from converter.targets.splunk.engine.commands.aggregates import Aggregate, read_by_name
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.bins import Bin, bins
from converter.targets.splunk.engine.commands.datamodel import read_model
from converter.targets.splunk.engine.commands.stats import Stats, compile_stats
from converter.targets.splunk.engine.commands.tstats_fields import Named, Tstats, event_reader
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.time_spans import time_span
from converter.targets.splunk.engine.statistics import STATISTICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.commands.datamodel import DataModel
    from converter.targets.splunk.engine.language.syntax import SearchExpression
    from converter.targets.splunk.engine.language.time_spans import TimeSpan
    from converter.targets.splunk.engine.language.values import Row

_FLAGS = ("local", "summariesonly", "include_reduced_buckets", "allow_old_summaries")
_REFUSED_FLAGS = ("prestats", "append", "use_summary_index_values")
_PERCENTILE = re.compile(r"(?:exactperc|perc|p)([0-9]{1,2}(?:\.[0-9]{1,15})?|100)")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_PREFIX = re.compile(r"PREFIX\s*\(", re.IGNORECASE)
# The pieces of a WHERE that matter for where it ends: a quoted text, a comment, a bracket, a word.
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|```.*?```|[()\[\]|]|[^\s"()\[\]|`]+|\s+|.', re.DOTALL)
_BY = frozenset({"by", "groupby"})
_BUCKET = "\0bucket"
_PRESTATS = "prestats=true"
_PREFIX_REFUSED = "PREFIX() of tstats"
_WITHOUT_SPAN = "tstats by _time without a span"
_EXPRESSION = "an expression in a statistic of tstats"
_NAMESPACE = "FROM a namespace of tscollect"
_SID = "FROM sid="


class _Part(Scanner):
    """A scanner for which the command ends at an offset; it begins where another one stands."""

    def __init__(self, scanner: Scanner, stop: int) -> None:
        super().__init__(scanner.source)
        self.__dict__.update(scanner.__dict__)
        self.stop = stop

    def at_command_end(self) -> bool:
        return super().at_command_end() or self.offset >= self.stop


class _Reading:
    """What has been read of a tstats."""

    def __init__(self) -> None:
        self.flags = dict.fromkeys((*_FLAGS, *_REFUSED_FLAGS), False)
        self.fillnull: str | None = None
        self.aggregates: list[Aggregate] = []
        self.source: DataModel | None = None
        self.where: SearchExpression | None = None
        self.by: list[Named] = []
        self.size: TimeSpan | None = None


def _read_tstats(scanner: Scanner, span: Span) -> Tstats:
    """Read the arguments of `tstats`.

    Raises:
        QueryError: they are missing, or hold what this engine does not know.
    """
    read = _Reading()
    while not scanner.at_command_end():
        _argument(scanner, read)
    if not read.aggregates:
        raise scanner.error("tstats without a statistic", span, "for example: count")
    flags = read.flags
    for name in ("append", "use_summary_index_values"):
        if flags[name]:
            raise scanner.error(f"the option {name} of tstats is not supported", span)
    times = [named for named in read.by if named.name == "_time"]
    return Tstats(
        tuple(read.aggregates),
        read.source,
        read.where,
        tuple(read.by),
        read.size if times else None,
        read.fillnull,
        flags["summariesonly"],
        flags["prestats"],
        span,
    )


def _argument(scanner: Scanner, read: _Reading) -> None:
    start = scanner.offset
    match TSTATS.option(scanner):
        case "":
            if scanner.accept_word("from"):
                _once(scanner, start, "from", taken=read.source is not None)
                read.source = _source(scanner)
            elif scanner.accept_word("where"):
                _once(scanner, start, "where", taken=read.where is not None)
                read.where = _where(scanner)
            elif scanner.accept_word(*_BY):
                _once(scanner, start, "by", taken=bool(read.by))
                _by(scanner, read)
            else:
                _aggregate(scanner, read.aggregates)
        case "fillnull_value":
            read.fillnull = scanner.value("a text")
        case "chunk_size":
            scanner.integer("a number")
        case "datamodel" | "sid" as option:
            raise TSTATS.unknown_option(scanner, option, start, f"write FROM {option}=")
        case option:
            read.flags[option] = scanner.boolean(option)


def _once(scanner: Scanner, start: int, word: str, *, taken: bool) -> None:
    if taken:
        raise scanner.error(f"a second {word} in tstats", scanner.span(start))


def _source(scanner: Scanner) -> DataModel:
    scanner.skip()
    start = scanner.offset
    match scanner.option():
        case "datamodel":
            return read_model(scanner)
        case "sid":
            raise scanner.error(f"{_SID} is not supported", Span(start, start + 3), "only data models are")
    raise scanner.error(f"{_NAMESPACE} is not supported", hint="write FROM datamodel=...")


def _where(scanner: Scanner) -> SearchExpression:
    part = _Part(scanner, _end_of_where(scanner))
    if part.at_command_end():
        raise scanner.error(f"expected a condition after where, found {scanner.describe()}")
    expression = parse_search(part)
    scanner.offset = part.offset
    return expression


def _end_of_where(scanner: Scanner) -> int:
    """Return the offset of the `by` outside brackets and quotes that ends a WHERE, or of the end of the command."""
    depth = 0
    for piece in _PIECE.finditer(scanner.text, scanner.offset):
        match piece.group():
            case "(" | "[":
                depth += 1
            case ")" | "]" if depth > 0:
                depth -= 1
            case "|" | ")" | "]" if depth <= 0:
                return piece.start()
            case word if depth <= 0 and word.lower() in _BY:
                return piece.start()
    return len(scanner.text)


def _by(scanner: Scanner, read: _Reading) -> None:
    names = {before.name for before in read.by}
    while not scanner.at_command_end():
        scanner.skip()
        start = scanner.offset
        if scanner.option() == "span":
            if scanner.word().lower() == "auto":
                raise scanner.error("span=auto depends on the time range, which a list of events has not")
            read.size = time_span(scanner)
            scanner.accept(",")
            continue
        scanner.offset = start
        _refuse_prefix(scanner)
        name = read_by_name(scanner, names)
        names.add(name)
        read.by.append(Named(name, scanner.span(start)))
        scanner.accept(",")
    if not read.by:
        raise scanner.error(f"expected a field to group by, found {scanner.describe()}")


def _refuse_prefix(scanner: Scanner) -> None:
    scanner.skip()
    if _PREFIX.match(scanner.text, scanner.offset):
        raise scanner.error(
            f"{_PREFIX_REFUSED}, which reads the terms of an index",
            Span(scanner.offset, scanner.offset + len("PREFIX")),
        )


def _aggregate(scanner: Scanner, into: list[Aggregate]) -> None:
    """Read one statistic: `count`, or a function of a field; expressions are not for tstats."""
    scanner.skip()
    start = scanner.offset
    match = _FUNCTION.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected a statistic, found {scanner.describe()}")
    written = match.group(0)
    function, percent = _function(scanner, written, Span(start, start + len(written)))
    scanner.offset = match.end()
    argument: str | None = None
    if scanner.accept("("):
        if scanner.peek() != ")":
            argument = _field(scanner)
        scanner.expect(")", f"to close {written}")
    if argument is None and function != "count":
        raise scanner.error(f"{written} without a field", Span(start, start + len(written)), f"write {written}(field)")
    span = scanner.span(start)
    name = written if argument is None else f"{written}({argument})"
    if scanner.accept_word("as"):
        name = scanner.name("a name")
        if "*" in name:
            raise scanner.error("a wildcard in the name of a statistic", span)
    if name in (aggregate.name for aggregate in into):
        raise scanner.error(f"two statistics with the name {name!r}", span, "rename one with as")
    into.append(Aggregate(function, argument, name, percent, span))
    scanner.accept(",")


def _field(scanner: Scanner) -> str:
    _refuse_prefix(scanner)
    start = scanner.offset
    if scanner.word() == "eval":
        raise scanner.error(_EXPRESSION, Span(start, start + 4), "put | stats after tstats")
    name = scanner.name("a field")
    if "*" in name:
        raise scanner.error("a wildcard as the field of a statistic", scanner.span(start), "name the fields")
    return name


def _function(scanner: Scanner, written: str, span: Span) -> tuple[str, float | None]:
    lower = written.lower()
    known = {name: statistic for name, statistic in STATISTICS.items() if TSTATS.name not in statistic.absent}
    if lower in known:
        return known[lower].name, None
    if match := _PERCENTILE.fullmatch(lower):
        return "percentile", float(match.group(1))
    raise scanner.error(f"the statistic {written} is not supported in tstats", span, suggest(lower, known))


def _compile_tstats(command: Tstats, context: SearchContext) -> Stage:
    """Return the stage of `tstats`: events to one row a group.

    Raises:
        QueryError: an unknown data model or field, or what only files of an index could answer; when run: a field that
            the data model computes in a way that this engine does not.
    """
    if command.prestats:
        raise context.error(f"{_PRESTATS}, which only Splunk's own commands can read, is not supported", command.span)
    if command.size is None and (times := [named for named in command.by if named.name == "_time"]):
        raise context.error(f"{_WITHOUT_SPAN}, which depends on the time range then", times[0].span, "add span=1h")
    read = event_reader(command, context)
    where = compile_search(command.where, context.source) if command.where is not None else None
    bucket = bins(Bin("_time", command.size, _BUCKET)) if command.size is not None else None
    by = tuple(named.name for named in command.by)
    group = tuple(_BUCKET if name == "_time" else name for name in by)
    stats = compile_stats(Stats(command.aggregates, group), context)
    filled = [name for name in by if name != "_time"] if command.fillnull is not None else []

    def selected(events: Iterable[Row]) -> Iterator[Row]:
        for event in events:
            row = read(event)
            if row is None or (where is not None and not where(row)):
                continue
            for name in filled:
                if row.get(name) is None:
                    row[name] = command.fillnull
            yield row

    def run(events: Iterable[Row]) -> Iterator[Row]:
        if command.summaries_only:
            current().note("summariesonly=true: every event counts as summarized here")
        rows: Iterable[Row] = selected(events)
        for row in stats(bucket(rows) if bucket is not None else rows):
            yield {"_time" if name == _BUCKET else name: value for name, value in row.items()}

    return run


def _refuse_later(command: Tstats, context: SearchContext) -> None:
    raise context.error("tstats must be the first command of a search", command.span)


TSTATS = Command(
    "tstats",
    _read_tstats,
    _compile_tstats,
    (Tstats,),
    arguments="statistics, `from datamodel=model.dataset`, `where` with a search, and `by` with fields",
    options=(*_FLAGS, "fillnull_value", "chunk_size"),
    refused_options=(*_REFUSED_FLAGS, "datamodel", "sid"),
    refuses=(
        _PRESTATS,
        "the option append of tstats",
        "the option use_summary_index_values of tstats",
        _PREFIX_REFUSED,
        _WITHOUT_SPAN,
        _EXPRESSION,
        _NAMESPACE,
        _SID,
    ),
    generating=True,
    check_later=_refuse_later,
)

COMMANDS: tuple[Command[Any], ...] = (TSTATS,)
