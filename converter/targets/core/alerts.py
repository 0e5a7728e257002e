"""Turn an engine's rows into alerts, by the columns that our emitters or pySigma's backends write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.reference.time import SECOND, event_time, parse_time
from converter.reference.values import find, string_of
from converter.targets.core.target import FOREIGN, TargetAlert, free_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.targets.core.target import Event, Query


NO_VALUE = "<no value>"
_FOREIGN_START = {"spl": "_time", "esql": "timebucket"}
"""The column in which pySigma's backends write the start of a window, by language."""


def query_alerts(rows: Iterable[Mapping[str, Any]], query: Query) -> tuple[TargetAlert, ...]:
    """Return the alerts in the rows of a query in SPL or ES|QL, written by us or by a backend of pySigma."""
    if query.group_by is None:
        return event_alerts(rows)
    if query.target.startswith(FOREIGN):
        return row_alerts(rows, query, _FOREIGN_START[query.language])
    return seen_alerts(rows, query)


def eql_alerts(rows: Sequence[Mapping[str, Any]], query: Query) -> tuple[TargetAlert, ...]:
    """Return the alerts in the results of an EQL query: sequences, or single events for a limit of one."""
    if query.group_by is None:
        return event_alerts(rows)
    if rows and "join_keys" not in rows[0]:
        return grouped_event_alerts(rows, query)
    return sequence_alerts(rows, query)


def event_alerts(rows: Iterable[Mapping[str, Any]]) -> tuple[TargetAlert, ...]:
    """Return an alert for each event that a query returns."""
    alerts = []
    for row in rows:
        if "_id" not in row:
            raise QueryError("the query's rows do not have the ids of their events, so they cannot be compared")
        time = event_time(row)
        alerts.append(TargetAlert(None, time, time, (str(row["_id"]),)))
    return tuple(alerts)


def row_alerts(
    rows: Iterable[Mapping[str, Any]], query: Query, first: str, last: str | None = None
) -> tuple[TargetAlert, ...]:
    """Return an alert for each row of an aggregation.

    Args:
        rows: with the group-by fields and times.
        query: has the names of the group-by fields.
        first: the column with the time of the first event, or the start of a fixed window.
        last: the column with the time of the last event; None: the alert ends the rule's timespan after its start.
    """
    alerts = []
    for row in rows:
        start = parse_time(row.get(first))
        end = parse_time(row.get(last)) if last is not None else _window_end(start, query)
        if start is None or end is None:
            raise QueryError(f"the query's rows have no time in the column {first if start is None else last}")
        alerts.append(TargetAlert(group_of(row, query.group_by or ()), start, end))
    return tuple(alerts)


def seen_alerts(rows: Iterable[Mapping[str, Any]], query: Query) -> tuple[TargetAlert, ...]:
    """Return an alert for each row of one of our queries, whose columns have the names that `free_column` gives."""
    first, last = (free_column(name, query.group_by or ()) for name in ("first_seen", "last_seen"))
    return row_alerts(rows, query, first, last)


def _window_end(start: int | None, query: Query) -> int | None:
    return None if start is None or query.timespan is None else start + query.timespan * SECOND


def sequence_alerts(rows: Iterable[Mapping[str, Any]], query: Query) -> tuple[TargetAlert, ...]:
    """Return an alert for each sequence, `{"join_keys": [...], "events": [...]}`."""
    alerts = []
    for row in rows:
        times = [time for event in row["events"] if (time := event_time(event)) is not None]
        keys = row["join_keys"] if query.group_by else ()
        alerts.append(
            TargetAlert(
                tuple(string_of(key) or "" for key in keys),
                min(times, default=None),
                max(times, default=None),
                tuple(str(event["_id"]) for event in row["events"]),
            )
        )
    return tuple(alerts)


def grouped_event_alerts(events: Sequence[Event], query: Query) -> tuple[TargetAlert, ...]:
    """Return an alert for each event of a correlation whose limit is one event."""
    alerts = []
    for event in events:
        time = event_time(event)
        alerts.append(TargetAlert(group_of(event, query.group_by or ()), time, time, (str(event["_id"]),)))
    return tuple(alerts)


def group_of(row: Mapping[str, Any], fields: Sequence[str]) -> tuple[str, ...]:
    """Return the values of the group-by fields in a row, as strings.

    A row without a value (ES|QL makes a group of null) is in a group that no rule has, see `NO_VALUE`.
    """
    values = []
    for field in fields:
        strings = [string for value in find(row, field) if (string := string_of(value)) is not None]
        if len(strings) > 1:
            raise QueryError(f"the query's rows have several values in the column {field}")
        values.append(strings[0] if strings else NO_VALUE)
    return tuple(values)
