"""What the settings of a saved search say besides its times: which keys there are, when it alerts, what is suppressed.

    settings ──check_settings──> known keys, a trigger that is simulated          ──suppression_of──> Suppression

Sources: savedsearches.conf.spec 10.6; Splunk Alerting Manual, "Throttle alerts".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.errors import suggest
from converter.targets.splunk.saved_search.cron import MICRO, read_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.splunk.saved_search.conf import SavedSearch

_PERIOD = re.compile(r"([1-9]\d{0,8})([a-zA-Z]*)")

_TRUE = frozenset({"1", "true", "t", "yes", "y"})
_FALSE = frozenset({"0", "false", "f", "no", "n", ""})
_KNOWN = frozenset(
    {
        "alert_condition", "allow_data_time_skew", "allow_skew", "counttype", "cron_schedule", "description",
        "disabled", "dispatch.earliest_time", "dispatch.index_earliest", "dispatch.index_latest",
        "dispatch.latest_time",
        "dispatch.max_count", "dispatch.max_time", "dispatch.ttl", "dispatch.sample_ratio", "dispatchAs", "displayview",
        "enableSched", "is_visible", "max_concurrent", "quantity", "realtime_schedule", "relation", "schedule_as",
        "schedule_priority", "schedule_window", "search", "vsid", "workload_pool", "alert.digest_mode",
        "alert.display_view", "alert.expires", "alert.managedBy", "alert.severity", "alert.suppress",
        "alert.suppress.fields", "alert.suppress.group_name", "alert.suppress.period", "alert.track",
        "federated_providers", "run_on_startup", "run_n_times", "action_email", "action_rss", "role", "userid",
    }
)  # fmt: skip
_KNOWN_BEGINNINGS = ("action.", "auto_summarize", "dispatch.", "display.", "durable.", "embed.", "request.")


@dataclass(frozen=True, slots=True)
class Suppression:
    """For how long after an alert no other follows: none at all, or none with the same values of `fields`."""

    period_us: int
    fields: tuple[str, ...]

    def kept(self, rows: list[dict[str, Any]], run: int, last: dict[tuple[str, ...], int]) -> list[dict[str, Any]]:
        """Return the rows of a run that alert, and note them in `last`, the time of the last alert by values.

        The period begins with the alert and ends before the moment that it has passed.
        """
        passed: list[dict[str, Any]] = []
        keys = [tuple(str(row.get(name)) for name in self.fields) for row in rows]
        earlier = dict(last)
        for row, key in zip(rows, keys, strict=True):
            if key in earlier and run - earlier[key] < self.period_us:
                continue
            if self.fields and last.get(key) == run:  # the results of one run alert one after another
                continue
            last[key] = run
            passed.append(row)
        return passed

    def over(self, rows: list[dict[str, Any]], last: Mapping[tuple[str, ...], int]) -> int | None:
        """Return when the first of these rows may alert again; None: nothing suppresses one."""
        keys = (tuple(str(row.get(name)) for name in self.fields) for row in rows)
        return min((last[key] + self.period_us for key in keys if key in last), default=None)


def check_settings(saved: SavedSearch) -> None:
    """Refuse keys that are misspelt or that change what runs see in a way that is not simulated, and such triggers.

    Raises:
        QueryError: placed at the key.
    """
    for key in saved.settings:
        if key not in _KNOWN and not key.startswith(_KNOWN_BEGINNINGS):
            raise saved.error(f"unknown key {key!r}", key, suggest(key, _KNOWN))
    for key in ("dispatch.index_earliest", "dispatch.index_latest"):
        if saved.settings.get(key):
            raise saved.error(f"{key} selects by index time, which is not simulated", key)
    if flag(saved, "allow_data_time_skew", default="0"):
        raise saved.error("allow_data_time_skew moves windows at random", "allow_data_time_skew")
    if saved.settings.get("dispatch.sample_ratio", "1") != "1":
        raise saved.error("dispatch.sample_ratio leaves events out at random", "dispatch.sample_ratio")
    _check_trigger(saved)


def suppression_of(saved: SavedSearch) -> Suppression | None:
    """Return what suppresses alerts, or None; refuse what the product's documents do not settle."""
    if not flag(saved, "alert.suppress", default="0"):
        return None
    if saved.settings.get("alert.suppress.group_name"):
        raise saved.error("suppression in a group of searches is not simulated", "alert.suppress.group_name")
    period = _PERIOD.fullmatch(saved.settings.get("alert.suppress.period", ""))
    if period is None:
        key = "alert.suppress.period" if "alert.suppress.period" in saved.settings else "alert.suppress"
        raise saved.error("alert.suppress needs an alert.suppress.period such as 60, 10m or 1h", key)
    fields = tuple(name.strip() for name in saved.settings.get("alert.suppress.fields", "").split(",") if name.strip())
    if flag(saved, "alert.digest_mode", default="1"):
        if fields:
            raise saved.error(
                "alert.suppress.fields is documented only for alerts on each result", "alert.suppress.fields",
                "set alert.digest_mode = 0",
            )  # fmt: skip
    elif not fields:
        raise saved.error("suppression of alerts on each result needs alert.suppress.fields", "alert.suppress")
    unit = period[2] or "s"
    return Suppression(int(period[1]) * read_unit(saved, "alert.suppress.period", unit) * MICRO, fields)


def _check_trigger(saved: SavedSearch) -> None:
    """Refuse a condition other than "there is a result"."""
    settings = saved.settings
    if settings.get("alert_condition"):
        raise saved.error("alert_condition is not simulated", "alert_condition", "put the condition into the search")
    counted = settings.get("counttype", "always")
    if counted == "always":
        for key in ("relation", "quantity"):
            if settings.get(key):
                raise saved.error(f"{key} without counttype has no meaning", key, "set counttype = number of events")
        return
    if counted != "number of events":
        raise saved.error(f"counttype {counted!r} is not simulated", "counttype", "number of events, or always")
    if settings.get("relation") != "greater than":
        raise saved.error(f"relation {settings.get('relation', '')!r} is not simulated", "relation", "greater than")
    if settings.get("quantity") != "0":
        raise saved.error(
            f"quantity {settings.get('quantity', '')!r} is not simulated", "quantity",
            "put the count into the search and write 0 here",
        )  # fmt: skip


def flag(saved: SavedSearch, key: str, *, default: str) -> bool:
    """Return a setting that is true or false; QueryError if it is neither."""
    value = saved.settings.get(key, default).lower()
    if value not in _TRUE | _FALSE:
        raise saved.error(f"{key} must be 0 or 1, not {value!r}", key)
    return value in _TRUE
