"""The adapter for Splunk against recorded exchanges: see conftest.py. Nothing here was ever said by a Splunk."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import QueryError
from converter.live.core import LiveError
from converter.live.splunk.jobs import Patience
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.targets.core.target import Query, Run, TargetAlert
from converter.targets.splunk import TARGET
from converter.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.live.splunk.adapter import SplunkProduct

    Splunk = Callable[..., SplunkProduct]

SECOND = 1_000_000_000
START = 1_714_557_600 * SECOND
RAW: list[dict[str, Any]] = [
    {"user": "anna", "action": "login", "count": 3, "ok": False, "roles": ["a", "b"]},
    {"user": "bert", "action": "login"},
    {"user": "anna", "action": "logout"},
]
TIMES = {"one": 1714557600, "two": 1714557601.250001, "three": 1714557602}
EVENTS = [
    get_product("splunk").view(LogSource("any"))({**raw, "_id": name, "_time": TIMES[name]})
    for raw, name in zip(RAW, TIMES, strict=True)
]
PAUSES_OF_EVENTS_FOUND = 2
FOUND = ("index_made", "events_sent", "job_interface", "events_found")


def query(text: str, **more: Any) -> Query:
    return Query(
        **{"rule": "rule", "target": "splunk", "language": "spl", "verdict": Verdict("exact"), **more}, text=text
    )


DETECTION = query('action="login"')
CORRELATION = query(
    'action="*"\n| stats min(_time) as first_seen max(_time) as last_seen count as event_count by user'
    "\n| where event_count>=2",
    group_by=("user",),
    timespan=300,
)


def test_a_detection_finds_what_the_local_engine_finds(splunk: Splunk) -> None:
    product = splunk(*FOUND, "detection", "index_removed")
    (run,) = product.run(DETECTION, EVENTS)
    (local,) = TARGET.replay(DETECTION, EVENTS)
    assert sorted(run.alerts, key=str) == sorted(local.alerts, key=str)
    assert {alert.events for alert in run.alerts} == {("one",), ("two",)}
    product.close()
    product.close()


def test_a_correlation_finds_what_the_local_engine_finds(splunk: Splunk) -> None:
    product = splunk(*FOUND, "correlation", "index_removed")
    assert product.run(CORRELATION, EVENTS) == TARGET.replay(CORRELATION, EVENTS)
    product.close()


def test_a_correlation_of_upstream_has_the_columns_of_upstream(splunk: Splunk) -> None:
    product = splunk(*FOUND, "correlation_of_upstream", "index_removed")
    text = 'action="*"\n| bin _time span=5m\n| stats count as event_count by _time user\n| search event_count >= 2'
    (run,) = product.run(query(text, target="pysigma:splunk", group_by=("user",), timespan=300), EVENTS)
    assert run.alerts == (TargetAlert(("anna",), START, START + 300 * SECOND),)
    product.close()


def test_a_saved_search_finds_what_it_finds_locally(splunk: Splunk) -> None:
    product = splunk(*FOUND, "saved_search", "index_removed")
    text = '[logins]\nsearch = action="login"\ncron_schedule = 0 * * * *\ndispatch.earliest_time = -1h\nenableSched = 1'
    saved = query(text, language="savedsearches")
    live, local = product.run(saved, EVENTS), TARGET.replay(saved, EVENTS)
    assert [(run.phase, run.once, sorted(run.alerts, key=str)) for run in live] == [
        (run.phase, run.once, sorted(run.alerts, key=str)) for run in local
    ]
    assert [len(run.alerts) for run in live] == [2, 2]
    product.close()


def test_events_that_are_there_are_not_sent_again(splunk: Splunk) -> None:
    product = splunk(*FOUND, "detection", "correlation", "index_removed")
    product.run(DETECTION, EVENTS)
    product.run(CORRELATION, EVENTS)
    product.close()


def test_nothing_is_asked_about_no_events(splunk: Splunk) -> None:
    product = splunk()
    assert product.run(DETECTION, []) == (Run("", ()),)
    product.close()


def test_an_old_server_has_the_first_version_of_the_interface(splunk: Splunk) -> None:
    product = splunk(
        "index_made",
        "events_sent",
        "old_server",
        "events_found_by_old_server",
        "detection_by_old_server",
        "index_removed",
        server="old_server",
    )
    assert product.version == "8.2.12"
    assert len(product.run(DETECTION, EVENTS)[0].alerts) == 2
    product.close()


def test_the_acknowledgement_of_a_token_that_has_it_is_waited_for(splunk: Splunk) -> None:
    product = splunk(
        "index_made", "events_sent_with_acknowledgement", "job_interface", "events_found", "detection", "index_removed"
    )
    assert len(product.run(DETECTION, EVENTS)[0].alerts) == 2
    product.close()


def test_results_come_in_pages(splunk: Splunk) -> None:
    product = splunk(*FOUND, "detection_in_pages", "index_removed")
    assert {alert.events for alert in product.run(DETECTION, EVENTS)[0].alerts} == {("one",), ("two",)}
    product.close()


def test_warnings_of_a_job_are_kept(splunk: Splunk) -> None:
    product = splunk(*FOUND, "detection", "index_removed")
    product.run(DETECTION, EVENTS)
    assert product.notes == [("rule", "Field extractor name=x is unusually slow")]
    product.close()


# --- what is wrong with a search leaves the events where they are ----------------------------------------------------


@pytest.mark.parametrize(
    ("exchange", "says"),
    [
        ("detection_refused", "Unknown search command 'wherre'"),
        ("detection_fails", "the operator is not known"),
        ("detection_with_error", "Timed out waiting for the peer"),
        ("detection_finalized", "FINALIZED"),
        ("detection_of_too_many", "500000 results"),
    ],
)
def test_a_search_that_fails_is_an_error_of_the_query(splunk: Splunk, exchange: str, says: str) -> None:
    product = splunk(*FOUND, exchange, "detection", "index_removed")
    with pytest.raises(QueryError, match=says):
        product.run(DETECTION, EVENTS)
    assert len(product.run(DETECTION, EVENTS)[0].alerts) == 2
    product.close()


def test_rows_without_the_ids_of_events_cannot_be_compared(splunk: Splunk) -> None:
    product = splunk(*FOUND, "detection_without_ids", "index_removed")
    with pytest.raises(QueryError, match="do not have the ids"):
        product.run(query('action="login" | table user'), EVENTS)
    product.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("| tstats count", "begins with tstats"),
        ("action=a [search b=1]", "a search inside a search"),
        ("action=a | append [search b=1]", "a search inside a search"),
        ("action=a | outputlookup x", "outputlookup"),
        ("action=a | collect index=main", "collect"),
        ("action=a | lookup users user", "lookup users"),
        ("action=a earliest=-5m", "counts back from now"),
        ("action=a | stats count by host", "host is set by Splunk"),
        ('action=a | where index="main"', "index is set by Splunk"),
        ("action=a | `filter`", "filter"),
        ("action=", "expected a value"),
    ],
)
def test_a_search_that_needs_more_than_the_events_is_refused_before_anything_is_made(
    splunk: Splunk, text: str, says: str
) -> None:
    product = splunk()
    with pytest.raises(QueryError, match=says):
        product.run(query(text), EVENTS)
    product.close()


@pytest.mark.parametrize("more", [{"language": "eql"}, {"language": "esql"}, {"format": "data_model"}])
def test_other_languages_and_formats_are_refused_by_name(splunk: Splunk, more: dict[str, str]) -> None:
    product = splunk()
    with pytest.raises(QueryError, match=f"{more.get('language', 'data model')}.* is not run live"):
        product.run(query("*", **more), EVENTS)
    product.close()


# --- what makes it impossible to go on removes the index at once ------------------------------------------------------


@pytest.mark.parametrize(
    ("exchanges", "says"),
    [
        (["collector_refuses_token"], r"403 Invalid token \(code 4\)"),
        (["collector_refuses_index"], r"400 Incorrect index \(code 7, event 0\)"),
        (["collector_is_no_collector"], "404 '<html>nothing here"),
        (["events_never_acknowledged", *["not_acknowledged"] * 6], "not acknowledged"),
        (["events_sent", "job_interface", *["events_not_found"] * 6], "finds 0 of 3 events"),
        (["events_sent", "job_interface", *["events_found_in_part"] * 6], "finds 2 of 3 events"),
        (["events_sent", "job_interface", "events_found_with_cut_time"], "1714557601.250001.*1714557601.250000"),
        (["events_sent", "job_interface", "events_found_twice"], "not have the events as they were sent"),
        (["events_sent", "job_interface", "events_without_fields"], "field action from 0 of the 3 events"),
        (["events_sent", "job_interface", "count_refused"], "reached a quota"),
        ([*FOUND[1:], "detection_with_a_page_missing"], "gives 1 of the 2 results"),
        ([*FOUND[1:], "detection_forbidden"], "403.*may not run searches"),
        ([*FOUND[1:], "detection_runs", *["detection_still_runs"] * 5, "detection_cancelled"], "not finished a search"),
    ],
)
def test_a_failure_removes_the_index(splunk: Splunk, exchanges: list[str], says: str) -> None:
    product = splunk("index_made", *exchanges, "index_removed")
    with pytest.raises(LiveError, match=says):
        product.run(DETECTION, EVENTS)
    product.close()


def test_ctrl_c_in_the_middle_of_a_search_cancels_it_and_removes_the_index(splunk: Splunk) -> None:
    def interrupted(_: float) -> None:
        if next(pauses) == PAUSES_OF_EVENTS_FOUND:
            raise KeyboardInterrupt

    pauses = count()
    product = splunk(
        *FOUND,
        "detection_runs",
        "detection_cancelled",
        "index_removed",
        patience=Patience(1, 1, interrupted, lambda: 0.0),
    )
    with pytest.raises(KeyboardInterrupt):
        product.run(DETECTION, EVENTS)
    product.close()


def test_ctrl_c_while_waiting_for_the_events_removes_the_index(splunk: Splunk) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    product = splunk(
        "index_made",
        "events_sent",
        "job_interface",
        "events_not_found",
        "index_removed",
        patience=Patience(1, 1, interrupted, lambda: 0.0),
    )
    with pytest.raises(KeyboardInterrupt):
        product.run(DETECTION, EVENTS)
    product.close()


# --- the index --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", ["index_there", "index_made_by_another"])
def test_an_index_that_exists_is_refused_and_never_removed(splunk: Splunk, exchange: str) -> None:
    product = splunk(exchange)
    with pytest.raises(LiveError, match="the index sigma-convert-test-0000000000000001 already exists"):
        product.run(DETECTION, EVENTS)
    product.close()


def test_an_index_that_may_not_be_made_is_not_removed(splunk: Splunk) -> None:
    product = splunk("index_forbidden")
    with pytest.raises(LiveError, match=r"403.*indexes_edit"):
        product.run(DETECTION, EVENTS)
    product.close()


def test_an_index_that_may_have_been_made_is_removed(splunk: Splunk) -> None:
    product = splunk("index_answer_lost", "index_gone")
    with pytest.raises(LiveError, match="503"):
        product.run(DETECTION, EVENTS)
    product.close()


def test_an_index_that_stays_is_named_and_tried_again(splunk: Splunk) -> None:
    product = splunk(*FOUND, "detection", "index_kept", "index_removed")
    product.run(DETECTION, EVENTS)
    with pytest.raises(LiveError, match=r"sigma-convert-test-0000000000000001 is left.*in use"):
        product.close()
    product.close()


def test_an_index_that_stays_when_the_process_ends_is_named(
    splunk: Splunk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit: list[Callable[[], None]] = []
    monkeypatch.setattr("atexit.register", at_exit.append)
    monkeypatch.setattr("atexit.unregister", at_exit.remove)
    product = splunk(*FOUND, "detection", "index_kept", "index_removed")
    product.run(DETECTION, EVENTS)
    at_exit[0]()
    assert "sigma-convert-test-0000000000000001 is left" in capsys.readouterr().err
    product.close()
    assert not at_exit


def test_what_went_wrong_first_is_told_when_the_index_stays_too(splunk: Splunk) -> None:
    product = splunk("index_made", "collector_refuses_token", "index_kept", "index_removed")
    with pytest.raises(LiveError, match="Invalid token"):
        product.run(DETECTION, EVENTS)
    product.close()


# --- events -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", [None, True, "soon", -1, 1e300, float("nan")])
def test_an_event_without_a_time_that_can_be_sent_is_refused_before_anything_is_made(
    splunk: Splunk, time: object
) -> None:
    product = splunk()
    with pytest.raises(LiveError, match="event x"):
        product.run(DETECTION, [{"_id": "x", "_raw": "{}", "_time": time}])
    product.close()
