"""Plan to a stanza of savedsearches.conf: the search on its schedule, alerting once an episode.

Plan ──schedule_plan──> Scheduled ──settings_of──> settings ──stanza──> text
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from converter.targets.core.emission import check_context
from converter.targets.splunk.emitter.conf_stanza import one_line, stanza, title_key, unique_title
from converter.targets.splunk.emitter.detection_metadata import level_of
from converter.targets.splunk.emitter.schedule import period, schedule_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.plan import nodes as ir
    from converter.targets.core.target import Context, Query
from converter.targets.splunk.emitter.schedule import Scheduled

_ENDS = (".", "!", "?", ":", ";")
# alert.severity goes from 1 (debug) to 6 (fatal).
_SEVERITY = {"informational": 2, "low": 2, "medium": 3, "high": 4, "critical": 5}


def emit_saved(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the stanza of a plan. Raises as `schedule_plan`."""
    check_context("splunk", context, formats, options)
    scheduled = schedule_plan(plan, context, formats, options)
    shared = context.titles.shared(plan.meta.title, title_key())
    title = unique_title(plan.meta.title, plan.meta.id or plan.meta.key, shared=shared)
    wrap = partial(_text, plan.meta, title, scheduled)
    return as_file(scheduled, wrap, "savedsearches")


def as_file(scheduled: Scheduled, wrap: partial[str], form: str, language: str = "savedsearches") -> Query:
    """Return the query of a file: postprocessing is applied to the search inside, then `wrap` to that."""
    query = scheduled.query
    return replace(query, format=form, language=language, text=wrap(query.text), inner=query.text, wrap=wrap)


def settings_of(scheduled: Scheduled, search: str, meta: ir.Metadata) -> dict[str, str]:
    """Return the settings of the search, its schedule, its trigger and its suppression.

    Source: savedsearches.conf.spec. `realtime_schedule = 0` makes up for runs that were skipped, with the times that
    they should have had; a skew or a schedule window would move runs, not what they look at.
    """
    settings = {
        "search": scheduled.search(search),
        "dispatch.earliest_time": scheduled.earliest,
        "dispatch.latest_time": scheduled.latest,
        "cron_schedule": scheduled.cron,
        "enableSched": "1",
        "realtime_schedule": "0",
        "schedule_window": "0",
        "allow_skew": "0",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.severity": str(_SEVERITY[level_of(meta)]),
    }
    if scheduled.suppress:
        # Only an alert on each result can be suppressed by fields.
        settings |= {
            "alert.digest_mode": "0",
            "alert.suppress": "1",
            "alert.suppress.fields": ",".join(scheduled.suppress),
            "alert.suppress.period": period(scheduled.period),
        }
    return settings


def description_of(meta: ir.Metadata) -> str:
    """Return what the rule says of itself: description, tags, references, author, on one line."""
    parts = [sentence(meta.description or meta.title)]
    attack = [tag.removeprefix("attack.").upper() for tag in meta.tags if tag.startswith("attack.t")]
    for name, values in (("ATT&CK", attack), ("References", meta.references), ("False positives", meta.falsepositives)):
        if values:
            parts.append(f"{name}: {', '.join(values)}.")
    if meta.id:
        parts.append(f"Sigma rule {meta.id}.")
    return one_line(" ".join(parts))


def sentence(text: str) -> str:
    """Return text that other sentences may follow: with a full stop, unless it ends with a sign of its own."""
    text = text.rstrip()
    return text if not text or text.endswith(_ENDS) else f"{text}."


def _text(meta: ir.Metadata, title: str, scheduled: Scheduled, search: str) -> str:
    settings = {
        "description": description_of(meta),
        **settings_of(scheduled, search, meta),
        # There is no action that would track it, and only what is tracked is listed under Triggered Alerts.
        "alert.track": "1",
    }
    return stanza(title, settings)
