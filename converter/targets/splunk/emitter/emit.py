"""Plan to Splunk SPL.

    Detection ──> emitter.base: terms for `search` | conditions for `where`
    Correlation ──> emitter.correlation

`search` ignores case, uses the index and looks at every value of a field, so it takes whatever it can say exactly
(`emitter.search`). All else goes to `where`, as conditions that are never null, so that `NOT` is two-valued
(`emitter.where`); of that, too, the search says as much as it can. See NOTES.md for the sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import Emission, check_context
from converter.targets.splunk.emitter.base import base_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.core.target import Context, Query


def emit_query(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the SPL of a plan, one search without a schedule.

    Raises:
        RefusedError: a field name that SPL cannot quote, a count beyond what `streamstats` keeps.
        ConfigurationError: a wrong format or option.
    """
    check_context("splunk", context, formats, options)
    emission = Emission(context)
    if isinstance(plan, ir.Correlation):
        from converter.targets.splunk.emitter.correlation import correlation_lines  # noqa: PLC0415  detections need none

        lines = correlation_lines(plan, emission)
    else:
        lines = base_lines(plan.expr, emission)
    return emission.query(plan, "splunk", "spl", "\n".join(lines))
