"""Sliding windows: what a correlation measures at each row, as commands, and whether the window is satisfied.

    Rows ──streamstats──> columns ──> Judged: a condition, and at which rows it may be looked at

No command of SPL has a closed window of time without a limit on its events. What is used instead:

- a number of events N: the times of the last N rows of a group, `streamstats window=N`;
- whether and when something happened: the greatest time so far (of stages in order, see `emitter.stages`);
- different values: each value counts from its event until the timespan has passed, so a second row takes it away;
- sums, counts and extremes: a window [t-T, t] is the end of one block of length T, from t-T on, and the beginning of
  the next, up to t. A second row at t-T gathers the former on a pass back in time, the latter comes with a pass forth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.targets.core.emission import refused
from converter.targets.splunk.emitter.limits import at_least, compared, met, scaled, steps_of
from converter.targets.splunk.emitter.quoting import number_text
from converter.targets.splunk.emitter.stages import in_order
from converter.verdicts.log_assumptions import EXACT_DOUBLE, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.errors import Place
    from converter.targets.splunk.emitter.rows import Rows, Search

MAX_WINDOW = 10_000
_MEDIAN = 50


@dataclass(frozen=True, slots=True)
class Judged:
    """When a window is satisfied.

    Attributes:
        condition: for `if`; null counts as false.
        every: whether any row of a time may tell; else only the last one, as a later one may undo it.
        member: a condition for the rows that are members, if not all are.
        measure: of a range, an expression for the measure of a satisfied window; else empty.
    """

    condition: str
    every: bool = True
    member: str = ""
    measure: str = ""


def judged(plan: ir.Correlation, rows: Rows, search: Search) -> Judged:
    """Write what the windows of a correlation measure.

    Raises:
        RefusedError: a limit that cannot be compared with exactly.
    """
    match plan.measure:
        case ir.EventCount():
            return _events(plan, rows, search)
        case ir.ValueCount():
            return _values(plan, rows, search)
        case ir.ValueSum():
            return _sum(plan, rows, search)
        case ir.ValueAvg():
            return _mean(plan, rows, search)
        case ir.ValuePercentile(_, percent):
            return _percentile(plan, rows, search, percent)
        case ir.ValueMedian():
            return _percentile(plan, rows, search, _MEDIAN)
        case ir.Temporal(expr):
            return _temporal(plan, rows, search, expr)
        case ir.TemporalOrdered(stages):
            return Judged(in_order(plan, rows, search, stages))
        case _:
            assert_never(plan.measure)


def _events(plan: ir.Correlation, rows: Rows, search: Search) -> Judged:
    """Compare the times of the last N rows, where N is the lower limit, and where the answer of another one changes."""
    count = at_least(plan.window_limits)
    steps = [step for step in steps_of(plan.peak_limits) if step > count]
    if max(count, *steps, 0) > MAX_WINDOW:
        kind, (total,) = _gathered(plan, rows, search, [_Statistic("count")])
        return _of_totals(kind, f"{total}>={count}", total if plan.is_range else "")
    search.add("sort 0 _time")
    condition, *reached = [_reached(size, plan, rows, search) for size in (count, *steps)]
    if not plan.is_range:
        return Judged(condition)
    cases = "".join(f"{test},{step}," for test, step in reversed(list(zip(reached, steps, strict=True))))
    return Judged(condition, measure=f"case({cases}true(),{count})")


def _reached(count: int, plan: ir.Correlation, rows: Rows, search: Search) -> str:
    """Write the times of the last rows, and return the condition that so many lie within the timespan."""
    counted, first = search.column("count"), search.column("start")
    search.add(f"streamstats window={count} global=f count as {counted} min(_time) as {first}{rows.by}")
    return f"{counted}={count} AND round(_time-{first},6)<={plan.timespan}"


def _values(plan: ir.Correlation, rows: Rows, search: Search) -> Judged:
    """Count a value from its event to the next one of that value, or until the timespan has passed.

    The kinds of rows are in order of what comes first at one time: 0 takes a value away because its next event is
    there, 1 is an event, 2 takes a value away just after its time has passed.
    """
    following, kind, at, count = (search.column(name) for name in ("next", "kind", "at", "count"))
    span = plan.timespan
    kinds = f'if(isnull({following}) OR round({following}-_time,6)>{span},"1 2","0 1")'
    if rows.others:
        kinds = f'if(isnull({rows.keys[0]}),"1",{kinds})'
    cases = f'case({kind}="0",{following},{kind}="1",_time,{kind}="2",_time+{span})'
    search.add(
        "sort 0 -_time",
        f"streamstats window=1 current=f global=f last(_time) as {following}{rows.by_with(*rows.values)}",
        f'eval {kind}=split({kinds}," ")',
    )
    search.add(
        f"mvexpand {kind}",
        f"eval {at}=round({cases},6)",
        f"sort 0 {at} {kind}",
        f'streamstats window=0 sum(eval(if({kind}="1",1,-1))) as {count}{rows.by}',
        f'where {kind}="1"',
    )
    condition = met(count, plan.window_limits, plan.places.get("condition"))
    return Judged(condition, measure=count if plan.is_range else "")


def _temporal(plan: ir.Correlation, rows: Rows, search: Search, expr: ir.Occurrence | None) -> Judged:
    """Compare the last time at which each rule matched with the beginning of the window."""
    flags = dict.fromkeys(rows.flags)
    last = {flag: search.column(f"last_{number}") for number, flag in enumerate(flags, 1)}
    seen = ", ".join(f"max(eval(if({flag},_time,null()))) as {column}" for flag, column in last.items())
    search.add("sort 0 _time", f"streamstats window=0 {seen}{rows.by}")
    tests = [f"round(_time-{last[flag]},6)<={plan.timespan}" for flag in rows.flags]
    if expr is not None:
        flagged = [f"if({test},1,0)=1" for test in tests]  # never null, so that NOT is two-valued
        return Judged(_occurs(expr, flagged, inside=False), every=monotone(expr))
    needs_all = ir.rising(plan.limits) and at_least(plan.limits) == len(tests)
    if needs_all:
        return Judged(" AND ".join(dict.fromkeys(tests)))
    found_column = search.column("found")
    search.add(f"eval {found_column}={'+'.join(f'if({test},1,0)' for test in tests)}")
    return Judged(met(found_column, plan.limits, plan.places.get("condition")), every=ir.rising(plan.limits))


def _occurs(expr: ir.Occurrence, tests: Sequence[str], *, inside: bool) -> str:
    match expr:
        case ir.Occurs(rule):
            return tests[rule]
        case ir.AllOf(items):
            text = " AND ".join(_occurs(item, tests, inside=True) for item in items)
        case ir.AnyOf(items):
            text = " OR ".join(_occurs(item, tests, inside=True) for item in items)
        case ir.Absent(item):
            return f"NOT ({_occurs(item, tests, inside=False)})"
        case _:
            assert_never(expr)
    return f"({text})" if inside else text


def monotone(expr: ir.Occurrence) -> bool:
    """Return whether more events never undo an expression: nothing in it must be absent."""
    match expr:
        case ir.Occurs():
            return True
        case ir.AllOf(items) | ir.AnyOf(items):
            return all(map(monotone, items))
        case ir.Absent():
            return False
        case _:
            assert_never(expr)


# ----------------------------------------------------------------------------------------------- sums, counts, extremes


@dataclass(frozen=True, slots=True)
class _Statistic:
    """A statistic of the events in a window: `sum`, `max` or `min` of an expression, or `count` of a condition."""

    function: str
    of: str = ""


def _gathered(
    plan: ir.Correlation, rows: Rows, search: Search, statistics: Sequence[_Statistic]
) -> tuple[str, list[str]]:
    """Write statistics of the closed windows, as columns of rows that look back; return the column of kinds, and them.

    Kind 0 is an event, kind 1 looks back from it: at t - T on the way back, when it has seen the rest of that block,
    and at t, after all events of that time, on the way forth.
    """
    kind, at, block = (search.column(name) for name in ("kind", "at", "block"))
    span = plan.timespan
    each = f'split(if(isnull({rows.keys[0]}),"0","0 1")," ")' if rows.others else 'mvappend("0","1")'
    back = [search.column(f"before_{number}") for number in range(1, len(statistics) + 1)]
    forth = [search.column(f"since_{number}") for number in range(1, len(statistics) + 1)]
    by = rows.by_with(block)
    search.add(
        f"eval {kind}={each}",
        f"mvexpand {kind}",
        f'eval {at}=round(if({kind}="1",_time-{span},_time),6), '
        f'{block}=floor(round(_time,6)/{span})-if({kind}="1",1,0)',
        f"sort 0 -{at} {kind}",
        f"streamstats window=0 {_statistics(statistics, back, kind)}{by}",
        f"sort 0 _time {kind}",
        f"eval {block}=floor(round(_time,6)/{span})",
        f"streamstats window=0 {_statistics(statistics, forth, kind)}{by}",
    )
    totals = [search.column(f"{statistic.function}_{number}") for number, statistic in enumerate(statistics, 1)]
    joined = [_joined(*parts) for parts in zip(statistics, back, forth, strict=True)]
    search.add("eval " + ", ".join(f"{name}={both}" for name, both in zip(totals, joined, strict=True)))
    return kind, totals


def _statistics(statistics: Sequence[_Statistic], names: Sequence[str], kind: str) -> str:
    return ", ".join(_statistic(statistic, name, kind) for statistic, name in zip(statistics, names, strict=True))


def _statistic(statistic: _Statistic, name: str, kind: str) -> str:
    if statistic.function == "count":
        test = f'{kind}="0" AND {statistic.of}' if statistic.of else f'{kind}="0"'
        return f"count(eval({test})) as {name}"
    return f'{statistic.function}(eval(if({kind}="0",{statistic.of},null()))) as {name}'


def _joined(statistic: _Statistic, back: str, forth: str) -> str:
    """Return the statistic of both parts of a window; the first may be empty."""
    match statistic.function:
        case "count":
            return f"{back}+{forth}"
        case "sum":
            return f"coalesce({back},0)+coalesce({forth},0)"
        case extreme:
            sign = ">" if extreme == "max" else "<"
            return f"case(isnull({back}),{forth},isnull({forth}),{back},{back}{sign}{forth},{back},true(),{forth})"


def _of_totals(kind: str, condition: str, measure: str = "") -> Judged:
    return Judged(f'{kind}="1" AND {condition}', member=f'{kind}="0"', measure=measure)


def _sum(plan: ir.Correlation, rows: Rows, search: Search) -> Judged:
    search.emission.assume(whole_numbers(plan))
    kind, (total,) = _gathered(plan, rows, search, [_Statistic("sum", rows.values[0])])
    condition = met(total, plan.window_limits, plan.places.get("condition"))
    return _of_totals(kind, condition, total if plan.is_range else "")


def _mean(plan: ir.Correlation, rows: Rows, search: Search) -> Judged:
    place = plan.places.get("condition")
    limits = [(op, scaled(number, place)) for op, number in plan.limits]
    search.emission.assume(whole_numbers(plan, EXACT_DOUBLE // max(by for _, (_, by, _) in limits)))
    kind, (total, count) = _gathered(plan, rows, search, [_Statistic("sum", rows.values[0]), _Statistic("count")])
    tests = [
        compared(total if by == 1 else f"{total}*{by}", f"{number_text(number)}*{count}", op, side)
        for op, (number, by, side) in limits
    ]
    return _of_totals(kind, " AND ".join(tests))


def _percentile(plan: ir.Correlation, rows: Rows, search: Search, percent: float) -> Judged:
    """Decide on which side of a limit a percentile lies by counting the numbers on each side.

    It stands k whole places and r parts of one behind the least number. With c numbers below the limit it reaches it if
    c <= k, and not if c > k + 1; if c = k + 1 it lies between the greatest of those below and the least of the others.
    """
    place = plan.places.get("condition")
    up, parts, side = scaled(percent, place)
    parts *= 100
    limits = [(op, number, scaled(number, place)) for op, number in plan.limits]
    tests = _tests(limits, side, place)
    between = percent not in {0, 100}
    if between:
        largest = max(by for _, _, (_, by, _) in limits)
        search.emission.assume(whole_numbers(plan, EXACT_DOUBLE // (2 * parts * largest), each=True))
    value = rows.values[0]
    statistics = [_Statistic("count")]
    for number, strict in tests:
        below = f"{value}{'<=' if strict else '<'}{number_text(number)}"
        above = f"{value}{'>' if strict else '>='}{number_text(number)}"
        statistics.append(_Statistic("count", below))
        if between:
            statistics += [
                _Statistic("max", f"if({below},{value},null())"),
                _Statistic("min", f"if({above},{value},null())"),
            ]
    kind, (count, *edges) = _gathered(plan, rows, search, statistics)
    whole, rest = search.column("place"), search.column("rest")
    search.add(f"eval {whole}=floor({up}*({count}-1)/{parts})", f"eval {rest}={up}*({count}-1)-{parts}*{whole}")
    reached: dict[tuple[float, bool], str] = {}
    for at, (number, strict) in enumerate(tests):
        column = search.column(f"reached_{at + 1}")
        if between:
            c, low, high = edges[3 * at : 3 * at + 3]
            top, by, above_or_below = scaled(number, place)
            mixed = f"({parts}-{rest})*{low}+{rest}*{high}"
            right = number_text(top * parts)
            exact = compared(mixed if by == 1 else f"({mixed})*{by}", right, "gt" if strict else "gte", above_or_below)
            test = f"{c}<={whole} OR ({c}={whole}+1 AND {exact})"
        else:
            test = f"{edges[at]}<={whole}"
        reached[number, strict] = column
        search.add(f"eval {column}=if({test},1,0)")
    return _of_totals(kind, " AND ".join(_reaches(op, number, reached) for op, number, _ in limits))


def _tests(
    limits: Sequence[tuple[str, float, tuple[int, int, int]]], side: int, place: Place | None
) -> list[tuple[float, bool]]:
    """Return which limits must be reached (False) or passed (True).

    Raises:
        RefusedError: the double next to the percentile matters: it decides what equals the limit.
    """
    tests: dict[tuple[float, bool], None] = {}
    for op, number, (_, _, nudge) in limits:
        needs = {"gte": [False], "lt": [False], "gt": [True], "lte": [True]}.get(op, [False, True])
        for strict in needs:
            if side and (nudge or strict == (side > 0)):
                raise refused(
                    f"SPL does not tell exactly whether such a percentile is {op} {number}",
                    "percentile with a fraction",
                    place,
                    "use a whole percentile, or gte",
                )
            tests[number, strict] = None
    return list(tests)


def _reaches(op: str, number: float, reached: dict[tuple[float, bool], str]) -> str:
    match op:
        case "gte":
            return f"{reached[number, False]}=1"
        case "gt":
            return f"{reached[number, True]}=1"
        case "lt":
            return f"{reached[number, False]}=0"
        case "lte":
            return f"{reached[number, True]}=0"
        case "eq":
            return f"{reached[number, False]}=1 AND {reached[number, True]}=0"
        case _:
            return f"({reached[number, False]}=0 OR {reached[number, True]}=1)"
