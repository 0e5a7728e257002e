"""The loader of case files reads what is right and says what is wrong.

Each file in `bad_cases/` begins with the error that it must give:

    #! LINE:COLUMN MESSAGE [~ HINT]          DIR stands for the folder
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from converter.errors import CaseError, LogError
from converter.harness.cases import events as case_events
from converter.harness.cases import load as cases
from converter.harness.cases.load import Expect, Suite, find_case_files, load_cases
from converter.readers.limits import changed, using
from tests.support.paths import ROOT

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad_cases").glob("*.yml"))


def load(folder: Path, text: str, *, head: str = "rule: rule.yml\n") -> Suite:
    (folder / "rule.yml").touch()
    (folder / "cases.yml").write_text(head + text, encoding="utf-8")
    return load_cases([folder])[0]


def events_of(folder: Path, entries: str, head: str = "") -> list[dict[str, Any]]:
    suite = load(folder, f"{head}cases:\n  - name: case\n    events: {entries}\n    expect: none\n")
    return list(suite.cases[0].events)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_case_file(path: Path) -> None:
    first_line = path.read_bytes().split(b"\n", 1)[0].decode()
    match = re.fullmatch(r"#! (\d+):(\d+) (.*?)(?: ~ (.*))?", first_line)
    assert match is not None, "the first line must hold the expected error"
    with pytest.raises(CaseError) as caught:
        load_cases([path])
    place = caught.value.place
    assert place is not None
    assert (place.line, place.column) == (int(match[1]), int(match[2]))
    assert place.name == str(path)
    assert caught.value.message.replace(str(path.parent), "DIR") == match[3]
    assert caught.value.hint.replace(str(path.parent), "DIR") == (match[4] or "")


def test_caret_stands_under_the_unknown_key() -> None:
    with pytest.raises(CaseError) as caught:
        load_cases([HERE / "bad_cases" / "unknown_key_of_generator.yml"])
    shown = caught.value.render().splitlines()
    assert shown[1].index("repaet") == shown[2].index("^")
    assert shown[2].count("^") == len("repaet")


GENERATED: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("an empty entry is one event at the base", "[{}]", [{"eventTime": "2026-01-01T00:00:00Z"}]),
    (
        "repeat and every",
        "[{at: 1m, repeat: 3, every: 90s}]",
        [{"eventTime": f"2026-01-01T00:0{time}Z"} for time in ("1:00", "2:30", "4:00")],
    ),
    ("repeat alone is one moment", "[{repeat: 2}]", [{"eventTime": "2026-01-01T00:00:00Z"}] * 2),
    ("before the base", "[{at: -1h30m}]", [{"eventTime": "2025-12-31T22:30:00Z"}]),
    ("after the base, with a sign", "[{at: +1d}]", [{"eventTime": "2026-01-02T00:00:00Z"}]),
    ("a time in another zone", '[{at: "2026-05-01T02:00:00+02:00"}]', [{"eventTime": "2026-05-01T00:00:00Z"}]),
    ("a time without quotes", "[{at: 2026-05-01T00:00:00Z}]", [{"eventTime": "2026-05-01T00:00:00Z"}]),
    (
        "fractions are exact",
        "[{repeat: 3, every: 0.1s}, {at: 1us}]",
        [
            {"eventTime": "2026-01-01T00:00:00Z"},
            {"eventTime": "2026-01-01T00:00:00.100Z"},
            {"eventTime": "2026-01-01T00:00:00.200Z"},
            {"eventTime": "2026-01-01T00:00:00.000001Z"},
        ],
    ),
    ("an offset keeps the moment", '[{utc_offset: "-03:30"}]', [{"eventTime": "2025-12-31T20:30:00-03:30"}]),
    ("dotted and nested fields are the same", "[{set: {a.b: 1, a: {c.d: 2}}}]", [{"a": {"b": 1, "c": {"d": 2}}}]),
    ("set goes over event", "[{set: {a: {b: 1}}, event: {a: {b: 2, c: 3}}}]", [{"a": {"b": 1, "c": 3}}]),
    ("a list replaces", "[{event: {a: [1, 2]}, set: {a: [3]}}]", [{"a": [3]}]),
    ("a value replaces a mapping", "[{event: {a: {b: 1}}, set: {a: null}}]", [{"a": None}]),
    ("a mapping replaces a value", "[{event: {a: 1}, set: {a: {b: 2}}}]", [{"a": {"b": 2}}]),
    ("an empty mapping stays", "[{set: {a: {}}}]", [{"a": {}}]),
    ("vary counts from one", '[{repeat: 2, vary: {a: "{i}-{i:03}"}}]', [{"a": "1-001"}, {"a": "2-002"}]),
    ("vary takes turns", "[{repeat: 3, vary: {a: [p, null]}}]", [{"a": "p"}, {"a": None}, {"a": "p"}]),
    ("unset is last", "[{set: {a: {b: 1, c: 2}}, unset: [a.b, x.y]}]", [{"a": {"c": 2}}]),
    ("the time can be unset", "[{set: {a: 1}, unset: [eventTime]}]", [{"a": 1}]),
    ("a raw event is left alone", "[{eventTime: soon, a.b: 1}]", [{"eventTime": "soon", "a.b": 1}]),
    ("what YAML takes for more is text", "[{set: {a: no, b: 010, c: 12:30:00, d: 2026-01-01, e: 0x1f, f: .inf}}]", [
        {"a": "no", "b": "010", "c": "12:30:00", "d": "2026-01-01", "e": "0x1f", "f": ".inf"},
    ]),
    ("quoted or tagged is text", "[{set: {a: '5', b: !!str 5, c: 'null'}}]", [{"a": "5", "b": "5", "c": "null"}]),
    ("numbers and constants", "[{set: {a: -1, b: 1.50, c: 1e3, d: True, e: ~}}]", [
        {"a": -1, "b": 1.5, "c": 1000.0, "d": True, "e": None},
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "expected"), [row[1:] for row in GENERATED], ids=[row[0] for row in GENERATED])
def test_generated_events(tmp_path: Path, entries: str, expected: list[dict[str, Any]]) -> None:
    events = events_of(tmp_path, entries)
    assert [event.pop("_id") for event in events] == [f"e{number}" for number in range(1, len(expected) + 1)]
    if not any("eventTime" in event for event in expected):
        for event in events:
            event.pop("eventTime", None)
    assert events == expected


def test_events_share_nothing(tmp_path: Path) -> None:
    head = "defaults: {event: {a: {b: [1]}}}\n"
    first, second = events_of(tmp_path, "[{repeat: 2}]", head)
    first["a"]["b"].append(2)
    assert second["a"] == {"b": [1]}


def test_defaults_base_and_time_field(tmp_path: Path) -> None:
    head = 'base: 2026-02-01T10:00:00+01:00\ntime_field: "@timestamp"\ndefaults: {event: {a: 1, b: {c: 2}}}\n'
    events = events_of(tmp_path, "[{at: 1s, set: {b.d: 3}}, {'@timestamp': 5}]", head)
    assert events == [
        {"a": 1, "b": {"c": 2, "d": 3}, "@timestamp": "2026-02-01T09:00:01Z", "_id": "e1"},
        {"@timestamp": 5, "_id": "e2"},
    ]


def test_jitter_is_late_within_bounds_and_the_same_each_time(tmp_path: Path) -> None:
    times = [event["eventTime"] for event in events_of(tmp_path, "[{repeat: 50, jitter: 3s}]")]
    assert set(times) == {f"2026-01-01T00:00:0{late}Z" for late in range(4)}
    assert times == [event["eventTime"] for event in events_of(tmp_path, "[{repeat: 50, jitter: 3s}]")]
    fine = [event["eventTime"] for event in events_of(tmp_path, "[{repeat: 50, jitter: 1.5s}]")]
    assert len(set(fine)) > 10
    assert max(fine) <= "2026-01-01T00:00:01.500Z"


def test_shuffle_keeps_names_and_is_the_same_each_time(tmp_path: Path) -> None:
    text = "cases: [{name: a, events: [{repeat: 20, every: 1s}], shuffle: %s, expect: none}]\n"
    orders = {}
    for seed in ("false", "true", "2"):
        events = load(tmp_path, text % seed).cases[0].events
        assert all(event["eventTime"].endswith(f":{int(event['_id'][1:]) - 1:02}Z") for event in events)
        orders[seed] = [event["_id"] for event in events]
        assert orders[seed] == [event["_id"] for event in load(tmp_path, text % seed).cases[0].events]
    assert orders["false"] == [f"e{number}" for number in range(1, 21)]
    assert len({tuple(order) for order in orders.values()}) == 3
    assert all(sorted(order) == sorted(orders["false"]) for order in orders.values())


def test_shuffle_of_one_entry(tmp_path: Path) -> None:
    events = events_of(tmp_path, "[{repeat: 9, every: 1s, shuffle: true}, {at: 1m}]")
    times = [event["eventTime"] for event in events]
    assert times[-1] == max(times)
    assert times != sorted(times)


def test_logs_come_first_and_keep_their_ids(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"n": 1}\n{"n": 2, "_id": "mine"}\n', encoding="utf-8")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(b'[{"n": 3}]'))
    text = (
        "cases: [{name: a, logs: [a.ndjson, b.json.gz], events: [{set: {n: 4}, unset: [eventTime]}], expect: match}]\n"
    )
    assert load(tmp_path, text).cases[0].events == (
        {"n": 1, "_id": "a.ndjson:1"},
        {"n": 2, "_id": "mine"},
        {"n": 3, "_id": "b.json.gz:1"},
        {"n": 4, "_id": "e4"},
    )


def test_bad_line_of_a_log_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"n": 1}\n{"n": \n', encoding="utf-8")
    with pytest.raises(LogError) as caught:
        load(tmp_path, "cases: [{name: a, logs: a.ndjson, expect: none}]\n")
    assert caught.value.place is not None
    assert (Path(caught.value.place.name).name, caught.value.place.line) == ("a.ndjson", 2)


def test_expectations_and_divergences(tmp_path: Path) -> None:
    text = """
cases:
  - {name: none, events: [{}], expect: none}
  - {name: match, events: [{}], expect: match}
  - {name: count, events: [{}], expect: {alerts: 2}}
  - name: groups
    description: why
    events: [{}]
    expect: {groups: [{a.b: 007, c: "x"}, {a.b: true}]}
    known_divergence:
      kql: {expect: none, reason: it cannot count}
      "splunk:savedsearches": {expect: {alerts: 3}, reason: three rows}
"""
    suite = load(tmp_path, text)
    found = {case.name: case for case in suite.cases}
    assert found["none"].expect == Expect(alerts=0)
    assert found["match"].expect == Expect(at_least_one=True)
    assert found["count"].expect == Expect(alerts=2)
    groups = found["groups"]
    assert groups.expect == Expect(at_least_one=True, groups=({"a.b": "007", "c": "x"}, {"a.b": "true"}))
    assert groups.description == "why"
    assert [(gap.target, gap.expect, gap.reason) for gap in groups.divergences] == [
        ("kql", Expect(alerts=0), "it cannot count"),
        ("splunk:savedsearches", Expect(alerts=3), "three rows"),
    ]
    assert groups.place.line == 7
    assert groups.divergences[0].place.line == 12


def test_merge_keys(tmp_path: Path) -> None:
    text = "cases:\n  - &one {name: a, events: [{}], expect: none}\n  - {<<: *one, name: b}\n"
    assert [case.name for case in load(tmp_path, text).cases] == ["a", "b"]


def test_several_rules_and_the_log_source(tmp_path: Path) -> None:
    (tmp_path / "other.yml").touch()
    head = "rule: [rule.yml, other.yml]\nlogsource: aws/cloudtrail\n"
    suite = load(tmp_path, "cases: [{name: a, events: [{}], expect: none}]\n", head=head)
    assert [path.name for path in suite.rules] == ["rule.yml", "other.yml"]
    assert suite.logsource == "aws/cloudtrail"
    assert load(tmp_path, "cases: [{name: a, events: [{}], expect: none}]\n").logsource is None


def test_case_files_are_found_below_folders(tmp_path: Path) -> None:
    for name in ("b/cases.yml", "a.cases.yml", "c/mycases.yml", "c/cases.yaml", ".venv/cases.yml", "b/.x/cases.yml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    given = tmp_path / "c" / "mycases.yml"
    found = find_case_files([given, tmp_path, tmp_path / "b"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["c/mycases.yml", "a.cases.yml", "b/cases.yml"]


@pytest.mark.parametrize(("make", "message"), [(False, "no such file or folder"), (True, "no case file below")])
def test_nothing_to_load_is_an_error(tmp_path: Path, make: bool, message: str) -> None:  # noqa: FBT001 - a parameter
    path = tmp_path / "folder"
    if make:
        path.mkdir()
    with pytest.raises(CaseError, match=message):
        load_cases([path])


def test_size_is_limited(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="bytes"):
        load(tmp_path, "#" * (17 * 1024 * 1024))


def test_number_of_events_is_limited(tmp_path: Path) -> None:
    with using(changed({"events": 50})), pytest.raises(CaseError, match="more than 50 events") as caught:
        events_of(tmp_path, "[{repeat: 30}, {repeat: 30}]")
    assert caught.value.hint == "--limit events=VALUE raises the limit"


def test_numbers_are_those_of_a_log(tmp_path: Path) -> None:
    numbers = f"[1e999, -1e999, 1e-999, {'9' * 30}, {'9' * 5_000}, -0, NaN, .inf, 1e3, 0.123456789012345678]"
    (event,) = events_of(tmp_path, f"[{{set: {{n: {numbers}}}}}]")
    assert event["n"] == [
        *("1e999", "-1e999", 0.0, int("9" * 30), "9" * 5_000, 0, "NaN", ".inf", 1000.0, 0.12345678901234568),
    ]


def test_events_of_all_cases_are_limited_together(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"n": 1}\n' * 20, encoding="utf-8")
    text = (
        "cases: [{name: a, logs: a.ndjson, expect: none}, {name: b, logs: a.ndjson, expect: none}, "
        "{name: c, events: [{repeat: 11}], expect: none}]\n"
    )
    assert len(load(tmp_path, text).cases) == 3
    with using(changed({"events": 50})), pytest.raises(CaseError, match="the cases have more than 50 events"):
        load(tmp_path, text)
    with using(changed({"events": 10})), pytest.raises(CaseError, match="the cases have more than 10 events"):
        load(tmp_path, text)


def test_bytes_that_are_generated_are_limited_before_they_are_made(tmp_path: Path) -> None:
    big = "x" * 1_000_000
    with pytest.raises(CaseError, match="the events of the cases have more than 134,217,728 bytes") as caught:
        events_of(tmp_path, f"[{{repeat: 100000, set: {{a: {big}}}}}]")
    assert caught.value.hint == "--limit case-bytes=VALUE raises the limit"
    with pytest.raises(CaseError, match="more than 134,217,728 bytes"):
        events_of(tmp_path, f"[{{repeat: 100000, vary: {{a: [x, {big}]}}}}]")


def test_the_size_of_a_log_is_limited(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(b'{"n": 1}\n' * 1_000))
    with using(changed({"case-bytes": 5_000})), pytest.raises(LogError, match="more than 5,000 bytes") as caught:
        load(tmp_path, "cases: [{name: a, logs: a.ndjson.gz, expect: none}]\n")
    assert caught.value.hint == "--limit case-bytes=VALUE raises the limit"


def test_documented_example_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example is not None
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "cases.yml").write_text(example[1], encoding="utf-8")
    name = "aws_iam_principal_enumeration_update_assume_role_policy"
    for used in (f"sigma/aws/{name}.yml", f"samples/{name}/attack.ndjson"):
        (tmp_path / used).parent.mkdir(parents=True)
        shutil.copy(ROOT / used, tmp_path / used)
    (suite,) = load_cases([tmp_path / "docs"])
    assert [len(case.events) for case in suite.cases] == [30, 24, 30, 72, 48]


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    tables = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    keys = {*cases.SUITE.known, *cases.CASE.known, *case_events.GENERATOR.known}
    assert {key for key in keys if f"`{key}`" not in tables} == set()


# ------------------------------------------------------------------------------------------- files that a case names


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a rule, a log and links, beside files with secrets; the current folder is the repository."""
    repo = tmp_path / "repo"
    for name, text in {
        "repo/.git/config": "SECRET: [\n",
        "repo/rules/rule.yml": "title: a\n",
        "repo/logs/log.ndjson": '{"n": 1}\n',
        "repo/samples/other.yml": "",
        "out/secret.yml": "SECRET: [\n",
        "out/secret.ndjson": "SECRET\n",
        "out/cases.yml": "SECRET: [\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for link, target in {
        "rules/inside.yml": "rule.yml",
        "rules/outside.yml": "../../out/secret.yml",
        "rules/git.yml": "../.git/config",
        "rules/loop.yml": "loop.yml",
        "logs/outside.ndjson": "../../out/secret.ndjson",
        "logs/zero.ndjson": "/dev/zero",
        "out": "../out",
    }.items():
        (repo / link).symlink_to(target)
    os.mkfifo(repo / "logs" / "pipe.ndjson")
    monkeypatch.chdir(repo)
    return repo


OUTSIDE = "is outside the repository ROOT"


@pytest.mark.parametrize(
    ("rule", "log", "error"),
    [
        ("../rules/rule.yml", "../logs/log.ndjson", None),
        ("../rules/inside.yml", "../logs/log.ndjson", None),
        ("../../out/secret.yml", "../logs/log.ndjson", f"1:7 the rule ../out/secret.yml {OUTSIDE}"),
        ("../../out/none.yml", "../logs/log.ndjson", f"1:7 the rule ../out/none.yml {OUTSIDE}"),
        ("../rules/outside.yml", "../logs/log.ndjson", f"1:7 the rule rules/outside.yml {OUTSIDE}"),
        ("../out/secret.yml", "../logs/log.ndjson", f"1:7 the rule out/secret.yml {OUTSIDE}"),
        ("[../rules/rule.yml, /etc/passwd]", "../logs/log.ndjson", f"1:27 the rule /etc/passwd {OUTSIDE}"),
        ("/proc/self/environ", "../logs/log.ndjson", f"1:7 the rule /proc/self/environ {OUTSIDE}"),
        ("../rules/git.yml", "../logs/log.ndjson", "1:7 the rule rules/git.yml is in .git, which belongs to Git"),
        ("../.git/config", "../logs/log.ndjson", "1:7 the rule .git/config is in .git, which belongs to Git"),
        ("../rules/loop.yml", "../logs/log.ndjson", "1:7 the rule rules/loop.yml is a loop of links, not a file"),
        ("../rules", "../logs/log.ndjson", "1:7 the rule rules is a folder, not a file"),
        ("../rules/none.yml", "../logs/log.ndjson", "1:7 no such rule: rules/none.yml"),
        ('"a\\0b.yml"', "../logs/log.ndjson", "1:7 no such rule: samples/a\0b.yml"),
        ("../rules/rule.yml", "../../out/secret.ndjson", f"2:25 the log ../out/secret.ndjson {OUTSIDE}"),
        ("../rules/rule.yml", "../logs/outside.ndjson", f"2:25 the log logs/outside.ndjson {OUTSIDE}"),
        ("../rules/rule.yml", "../out/secret.ndjson", f"2:25 the log out/secret.ndjson {OUTSIDE}"),
        ("../rules/rule.yml", "../logs/zero.ndjson", f"2:25 the log logs/zero.ndjson {OUTSIDE}"),
        ("../rules/rule.yml", "/dev/stdin", f"2:25 the log /dev/stdin {OUTSIDE}"),
        ("../rules/rule.yml", "../logs/pipe.ndjson", "2:25 the log logs/pipe.ndjson is a named pipe, not a file"),
        ("../rules/rule.yml", "-", "2:25 no such log: samples/-"),
        ("../rules/rule.yml", "../logs/*.ndjson", "2:25 no such log: logs/*.ndjson"),
    ],
)
def test_a_case_names_files_inside_the_repository(repository: Path, rule: str, log: str, error: str | None) -> None:
    Path("samples/cases.yml").write_text(f"rule: {rule}\ncases: [{{name: a, logs: {log}, expect: none}}]\n", "utf-8")
    if error is None:
        assert len(load_cases([Path("samples")])[0].cases[0].events) == 1
        return
    with pytest.raises(CaseError) as caught:
        load_cases([Path("samples")])
    place = caught.value.place
    assert place is not None
    assert f"{place.line}:{place.column} {caught.value.message}" == error.replace("ROOT", str(repository))
    assert "SECRET" not in caught.value.render()


@pytest.mark.parametrize(
    ("path", "target", "error"),
    [
        ("samples", "samples/cases.yml -> ../../out/cases.yml", f"samples/cases.yml {OUTSIDE}"),
        ("samples", "samples/x.cases.yml -> ../../out/cases.yml", f"samples/x.cases.yml {OUTSIDE}"),
        ("samples", "samples/more -> ../../out", f"samples/more {OUTSIDE}"),
        ("samples/cases.yml", "samples/cases.yml -> ../../out/cases.yml", "is a link out of the repository ROOT"),
        ("more", "more -> ../out", "is a link out of the repository ROOT"),
        ("more/cases.yml", "more -> ../out", "is a link out of the repository ROOT"),
        ("samples", "samples/cases.yml -> cases.yml", "samples/cases.yml is a loop of links, not a file or folder"),
    ],
)
def test_a_case_file_is_inside_the_repository(repository: Path, path: str, target: str, error: str) -> None:
    link, _, leads_to = target.partition(" -> ")
    Path(link).symlink_to(leads_to)
    with pytest.raises(CaseError) as caught:
        load_cases([Path(path)])
    assert error.replace("ROOT", str(repository)) in caught.value.message
    assert "SECRET" not in caught.value.render()


def test_folders_of_the_command_line_are_one_scope(repository: Path, tmp_path: Path) -> None:
    Path("samples/cases.yml").write_text(
        "rule: ../../out/secret.yml\ncases: [{name: a, events: [{}], expect: none}]\n", encoding="utf-8"
    )
    other = tmp_path / "out"
    (other / "cases.yml").unlink()
    (other / "x.cases.yml").write_text(
        "rule: secret.yml\ncases: [{name: a, events: [{}], expect: none}]\n", encoding="utf-8"
    )
    assert len(load_cases([repository / "samples", other])) == 2
    with pytest.raises(CaseError, match="is outside the repository"):
        load_cases([repository / "samples"])


def test_links_to_folders_inside_are_followed(repository: Path) -> None:
    (repository / "samples" / "all").symlink_to("../logs")
    text = "rule: ../rules/rule.yml\ncases: [{name: a, events: [{}], expect: none}]\n"
    (repository / "logs" / "cases.yml").write_text(text, encoding="utf-8")
    assert [suite.path for suite in load_cases([Path("samples")])] == [repository / "logs" / "cases.yml"]
