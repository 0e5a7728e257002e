"""The details of a case of `test`: the differences of each target, and the smallest log that shows one.

CaseResult ──> cells that do not agree, those with the same details together ──> Line, Pointer
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.reference.time import format_time
from converter.report.alerts import plain_value, shortened
from converter.report.layout import Line, message
from converter.report.matrix_json import group_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.harness.compare import Difference, Side
    from converter.harness.matrix import CaseResult
    from converter.harness.outcome import Cell
    from converter.harness.policy import CellKind
    from converter.harness.replay import Broken
    from converter.harness.smallest import ShownEvent, Smallest
    from converter.plan.nodes import Plan
    from converter.report.layout import Item

# The word for each result of a cell, and its style where it does not fail.
_RESULTS: Mapping[CellKind, tuple[str, str]] = {
    "agree": ("agree", "green"),
    "bounded": ("bounded", "cyan"),
    "divergence": ("divergence", "yellow"),
    "refused": ("refused", "dim"),
    "assumption": ("assumption", "cyan"),
    "unjudged": ("unjudged", "yellow"),
    "stale": ("stale", "yellow"),
    "changed": ("changed", "yellow"),
    "disagree": ("disagree", "yellow"),
    "error": ("error", "yellow"),
}
_SIDES: Mapping[Side, str] = {"missed": "missed", "extra": "extra alert", "doubled": "doubled"}
_SHOWN_DIFFERENCES = 5
_SHOWN_EVENTS = 5
_SHOWN_ASSUMPTIONS = 3


def word_of(kind: CellKind, *, failed: bool) -> tuple[str, str]:
    """Return the word for a result of a cell and its style; what fails is red and in capitals."""
    word, style = _RESULTS[kind]
    return (word.upper(), "bold red") if failed else (word, style)


def case_details(case: CaseResult, plans: Mapping[str, Plan]) -> Iterator[Item]:
    """Yield the details of a case below its row in the table.

    Args:
        case: the case and its cells.
        plans: the rules by their keys.
    """
    place = Line(f"case: {case.case.place.name}:{case.case.place.line}", indent=2)
    if case.error is not None:
        yield Line("")
        yield Line(f"ERROR  {case.case.name}  reference", "bold red")
        yield from message(case.error.render(), indent=2)
        return
    if case.unmet is not None:
        yield Line("")
        yield Line(f"UNEXPECTED  {case.case.name}  reference", "bold red")
        yield Line(case.unmet, indent=2)
        yield place
    for cells in alike_cells(
        (cell for cell in case.cells if cell.kind != "refused" and (cell.kind != "agree" or cell.notes)), plans
    ):
        _, style = word_of(cells[0].kind, failed=cells[0].failed)
        yield Line("")
        yield Line(f"{head_of(cells[0])}  {case.case.name}  {', '.join(cell.target for cell in cells)}", style)
        yield from cell_details(cells[0], plans)
        if cells[0].failed:
            yield from _queries(cells)
            yield place


def alike_cells(cells: Iterable[Cell], plans: Mapping[str, Plan]) -> list[list[Cell]]:
    """Return the cells in groups whose details are equal."""
    alike: dict[tuple[CellKind, bool, tuple[Item, ...]], list[Cell]] = {}
    for cell in cells:
        alike.setdefault((cell.kind, cell.failed, tuple(cell_details(cell, plans))), []).append(cell)
    return list(alike.values())


def head_of(cell: Cell) -> str:
    """Return the result of a cell, as above its details."""
    word, _ = word_of(cell.kind, failed=cell.failed)
    return f"{word} BROKEN" if cell.kind == "assumption" and cell.failed else word


def cell_details(cell: Cell, plans: Mapping[str, Plan]) -> Iterator[Item]:
    """Yield what can be said of a cell without naming its target."""
    for note in cell.notes:
        yield from message(note, indent=2)
    yield from _broken(cell.broken)
    yield from _differences(cell, plans)
    if cell.smallest is not None:
        yield from _smallest(cell.smallest, in_full=cell.failed)


def _broken(broken: Sequence[Broken]) -> Iterator[Line]:
    """Yield the broken assumptions, those that the same events break together."""
    by_events: dict[tuple[str, ...], list[Broken]] = {}
    for item in broken:
        by_events.setdefault(item.events, []).append(item)
    for events, items in by_events.items():
        count = "1 event" if len(events) == 1 else f"{len(events)} events"
        of_them = "an assumption" if len(items) == 1 else f"{len(items)} assumptions"
        verb = "breaks" if len(events) == 1 else "break"
        yield Line(f"{count} ({shortened(events)}) {verb} {of_them}:", indent=2)
        for item in items[:_SHOWN_ASSUMPTIONS]:
            yield Line(item.message, indent=4)
            if item.advice:
                yield Line(f"hint: {item.advice}", indent=6)
        if len(items) > _SHOWN_ASSUMPTIONS:
            yield Line(f"... and {len(items) - _SHOWN_ASSUMPTIONS} more", indent=4)


def _queries(cells: Sequence[Cell]) -> Iterator[Line]:
    """Yield the first query: those of the other cells differ from the rule in the same way.

    Where the assumptions that the log breaks say enough, there is no smallest log, and the query is left out.
    """
    having = [cell for cell in cells if cell.query is not None]
    if not having or having[0].query is None or (having[0].broken and having[0].smallest is None):
        return
    yield Line(f"query of {having[0].target}:", indent=2)
    for line in having[0].query.text.rstrip("\n").split("\n"):
        yield Line(line, indent=4, wraps=False)
    if having[1:]:
        yield Line(f"`--format json` has those of {', '.join(cell.target for cell in having[1:])}", indent=2)


def _differences(cell: Cell, plans: Mapping[str, Plan]) -> Iterator[Line]:
    for difference in cell.differences[:_SHOWN_DIFFERENCES]:
        yield Line(_difference(difference, plans[difference.rule]), indent=2)
    left_out = len(cell.differences) - _SHOWN_DIFFERENCES
    if left_out > 0:
        yield Line(f"... and {left_out} more differences", indent=2)


def _difference(difference: Difference, plan: Plan) -> str:
    group = group_of(difference, plan)
    side = _SIDES[difference.side]
    if group is None:
        times = f", {difference.query} times" if difference.side == "doubled" else ""
        when = f" at {format_time(difference.first)}" if difference.first is not None else ""
        text = f"{side}: event {', '.join(difference.events)}{when}{times}"
    else:
        values = ", ".join(f"{name}={value}" for name, value in group.items()) or "all events"
        count = f", {len(difference.events)} events" if difference.events else ""
        text = f"{side}: {values}: {_times(difference)}{count}"
        if difference.side == "doubled":
            text += f"; {_alerts(difference.query)} of this episode"
        else:
            text += f"; reference {_alerts(difference.reference)}, target {_alerts(difference.query)}"
    return text + _phases(difference)


def _times(difference: Difference) -> str:
    if difference.first is None or difference.last is None:
        return "no time"
    seconds = (difference.last - difference.first) / 1e9
    return f"{format_time(difference.first)} to {format_time(difference.last)} ({seconds:g} s)"


def _phases(difference: Difference) -> str:
    if difference.of_phases == 1:
        return ""
    if len(difference.phases) == difference.of_phases:
        return f"; in all {difference.of_phases} phases"
    phases = shortened([phase for phase in difference.phases if phase])
    return f"; in {len(difference.phases)} of {difference.of_phases} phases ({phases})"


def _alerts(count: int) -> str:
    return {0: "none", 1: "1 alert"}.get(count, f"{count} alerts")


# ---------------------------------------------------------------------------------------------- the smallest log


def _smallest(smallest: Smallest, *, in_full: bool) -> Iterator[Line]:
    """Yield the events; of a declared divergence only their times and ids."""
    events = smallest.events
    count = len(events)
    yield Line(f"smallest log that shows it: {count} of {smallest.of_events} events", indent=2)
    shared = _shared(events)
    if shared:
        yield Line(f"all: {_fields(shared)}", indent=4)
    if not in_full and count > 1:
        times = [event.time for event in events if event.time is not None]
        if times:
            yield Line(f"{format_time(min(times))} to {format_time(max(times))}", indent=4)
        yield Line(shortened([event.id for event in events]), indent=4)
        return
    if count <= 2 * _SHOWN_EVENTS + 1:
        yield from (_event(event, shared) for event in events)
        return
    yield from (_event(event, shared) for event in events[:_SHOWN_EVENTS])
    yield Line(f"... {count - 2 * _SHOWN_EVENTS} more ...", indent=4)
    yield from (_event(event, shared) for event in events[-_SHOWN_EVENTS:])


def _shared(events: Sequence[ShownEvent]) -> dict[str, object]:
    """Return the fields that have the same value in all of several events."""
    first, *rest = events
    if not rest:
        return {}
    return {
        name: value
        for name, value in first.fields.items()
        if all(name in event.fields and event.fields[name] == value for event in rest)
    }


def _event(event: ShownEvent, shared: Mapping[str, object]) -> Line:
    time = format_time(event.time) if event.time is not None else "no time"
    own = {name: value for name, value in event.fields.items() if name not in shared}
    return Line(f"{event.id}  {time}  {_fields(own)}".rstrip(), indent=4)


def _fields(fields: Mapping[str, object]) -> str:
    return " ".join(f"{name}={plain_value(value)}" for name, value in fields.items())
