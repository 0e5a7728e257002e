"""The shipped rules and their samples: well formed, made by their generator, and expecting what a plain count finds."""

from __future__ import annotations

import gzip
import ipaddress
import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from sigma.collection import SigmaCollection
from sigma.validation import SigmaValidator
from sigma.validators.core import validators

from converter.harness.cases.load import Case, Suite, load_cases
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "aws_iam_principal_enumeration_update_assume_role_policy"
SAMPLES = ROOT / "samples" / NAME
RULES = sorted((ROOT / "sigma").rglob("*.yml"))
SUITES = load_cases([ROOT / "samples"])
PAIRS = [(suite, case) for suite in SUITES for case in suite.cases]
CASES = [pytest.param(suite, case, id=f"{suite.path.parent.name}: {case.name}") for suite, case in PAIRS]
THRESHOLD, SPAN = 25, 6 * 60
ACCOUNTS = {"111122223333", "444455556666", "012345678901"}
NETWORKS = [
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]

# The least that the cases of the rule must show.
REQUIRED = """
attack log; busy day without an attack; pipeline that retries a trust policy
drifted script below the threshold for an hour
24 events; 25 events; 26 events; 25 events in exactly 6m; 25 events in 6m1s
burst across a boundary of six minutes; burst across a full hour; burst across midnight
two users of 13 and 12 events; two source addresses of 13 and 12 events; two accounts of 13 and 12 events
25 events in one second; burst in shuffled order; no account; no user name; no source address
source address that is a host name; assumed role; values in upper case; successful calls between
group keys that differ only in case; e-mail user names with the same local part; another error; another call
times with an offset and fractions; two episodes far apart
49 events in twelve minutes that never reach 25 in 6m; 30 events in 11 minutes with at most 24 in any 6m
"""


def matching_times(events: Iterable[dict[str, Any]], *, of_role_sessions: bool) -> dict[tuple[str, ...], list[float]]:
    """Count with nothing of the project: the times of the failures by group, sorted."""
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for event in events:
        who = event.get("userIdentity", {})
        issuer = who.get("sessionContext", {}).get("sessionIssuer", {})
        wanted = ("iam.amazonaws.com", "updateassumerolepolicy", "malformedpolicydocumentexception")
        found = tuple(str(event.get(field)).lower() for field in ("eventSource", "eventName", "errorCode"))
        if found == wanted and (who.get("type") in {"AssumedRole", "FederatedUser"}) == of_role_sessions:
            name = (issuer if of_role_sessions else who).get("userName")
            group = (who.get("accountId"), name, event.get("sourceIPAddress"))
            if None not in group:
                groups[tuple(map(str, group))].append(datetime.fromisoformat(event["eventTime"]).timestamp())
    return {group: sorted(times) for group, times in groups.items()}


def episodes(times: list[float]) -> int:
    """Count the chains of overlapping windows that hold enough events."""
    ends = [last for first, last in zip(times, times[THRESHOLD - 1 :], strict=False) if last - first <= SPAN]
    return sum(1 for index, end in enumerate(ends) if index == 0 or end - ends[index - 1] > SPAN)


def fullest_bucket(times: list[float]) -> int:
    """Count the events of the fullest bucket of six minutes that is aligned to the epoch."""
    buckets = [time // SPAN for time in times]
    return max(buckets.count(bucket) for bucket in buckets)


def groups_of(suite: Suite, case: Case) -> tuple[list[str], dict[tuple[str, ...], list[float]]]:
    of_role_sessions = suite.path.parent.name.endswith("_role_session")
    user = "userIdentity.sessionContext.sessionIssuer.userName" if of_role_sessions else "userIdentity.userName"
    fields = ["userIdentity.accountId", user, "sourceIPAddress"]
    return fields, matching_times(case.events, of_role_sessions=of_role_sessions)


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_expectation_is_what_a_plain_count_finds(suite: Suite, case: Case) -> None:
    fields, groups = groups_of(suite, case)
    fired = {group: episodes(times) for group, times in groups.items() if episodes(times)}
    if case.expect.at_least_one:
        assert fired
    else:
        assert sum(fired.values()) == case.expect.alerts
    alerts = [dict(zip(fields, group, strict=True)) for group in fired]
    for expected in case.expect.groups:
        assert any(expected.items() <= alert.items() for alert in alerts), f"{expected} is not among {alerts}"


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_bursts_that_fixed_buckets_miss_are_declared(suite: Suite, case: Case) -> None:
    _, groups = groups_of(suite, case)
    fires = any(map(episodes, groups.values()))
    missed = fires and all(fullest_bucket(times) < THRESHOLD for times in groups.values())
    declared = {gap.target: gap for gap in case.divergences if "bucket" in gap.reason}
    if missed:
        assert {"pysigma:splunk", "pysigma:esql"} <= set(declared)
        assert all(declared[target].expect.alerts == 0 for target in ("pysigma:splunk", "pysigma:esql"))
    else:
        assert not {"pysigma:splunk", "pysigma:esql"} & set(declared)


def test_required_cases_are_there() -> None:
    required = {name.strip() for name in re.split("[;\n]", REQUIRED) if name.strip()}
    suite = next(suite for suite in SUITES if suite.path.parent == SAMPLES)
    assert required - {case.name for case in suite.cases} == set()


def test_below_the_threshold_is_close_to_it() -> None:
    """A negative case that is far from the threshold shows nothing."""
    suite = next(suite for suite in SUITES if suite.path.parent == SAMPLES)
    close = {
        "24 events": 24,
        "25 events in 6m1s": 24,
        "49 events in twelve minutes that never reach 25 in 6m": 24,
        "30 events in 11 minutes with at most 24 in any 6m": 24,
        "drifted script below the threshold for an hour": 13,
        "pipeline that retries a trust policy": 12,
    }
    for case in suite.cases:
        if case.name in close:
            (times,) = groups_of(suite, case)[1].values()
            most = max(sum(first <= time <= first + SPAN for time in times) for first in times)
            assert most == close[case.name], case.name


def test_logs_are_what_the_generator_writes() -> None:
    command = [sys.executable, "-B", str(SAMPLES / "generate.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own program
    assert (done.returncode, done.stderr) == (0, "")


def test_compressed_log_carries_no_time() -> None:
    header = (SAMPLES / "background.ndjson.gz").read_bytes()[:10]
    assert header[3:8] == bytes(5), "no file name in the flags, and the time is zero"


def test_background_is_a_busy_day_in_little_space() -> None:
    path = SAMPLES / "background.ndjson.gz"
    assert path.stat().st_size < 2_000_000
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    assert len(events) >= 20_000
    times = [event["eventTime"] for event in events]
    assert (times[0][:10], times[-1][:10], len({time[:13] for time in times})) == ("2026-03-11", "2026-03-11", 24)
    assert times != sorted(times), "CloudTrail does not deliver in order"
    assert len({event["eventID"] for event in events}) == len(events)
    identities = [event["userIdentity"] for event in events]
    kinds = {identity.get("type") for identity in identities}
    assert kinds == {"IAMUser", "AssumedRole", "AWSService", "AWSAccount", "IdentityCenterUser", "Root", None}
    assert any("@" in identity.get("userName", "") for identity in identities)
    assert sum(event["sourceIPAddress"].endswith(".amazonaws.com") for event in events) > 4_000
    refused = [event for event in events if event.get("errorCode") == "MalformedPolicyDocumentException"]
    assert len(refused) > 3 * THRESHOLD
    assert sum(event.get("errorCode") == "AccessDenied" for event in events) > 100


def test_attack_is_noisy_in_the_ways_that_matter() -> None:
    with (SAMPLES / "attack.ndjson").open(encoding="utf-8") as stream:
        events = [json.loads(line) for line in stream]
    tries = [event for event in events if event["eventName"] == "UpdateAssumeRolePolicy"]
    failures = [event for event in tries if "errorCode" in event]
    assert len(failures) == 40
    assert len(tries) > len(failures), "some guesses are right"
    assert len({event["errorMessage"] for event in failures}) == 40, "each guess is another principal"
    assert len({event["eventTime"] for event in failures}) < 20, "many equal times"
    assert {event["requestParameters"] is None for event in failures} == {True, False}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.ndjson*")), ids=lambda path: path.name)
def test_nothing_in_a_log_could_be_real(path: Path) -> None:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    assert_documentation_only(text, [json.loads(line) for line in text.splitlines()])


def test_nothing_in_a_case_file_could_be_real() -> None:
    for suite in SUITES:
        events = [event for case in suite.cases for event in case.events]
        assert_documentation_only(suite.path.read_text(encoding="utf-8"), events)


def assert_documentation_only(text: str, events: list[dict[str, Any]]) -> None:
    keys = set(re.findall(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{8,}\b", text))
    assert keys
    assert {key for key in keys if not key.endswith("EXAMPLE")} == set()
    assert set(re.findall(r"arn:aws:[a-z]+::([0-9]+):", text)) <= ACCOUNTS
    assert not re.search(r"(?i)secretaccesskey|sessiontoken|private key|password", text)
    for event in events:
        identity = event.get("userIdentity", {})
        assert str(identity.get("accountId", "111122223333")) in ACCOUNTS
        source = event.get("sourceIPAddress", "AWS Internal")
        if source != "AWS Internal" and not source.endswith(".amazonaws.com") and source != "255.18.064.253":
            assert any(ipaddress.ip_address(source) in network for network in NETWORKS), source


def test_only_rules_are_in_the_folder_of_rules() -> None:
    assert {path.suffix for path in (ROOT / "sigma").rglob("*") if path.is_file()} == {".yml"}
    taken = {"rule", "correlations", "filters", "collection", "types", "conditions", "modifiers", "exceptions"}
    assert not {path.name for path in (ROOT / "sigma").iterdir()} & (taken | {"validation", "plugins"})


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rule_file(path: Path) -> None:
    documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    collection = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"))
    assert collection.errors == []
    assert [rule.errors for rule in collection.rules] == [[] for _ in documents]
    for document in documents:
        assert {"title", "id", "name", "status", "description", "references", "author", "date", "tags", "level"} <= set(
            document
        )
        assert "falsepositives" in document
        assert all(link.startswith("https://") for link in document["references"])
    assert documents[-1]["name"] == path.stem, "the outermost rule has the name of the file"


def test_rules_pass_the_validators_of_pysigma() -> None:
    # Those that compare tags with ATT&CK and D3FEND download them.
    chosen = {check for name, check in validators.items() if name not in {"attacktag", "d3_fendtag"}}
    collection = SigmaCollection.load_ruleset([str(path) for path in RULES])
    rules: Any = iter(collection.rules)  # annotated as detection rules only; it takes correlations too
    assert SigmaValidator(chosen).validate_rules(rules) == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_each_rule_has_samples_reasons_and_a_guide(path: Path) -> None:
    folder = ROOT / "samples" / path.stem
    assert any(path.resolve() == rule.resolve() for suite in SUITES for rule in suite.rules)
    assert (folder / "README.md").is_file()
    guide = (folder / "guide.md").read_text(encoding="utf-8")
    headings = [line for line in guide.splitlines() if line.startswith("#")]
    assert headings[0] == "## Triage and analysis"
    assert headings[1].startswith("### Investigating ")
    assert headings[2:] == [
        "#### Possible investigation steps",
        "### False positive analysis",
        "### Response and remediation",
    ]
    assert "```" not in guide
    assert "|" not in guide, "plain Markdown: the guide is shown in small panes"
