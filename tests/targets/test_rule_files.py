"""Run every rule-file case: a file of a product's detection format, events, and what its scheduled runs alert on.

No Sigma here. Each `tests/targets/rule_files/*.yml` is a mapping with

    files    texts by name, for cases to share
    cases    a list of mappings with

        name      what the case shows, in plain words, unique in its file
        engine    elastic_toml or splunk
        file      the text of the file, or the name of one in `files`
        change    texts in it and what to put in their place; optional
        events    a list; each is an event, or {repeat, every, event}: the event again and again, `every` seconds apart
        phase     offset of the runs in seconds; 0 if left out
        alerts    the rows expected, in order; keys that an expected row leaves out are not compared
        ids       the `_id` of each row expected, in order
        firing    [how many phases alert, how many phases there are]
        at        {phase in seconds: how many rows}
        error     {line, column, message}
        source    a link or document that says so; optional

Exactly one of alerts, ids, firing, at and error says what is expected.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.errors import QueryError
from converter.targets.elastic_toml.engine import execute as elastic
from converter.targets.splunk.saved_search import conf, schedule
from tests.support.engine_cases import changed, rule_file_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.engine_cases import RuleFileCase

HERE = Path(__file__).parent / "rule_files"
EXPECTATIONS = {"alerts", "ids", "firing", "at", "error"}
KNOWN = {"name", "engine", "file", "change", "events", "phase", "source", *EXPECTATIONS}


class Runner:
    """One file and one log, run at a phase in seconds."""

    def __init__(self, engine: str, text: str, events: list[dict[str, Any]]) -> None:
        self.run: Callable[[float], list[dict[str, Any]]]
        if engine == "elastic_toml":
            replay = elastic.Replay(elastic.parse(text), events)
            self.phases = [phase / 1000 for phase in replay.phases()]
            self.run = lambda phase: replay.run(round(phase * 1000))
        else:
            saved = schedule.SavedReplay(conf.parse(text)[0], events)
            self.phases = saved.phases()
            self.run = saved.run


@pytest.mark.parametrize("case", rule_file_cases(), ids=str)
def test_rule_file(case: RuleFileCase) -> None:
    keys = case.keys
    assert not set(keys) - KNOWN, f"unknown keys {set(keys) - KNOWN}"
    assert len(EXPECTATIONS & set(keys)) == 1, f"exactly one of {EXPECTATIONS}"
    if "error" in keys:
        with pytest.raises(QueryError) as caught:
            case.run()
        place = caught.value.place
        assert place is not None
        assert (place.line, place.column) == (keys["error"]["line"], keys["error"]["column"]), str(caught.value)
        assert keys["error"]["message"] in caught.value.message
    elif "firing" in keys:
        runner = Runner(case.folder, case.text, case.events)
        assert [sum(bool(runner.run(at)) for at in runner.phases), len(runner.phases)] == keys["firing"]
    elif "at" in keys:
        assert {at: len(case.run(at)) for at in keys["at"]} == keys["at"]
    else:
        rows = case.run()
        if "ids" in keys:
            assert [row["_id"] for row in rows] == keys["ids"]
        else:
            alerts = keys["alerts"]
            known = [{key: row.get(key) for key in alert} for row, alert in zip(rows, alerts, strict=False)]
            assert known == alerts
            assert len(rows) == len(alerts), rows


@pytest.mark.parametrize("file", sorted({case.file for case in rule_file_cases()}))
def test_the_names_of_a_file_are_unique(file: str) -> None:
    names = [case.keys["name"] for case in rule_file_cases() if case.file == file]
    assert len(names) == len(set(names))


def outcome(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a run alerts on, but for when the run was."""
    return [{key: value for key, value in row.items() if key != "run"} for row in rows]


@pytest.mark.parametrize("seed", range(12))
def test_phases_of_a_rule_file_stand_for_every_phase(seed: int) -> None:
    """At every millisecond of a short interval, a threshold rule alerts as at the phase that stands for it."""
    random = Random(seed)  # noqa: S311 - data for a test
    content = yaml.safe_load((HERE / "elastic_threshold.yml").read_text(encoding="utf-8"))
    look_back = random.choice(["now-1s", "now-2s", "now-3s"])
    text = changed(
        content["files"]["burst"],
        {'interval = "5m"': 'interval = "1s"', 'from = "now-6m"': f'from = "{look_back}"', "value = 5": "value = 3"},
    )
    events = [
        {"@timestamp": 1_767_225_600_000 + random.randrange(6_000), "event": {"action": "x"}, "user": {"name": user}}
        for user in random.choices("ab", k=9)
    ]
    replay = elastic.Replay(elastic.parse(text), events)
    found = replay.phases()
    for phase in range(1000):
        stands_for = max((one for one in found if one <= phase), default=found[-1])
        assert outcome(replay.run(phase)) == outcome(replay.run(stands_for)), f"{phase} is not as {stands_for}"


@pytest.mark.parametrize("seed", range(12))
def test_phases_of_a_saved_search_stand_for_every_phase(seed: int) -> None:
    """At every half second of a period, with snapping, a saved search finds what it finds at the phase for it."""
    random = Random(seed)  # noqa: S311 - data for a test
    earliest, latest = random.choice([("-3m", "now"), ("-2m@m", "-1m@m"), ("-150s", "-30s"), ("-1h@h", "@h")])
    content = yaml.safe_load((HERE / "splunk.yml").read_text(encoding="utf-8"))
    text = changed(
        content["files"]["burst"],
        {"*/5 * * * *": "*/2 * * * *", "earliest_time = -11m": f"earliest_time = {earliest}",
         "latest_time = now": f"latest_time = {latest}", "n>=3": "n>=2"},
    )  # fmt: skip
    events = [{"_time": 1_767_225_600 + random.randrange(500), "action": "x", "user": user} for user in "aabbab"]
    replay = schedule.SavedReplay(conf.parse(text)[0], events)
    found = replay.phases()
    for half in range(240):
        phase = half / 2
        stands_for = min((one for one in found if one >= phase), default=found[0])
        assert outcome(replay.run(phase)) == outcome(replay.run(stands_for)), f"{phase} is not as {stands_for}"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["eql", "esql"])
def test_documents_left_out_beforehand_change_nothing(kind: str, seed: int) -> None:
    """A replay drops what its query can never match; a run on all documents of the window finds the same."""
    random = Random(seed)  # noqa: S311 - data for a test
    text = yaml.safe_load((HERE / "elastic_types.yml").read_text(encoding="utf-8"))["files"][kind]
    start = 1_767_225_600_000
    events: list[dict[str, Any]] = [
        {
            "_id": str(number),
            "@timestamp": start + random.randrange(900) * 1000,
            "event": {"action": random.choice("xyz")},
            "user": {"name": random.choice("ab")},
        }
        for number in range(40)
    ]
    rule = elastic.parse(text)
    replay = elastic.Replay(rule, events)
    engine = importlib.import_module(f"converter.targets.{kind}.engine.execute")
    for time in range(start, start + 1_300_000, 60_000):
        seen = [event for event in events if time - rule.look_back_ms <= event["@timestamp"] <= time]
        whole = engine.run(rule.query, seen)
        if kind == "eql":
            assert [row["_ids"] for row in replay.run_at(time)] == [
                [event["_id"] for event in row["events"]] for row in whole
            ]
        else:
            assert outcome(replay.run_at(time)) == whole


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["burst", "query", "eql", "esql"])
def test_runs_that_see_the_same_events_give_nothing_new(kind: str, seed: int) -> None:
    """Leaving out the runs that see what the run before saw leaves out no alert, only its repetitions."""
    random = Random(seed)  # noqa: S311 - data for a test
    file = "elastic_threshold.yml" if kind == "burst" else "elastic_types.yml"
    text: str = yaml.safe_load((HERE / file).read_text(encoding="utf-8"))["files"][kind]
    text = text.replace('from = "now-6m"\n', "").replace('interval = "5m"\n', "").replace("value = 5", "value = 2")
    text = text.replace("[rule]\n", '[rule]\nfrom = "now-20s"\ninterval = "1s"\nmax_signals = 2\n')
    start = 1_767_225_600_000
    events: list[dict[str, Any]] = [
        {
            "_id": str(number),
            "@timestamp": start + random.choice([random.randrange(60) * 1000, random.randrange(60_000)]),
            "event": {"action": random.choice("xy")},
            "user": {"name": random.choice(["a", "b", ["a", "b"]] if kind == "burst" else "ab")},
        }
        for number in range(14)
    ]
    replay = elastic.Replay(elastic.parse(text), events)
    for phase in replay.phases():
        every = [json.dumps(row) for row in outcome(replay.run(phase))]
        full = replay.full
        once = [json.dumps(row) for row in outcome(replay.run_once(phase))]
        assert list(dict.fromkeys(every)) == list(dict.fromkeys(once))
        assert len(once) <= len(every)
        assert replay.full == full


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("suppressed", [False, True])
def test_searches_that_see_the_same_events_give_nothing_new(seed: int, suppressed: bool) -> None:  # noqa: FBT001
    """The same of saved searches, with and without suppression, and with snapped windows."""
    random = Random(seed)  # noqa: S311 - data for a test
    earliest, latest = random.choice([("-13m", "now"), ("-12m@m", "-1m@m"), ("-750s", "-30s"), ("-1h@h", "@h")])
    text = yaml.safe_load((HERE / "splunk.yml").read_text(encoding="utf-8"))["files"]["burst"]
    text = changed(
        text,
        {"*/5 * * * *": "* * * * *", "earliest_time = -11m": f"earliest_time = {earliest}",
         "latest_time = now": f"latest_time = {latest}", "n>=3": "n>=2"},
    )  # fmt: skip
    if suppressed:
        settings = "alert.suppress = 1\nalert.suppress.fields = user\nalert.suppress.period = 4m"
        text = changed(text, {"alert.digest_mode = 1": f"alert.digest_mode = 0\n{settings}"})
    events = [{"_time": 1_767_225_600 + random.randrange(5_000), "action": "x", "user": user} for user in "aabbabaabb"]
    replay = schedule.SavedReplay(conf.parse(text)[0], events)
    for phase in replay.phases():
        every = [json.dumps(row) for row in (replay.run(phase) if suppressed else outcome(replay.run(phase)))]
        once = [json.dumps(row) for row in (replay.run_once(phase) if suppressed else outcome(replay.run_once(phase)))]
        assert list(dict.fromkeys(every)) == list(dict.fromkeys(once))
