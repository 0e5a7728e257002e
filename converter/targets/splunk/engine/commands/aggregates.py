"""The arguments of `stats`, `eventstats` and `streamstats`.

count as n, dc(eval(if(a=1,b,null()))) as d by x y  ──>  Stats(aggregates, by)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.errors import suggest
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.syntax import Aggregate, EventStats, Span, Stats, StreamStats
from converter.targets.splunk.engine.language.time_spans import seconds_of, time_span

if TYPE_CHECKING:
    from collections.abc import Container

    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression

FUNCTIONS = {
    "c": "count",
    "count": "count",
    "dc": "dc",
    "distinct_count": "dc",
    "estdc": "estdc",
    "sum": "sum",
    "sumsq": "sumsq",
    "avg": "avg",
    "mean": "avg",
    "min": "min",
    "max": "max",
    "range": "range",
    "values": "values",
    "list": "list",
    "first": "first",
    "last": "last",
    "earliest": "earliest",
    "latest": "latest",
    "earliest_time": "earliest_time",
    "latest_time": "latest_time",
    "median": "median",
    "mode": "mode",
    "stdev": "stdev",
    "stdevp": "stdevp",
    "var": "var",
    "varp": "varp",
    "rate": "rate",
}
# Statistics that streamstats and eventstats do not have.
_STATS_ONLY = frozenset({"rate"})
_PERCENTILE = re.compile(r"(exactperc|upperperc|perc|p)([0-9]{1,9}(?:\.[0-9]{1,15})?)")
_UNSUPPORTED = re.compile(r"estdc_error|rate_.*|sparkline|per_(?:second|minute|hour|day)")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


def stats(scanner: Scanner, span: Span) -> Stats:
    """Read the arguments of `stats`.

    Raises:
        QueryError: they are none, or hold what this engine does not know.
    """
    flags: dict[str, bool] = {}
    aggregates, by = _arguments(scanner, span, "stats", off=("allnum",), numbers=("partitions",), flags=flags)
    return Stats(aggregates, by, flags.get("dedup_splitvals", False))


def eventstats(scanner: Scanner, span: Span) -> EventStats:
    """Read the arguments of `eventstats`.

    Raises:
        QueryError: they are none, or hold what this engine does not know.
    """
    aggregates, by = _arguments(scanner, span, "eventstats", off=("allnum",), numbers=())
    return EventStats(aggregates, by, span)


def streamstats(scanner: Scanner, span: Span) -> StreamStats:
    """Read the arguments of `streamstats`; the options may stand before or after the statistics.

    Raises:
        QueryError: they are none, or hold what this engine does not know.
    """
    window, current, shared = 0, True, True
    time_window: float | None = None
    on_change = False
    resets: dict[str, Expression] = {}
    aggregates: list[Aggregate] = []
    by: tuple[str, ...] = ()
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                if scanner.accept_word("by"):
                    by = read_by(scanner)
                    continue
                read_aggregate(scanner, "streamstats", aggregates)
            case "window":
                window = scanner.integer("a number of rows")
            case "current":
                current = scanner.boolean("current")
            case "global":
                shared = scanner.boolean("global")
            case "time_window":
                time_window = seconds_of(time_span(scanner))
                if time_window is None or time_window <= 0:
                    raise scanner.error("a time_window of no fixed positive length", scanner.span_from(start))
            case "reset_on_change":
                on_change = scanner.boolean("reset_on_change")
            case "reset_before" | "reset_after" as option:
                scanner.expect("(", f"after {option}=")
                resets[option] = parse_expression(scanner)
                scanner.expect(")", f"to close {option}")
            case "allnum":
                _refuse_true(scanner, "allnum", start)
            case option:
                raise _unknown_option(scanner, "streamstats", option, start)
    if not aggregates:
        raise scanner.error("streamstats without a statistic", span)
    before, after = resets.get("reset_before"), resets.get("reset_after")
    return StreamStats(tuple(aggregates), by, window, current, shared, time_window, on_change, before, after, span)


def _arguments(
    scanner: Scanner,
    span: Span,
    command: str,
    *,
    off: tuple[str, ...],
    numbers: tuple[str, ...],
    flags: dict[str, bool] | None = None,
) -> tuple[tuple[Aggregate, ...], tuple[str, ...]]:
    aggregates: list[Aggregate] = []
    by: tuple[str, ...] = ()
    while not scanner.at_command_end():
        start = scanner.pos
        option = scanner.option()
        if option in off:
            _refuse_true(scanner, option, start)
        elif option and option in numbers:
            scanner.integer("a number")
        elif option == "dedup_splitvals" and flags is not None:
            flags[option] = scanner.boolean(option)
        elif option:
            raise _unknown_option(scanner, command, option, start)
        elif scanner.accept_word("by"):
            by = read_by(scanner)
        else:
            read_aggregate(scanner, command, aggregates)
    if not aggregates:
        raise scanner.error(f"{command} without a statistic", span, "for example: count by host")
    return tuple(aggregates), by


def _refuse_true(scanner: Scanner, option: str, start: int) -> None:
    if scanner.boolean(option):
        raise scanner.error(f"the option {option} is not supported", scanner.span_from(start))


_KNOWN_OPTIONS = (
    "allnum",
    "dedup_splitvals",
    "delim",
    "partitions",
    "window",
    "current",
    "global",
    "time_window",
    "limit",
)


def _unknown_option(scanner: Scanner, command: str, option: str, start: int) -> Exception:
    return scanner.error(
        f"the option {option} of {command} is not supported",
        Span(start, len(option)),
        suggest(option, [known for known in _KNOWN_OPTIONS if known != option]),
    )


def read_by(scanner: Scanner) -> tuple[str, ...]:
    """Read the fields of `by`; an option of streamstats may follow them."""
    names: list[str] = []
    while not scanner.at_command_end():
        start = scanner.pos
        if scanner.option():
            scanner.pos = start
            break
        names.append(by_name(scanner, names))
        scanner.accept(",")
    if not names:
        raise scanner.error(f"expected a field to group by, found {scanner.found()}")
    return tuple(names)


def by_name(scanner: Scanner, names: Container[str]) -> str:
    """Read a field of `by` that is none of the names before it."""
    scanner.skip()
    start = scanner.pos
    name = scanner.name("a field to group by")
    if "*" in name:
        raise scanner.error("a wildcard in by", scanner.span_from(start))
    if name in names:
        raise scanner.error(f"the field {name!r} twice in by", scanner.span_from(start))
    return name


def read_aggregate(scanner: Scanner, command: str, into: list[Aggregate]) -> None:
    """Read one statistic, its `as`, and the comma after it."""
    scanner.skip()
    start = scanner.pos
    match = _FUNCTION.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected a statistic, found {scanner.found()}")
    written = match.group(0)
    function, percent = _function(scanner, command, written)
    scanner.pos = match.end()
    argument: str | Expression | None = None
    if scanner.accept("("):
        argument = _argument(scanner)
        scanner.expect(")", f"to close {written}")
    elif function != "count":
        raise scanner.error(f"{written} without a field", Span(start, len(written)), f"write {written}(field)")
    default = "".join(scanner.text[start : scanner.pos].split()) if argument is not None else written
    span = scanner.span_from(start)
    name = default
    wild = argument.count("*") if isinstance(argument, str) else 0
    if wild > 1:
        raise scanner.error("more than one wildcard in the field of a statistic", span)
    if scanner.accept_word("as"):
        name = scanner.title("a name")
        if name.count("*") != wild:
            raise scanner.error(
                "a wildcard in the name of a statistic"
                if "*" in name
                else "one name for the statistics of many fields",
                span,
                "field and name have one * each, or none",
            )
    elif isinstance(argument, str):
        name = f"{written}({argument})"
    if not wild and name in (aggregate.name for aggregate in into):
        raise scanner.error(f"two statistics with the name {name!r}", span, "rename one with as")
    into.append(Aggregate(function, argument, name, percent, span))
    scanner.accept(",")


def _function(scanner: Scanner, command: str, written: str) -> tuple[str, float | None]:
    lower = written.lower()
    span = Span(scanner.pos, len(written))
    if function := FUNCTIONS.get(lower):
        if function in _STATS_ONLY and command != "stats":
            raise scanner.error(f"the statistic {written} in {command}", span, "it is one of stats")
        return function, None
    if match := _PERCENTILE.fullmatch(lower):
        percent = float(match.group(2))
        if not 0 <= percent <= 100:  # noqa: PLR2004
            raise scanner.error(f"a percentile of {match.group(2)}", span, "between 0 and 100")
        return "exactperc" if match.group(1) == "exactperc" else "percentile", percent
    if _UNSUPPORTED.fullmatch(lower):
        raise scanner.error(f"the statistic {written} is not supported", span)
    raise scanner.error(f"unknown statistic {written!r} in {command}", span, suggest(lower, FUNCTIONS))


def _argument(scanner: Scanner) -> str | Expression | None:
    """Read what stands between the brackets of a statistic: nothing, a field, or `eval(...)`."""
    if scanner.peek() == ")":
        return None
    start = scanner.pos
    if scanner.word() == "eval":
        scanner.pos += len("eval")
        if scanner.accept("("):
            expression = parse_expression(scanner)
            scanner.expect(")", "to close eval")
            return expression
        scanner.pos = start
    if scanner.peek() == "'":
        raise scanner.error("a field name in single quotes", hint="use double quotes, or eval('a b')")
    return scanner.name("a field")
