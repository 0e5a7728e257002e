"""The matrix of `test` as text: cases down, targets across, then what needs words.

Matrix ──> table of each suite ──> refusals, notes, differences with the smallest window ──> counts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.reference.time import format_time
from converter.report.alerts import shortened, to_json
from converter.report.console import Style, printable
from converter.report.matrix_json import group_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.harness.compare import Difference, Side
    from converter.harness.matrix import CaseResult, Matrix, SuiteResult
    from converter.harness.outcome import Cell, CellKind, Column
    from converter.harness.replay import ShownEvent, Smallest
    from converter.plan.nodes import Plan
    from converter.report.console import Colour

_NAME_WIDTH = 56
_SHOWN_DIFFERENCES = 5
_SHOWN_EVENTS = 5
_GAP = "  "
_WORDS: Mapping[CellKind, tuple[str, tuple[Colour, ...]]] = {
    "agree": ("agree", ("green",)),
    "bounded": ("bounded", ("cyan",)),
    "assumption": ("assumption", ("cyan",)),
    "divergence": ("divergence", ("yellow",)),
    "refused": ("refused", ("dim",)),
    "stale": ("STALE", ("red", "bold")),
    "disagree": ("DISAGREE", ("red", "bold")),
    "error": ("ERROR", ("red", "bold")),
}
_SIDES: Mapping[Side, str] = {"missed": "missed", "extra": "extra alert", "doubled": "doubled"}
_COUNTED: Mapping[CellKind, str] = {
    "agree": "agree",
    "bounded": "differ within a stated bound",
    "assumption": "differ where a stated assumption is broken",
    "divergence": "diverge as declared",
    "refused": "refused",
    "stale": "with a declaration that no longer holds",
    "disagree": "disagree",
    "error": "in error",
}


def matrix_text(matrix: Matrix, style: Style | None = None) -> str:
    """Return the whole report."""
    style = style or Style()
    lines: list[str] = []
    for suite in matrix.suites:
        lines.extend(_suite(suite, style))
        lines.append("")
    lines.extend(_summary(matrix, style))
    return "\n".join(lines) + "\n"


def _suite(suite: SuiteResult, style: Style) -> Iterator[str]:
    yield style.paint(printable(str(suite.suite.path)), "bold")
    yield f"rules: {', '.join(printable(plan.meta.key) for plan in suite.plans) or 'none'}"
    yield ""
    yield from _table(suite, style)
    yield from _columns(suite.columns)
    plans = {plan.meta.key: plan for plan in suite.plans}
    for case in suite.cases:
        yield from _case(case, plans, style)


# ------------------------------------------------------------------------------------------------------------ table


def _table(suite: SuiteResult, style: Style) -> Iterator[str]:
    heads = [_head(column) for column in suite.columns]
    reference = ["reference", ""]
    height = max((len(head) for head in heads), default=2)
    columns = [[""] * (height - len(head)) + head for head in [reference, *heads]]
    words = [[_reference_word(case), *(_WORDS[cell.kind][0] for cell in case.cells)] for case in suite.cases]
    widths = [
        max([len(line) for line in column] + [len(row[at]) for row in words]) for at, column in enumerate(columns)
    ]
    names = [_cut(printable(case.case.name)) for case in suite.cases]
    left = max(map(len, names), default=0)
    for line in range(height):
        cells = [column[line].ljust(width) for column, width in zip(columns, widths, strict=True)]
        yield (" " * left + _GAP + _GAP.join(cells)).rstrip()
    for name, case, row in zip(names, suite.cases, words, strict=True):
        colours: list[tuple[Colour, ...]] = [("red", "bold") if case.unmet else ()]
        colours.extend(_WORDS[cell.kind][1] for cell in case.cells)
        painted = [
            style.paint(word, *colour) + " " * (width - len(word))
            for word, colour, width in zip(row, colours, widths, strict=True)
        ]
        yield (name.ljust(left) + _GAP + _GAP.join(painted)).rstrip()


def _head(column: Column) -> list[str]:
    """Return the name of a target over several lines, and its verdict below."""
    name = str(column.name)
    parts = name.split(":")
    lines = [parts[0], *(f":{part}" for part in parts[1:])]
    return [*lines, f"({column.verdict})"]


def _reference_word(case: CaseResult) -> str:
    if case.unmet is not None:
        return "UNEXPECTED"
    return {0: "none", 1: "1 alert"}.get(case.alerts, f"{case.alerts} alerts")


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else name[: _NAME_WIDTH - 1] + "…"


def _columns(columns: Sequence[Column]) -> Iterator[str]:
    """Say once what holds for all cases: what queries assume, how they differ, and what targets refuse."""
    said: dict[str, dict[str, None]] = {}
    for column in columns:
        for query in column.queries.values():
            bound, limit = query.verdict.bound, query.verdict.limit
            notes = [("differs", bound.says)] if bound is not None else []
            notes += [("limit", limit.says)] if limit is not None else []
            notes += [("assumes", assumption.says) for assumption in query.verdict.assumptions]
            notes += [("warning", warning) for warning in query.warnings]
            for kind, text in notes:
                said.setdefault(f"{kind}: {printable(text)}", {})[str(column.name)] = None
    refused = [
        line
        for column in columns
        for refusal in column.refusals
        for line in _indented(f"{column.name}: {refusal.rule}: {refusal.construct}: {refusal.message}")
    ]
    live = [f"{column.name}: run by {printable(column.live)}" for column in columns if column.live]
    if said or refused or live:
        yield ""
    yield from live
    for text, names in said.items():
        yield f"{', '.join(names)}: {text}"
    yield from refused


def _indented(text: str) -> list[str]:
    first, *rest = text.split("\n")
    return [first, *(f"  {line}" for line in rest)]


# ---------------------------------------------------------------------------------------------------------- details


def _case(case: CaseResult, plans: Mapping[str, Plan], style: Style) -> Iterator[str]:
    place = f"{case.case.place.name}:{case.case.place.line}"
    if case.unmet is not None:
        yield ""
        yield style.paint(f"UNEXPECTED  {printable(case.case.name)}  reference", "red", "bold")
        yield f"  {printable(case.unmet)}"
        yield f"  case: {place}"
    for cells in _alike(case.cells):
        cell = cells[0]
        word, colours = _WORDS[cell.kind]
        yield ""
        yield style.paint(
            f"{word}  {printable(case.case.name)}  {', '.join(alike.target for alike in cells)}", *colours
        )
        for note in cell.notes:
            yield from (f"  {line}" for line in _indented(note))
        yield from _differences(cell, plans)
        if cell.smallest is not None:
            yield from _smallest(cell.smallest, in_full=cell.failed)
        if cell.failed:
            for alike in cells:
                if alike.query is not None:
                    yield f"  query of {alike.target}:"
                    yield from (f"    {line}" for line in alike.query.text.rstrip("\n").split("\n"))
            yield f"  case: {place}"


def _alike(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells that need words, those with the same words together."""
    found: list[list[Cell]] = []
    for cell in cells:
        if cell.kind in {"agree", "refused"}:
            continue
        for others in found:
            other = others[0]
            if (cell.kind, cell.notes, cell.differences, cell.smallest) == (
                other.kind,
                other.notes,
                other.differences,
                other.smallest,
            ):
                others.append(cell)
                break
        else:
            found.append([cell])
    return found


def _differences(cell: Cell, plans: Mapping[str, Plan]) -> Iterator[str]:
    for difference in cell.differences[:_SHOWN_DIFFERENCES]:
        yield f"  {_difference(difference, plans[difference.rule])}"
    left_out = len(cell.differences) - _SHOWN_DIFFERENCES
    if left_out > 0:
        yield f"  ... and {left_out} more differences"


def _difference(difference: Difference, plan: Plan) -> str:
    group = group_of(difference, plan)
    what = _SIDES[difference.side]
    if group is None:
        times = f", {difference.query} times" if difference.side == "doubled" else ""
        when = f" at {format_time(difference.first)}" if difference.first is not None else ""
        text = f"{what}: event {printable(', '.join(difference.events))}{when}{times}"
    else:
        values = ", ".join(f"{name}={value}" for name, value in group.items()) or "all events"
        count = f", {len(difference.events)} events" if difference.events else ""
        text = f"{what}: {printable(values)}: {_times(difference)}{count}"
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
    named = shortened([phase for phase in difference.phases if phase])
    return f"; in {len(difference.phases)} of {difference.of_phases} phases ({named})"


def _alerts(count: int) -> str:
    return {0: "none", 1: "1 alert"}.get(count, f"{count} alerts")


def _smallest(smallest: Smallest, *, in_full: bool) -> Iterator[str]:
    """Show the events; of a declared divergence only which ones they are."""
    events = smallest.events
    count = len(events)
    yield f"  smallest log that shows it: {count} of {smallest.of_events} events"
    shared = _shared(events)
    if shared:
        yield f"    all: {_fields(shared)}"
    if not in_full and count > 1:
        times = [event.time for event in events if event.time is not None]
        if times:
            yield f"    {format_time(min(times))} to {format_time(max(times))}"
        yield f"    {shortened([printable(event.id) for event in events])}"
        return
    if count <= 2 * _SHOWN_EVENTS + 1:
        yield from (_event(event, shared) for event in events)
        return
    yield from (_event(event, shared) for event in events[:_SHOWN_EVENTS])
    yield f"    ... {count - 2 * _SHOWN_EVENTS} more ..."
    yield from (_event(event, shared) for event in events[-_SHOWN_EVENTS:])


def _shared(events: Sequence[ShownEvent]) -> dict[str, object]:
    """Return the fields that have one value in all of several events."""
    first, *rest = events
    if not rest:
        return {}
    return {
        name: value
        for name, value in first.fields.items()
        if all(name in event.fields and event.fields[name] == value for event in rest)
    }


def _event(event: ShownEvent, shared: Mapping[str, object]) -> str:
    time = format_time(event.time) if event.time is not None else "no time"
    own = {name: value for name, value in event.fields.items() if name not in shared}
    return f"    {printable(event.id)}  {time}  {_fields(own)}".rstrip()


def _fields(fields: Mapping[str, object]) -> str:
    return " ".join(
        f"{name}={printable(value) if isinstance(value, str) else to_json(value)}" for name, value in fields.items()
    )


# ---------------------------------------------------------------------------------------------------------- summary


def _summary(matrix: Matrix, style: Style) -> Iterator[str]:
    cells = sum(matrix.counts.values())
    cases = "1 case" if matrix.cases == 1 else f"{matrix.cases} cases"
    replays = "1 replay" if cells == 1 else f"{cells} replays"
    yield f"{cases}, {replays} in {matrix.seconds:.1f} s"
    for kind, count in matrix.counts.items():
        if count:
            yield style.paint(f"  {count:>5} {_COUNTED[kind]}", *_WORDS[kind][1])
    found = ", ".join(f"{count} {_SIDES[side]}" for side, count in matrix.differences.items() if count)
    if found:
        yield f"  differences: {found}"
    if matrix.scheduled:
        yield f"  schedules: {_scheduled(matrix)}"
    if matrix.unexpected:
        yield style.paint(f"  {matrix.unexpected:>5} where the reference itself is not as expected", "red", "bold")
    word: tuple[str, Colour] = ("FAILED", "red") if matrix.failed else ("ok", "green")
    yield style.paint(word[0], word[1], "bold")


def _scheduled(matrix: Matrix) -> str:
    replays = "1 replay" if matrix.scheduled == 1 else f"{matrix.scheduled} replays"
    missed, doubled = (matrix.schedule_findings[side] for side in ("missed", "doubled"))
    return f"{replays} at {matrix.phases} phases: {missed or 'none'} missed, {doubled or 'none'} doubled"
