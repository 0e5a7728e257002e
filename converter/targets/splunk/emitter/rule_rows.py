"""Rows of a correlation whose rules call fields by different names, or that counts other correlations.

    events ──one row for each rule──> sigma_use ──> group, values: case(sigma_use="1",user,sigma_use="2",src_user)
                                          └── an episode of a correlation below: one row at its end

Rows of all correlations of a chain stand in one search; what is not of the correlation in work has no group, and the
statistics leave it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import placed_groups
from converter.targets.splunk.emitter.quoting import by_field, eval_field, rule_name
from converter.targets.splunk.emitter.rows import Rows, listing, measured_values, trim
from converter.targets.splunk.emitter.where import condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.errors import Place
    from converter.targets.splunk.emitter.rows import Search


@dataclass(slots=True)
class Part:
    """One place that rows of a correlation come from: a rule, by the names that it has for fields.

    Attributes:
        use: the text of `sigma_use` in its rows; empty where there is only one part.
        columns: for a correlation below: its group-by field to the column that holds it.
    """

    use: str
    rule: ir.Referenced
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def below(self) -> bool:
        """Whether it is a correlation."""
        return isinstance(self.rule.plan, ir.Correlation)

    def value(self, name: str, place: Place | None) -> str:
        """Return an expression for a field of its rows."""
        if self.below:
            return self.columns.get(name, "null()")
        return eval_field(name, place)


@dataclass(frozen=True, slots=True)
class Opened:
    """The columns of rows of several rules: `Rows` has their meaning, and `use` names the rule of a row."""

    use: str
    event: str
    first: str = ""


def open_parts(parts: Sequence[Part], search: Search, read: Sequence[str], *, chained: bool) -> Opened:
    """Write a row for each rule that an event matches.

    Args:
        parts: the detections at any depth, each with its `use`.
        search: what is written.
        read: the fields that are read from here on.
        chained: whether a correlation counts another.
    """
    use, event = search.column("use"), search.column("event")
    if len(parts) == 1:  # the search has found its events, and no others
        search.add(f'eval {use}="{parts[0].use}"')
    else:
        tests = [(condition(part.rule.expr, search.emission, inside=False), part.use) for part in parts]
        search.add(listing(use, tests))
    search.add(f"streamstats window=0 count as {event}")
    trim(search, read, [use, event])
    if len(parts) > 1:
        search.add(f"mvexpand {use}")
    if not chained:
        return Opened(use, event)
    first = search.column("first")
    search.add(f"eval {first}=_time")
    return Opened(use, event, first)


def part_rows(plan: ir.Correlation, parts: Sequence[Part], search: Search, columns: Opened, *, others: bool) -> Rows:
    """Write the rows of a correlation from those of its rules.

    Args:
        plan: the correlation.
        parts: its rules, in their order; the same one twice for a rule that is there twice.
        search: what is written.
        columns: as `open_parts` returns them.
        others: whether there are rows of other correlations, which must stay as they are.
    """
    use = columns.use
    different = list({part.use: part for part in parts}.values())
    ours = " OR ".join(f'{use}="{part.use}"' for part in different)
    keys: list[str] = []
    renamed: list[tuple[str, str]] = []
    for number, (name, place) in enumerate(placed_groups(plan)):
        own = [(part, part.rule.group_by[number]) for part in different]
        keys.append(_each_of(search, use, own, place, search.column(f"group_{number + 1}")))
        renamed.append((keys[-1], by_field(name, place)))
    if others and not keys:
        keys.append(search.column("group"))
        search.add(f'eval {keys[0]}=if({ours},"all",null())')
    elif not others:
        search.add("where " + (" AND ".join(f"isnotnull({key})" for key in keys) or ours))
    flags = tuple(f'{use}="{part.use}"' for part in parts)
    rows = Rows(
        tuple(keys),
        flags,
        event=columns.event,
        first=columns.first,
        others=others,
        renamed=tuple(renamed),
    )
    return _named(parts, search, _measured(plan, different, search, rows, use))


def _each_of(
    search: Search,
    use: str,
    own: Sequence[tuple[Part, str]],
    place: Place | None,
    column: str,
    *,
    once: bool = True,
) -> str:
    """Write a row for each value of a field that each part calls otherwise, in a column.

    Rows are made of numbers, so that `case` only has single values to give: of others no documentation says what it
    gives.
    """
    parts = {part.use: part.value(name, place) for part, name in own}
    many = {part.use: name for part, name in own if not part.below and search.many(name)}
    if many:
        for key, name in many.items():
            if once:
                parts[key] = search.deduplicated(name, eval_field(name, place))
        index = search.column("index")
        counts = ",".join(f'{use}="{key}",mvcount({parts[key]})' for key in many)
        search.add(f"eval {index}=mvrange(0,coalesce(case({counts}),1))", f"mvexpand {index}")
        parts.update({key: f"mvindex({parts[key]},{index})" for key in many})
    cases = ",".join(f'{use}="{key}",{value}' for key, value in parts.items())
    search.add(f"eval {column}=case({cases})")
    return column


def _measured(plan: ir.Correlation, parts: Sequence[Part], search: Search, rows: Rows, use: str) -> Rows:
    """Write what is measured of the rows, and let an event that several rules match be one member."""
    place = plan.places.get("field")
    twice = sum(not part.below for part in parts) > 1
    own = [part.rule.fields for part in parts]
    if isinstance(plan.measure, ir.TemporalOrdered):
        return _merged(parts, search, rows, use) if twice else rows
    if twice and not isinstance(plan.measure, ir.Temporal | ir.ValueCount):  # which count rules or values, not rows
        more = []
        if len(set(own)) > 1:
            names = search.column("names")
            numbers = {fields: str(number) for number, fields in enumerate(dict.fromkeys(own), 1)}
            cases = ",".join(f'{use}="{part.use}","{numbers[part.rule.fields]}"' for part in parts)
            search.add(f"eval {names}=case({cases})")
            more.append(names)
        copy = search.column("copy")
        by = rows.by_with(rows.event, *more)
        search.add(f"streamstats window=0 count as {copy}{by}", f"where {rows.mine(f'{copy}=1')}")

    def write(number: int, column: str, *, once: bool) -> str:
        fields = [(part, part.rule.fields[number]) for part in parts]
        return _each_of(search, use, fields, place, column, once=once)

    values = measured_values(plan, search, write, rows.keys[0] if rows.others else "")
    return replace(rows, values=values)


def _merged(parts: Sequence[Part], search: Search, rows: Rows, use: str) -> Rows:
    """Write one row for each event of a group, with a flag for each rule: one event is never two stages."""
    flags = {part.use: search.column(f"rule_{part.use}") for part in parts}
    search.add("eval " + ", ".join(f'{flag}=if({use}="{key}",1,0)' for key, flag in flags.items()))
    number, copy = search.column("row"), search.column("copy")
    shown = ", ".join(f"max({flag}) as {flag}" for flag in flags.values())
    by = rows.by_with(rows.event)
    # Rows of one event follow each other, and the last of them has seen all its rules.
    search.add(
        f"streamstats window=0 {shown}{by}",
        f"streamstats window=0 count as {number}",
        f"sort 0 -{number}",
        f"streamstats window=0 count as {copy}{by}",
        f"where {rows.mine(f'{copy}=1')}",
        f"sort 0 {number}",
    )
    merged = {f'{use}="{key}"': f"{flag}=1" for key, flag in flags.items()}
    return replace(rows, flags=tuple(merged[flag] for flag in rows.flags))


def _named(parts: Sequence[Part], search: Search, rows: Rows) -> Rows:
    """Write the name of the rule of each row, for people; only the outermost correlation shows them."""
    if rows.others or len({part.use for part in parts}) == 1:
        return rows
    names = search.column("rules")
    pairs = enumerate(zip(rows.flags, parts, strict=True), 1)
    shown = {flag: rule_name(part.rule.meta.key, number) for number, (flag, part) in pairs}
    search.add(listing(names, list(shown.items())))
    return replace(rows, names=names)
