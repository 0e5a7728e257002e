"""Commands that look back at rows before: `accum`, `delta`, `autoregress`.

delta count as more p=2  ──>  Delta("count", "more", 2)
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import read_name
from converter.targets.splunk.engine.commands.row_values import exact_sum, total_of
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import number_of, put

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_STEPS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_MOST_STEPS = 10_000
_MOST_RANGE = 1_000


@dataclass(frozen=True, slots=True)
class Accum(CommandNode):
    """`accum field as target`: a running total."""

    field: str
    target: str


@dataclass(frozen=True, slots=True)
class Delta(CommandNode):
    """`delta field as target p=N`: the difference to the row N before."""

    field: str
    target: str
    distance: int


@dataclass(frozen=True, slots=True)
class AutoRegress(CommandNode):
    """`autoregress field p=first-last`: values of rows before, each in a field of its own."""

    field: str
    targets: tuple[tuple[int, str], ...]


def _read_accum(scanner: Scanner, span: Span) -> Accum:
    """Read `accum field as target`."""
    name = read_name(scanner, span, "accum")
    return Accum(name, scanner.name("a name") if scanner.accept_word("as") else name)


def _compile_accum(command: Accum, _context: SearchContext) -> Stage:
    """Write the running total of a field; a row whose value is not a number stays as it is."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        total = Fraction(0)
        for row in rows:
            number = None if type(value := row.get(command.field)) is list else number_of(value)
            if number is not None:
                total += Fraction(number)
                put(row, command.target, total_of(total))
            yield row

    return run


def _read_delta(scanner: Scanner, span: Span) -> Delta:
    """Read `delta field as target p=N`."""
    name = read_name(scanner, span, "delta")
    target, steps = _target_and_steps(scanner, DELTA)
    first, last = steps
    if first != last:
        raise scanner.error("a range of p in delta", span, "p is one number")
    return Delta(name, f"delta({name})" if target is None else target, first)


def _compile_delta(command: Delta, _context: SearchContext) -> Stage:
    """Write the difference to the value some rows before; rows whose value is not a number count as rows."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        before: deque[float | None] = deque(maxlen=command.distance)
        for row in rows:
            number = None if type(value := row.get(command.field)) is list else number_of(value)
            if len(before) == command.distance and number is not None and (past := before[0]) is not None:
                put(row, command.target, exact_sum([number, -past]))
            before.append(number)
            yield row

    return run


def _read_autoregress(scanner: Scanner, span: Span) -> AutoRegress:
    """Read `autoregress field as target p=first-last`."""
    name = read_name(scanner, span, "autoregress")
    target, (first, last) = _target_and_steps(scanner, AUTOREGRESS)
    if target is not None and first != last:
        raise scanner.error("one name for several values in autoregress", span, "leave out as, or the range of p")
    steps = range(first, last + 1)
    return AutoRegress(name, tuple((step, f"{name}_p{step}" if target is None else target) for step in steps))


def _compile_autoregress(command: AutoRegress, _context: SearchContext) -> Stage:
    """Copy the values of rows before."""
    longest = max(step for step, _ in command.targets)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        before: deque[Any] = deque(maxlen=longest)
        for row in rows:
            value = row.get(command.field)
            for step, target in command.targets:
                if step <= len(before) and (past := before[-step]) is not None:
                    row[target] = past
            before.append(value)
            yield row

    return run


def _target_and_steps(scanner: Scanner, command: Command[Any]) -> tuple[str | None, tuple[int, int]]:
    """Read `as name` and `p=N` or `p=N-M`, in any order."""
    target: str | None = None
    steps = (1, 1)
    while not scanner.at_command_end():
        start = scanner.offset
        match command.option(scanner):
            case "p":
                text = scanner.value("a number of rows")
                match = _STEPS.fullmatch(text)
                first = int(match.group(1)) if match else 0
                last = int(match.group(2) or first) if match else 0
                if not 0 < first <= last <= _MOST_STEPS or last - first > _MOST_RANGE:
                    raise scanner.error(f"expected a number of rows, found {text!r}", scanner.span(start))
                steps = (first, last)
            case "" if target is None and scanner.accept_word("as"):
                target = scanner.name("a name")
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in {command.name}")
    return target, steps


ACCUM = Command("accum", _read_accum, _compile_accum, (Accum,), arguments="a field, and `as` with a name")
DELTA = Command(
    "delta", _read_delta, _compile_delta, (Delta,), arguments="a field, and `as` with a name", options=("p",)
)
AUTOREGRESS = Command(
    "autoregress",
    _read_autoregress,
    _compile_autoregress,
    (AutoRegress,),
    aliases=("ar",),
    arguments="a field, and `as` with a name",
    options=("p",),
)

COMMANDS: tuple[Command[Any], ...] = (ACCUM, DELTA, AUTOREGRESS)
