"""Plan to a stanza of savedsearches.conf: the search, and a schedule under which no burst can be missed.

A search that runs every I over the last L sees every span of length T whole in one run if L >= T + I + lag, where lag
is how late an event may be indexed. So that is what the stanza says, unless the user asks for less; then the verdict
tells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from converter.emitting import duration, refused, seconds, verdict
from converter.errors import ConfigurationError
from converter.plan.nodes import Correlation
from converter.target import Bound
from converter.targets.splunk.emit import emit_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.plan.nodes import Metadata, Plan
    from converter.target import Context, Query

_HOUR = 3600
_MINUTE = 60
_SEVERITY = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_MAX_TITLE = 100


def emit_saved(plan: Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the stanza of a plan.

    Raises:
        RefusedError: as the search, and an operator whose windows a schedule would cut.
        ConfigurationError: an interval that cron cannot say, a look-back shorter than the interval.
    """
    query = emit_query(plan, context, formats, options)
    interval = seconds(context.options.get("interval", "5m"), "interval")
    if interval % _MINUTE or _HOUR % interval:
        raise ConfigurationError(
            f"cron cannot run a search every {duration(interval)}", hint="a number of minutes that divides an hour"
        )
    lag = seconds(context.options.get("lag", "15m"), "lag")
    span = 0
    if isinstance(plan, Correlation):
        if not plan.sliding:
            raise refused(
                f"a schedule cuts the fixed windows of the operator {plan.op}: a run sees part of the first and last",
                f"scheduled event_count {plan.op}",
                plan.place,
                "use the format default over a whole number of windows",
            )
        span = plan.timespan
    look_back = span + interval + lag
    if "earliest" in context.options:
        look_back = seconds(context.options["earliest"], "earliest")
    if look_back < interval:
        raise ConfigurationError(
            f"each run looks back {duration(look_back)}, but runs every {duration(interval)}: events between are lost",
            hint=f"earliest={duration(span + interval + lag)}",
        )
    return replace(
        query,
        format="savedsearches",
        language="savedsearches",
        text=_stanza(plan.meta, query.text, interval, look_back, query.group_by),
        verdict=verdict(query.verdict.assumptions, _bound(plan, look_back - interval)),
    )


def _bound(plan: Plan, certain: int) -> Bound | None:
    if not isinstance(plan, Correlation) or certain >= plan.timespan:
        return None
    within = f"{plan.at_least} events within {duration(certain)}" if certain else "simultaneous events"
    return Bound(f"misses bursts that straddle two runs: only {within} are found for certain", narrowest=certain)


def _stanza(meta: Metadata, search: str, interval: int, look_back: int, group_by: tuple[str, ...] | None) -> str:
    minutes = interval // _MINUTE
    settings = {
        "description": _one_line(meta.description or meta.title),
        "search": search.replace("\n", " \\\n"),
        "dispatch.earliest_time": f"-{duration(look_back)}",
        "dispatch.latest_time": "now",
        "cron_schedule": f"*/{minutes} * * * *" if minutes < _HOUR // _MINUTE else "0 * * * *",
        "enableSched": "1",
        "realtime_schedule": "0",
        "schedule_window": "0",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.severity": str(_SEVERITY.get(meta.level or "medium", 3)),
    }
    if group_by is not None:
        # Runs overlap so that none misses a burst; the same burst is reported once. Only an alert on each result can be
        # suppressed by fields.
        settings |= {
            "alert.digest_mode": "0",
            "alert.suppress": "1",
            "alert.suppress.fields": ",".join([*group_by, "first_seen"]),
            "alert.suppress.period": duration(look_back),
        }
    lines = [f"[{_title(meta.title)}]", *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """Return text on one line: no control characters, and no backslash at the end, which would continue the value."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return flat.rstrip("\\ ")


def _title(text: str) -> str:
    """Return text that cannot end a stanza's header or begin another one."""
    plain = _one_line("".join(" " if char in "[]" else char for char in text))
    return plain[:_MAX_TITLE].strip() or "untitled"
