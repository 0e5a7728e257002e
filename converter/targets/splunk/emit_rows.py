"""The rows that a correlation counts: one for each event (or episode of a correlation below), group and measured value.

    rules ──one base search──> events ──rules differ: a row for each rule──> groups ──values──> rows with plain columns

Where every rule calls the fields of the group alike, an event is one row, and conditions tell which rules it matches.
Where they differ (aliases, a correlation below), `sigma_use` tells what a row is there for. Fields with several values
make a row of each, so that the statistics behind them only see single ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from converter.emitting import placed_groups
from converter.plan.nodes import (
    And,
    Correlation,
    EventCount,
    NumberMatch,
    StringMatch,
    Temporal,
    TemporalOrdered,
    ValueCount,
    correlations_of,
    detections_of,
    fields_of,
    fields_of_plan,
)
from converter.target import free_column
from converter.targets.splunk.emit_lists import listed, plain_field, plain_name
from converter.targets.splunk.emit_names import by_field, eval_field
from converter.targets.splunk.emit_where import condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from converter.emitting import Emission
    from converter.errors import Place
    from converter.plan.nodes import Expr, Plan, Referenced

# What Sigma takes for a number, as text; no backslash but before the dot, so that quoting cannot change it.
NUMBER = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?\z"
_SHOWN = 12


class Search:
    """A search that is being written: its lines, and names of columns that no field of the rule has."""

    def __init__(self, plan: Plan, emission: Emission, lines: list[str]) -> None:
        self.emission = emission
        self.lines = lines
        groups = [name for one in correlations_of(plan) for name in one.group_by]
        self._taken = {*fields_of_plan(plan), *groups}

    def column(self, name: str) -> str:
        """Return a name for a column that nothing else has."""
        found = free_column(f"sigma_{name}", self._taken)
        self._taken.add(found)
        return found

    def add(self, *lines: str) -> None:
        """Append commands."""
        self.lines.extend(f"| {line}" for line in lines)

    def many(self, name: str) -> bool:
        """Return whether a field may have several values in one event, as far as is known."""
        fact = self.emission.context.facts.field(name)
        return fact is None or not fact.single


@dataclass(frozen=True, slots=True)
class Rows:
    """What the columns of the rows of one correlation are called.

    Attributes:
        keys: of the group, as a `by` names them; at least one for a correlation below another.
        flags: for each rule of the correlation, a condition that is never null: whether a row is a match of it.
        values: of what is measured.
        event: numbers the events, where several rows may be of one; else empty.
        first: the time of the first event of a row, where a row may be an episode; else empty.
        position: where its last event is among all, where a row may be an episode; else empty.
        others: whether there are rows that do not belong to the correlation; their keys are null.
        names: the rules that a row matches, if there are several; else empty.
    """

    keys: tuple[str, ...]
    flags: tuple[str, ...]
    values: tuple[str, ...] = ()
    event: str = ""
    first: str = ""
    position: str = ""
    others: bool = False
    names: str = ""
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def by(self) -> str:
        """The `by` clause of the group, with a blank before it; empty for a single group."""
        return f" by {' '.join(self.keys)}" if self.keys else ""

    def by_with(self, *more: str) -> str:
        """Return the `by` clause of the group and further columns."""
        return " by " + " ".join((*self.keys, *more))

    def mine(self, test: str) -> str:
        """Return a condition for `where` that keeps the rows of other correlations."""
        return f"isnull({self.keys[0]}) OR {test}" if self.others else test


@dataclass(slots=True)
class Part:
    """One place that rows of a correlation come from: a rule, by the names that it has for fields.

    Attributes:
        use: the text of `sigma_use` in its rows; empty where there is only one part.
        columns: for a correlation below: its group-by field to the column that holds it.
    """

    use: str
    rule: Referenced
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def below(self) -> bool:
        """Whether it is a correlation."""
        return isinstance(self.rule.plan, Correlation)

    def value(self, name: str, place: Place | None) -> str:
        """Return an expression for a field of its rows."""
        if self.below:
            return self.columns.get(name, "null()")
        return eval_field(name, place)


def is_plain(plan: Correlation) -> bool:
    """Return whether all rules are detections that call the fields alike: then an event is one row."""
    (first, *rest) = plan.rules
    return not any(isinstance(rule.plan, Correlation) for rule in plan.rules) and all(
        (rule.group_by, rule.fields) == (first.group_by, first.fields) for rule in rest
    )


def plain_rows(plan: Correlation, search: Search, shown: Sequence[str]) -> Rows:
    """Write the rows of a correlation whose rules call the fields alike."""
    rule = plan.rules[0]
    placed = list(zip(rule.group_by, (place for _, place in placed_groups(plan)), strict=True))
    measured = [(name, plan.places.get("field")) for name in rule.fields]
    read = [*placed, *measured]
    if placed:
        search.add("where " + " AND ".join(f"isnotnull({eval_field(name, place)})" for name, place in placed))
    flags, names = _flags(plan, search)
    event = ""
    if any(search.many(name) for name, _ in read):
        if any(search.many(name) for name, _ in measured):
            event = search.column("event")
            search.add(f"streamstats count as {event}")
        own = [event, names, *dict.fromkeys(flag.partition("=")[0] for flag in flags)]
        _trim(search, [*(name for name, _ in read), *shown], own)
    keys: list[str] = []
    renamed: list[tuple[str, str]] = []
    expanded: list[str] = []
    for number, ((name, place), shown_as) in enumerate(zip(placed, plan.group_by, strict=True), 1):
        many = search.many(name)
        if name == shown_as and not many:
            keys.append(by_field(name, place))
            continue
        column = search.column(f"group_{number}")
        search.add(f"eval {column}={f'mvdedup({eval_field(name, place)})' if many else eval_field(name, place)}")
        if many:
            expanded.append(column)
        keys.append(column)
        renamed.append((column, by_field(shown_as, place)))
    search.add(*(f"mvexpand {column}" for column in expanded))
    values = _values(plan, [(eval_field(*one), search.many(one[0])) for one in measured], search, others="")
    return Rows(tuple(keys), flags, values, event, names=names, renamed=tuple(renamed))


def _flags(plan: Correlation, search: Search) -> tuple[tuple[str, ...], str]:
    """Write which rules an event matches, where there are several; return a condition for each, and their names."""
    if len({id(rule.plan) for rule in plan.rules}) == 1:
        return ("true()",) * len(plan.rules), ""
    columns: dict[int, str] = {}
    for number, rule in enumerate(plan.rules, 1):
        if id(rule.plan) not in columns:
            column = search.column(f"rule_{number}")
            columns[id(rule.plan)] = column
            search.add(f"eval {column}=if({condition(rule.expr, search.emission, inside=False)},1,0)")
    names = search.column("rules")
    shown = {
        column: plain_name(rule.meta.key, number)
        for number, rule in enumerate(plan.rules, 1)
        for column in [columns[id(rule.plan)]]
    }
    each = ",".join(_named_if(f"{column}=1", name) for column, name in shown.items())
    search.add(f"eval {names}=mvappend({each})")
    return tuple(f"{columns[id(rule.plan)]}=1" for rule in plan.rules), names


def _named_if(test: str, name: str) -> str:
    return f'if({test},"{name}",null())'


def _trim(search: Search, names: Iterable[str], own: Iterable[str]) -> None:
    """Keep the fields that are still read: `mvexpand` copies whole rows, and its memory is limited."""
    kept = [*(one for one in own if one and one != "true()"), *(listed(name) for name in names)]
    search.add(f"fields {', '.join(dict.fromkeys(['_time', *kept]))}", "fields - _raw")


def _values(plan: Correlation, read: Sequence[tuple[str, bool]], search: Search, *, others: str) -> tuple[str, ...]:
    """Write one row for each value that is measured.

    Args:
        plan: the correlation.
        read: an expression for each field that is measured, and whether it may have several values.
        search: what is written.
        others: a column that is null in the rows of other correlations, which stay; empty where there are none.
    """
    match plan.measure:
        case EventCount() | Temporal() | TemporalOrdered():
            return ()
        case ValueCount():
            columns = []
            for number, (expression, many) in enumerate(read, 1):
                column = search.column(f"value_{number}" if len(read) > 1 else "value")
                search.add(f"eval {column}={f'mvdedup({expression})' if many else expression}")
                columns.append((column, many))
            tests = " AND ".join(f"isnotnull({column})" for column, _ in columns)
            search.add(f"where {_or_others(tests, others, len(columns))}")
            search.add(*(f"mvexpand {column}" for column, many in columns if many))
            return tuple(column for column, _ in columns)
        case _:
            ((expression, many),) = read
            column = search.column("value")
            search.add(f"eval {column}={expression}")
            if many:
                search.add(f"mvexpand {column}")
            # `match` of a missing field is null, which keeps nothing.
            test = f'match({column},"{NUMBER}")'
            search.add(f"where {_or_others(test, others, 1)}", f"eval {column}=tonumber({column})")
            return (column,)


def _or_others(test: str, others: str, parts: int) -> str:
    if not others:
        return test
    return f"isnull({others}) OR ({test})" if parts > 1 else f"isnull({others}) OR {test}"


# ------------------------------------------------------------------------------------------- rules that differ, chains


@dataclass(frozen=True, slots=True)
class Opened:
    """The columns of rows that are of several rules: `Rows` has their meaning, and `use` tells of which rule."""

    use: str
    event: str
    first: str = ""
    position: str = ""


def open_parts(parts: Sequence[Part], search: Search, read: Sequence[str], *, chained: bool) -> Opened:
    """Write a row for each rule that an event matches.

    Args:
        parts: the detections at any depth, each with its `use`.
        search: what is written.
        read: the fields that are read from here on.
        chained: whether a correlation counts another.
    """
    use, event = search.column("use"), search.column("event")
    tests = [_named_if(condition(part.rule.expr, search.emission, inside=False), part.use) for part in parts]
    search.add(f"eval {use}=mvappend({','.join(tests)})", f"streamstats count as {event}")
    _trim(search, read, [use, event])
    search.add(f"mvexpand {use}")
    if not chained:
        return Opened(use, event)
    first, position = search.column("first"), search.column("position")
    search.add(f"eval {first}=_time, {position}={event}")
    return Opened(use, event, first, position)


def part_rows(plan: Correlation, parts: Sequence[Part], search: Search, columns: Opened, *, others: bool) -> Rows:
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
        many = any(not part.below and search.many(field) for part, field in own)
        column = search.column(f"group_{number + 1}")
        cases = ",".join(f'{use}="{part.use}",{part.value(field, place)}' for part, field in own)
        search.add(f"eval {column}={f'mvdedup(case({cases}))' if many else f'case({cases})'}")
        if many:
            search.add(f"mvexpand {column}")
        keys.append(column)
        renamed.append((column, by_field(name, place)))
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
        position=columns.position,
        others=others,
        renamed=tuple(renamed),
    )
    return _named(parts, search, _measured(plan, different, search, rows, use))


def _measured(plan: Correlation, parts: Sequence[Part], search: Search, rows: Rows, use: str) -> Rows:
    """Write what is measured of the rows, and let an event that several rules match be one member."""
    place = plan.places.get("field")
    twice = sum(not part.below for part in parts) > 1
    own = [part.rule.fields for part in parts]
    if isinstance(plan.measure, TemporalOrdered):
        return _merged(parts, search, rows, use) if twice else rows
    if twice and not isinstance(plan.measure, Temporal | ValueCount):  # which count rules or values, not rows
        more = []
        if len(set(own)) > 1:
            names = search.column("names")
            found = {fields: str(number) for number, fields in enumerate(dict.fromkeys(own), 1)}
            cases = ",".join(f'{use}="{part.use}","{found[part.rule.fields]}"' for part in parts)
            search.add(f"eval {names}=case({cases})")
            more.append(names)
        copy = search.column("copy")
        by = rows.by_with(rows.event, *more)
        search.add(f"streamstats count as {copy}{by}", f"where {rows.mine(f'{copy}=1')}")
    read = []
    for number in range(len(parts[0].rule.fields)):
        cases = ",".join(f'{use}="{part.use}",{part.value(part.rule.fields[number], place)}' for part in parts)
        many = any(not part.below and search.many(part.rule.fields[number]) for part in parts)
        read.append((f"case({cases})", many))
    values = _values(plan, read, search, others=rows.keys[0] if rows.others else "")
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
        f"streamstats {shown}{by}",
        f"streamstats count as {number}",
        f"sort 0 -{number}",
        f"streamstats count as {copy}{by}",
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
    shown = {flag: plain_name(part.rule.meta.key, number) for number, (flag, part) in pairs}
    each = ",".join(_named_if(flag, name) for flag, name in shown.items())
    search.add(f"eval {names}=mvappend({each})")
    return replace(rows, names=names)


# ------------------------------------------------------------------------------------------------ what an analyst needs


def shown_fields(plan: Correlation, limit: int = _SHOWN) -> tuple[str, ...]:
    """Return the fields whose values are worth showing: measured, named by an author, and those that rules leave open.

    A field that a rule compares with one text says nothing new. Names that a statistic cannot have are left out.
    """
    found: dict[str, None] = {}
    if any(isinstance(rule.plan, Correlation) for rule in plan.rules):
        return ()
    groups = {*plan.group_by, *(name for rule in plan.rules for name in rule.group_by)}
    for rule in plan.rules:
        found.update(dict.fromkeys(rule.fields))
    for meta in (plan.meta, *(rule.meta for rule in plan.rules)):
        found.update(dict.fromkeys(meta.fields))
    for detection in detections_of(plan):
        found.update(dict.fromkeys(name for name in fields_of(detection.expr) if not _pinned(detection.expr, name)))
    return tuple(name for name in found if name not in groups and plain_field(name))[:limit]


def _pinned(expr: Expr, name: str) -> bool:
    """Return whether an expression says which one value a field has."""
    match expr:
        case StringMatch(field=field, pattern=pattern):
            return field == name and pattern.literal is not None
        case NumberMatch(field=field):
            return field == name
        case And(items):
            return any(_pinned(item, name) for item in items)
        case _:
            return False
