"""The beginning of every search: the events that meet a condition.

Expr ──split──> terms of the first `search` | conditions of a `where`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import refused
from converter.targets.splunk.emitter.numbers import as_searched, written_plainly
from converter.targets.splunk.emitter.search import first_clause, first_terms, split, texts
from converter.targets.splunk.emitter.where import condition

if TYPE_CHECKING:
    from converter.targets.core.emission import Emission


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
    expr = as_searched(texts(expr), emission)
    search, where = split(expr)
    terms = first_terms(search, where)
    for assumption in written_plainly(terms, emission):
        emission.assume(assumption)
    lines = [first_clause(terms)]
    if where:
        lines.append("| where " + " AND ".join(condition(item, emission, inside=len(where) > 1) for item in where))
    return lines
