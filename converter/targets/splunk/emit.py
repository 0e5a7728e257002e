"""Plan to Splunk SPL.

    Expr ──split──> terms for `search` | conditions for `where`
    Correlation ──> emitter.correlation

`search` ignores case, uses the index and looks at every value of a field, so it takes whatever it can say exactly
(`emitter.search`). All else goes to `where`, as conditions that are never null, so that `NOT` is two-valued
(`emitter.where`); of that, too, the search says as much as it can. See NOTES.md for the sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.emitting import Emission, check_context, refused
from converter.errors import ConfigurationError
from converter.plan.nodes import Cidr, Correlation, FieldRef, Regex, StringMatch, fields_of, leaves_of
from converter.target import Assumption
from converter.targets.splunk.emitter.search import first_clause, plain, plain_numbers, split
from converter.targets.splunk.emitter.where import condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.plan.nodes import Expr, Plan
    from converter.target import Context, Event, Query
    from converter.targets.splunk.emitter.search import PlainNumber

NUMBERS = ("exact", "plain")


def emit_query(plan: Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the SPL of a plan, one search without a schedule.

    Raises:
        RefusedError: a field name that SPL cannot quote, a count beyond what `streamstats` keeps.
        ConfigurationError: a wrong format or option.
    """
    from converter.targets.splunk.emitter.correlation import correlation_lines  # noqa: PLC0415  each imports the other

    check_context("splunk", context, formats, options)
    numbers = context.options.get("numbers", "exact")
    if numbers not in NUMBERS:
        raise ConfigurationError(f"numbers is {numbers!r}", hint=f"one of {', '.join(NUMBERS)}")
    emission = Emission(context)
    lines = correlation_lines(plan, emission) if isinstance(plan, Correlation) else base_lines(plan.expr, emission)
    return emission.query(plan, "splunk", "spl", "\n".join(lines))


def base_lines(expr: Expr, emission: Emission) -> list[str]:
    """Return the search that finds the events, and a `where` for what `search` cannot say.

    Raises:
        RefusedError: what SPL cannot say.
    """
    for leaf in leaves_of(expr):
        if isinstance(leaf, StringMatch | Regex | Cidr | FieldRef) and "_time" in fields_of(leaf):
            raise refused(
                "_time is a number in Splunk (seconds since 1970), so it has no text to compare",
                "text of _time",
                leaf.place,
                "compare a part of the time, or a field that holds the time as text",
            )
    expr = plain(expr, numbers=emission.context.options.get("numbers") == "plain")
    for leaf in plain_numbers(expr):
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
        from converter.reference.values import number_of, text_of  # noqa: PLC0415  only replay needs it

        value = view.get(name)
        values = value if isinstance(value, list) else [value]
        return any(number_of(one) == int(text) and text_of(one) != text for one in values)

    return Assumption(f"{name} writes the number {text} in no other way", broken)
