"""Plan to a stanza of savedsearches.conf: the search, and a schedule under which no burst can be missed.

A search that runs every I over the last L sees every span of length T whole in one run if L >= T + I + lag, where lag
is how late an event may be indexed. So that is what the stanza says, unless the user asks for less; then the verdict
tells.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING

from converter.emitting import duration, placed_groups, refused, seconds, verdict
from converter.errors import ConfigurationError
from converter.plan.nodes import Correlation
from converter.target import Bound, Limit, free_column
from converter.targets.splunk.emit import emit_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.plan.nodes import Metadata, Plan
    from converter.target import Context, Query

_HOUR = 3600
_MINUTE = 60
_SEVERITY = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
_MAX_TITLE = 100
MAX_ALERTS = 500
MAX_RESULTS = 500_000
MAX_LOOK_BACK = 7_300 * 86_400
# alert.suppress.fields is a list with commas, and has no quotes.
_LISTED = re.compile(r"[^\s,\"']+")


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
        for name, place in placed_groups(plan):
            if _LISTED.fullmatch(name) is None:
                raise refused(
                    f"alert.suppress.fields cannot name the field {name!r}: it is a list with commas, without quotes",
                    "group-by field in alert.suppress.fields",
                    place,
                    "map the field with a pipeline, or use the format default",
                )
    look_back = span + interval + lag
    if "earliest" in context.options:
        look_back = seconds(context.options["earliest"], "earliest")
    if look_back < interval:
        raise ConfigurationError(
            f"each run looks back {duration(look_back)}, but runs every {duration(interval)}: events between are lost",
            hint=f"earliest={duration(span + interval + lag)}",
        )
    if look_back > MAX_LOOK_BACK:
        raise ConfigurationError(
            f"each run would look back {duration(look_back)}", hint=f"at most {duration(MAX_LOOK_BACK)}"
        )
    wrap = partial(_stanza, plan.meta, _unique_title(plan.meta, context), interval, look_back, query.group_by)
    found = verdict(query.verdict.assumptions, _bound(plan, look_back - interval))
    return replace(
        query,
        format="savedsearches",
        language="savedsearches",
        text=wrap(query.text),
        verdict=replace(found, limit=_limit(plan)),
        inner=query.text,
        wrap=wrap,
    )


def _limit(plan: Plan) -> Limit:
    if isinstance(plan, Correlation):  # each result is an alert
        return Limit(f"a run raises at most {MAX_ALERTS} alerts (max_per_result_alerts)", MAX_ALERTS)
    return Limit(f"a run gives at most {MAX_RESULTS:,} events (dispatch.max_count)", MAX_RESULTS)


def _bound(plan: Plan, certain: int) -> Bound | None:
    if not isinstance(plan, Correlation) or certain >= plan.timespan:
        return None
    within = f"{plan.at_least} events within {duration(certain)}" if certain else "simultaneous events"
    return Bound(f"misses bursts that straddle two runs: only {within} are found for certain", narrowest=certain)


def _stanza(
    meta: Metadata, title: str, interval: int, look_back: int, group_by: tuple[str, ...] | None, search: str
) -> str:
    minutes = interval // _MINUTE
    settings = {
        "description": _one_line(meta.description or meta.title),
        "search": search.strip().replace("\n", " \\\n"),
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
            "alert.suppress.fields": ",".join([*group_by, free_column("first_seen", group_by)]),
            "alert.suppress.period": duration(look_back),
        }
    lines = [f"[{title}]", *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    """Return text on one line: no control characters, and no backslash at the end, which would continue the value."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return flat.rstrip("\\ ")


def _unique_title(meta: Metadata, context: Context) -> str:
    """Return a title that no other rule of the conversion has: Splunk merges stanzas of one title."""
    title = _title(meta.title)
    others = {_title(other).casefold() for other in context.titles}
    if title.casefold() not in others and title.casefold() != "default":
        return title
    mark = f" ({meta.id or meta.key})"
    return _title(title[: max(0, _MAX_TITLE - len(mark))].rstrip() + mark)


@lru_cache(maxsize=10_000)
def _title(text: str) -> str:
    """Return text that cannot end a stanza's header or begin another one.

    A title that is cut ends with a mark made from the whole, so that two which begin alike stay two.
    """
    plain = _one_line("".join(" " if char in "[]" else char for char in text)).strip() or "untitled"
    if len(plain) <= _MAX_TITLE:
        return plain
    mark = sha256(plain.encode()).hexdigest()[:8]
    return f"{plain[: _MAX_TITLE - len(mark) - 1].rstrip()} {mark}"
