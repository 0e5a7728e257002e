"""The rows that a correlation counts: one for each event (or episode of a correlation below), group and measured value.

    rules ──one base search──> events ──groups──> members ──values──> rows with plain columns

Where every rule calls the fields of the group alike, an event is one row, and conditions tell which rules it matches;
for all else see `emitter.parts`. Fields with several values make a row of each, so that the statistics behind them only
see single ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from converter.plan import nodes as ir
from converter.targets.core.emission import placed_groups
from converter.targets.core.target import free_column
from converter.targets.splunk.emitter.quoting import by_field, eval_field, is_plain_field, list_field, rule_name
from converter.targets.splunk.emitter.where import condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from converter.errors import Place
    from converter.targets.core.emission import Emission

# What Sigma takes for a number, as text; no backslash but before the dot, so that quoting cannot change it.
NUMBER = r"^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?\z"
_SHOWN = 12


class Search:
    """A search that is being written: its lines, and names of columns that no field of the rule has."""

    def __init__(self, plan: ir.Plan, emission: Emission, lines: list[str]) -> None:
        self.emission = emission
        self.lines = lines
        groups = [name for correlation in ir.correlations_of(plan) for name in correlation.group_by]
        self._deduplicated: dict[str, str] = {}
        self._taken = {*ir.fields_of_plan(plan), *groups}

    def column(self, name: str) -> str:
        """Return a name for a column that nothing else has."""
        column = free_column(f"sigma_{name}", self._taken)
        self._taken.add(column)
        return column

    def add(self, *lines: str) -> None:
        """Append commands."""
        self.lines.extend(f"| {line}" for line in lines)

    def deduplicated(self, name: str, quoted: str) -> str:
        """Return the column with the different values of a field, which is written once."""
        if name not in self._deduplicated:
            self._deduplicated[name] = self.column("values")
            self.add(f"eval {self._deduplicated[name]}=mvdedup({quoted})")
        return self._deduplicated[name]

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
        others: whether there are rows that do not belong to the correlation; their keys are null.
        names: the rules that a row matches, if there are several; else empty.
    """

    keys: tuple[str, ...]
    flags: tuple[str, ...]
    values: tuple[str, ...] = ()
    event: str = ""
    first: str = ""
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


def is_plain(plan: ir.Correlation) -> bool:
    """Return whether all rules are detections that call the fields alike: then an event is one row."""
    (first, *rest) = plan.rules
    return not any(isinstance(rule.plan, ir.Correlation) for rule in plan.rules) and all(
        (rule.group_by, rule.fields) == (first.group_by, first.fields) for rule in rest
    )


def plain_rows(plan: ir.Correlation, search: Search, shown: Sequence[str]) -> Rows:
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
            search.add(f"streamstats window=0 count as {event}")
        own = [event, names, *dict.fromkeys(flag.partition("=")[0] for flag in flags)]
        trim(search, [*(name for name, _ in read), *shown], own)
    keys: list[str] = []
    renamed: list[tuple[str, str]] = []
    for number, ((name, place), shown_as) in enumerate(zip(placed, plan.group_by, strict=True), 1):
        if name == shown_as and not search.many(name):
            keys.append(by_field(name, place))
            continue
        keys.append(_each_value(search, name, place, search.column(f"group_{number}")))
        renamed.append((keys[-1], by_field(shown_as, place)))

    def write(number: int, column: str, *, once: bool) -> str:
        return _each_value(search, *measured[number], column, once=once)

    return Rows(tuple(keys), flags, measured_values(plan, search, write), event, names=names, renamed=tuple(renamed))


def _each_value(search: Search, name: str, place: Place | None, column: str, *, once: bool = True) -> str:
    """Write a row for each value of a field, in a column; each value once, or as often as it is there."""
    quoted, many = eval_field(name, place), search.many(name)
    search.add(f"eval {column}={f'mvdedup({quoted})' if many and once else quoted}")
    if many:
        search.add(f"mvexpand {column}")
    return column


def _flags(plan: ir.Correlation, search: Search) -> tuple[tuple[str, ...], str]:
    """Write which rules an event matches, where there are several; return a condition for each, and their names."""
    if len({id(rule.plan) for rule in plan.rules}) == 1:
        return ("true()",) * len(plan.rules), ""
    columns: dict[int, str] = {}
    shown: dict[str, str] = {}
    for number, rule in enumerate(plan.rules, 1):
        if id(rule.plan) not in columns:
            column = search.column(f"rule_{number}")
            columns[id(rule.plan)] = column
            search.add(f"eval {column}=if({condition(rule.expr, search.emission, inside=False)},1,0)")
        shown[columns[id(rule.plan)]] = rule_name(rule.meta.key, number)
    names = search.column("rules")
    search.add(listing(names, [(f"{column}=1", name) for column, name in shown.items()]))
    return tuple(f"{columns[id(rule.plan)]}=1" for rule in plan.rules), names


def listing(column: str, tests: Sequence[tuple[str, str]]) -> str:
    """Return the command that lists the names of the tests that hold.

    Others are `-` at first, as what `mvappend` makes of null is not documented.
    """
    each = ",".join(f'if({test},"{name}","-")' for test, name in tests)
    return f'eval {column}=mvappend({each}), {column}=mvfilter({column}!="-")'


def trim(search: Search, names: Iterable[str], own: Iterable[str]) -> None:
    """Keep the fields that are still read: `mvexpand` copies whole rows, and its memory is limited."""
    names_kept = [
        *(expression for expression in own if expression and expression != "true()"),
        *(list_field(name) for name in names),
    ]
    search.add(f"fields {', '.join(dict.fromkeys(['_time', *names_kept]))}")
    if "_raw" not in names_kept:  # `fields` keeps it unless told otherwise
        search.add("fields - _raw")


class Write(Protocol):
    """Writes a row for each value of a measured field, by its number, and returns the column."""

    def __call__(self, number: int, column: str, *, once: bool) -> str:
        """Write; `once` is for values that are told apart, not counted."""
        ...


def measured_values(plan: ir.Correlation, search: Search, write: Write, others: str = "") -> tuple[str, ...]:
    """Write one row for each value that is measured, and return the columns.

    Args:
        plan: the correlation.
        search: what is written.
        write: writes one column.
        others: a column that is null in the rows of other correlations, which stay; empty where there are none.
    """
    match plan.measure:
        case ir.EventCount() | ir.Temporal() | ir.TemporalOrdered():
            return ()
        case ir.ValueCount(fields):
            names = [f"value_{number}" if len(fields) > 1 else "value" for number in range(1, len(fields) + 1)]
            columns = [write(number, search.column(name), once=True) for number, name in enumerate(names)]
            tests = " AND ".join(f"isnotnull({column})" for column in columns)
            search.add(f"where {_or_others(tests, others, len(columns))}")
            return tuple(columns)
        case _:
            column = write(0, search.column("value"), once=False)
            # `match` of a missing field is null, which keeps nothing.
            test = f'match({column},"{NUMBER}")'
            search.add(
                f"where {_or_others(test, others, 1)}",
                f"eval {column}=tonumber({column})",
                # Forms that only we take for numbers, if there are any, are then missing for all statistics alike.
                f"where {_or_others(f'isnotnull({column})', others, 1)}",
            )
            return (column,)


def _or_others(test: str, others: str, parts: int) -> str:
    if not others:
        return test
    return f"isnull({others}) OR ({test})" if parts > 1 else f"isnull({others}) OR {test}"


# ------------------------------------------------------------------------------------------------ what an analyst needs


def shown_fields(plan: ir.Correlation, limit: int = _SHOWN) -> tuple[str, ...]:
    """Return the fields whose values are worth showing: measured, named by an author, and those that rules leave open.

    A field that a rule compares with one text says nothing new. Names that a statistic cannot have are left out.
    """
    shown: dict[str, None] = {}
    if any(isinstance(rule.plan, ir.Correlation) for rule in plan.rules):
        return ()
    groups = {*plan.group_by, *(name for rule in plan.rules for name in rule.group_by)}
    for rule in plan.rules:
        shown.update(dict.fromkeys(rule.fields))
    for meta in (plan.meta, *(rule.meta for rule in plan.rules)):
        shown.update(dict.fromkeys(meta.fields))
    for detection in ir.detections_of(plan):
        shown.update(dict.fromkeys(name for name in ir.fields_of(detection.expr) if not _pinned(detection.expr, name)))
    return tuple(name for name in shown if name not in groups and is_plain_field(name))[:limit]


def _pinned(expr: ir.Expr, name: str) -> bool:
    """Return whether an expression says which one value a field has."""
    match expr:
        case ir.StringMatch(field=field, pattern=pattern):
            return field == name and pattern.literal is not None
        case ir.NumberMatch(field=field):
            return field == name
        case ir.And(items):
            return any(_pinned(item, name) for item in items)
        case _:
            return False
