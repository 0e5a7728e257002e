"""The beginning of every search: the events that meet a condition.

Expr ──split──> terms of the first `search` | conditions of a `where`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import refused
from converter.targets.splunk.emitter.search import PlainNumber, first_clause, plain, split
from converter.targets.splunk.emitter.where import condition
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from converter.targets.core.emission import Emission
    from converter.targets.core.target import Event


def base_lines(expr: ir.Expr, emission: Emission) -> list[str]:
    """Return the search that finds the events, and a `where` for what `search` cannot say.

    Raises:
        RefusedError: what SPL cannot say.
    """
    for leaf in ir.leaves_of(expr):
        if isinstance(leaf, ir.StringMatch | ir.Regex | ir.Cidr | ir.FieldRef) and "_time" in ir.fields_of(leaf):
            raise refused(
                "_time is a number in Splunk (seconds since 1970), so it has no text to compare",
                "text of _time",
                leaf.place,
                "compare a part of the time, or a field that holds the time as text",
            )
    expr = plain(expr, numbers=emission.context.options.get("numbers") == "plain")
    for leaf in ir.leaves_of(expr):
        if isinstance(leaf, PlainNumber):
            emission.assume(_written_plainly(leaf))
    search, where = split(expr)
    lines = [first_clause(search, where)]
    if where:
        lines.append("| where " + " AND ".join(condition(item, emission, inside=len(where) > 1) for item in where))
    return lines


def _written_plainly(leaf: PlainNumber) -> Assumption:
    """A value that is the number is written as the rule has it: 4625, not 04625 or 4625.0."""
    name, text = leaf.field, str(leaf.pattern)

    def broken(_raw: Event, view: Event) -> bool:
        from converter.reference.values import number_of, string_of  # noqa: PLC0415  only replay needs it

        value = view.get(name)
        values = value if isinstance(value, list) else [value]
        return any(number_of(item) == int(text) and string_of(item) != text for item in values)

    return Assumption(f"{name} writes the number {text} in no other way", broken)
