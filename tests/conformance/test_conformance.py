"""Run every conformance case: a Sigma rule, events, and what the specification (or docs/semantics.md) says of them.

Each `tests/conformance/<topic>/*.yml` holds documents with

    name       what the document is about, in plain words
    rule       the text of one or several Sigma rules                                    (one of rule, detection)
    detection  only the text of the detection section, for rules of which nothing else matters
    cases      a list, each with a `name` that is unique in its file, and
                 event, matches: true or false               one event against a detection rule
                 events, matches: [positions]                a log against a detection rule
                 events, alerts: [{rule, group, first, last, events}]    a log against a correlation rule
                 events, raises: part of a message           evaluation gives up, loudly
                 error: part of a message, line, column      the rule is not valid Sigma, or has a placeholder that
                                                             nothing expands (places are optional)
                 refused: construct, line, column            the rule is valid, and refused by the name of a construct
               a case may bring its own `rule` or `detection`

Times in `first` and `last` may be seconds since the epoch. Scalars are read as JSON reads them: a plain `yes` or
`12:30:00` is text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from converter.errors import RefusedError, RuleError, SourceError
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules
from tests.support.conformance import Case, load
from tests.support.paths import DOCS

PAGE = DOCS / "semantics.md"
_KEYS = {
    "name", "rule", "detection", "event", "events", "matches", "alerts", "raises", "error", "refused", "line", "column",
}  # fmt: skip
_OUTCOMES = {"matches", "alerts", "raises", "error", "refused"}


CASES = load()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_conformance(case: Case) -> None:
    data = case.data
    assert set(data) <= _KEYS, f"unknown keys {set(data) - _KEYS}"
    assert len(_OUTCOMES & set(data)) == 1, f"exactly one of {_OUTCOMES}"
    if "error" in data or "refused" in data:
        with pytest.raises(SourceError) as caught:
            # A pipeline may still expand a placeholder that is left, so that is an error when events come.
            evaluate_plans(parse_rules(case.rule).plans, [])
        check_error(caught.value, data)
        return
    plans = parse_rules(case.rule).plans
    events = data["events"] if "events" in data else [data["event"]]
    if "raises" in data:
        with pytest.raises(SourceError) as caught:
            evaluate_plans(plans, events)
        assert data["raises"] in caught.value.message
        return
    rows = [alert.as_row() for alert in evaluate_plans(plans, events)]
    if "alerts" in data:
        several = any("rule" in alert for alert in data["alerts"])
        assert [shown(row, several=several) for row in rows] == [expected(alert) for alert in data["alerts"]]
    elif "event" in data:
        assert bool(rows) is data["matches"]
    else:
        assert [row["event"] for row in rows] == data["matches"]


def check_error(error: SourceError, data: dict[str, Any]) -> None:
    if "error" in data:
        assert type(error) is RuleError
        assert data["error"] in error.message
    else:
        assert isinstance(error, RefusedError)
        assert error.construct == data["refused"]
    assert error.place is not None
    if "line" in data:
        assert (error.place.line, error.place.column) == (data["line"], data["column"])


def shown(row: dict[str, Any], *, several: bool) -> dict[str, Any]:
    return row if several else {key: value for key, value in row.items() if key != "rule"}


def expected(alert: dict[str, Any]) -> dict[str, Any]:
    return {key: iso(value) if key in {"first", "last"} else value for key, value in alert.items()}


def iso(time: str | int) -> str:
    if isinstance(time, str):
        return time
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)).isoformat().replace("+00:00", "Z")


def test_names_are_unique() -> None:
    labels = [case.label for case in CASES]
    assert sorted(set(labels)) == sorted(labels)


def test_there_are_many() -> None:
    assert len(CASES) >= 300


def test_semantics_page_names_cases_that_exist() -> None:
    labels = {case.label for case in CASES}
    named = re.findall(r"`([a-z_]+/[a-z_]+: [^`]+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 100
    assert [name for name in named if name not in labels] == []


def test_semantics_page_uses_every_topic() -> None:
    page = PAGE.read_text(encoding="utf-8")
    files = {case.label.split(":")[0] for case in CASES}
    assert [name for name in sorted(files) if f"`{name}: " not in page] == []
