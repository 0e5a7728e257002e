"""The statistics in the arguments of a command.

count as n, dc(eval(if(a=1,b,null()))) as d  ──>  Aggregate("count", None, "n"), Aggregate("dc", Call("if", ...), "d")
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.errors import suggest
from converter.readers.source import NOWHERE, Span
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.statistics import PERCENTILES, STATISTICS, UNSUPPORTED
from converter.targets.splunk.engine.statistics.accumulators import percentile_statistic

if TYPE_CHECKING:
    from collections.abc import Container

    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression
    from converter.targets.splunk.engine.statistics.accumulators import Statistic

_PERCENTILE = re.compile(rf"({'|'.join(PERCENTILES)})([0-9]{{1,9}}(?:\.[0-9]{{1,15}})?)")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

# What commands of statistics take, and what they refuse.
STATISTICS_AND_BY = "statistics such as `count as name`, and `by` with fields"
ALLNUM = "the option allnum"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function(argument) as name`; `percent` is the number of a percentile.

    A field as argument may hold one `*`, for every field of such a name; then the `*` of the name is what it stood for.
    """

    function: str
    argument: str | Expression | None
    name: str
    percent: float | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)

    @property
    def statistic(self) -> Statistic:
        """What computes it."""
        if self.percent is None:
            return STATISTICS[self.function]
        return percentile_statistic(self.percent, exact=self.function == "exactperc")


def refuse_allnum(scanner: Scanner, start: int) -> None:
    """Read the value of `allnum`, which stands at `start`.

    Raises:
        QueryError: it is true.
    """
    if scanner.boolean("allnum"):
        raise scanner.error(f"{ALLNUM} is not supported", scanner.span(start))


def read_by(scanner: Scanner) -> tuple[str, ...]:
    """Read the fields of `by`; an option of streamstats may follow them."""
    names: list[str] = []
    while not scanner.at_command_end():
        start = scanner.offset
        if scanner.option():
            scanner.offset = start
            break
        names.append(read_by_name(scanner, names))
        scanner.accept(",")
    if not names:
        raise scanner.error(f"expected a field to group by, found {scanner.describe()}")
    return tuple(names)


def read_by_name(scanner: Scanner, names: Container[str]) -> str:
    """Read a field of `by` that is none of the names before it."""
    scanner.skip()
    start = scanner.offset
    name = scanner.name("a field to group by")
    if "*" in name:
        raise scanner.error("a wildcard in by", scanner.span(start))
    if name in names:
        raise scanner.error(f"the field {name!r} twice in by", scanner.span(start))
    return name


def read_aggregate(scanner: Scanner, command: str, into: list[Aggregate]) -> None:
    """Read one statistic, its `as`, and the comma after it."""
    scanner.skip()
    start = scanner.offset
    match = _FUNCTION.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected a statistic, found {scanner.describe()}")
    written = match.group(0)
    function, percent = _function(scanner, command, written)
    scanner.offset = match.end()
    argument: str | Expression | None = None
    if scanner.accept("("):
        argument = _argument(scanner)
        scanner.expect(")", f"to close {written}")
    elif function != "count":
        raise scanner.error(f"{written} without a field", Span(start, start + len(written)), f"write {written}(field)")
    default = "".join(scanner.text[start : scanner.offset].split()) if argument is not None else written
    span = scanner.span(start)
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
    span = Span(scanner.offset, scanner.offset + len(written))
    if statistic := STATISTICS.get(lower):
        if command in statistic.absent:
            raise scanner.error(f"the statistic {written} in {command}", span, "it is one of stats")
        return statistic.name, None
    if match := _PERCENTILE.fullmatch(lower):
        percent = float(match.group(2))
        if not 0 <= percent <= 100:  # noqa: PLR2004
            raise scanner.error(f"a percentile of {match.group(2)}", span, "between 0 and 100")
        return "exactperc" if match.group(1) == "exactperc" else "percentile", percent
    if lower in UNSUPPORTED:
        raise scanner.error(f"the statistic {written} is not supported", span)
    raise scanner.error(f"unknown statistic {written!r} in {command}", span, suggest(lower, STATISTICS))


def _argument(scanner: Scanner) -> str | Expression | None:
    """Read what stands between the brackets of a statistic: nothing, a field, or `eval(...)`."""
    if scanner.peek() == ")":
        return None
    start = scanner.offset
    if scanner.word() == "eval":
        scanner.offset += len("eval")
        if scanner.accept("("):
            expression = parse_expression(scanner)
            scanner.expect(")", "to close eval")
            return expression
        scanner.offset = start
    if scanner.peek() == "'":
        raise scanner.error("a field name in single quotes", hint="use double quotes, or eval('a b')")
    return scanner.name("a field")
