"""Saved searches on a live Splunk: the local engine stands in for it, asked for each window of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import QueryError
from converter.live.splunk.events import ID_FIELD, OWN, renamed
from converter.live.splunk.schedule import MAX_JOBS, replay_saved, saved_of
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.targets.core.target import Query
from converter.targets.splunk import TARGET
from converter.targets.splunk.engine.execute import compile_query
from converter.targets.splunk.engine.parse import parse
from converter.verdicts.verdict import Limit, Verdict
from tests.support.paths import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.live.splunk.adapter import SplunkProduct
    from converter.live.splunk.query import LiveSearch
    from converter.targets.core.target import Event, Run

    Ask = Callable[[str, str, str], list[dict[str, Any]]]


GOLDEN = TESTS / "targets" / "golden"
NAME = "aws_iam_principal_enumeration_update_assume_role_policy.query"
KEYS = ("userIdentity.accountId", "userIdentity.userName", "sourceIPAddress")
START = 1_714_557_600
cloudtrail = get_product("splunk").view(LogSource("aws", None, "cloudtrail"))


def failure(number: int, time: float, user: str = "anna") -> dict[str, Any]:
    return cloudtrail(
        {
            "_id": str(number), "_time": time, "eventSource": "iam.amazonaws.com", "sourceIPAddress": "192.0.2.1",
            "eventName": "UpdateAssumeRolePolicy", "errorCode": "MalformedPolicyDocumentException",
            "userIdentity": {"type": "IAMUser", "accountId": "123456789012", "userName": user},
        }
    )  # fmt: skip


def file(text: str, language: str = "savedsearches", **more: Any) -> Query:
    return Query(
        **{"rule": "rule", "target": "splunk", "verdict": Verdict("exact"), **more}, language=language, text=text
    )


def saved(search: str, cron: str = "*/5 * * * *", earliest: str = "-5m", more: str = "") -> str:
    settings = f"cron_schedule = {cron}\ndispatch.earliest_time = {earliest}\nenableSched = 1\n{more}"
    return f"[test]\nsearch = {search}\n{settings}"


def narrowed(search: LiveSearch) -> str:
    return search.narrowed("i", "s")


def splunk_of(events: Sequence[Event], asked: list[str] | None = None) -> Ask:
    """Return the local engine as if it were a Splunk that holds these events, and others that match as well."""
    compiled: dict[str, Any] = {}

    def ask(text: str, earliest: str, latest: str) -> list[dict[str, Any]]:
        if asked is not None:
            asked.append(text)
        start, end = float(earliest), float(latest)
        stored = [
            {
                **{renamed(name) if name in OWN else name: value for name, value in event.items() if name != "_id"},
                ID_FIELD: event["_id"], "index": "i", "source": source,
            }
            for event in events if start <= event["_time"] < end
            for source in ("s", "another")
        ]  # fmt: skip
        if text not in compiled:
            compiled[text] = compile_query(parse(text), text)
        rows: list[dict[str, Any]] = compiled[text](stored, {}, window=(start, end))
        return rows

    return ask


def both(query: Query, events: Sequence[Event]) -> tuple[Sequence[Run], Sequence[Run]]:
    return replay_saved(saved_of(query), query, events, narrowed, splunk_of(events)), TARGET.replay(query, events)


@pytest.mark.parametrize("count", [3, 26])
@pytest.mark.parametrize(("target", "language"), [("splunk-savedsearches", "savedsearches"), ("splunk-es", "savedsearches"), ("splunk-contentctl", "contentctl")])  # fmt: skip  # noqa: E501
def test_each_phase_finds_what_it_finds_locally(target: str, language: str, count: int) -> None:
    query = file((GOLDEN / target / NAME).read_text(encoding="utf-8"), language, group_by=KEYS, timespan=360)
    events = [failure(number, START + 7 * number) for number in range(count)]
    live, local = both(query, [*events, failure(count, START + 30, "bert")])
    assert live == local
    assert any(run.alerts for run in live) == (count >= 25)


@pytest.mark.parametrize(
    "text",
    [
        saved("eventName=Update*"),
        saved("eventName=Update*", "0 * * * *", "-1h@h"),
        saved("eventName=Update* | addinfo | where _time>=info_min_time+30"),
        saved(
            "eventName=Update*", more="alert.digest_mode = 0\nalert.suppress = 1\nalert.suppress.period = 10m\n"
            "alert.suppress.fields = userIdentity.userName",
        ),
    ],
)  # fmt: skip
def test_a_detection_finds_what_it_finds_locally(text: str) -> None:
    events = [failure(number, START + 0.000_001 + 100.5 * number, f"user {number % 2}") for number in range(5)]
    query = file(text)
    live = replay_saved(saved_of(query), query, events, narrowed, splunk_of(events))
    local = TARGET.replay(query, events)
    assert [(run.phase, sorted(run.alerts, key=str)) for run in live] == [
        (run.phase, sorted(run.alerts, key=str)) for run in local
    ]
    assert any(run.alerts for run in live)


def test_a_run_that_reaches_the_limit_is_full() -> None:
    query = file(saved("eventName=Update*"), verdict=Verdict("bounded", limit=Limit("two", 2)))
    live, local = both(query, [failure(number, START + number) for number in range(3)])
    assert [run.full for run in live] == [run.full for run in local]
    assert any(run.full for run in live)


def test_runs_that_see_the_same_events_share_a_job_unless_they_read_their_window() -> None:
    events = [failure(number, START + 90 * number) for number in range(4)]
    asked: list[str] = []
    for search in ("eventName=Update*", "eventName=Update* | addinfo"):
        query = file(saved(search, earliest="-30m"))
        replay_saved(saved_of(query), query, events, narrowed, splunk_of(events, asked))
    plain = sum("addinfo" not in text for text in asked)
    assert plain < len(asked) - plain


def test_what_is_no_event_of_the_search_makes_no_phases() -> None:
    events = [failure(1, START), *(cloudtrail({"_id": f"x{n}", "_time": START + n, "a": 1}) for n in range(200))]
    query = file(saved("eventName=Update*"))
    assert len(replay_saved(saved_of(query), query, events, narrowed, splunk_of(events))) <= 2


def test_too_many_jobs_are_refused_by_their_number() -> None:
    query = file(saved("eventName=Update* | addinfo", "* * * * *", "-60m"))
    events = [failure(number, START + 61.5 * number) for number in range(60)]
    asked: list[str] = []
    with pytest.raises(QueryError, match=rf"runs that see other events .* at most {MAX_JOBS} jobs"):
        replay_saved(saved_of(query), query, events, narrowed, splunk_of(events, asked))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (saved("| tstats count"), "begins with tstats"),
        (saved("a=1 | `filter`"), "filter"),
        (saved("a=1 | where _time>now()-60"), "reads the clock"),
        (saved("a=1") + saved("b=1").replace("[test]", "[other]"), "several saved searches"),
        (saved("a=1").replace("enableSched = 1", ""), "not scheduled"),
        (saved("a=1", more="counttype = number of hosts"), "number of hosts"),
        ("[test]\nsearch = a=1\n\\", "neither"),
    ],
)
def test_what_is_not_run_is_refused_before_anything_is_made(
    splunk: Callable[..., SplunkProduct], text: str, says: str
) -> None:
    product = splunk()
    with pytest.raises(QueryError, match=says):
        product.run(file(text), [failure(1, START)])
    product.close()


def test_an_event_that_is_indexed_late_is_refused() -> None:
    query = file(saved("a=1"))
    event = {**failure(1, START), "_indextime": START + 60}
    with pytest.raises(QueryError, match="has an index time"):
        replay_saved(saved_of(query), query, [event], narrowed, splunk_of([event]))


def test_a_place_in_the_search_is_one_in_the_file() -> None:
    with pytest.raises(QueryError) as caught:
        saved_of(file(saved("a=1 | lookup users user")))
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (2, 16)
