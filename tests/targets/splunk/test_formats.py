"""The formats of splunk: what a rule says stays in its place, and schedules report each episode once at every phase.

The files are read by readers of their own (`read_conf` here, a YAML library), not by the code that wrote them.
Schedules are replayed; contentctl is run where it is found: on the PATH, or where SIGMA_CONVERT_CONTENTCTL says.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import yaml

from converter.cli import main
from converter.conversion import convert_rules
from converter.errors import ConfigurationError, QueryError, RefusedError
from converter.harness.cases.load import Case, Expect, Suite
from converter.harness.compare import judge
from converter.harness.matrix import run_matrix
from converter.harness.outcome import Settings
from converter.harness.replay import Log, replay
from converter.harness.smallest import smallest
from converter.harness.target_spec import TargetName
from converter.plan import nodes as ir
from converter.report.matrix_json import matrix_json
from converter.report.matrix_text import matrix_text
from converter.rules.load import load_rules, parse_rules
from converter.targets.core.registry import get_target
from converter.targets.splunk.emitter.contentctl import file_stem, written
from converter.targets.splunk.replay import edges_of
from converter.targets.splunk.saved_search.conf import parse as parse_conf
from converter.targets.splunk.saved_search.contentctl import run_detection, saved_search_of
from converter.targets.splunk.saved_search.schedule import SavedReplay
from tests.support.paths import ROOT, SHARED

if TYPE_CHECKING:
    from pathlib import Path

    from converter.harness.replay import Outcome
    from converter.targets.core.target import Query, Run

SIGMAHQ = SHARED / "sigmahq" / "rules.tar.gz"
START = 1_767_225_600  # 2026-01-01T00:00:00Z
FILES = ("savedsearches", "es", "contentctl")


def read_conf(text: str) -> dict[str, dict[str, str]]:
    """Read a .conf file: nothing is allowed but titles, settings and the lines that carry a value on."""
    stanzas: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    key = ""
    carried = False
    for line in text.split("\n")[:-1]:
        if carried:
            assert current is not None
            current[key] += "\n" + line.removesuffix("\\")
        elif line.startswith("["):
            assert re.fullmatch(r"\[[^\[\]]+\]", line), line
            assert line[1:-1] not in stanzas
            current = stanzas.setdefault(line[1:-1], {})
        elif line:
            assert current is not None
            key, sign, value = line.partition("=")
            key = key.strip()
            assert sign
            assert re.fullmatch(r"[A-Za-z_.]+", key), line
            assert key not in current
            current[key] = value.strip().removesuffix("\\")
        carried = line.endswith("\\")
    assert not carried
    return stanzas


DETECTION: dict[str, Any] = {
    "title": "Harmless",
    "id": "46af800b-08f9-4f53-97a0-f5b45b2a91bb",
    "status": "test",
    "description": "Nothing to see.",
    "author": "somebody",
    "date": "2025-01-02",
    "references": ["https://example.org/a"],
    "tags": ["attack.t1059", "attack.t1059.001", "attack.execution"],
    "falsepositives": ["an administrator"],
    "level": "high",
    "logsource": {"product": "windows"},
    "detection": {"selection": {"User": "value", "src_ip": "192.0.2.1"}, "condition": "selection"},
}
CORRELATION = """
title: base
name: base
logsource: {product: windows}
detection: {selection: {k: a}, condition: selection}
---
title: other
name: other
logsource: {product: windows}
detection: {selection: {k: b}, condition: selection}
---
title: counted
name: counted
level: LEVEL
correlation: {DEFINITION}
"""


def query_of(text: str, form: str, key: str = "", *, target: str = "splunk", **options: str) -> Query:
    rules = parse_rules(text)
    queries = convert_rules(rules, get_target(target), without_pipeline=True, format=form, options=options)
    return next(query for query in queries if query.rule == key or not key)


def emitted(form: str, change: dict[str, Any] | None = None, **options: str) -> str:
    return query_of(yaml.safe_dump({**DETECTION, **(change or {})}), form, **options).text


def correlation(definition: str, form: str, level: str = "high", **options: str) -> Query:
    text = CORRELATION.replace("DEFINITION", definition).replace("LEVEL", level)
    return query_of(text, form, "counted", **options)


COUNT = "type: event_count, rules: [base], group-by: [user], timespan: 10m, condition: {gte: 3}"


# ---------------------------------------------------------------------------------------------------------- places

HOSTILE = [
    "a]\n[other]\nsearch = | delete",
    "[default]",
    "x\\",
    "x \\\\\\",
    "x\\\nsearch = *",
    "$token$ and $user$",
    "50 $ and $",
    "# no comment",
    "%name% %placeholder% 100%",
    "a\x00b\x1b[31mc\x7f",
    "a\u2028b\u2029c\x85d",
    "a\r\nb\rc",
    "key = value\nenableSched = 0",
    "\"quoted\" 'single' `macro` ```comment```",
    "{{ jinja }} {% raw %}",
    "&anchor *alias !!python/object <<: x",
    "- item\n- item: [1, {2: 3}]",
    "--- \n...\n---",
    "null",
    "yes",
    "5",
    "2025-01-01",
    "äöü 漢字 🙂 \u202e",
    "long " * 400,
    "x" * 5000,
    "ends with a colon:",
    "| outputlookup x.csv",
]
SPOTS: dict[str, Any] = {
    "title": lambda text: {"title": text[:256]},
    "description": lambda text: {"description": text},
    "author": lambda text: {"author": text},
    "reference": lambda text: {"references": [text, "https://example.org/a"]},
    "false positive": lambda text: {"falsepositives": [text]},
}


def shape(form: str, text: str) -> object:
    """Return everything of a file but the texts that a rule may say."""
    if form == "contentctl":
        content = yaml.safe_load(text)
        assert isinstance(content, dict)
        for key in ("name", "description", "author", "known_false_positives", "references"):
            content[key] = type(content[key])
        content["rba"]["message"] = str
        content["search"] = re.sub(r"`\w+_filter`$", "`filter`", content["search"])
        return content
    ((title, settings),) = read_conf(text).items()
    assert 0 < len(title) <= 100
    for key in ("description", "action.correlationsearch.label", "action.notable.param.rule_title"):
        settings.pop(key, None)
    for key in ("action.notable.param.rule_description", "action.risk.param._risk_message"):
        settings.pop(key, None)
    drilldowns = json.loads(settings.pop("action.notable.param.drilldown_searches", "[]"))
    return settings, [{**one, "name": type(one["name"])} for one in drilldowns]


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_what_a_rule_says_stays_in_its_place(form: str, spot: str, text: str) -> None:
    assert shape(form, emitted(form, SPOTS[spot](text))) == shape(form, emitted(form))


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()], ids=lambda text: repr(text[:20]))
def test_a_value_that_is_searched_stays_in_the_search(form: str, text: str) -> None:
    change = {"detection": {"selection": {"User": text.replace("\\", "\\\\")}, "condition": "selection"}}
    try:
        whole = emitted(form, change)
    except RefusedError:
        assert form == "contentctl"
        assert "lookup" in text
        return
    if form == "contentctl":
        assert set(yaml.safe_load(whole)) == set(yaml.safe_load(emitted(form)))
        saved, macros = saved_search_of(whole)
        assert macros.count("\n") == 2
    else:
        (settings,) = read_conf(whole).values()
        assert set(settings) == set(read_conf(emitted(form, {"detection": {**change["detection"], "selection": {
            "User": "x"}}})).popitem()[1])  # fmt: skip
        (saved,) = parse_conf(whole)
    assert saved.search


@pytest.mark.parametrize("text", ["$user$", "costs 5$ or 6$", "$$", "$(date)", "a $result.User$ b"])
@pytest.mark.parametrize("form", ["es", "contentctl"])
def test_text_of_a_rule_is_no_token(form: str, text: str) -> None:
    whole = emitted(form, {"title": text, "description": text})
    if form == "es":
        (settings,) = read_conf(whole).values()
        told = [value for key, value in settings.items() if "param.rule_" in key or "message" in key]
    else:
        content = yaml.safe_load(whole)
        told = [content["rba"]["message"], content["description"]]
    for value in told:
        assert set(re.findall(r"\$[^$]*\$", value)) <= {"$User$", "$src_ip$"}
        assert value.count("$") % 2 == 0


def test_a_search_with_a_dollar_sign_has_no_drilldown() -> None:
    """There it would be replaced by a value of the result."""
    change = {"detection": {"selection": {"User": "a$User$"}, "condition": "selection"}}
    (settings,) = read_conf(emitted("es", change)).values()
    assert settings["action.notable.param.drilldown_searches"] == "[]"


@pytest.mark.parametrize("form", FILES)
def test_two_rules_of_one_title_are_two(form: str) -> None:
    text = "\n---\n".join(
        yaml.safe_dump({**DETECTION, "id": f"46af800b-08f9-4f53-97a0-f5b45b2a91b{n}", "title": title})
        for n, title in enumerate(["Same", "same", "Same ", "S[a]me"])
    )
    queries = convert_rules(parse_rules(text), get_target("splunk"), without_pipeline=True, format=form)
    if form == "contentctl":
        names = {file_stem(yaml.safe_load(query.text)["name"]) for query in queries}
    else:
        names = {title.casefold() for query in queries for title in read_conf(query.text)}
        read_conf("\n".join(query.text for query in queries))
    assert len(names) == 4


# ----------------------------------------------------------------------------------------------------- what is said


def test_the_settings_of_a_saved_search() -> None:
    ((title, settings),) = read_conf(emitted("savedsearches")).items()
    assert title == "Harmless"
    assert settings.pop("description") == (
        "Nothing to see. ATT&CK: T1059, T1059.001. References: https://example.org/a."
        " False positives: an administrator. Sigma rule 46af800b-08f9-4f53-97a0-f5b45b2a91bb."
    )
    assert settings == {
        "search": 'User="value" src_ip="192.0.2.1"',
        "dispatch.earliest_time": "-20m@m",
        "dispatch.latest_time": "-15m@m",
        "cron_schedule": "*/5 * * * *",
        "enableSched": "1",
        "realtime_schedule": "0",
        "schedule_window": "0",
        "allow_skew": "0",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.severity": "4",
        "alert.track": "1",
    }


@pytest.mark.parametrize("form", FILES)
def test_only_an_alert_without_a_notable_is_tracked(form: str) -> None:
    assert ("alert.track" in emitted(form)) == (form == "savedsearches")


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize(
    ("description", "shown"),
    [
        ("No full stop", "No full stop."),
        ("One.", "One."),
        ("Really?", "Really?"),
        ("blank ", "blank."),
        ("", "Harmless."),
    ],
)
def test_a_description_ends_with_a_full_stop(form: str, description: str, shown: str) -> None:
    whole = emitted(form, {"description": description, "references": ["A book"]})
    if form == "contentctl":
        assert yaml.safe_load(whole)["description"] == f"{shown} See A book."
    else:
        (settings,) = read_conf(whole).values()
        assert settings["description"].startswith(f"{shown} ATT&CK: ")


def test_the_settings_of_a_correlation_search() -> None:
    ((title, settings),) = read_conf(emitted("es")).items()
    assert title == "Endpoint - Harmless - Rule"
    assert settings["action.correlationsearch.enabled"] == "1"
    assert settings["action.correlationsearch.label"] == "Harmless"
    assert json.loads(settings["action.correlationsearch.annotations"]) == {"mitre_attack": ["T1059.001"]}
    assert settings["action.notable.param.rule_title"] == "Harmless: User=$User$, src_ip=$src_ip$"
    assert settings["action.notable.param.severity"] == "high"
    assert settings["action.notable.param.security_domain"] == "endpoint"
    assert json.loads(settings["action.risk.param._risk"]) == [
        {"risk_object_field": "User", "risk_object_type": "user", "risk_score": 75},
        {"threat_object_field": "src_ip", "threat_object_type": "ip_address"},
    ]
    (drilldown,) = json.loads(settings["action.notable.param.drilldown_searches"])
    assert drilldown["search"] == 'User="value" src_ip="192.0.2.1"\n| search User="$User$" src_ip="$src_ip$"'


def test_a_correlation_search_without_anybody_at_risk() -> None:
    change = {"detection": {"selection": {"CommandLine": "x"}, "condition": "selection"}}
    (settings,) = read_conf(emitted("es", change)).values()
    assert json.loads(settings["action.notable.param._entities"])[0]["risk_object_field"] == "N/A"
    assert "action.risk" not in settings


def test_the_fields_of_a_detection_of_contentctl() -> None:
    content = yaml.safe_load(emitted("contentctl", story="My Story"))
    assert content["name"] == "Harmless"
    assert content["id"] == DETECTION["id"]
    assert (content["type"], content["status"], content["date"]) == ("TTP", "experimental", "2025-01-02")
    assert content["tags"] == {
        "analytic_story": ["My Story"],
        "asset_type": "Endpoint",
        "mitre_attack_id": ["T1059.001"],
        "product": ["Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud"],
        "security_domain": "endpoint",
    }
    assert content["deployment"]["scheduling"]["earliest_time"] == "-20m@m"
    assert content["deployment"]["alert_action"]["notable"]["rule_title"] == "%name%"
    assert content["rba"]["risk_objects"] == [{"field": "User", "type": "user", "score": 75}]


@pytest.mark.parametrize(
    ("level", "kind", "severity", "alert"),
    [
        ("informational", "Hunting", "informational", "2"),
        ("low", "Anomaly", "low", "2"),
        ("medium", "Anomaly", "medium", "3"),
        ("high", "TTP", "high", "4"),
        ("critical", "TTP", "critical", "5"),
        (None, "Anomaly", "medium", "3"),
    ],
)
def test_levels(level: str | None, kind: str, severity: str, alert: str) -> None:
    change = {"level": level} if level else {}
    text = yaml.safe_dump({key: value for key, value in {**DETECTION, **change}.items() if level or key != "level"})
    content = yaml.safe_load(query_of(text, "contentctl").text)
    assert content["type"] == kind
    assert ("rba" in content) == (kind != "Hunting") == content["deployment"]["alert_action"]["rba"]["enabled"]
    (settings,) = read_conf(query_of(text, "es").text).values()
    assert settings["action.notable.param.severity"] == severity
    assert settings["alert.severity"] == alert


@pytest.mark.parametrize(
    ("source", "domain", "asset"),
    [
        ({"product": "windows", "category": "process_creation"}, "endpoint", "Endpoint"),
        ({"product": "linux"}, "endpoint", "Endpoint"),
        ({"product": "aws", "service": "cloudtrail"}, "threat", "AWS Account"),
        ({"product": "azure"}, "threat", "Azure Tenant"),
        ({"product": "okta"}, "threat", "Okta Tenant"),
        ({"product": "zeek", "service": "dns"}, "network", "Network"),
        ({"category": "proxy"}, "network", "Web Proxy"),
        ({"category": "webserver"}, "network", "Web Server"),
        ({"product": "unheard_of"}, "threat", "Endpoint"),
    ],
)
def test_log_sources(source: dict[str, str], domain: str, asset: str) -> None:
    content = yaml.safe_load(emitted("contentctl", {"logsource": source}))
    assert (content["tags"]["security_domain"], content["tags"]["asset_type"]) == (domain, asset)
    chosen = yaml.safe_load(emitted("contentctl", {"logsource": source}, security_domain="audit"))
    assert chosen["tags"]["security_domain"] == "audit"


@pytest.mark.parametrize(
    ("reference", "kept"),
    [
        ("https://example.org/a?b=c#d", True),
        ("http://192.0.2.1:8080/", True),
        ("HTTPS://EXAMPLE.ORG", True),
        ("example.org", False),
        ("ftp://example.org", False),
        ("https://", False),
        ("https://exa mple.org", False),
        ("https://example.org:99999999/", False),
        ("https://[::1", False),
        ("https://u:p@example.org/", False),
        ("https://ex\u00e4mple.org/", False),
        ("Internal Research", False),
    ],
)
def test_references_that_are_no_urls_are_in_the_description(reference: str, kept: bool) -> None:  # noqa: FBT001
    content = yaml.safe_load(emitted("contentctl", {"references": [reference]}))
    assert (content["references"] == [reference]) == kept
    assert (reference in content["description"]) == (not kept)


def test_a_rule_without_an_id_always_gets_the_same_one() -> None:
    text = yaml.safe_dump({key: value for key, value in DETECTION.items() if key != "id"})
    first, second = (yaml.safe_load(query_of(text, "contentctl").text)["id"] for _ in range(2))
    assert first == second
    assert UUID(first).version == 5
    other = yaml.safe_load(query_of(text.replace("Harmless", "Other"), "contentctl").text)["id"]
    assert other != first


def test_only_what_reads_back_is_written() -> None:
    assert yaml.safe_load(written({"a": "1", "b": "x\n y\n", "c": ["\x85", "\ud7ff", "no"]})) == {
        "a": "1", "b": "x\n y\n", "c": ["\x85", "\ud7ff", "no"],
    }  # fmt: skip
    with pytest.raises(ConfigurationError, match="cannot be written"):
        written({"a": float("nan")})


@pytest.mark.parametrize("text", ["a inputlookup table", "x lookup y", "the lookup of z"])
def test_text_that_contentctl_would_read_is_refused(text: str) -> None:
    change = {"detection": {"selection": {"User|contains": text}, "condition": "selection"}}
    with pytest.raises(RefusedError, match="takes the word lookup") as caught:
        emitted("contentctl", change)
    assert caught.value.construct == "text that contentctl reads"
    assert emitted(
        "contentctl", {"detection": {"selection": {"Image|endswith": "\\nslookup.exe"}, "condition": "selection"}}
    )


# --------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "cron", "earliest"),
    [
        ({}, "*/5 * * * *", "-40m"),
        ({"interval": "1m"}, "*/1 * * * *", "-36m"),
        ({"interval": "1h"}, "0 * * * *", "-95m"),
        ({"interval": "6h"}, "0 */6 * * *", "-395m"),
        ({"interval": "1d"}, "0 0 * * *", "-1475m"),
        ({"lag": "1m"}, "*/5 * * * *", "-26m"),
        ({"cron": "2-59/5 * * * *"}, "2-59/5 * * * *", "-40m"),
        ({"cron": "0,10  * * * *"}, "0,10 * * * *", "-85m"),
        ({"cron": "0 8 * * 1-5"}, "0 8 * * 1-5", "-4355m"),
        ({"earliest": "2h"}, "*/5 * * * *", "-2h"),
        ({"earliest": "2d"}, "*/5 * * * *", "-48h"),
        ({"lag": "0s"}, "*/5 * * * *", "-25m"),
        ({"lag": "0"}, "*/5 * * * *", "-25m"),
        ({"lag": "0s", "latest": "0m"}, "*/5 * * * *", "-25m"),
    ],
)
def test_a_schedule_looks_back_as_far_as_is_needed(options: dict[str, str], cron: str, earliest: str) -> None:
    query = correlation(COUNT, "savedsearches", **options)
    (settings,) = read_conf(query.text).values()
    assert (settings["cron_schedule"], settings["dispatch.earliest_time"]) == (cron, earliest)
    assert settings["alert.suppress.fields"] == "user,first_seen"
    assert query.verdict.bound is None


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"intervall": "5m"}, "no option 'intervall'", "interval"),
        ({"latests": "now"}, "no option 'latests'", "latest"),
        ({"interval": "7m"}, "cannot run a search every 7m", "the option cron"),
        ({"interval": "90s"}, "cannot run a search every 90s", ""),
        ({"interval": "5h"}, "cannot run a search every 5h", ""),
        ({"interval": "5"}, "not a duration", ""),
        ({"interval": "5m", "cron": "* * * * *"}, "both interval and cron", ""),
        ({"cron": "* * * *"}, "4 fields, not 5", ""),
        ({"cron": "0 0 1 * *"}, "day of the month", "days of the week"),
        ({"cron": "0 0 * 2 *"}, "with a month", ""),
        ({"cron": "0 0 * * mon"}, "day of the week 'mon'", "no names"),
        ({"cron": "5/10 * * * *"}, "step needs a range", ""),
        ({"cron": "*/0 * * * *"}, "minute '*/0'", ""),
        ({"cron": "9-3 * * * *"}, "out of range", ""),
        ({"cron": "* * * * *\n[x]"}, "6 fields", ""),
        ({"lag": "soon"}, "lag is 'soon'", ""),
        ({"lag": "0w"}, "lag is '0w'", ""),
        ({"interval": "0s"}, "interval is '0s'", ""),
        ({"earliest": "0s"}, "earliest is '0s'", ""),
        ({"earliest": "15m", "latest": "15m"}, "window of a run would be empty", "earliest=20m"),
        ({"earliest": "8000d"}, "would look back 8000d", "7300d"),
        ({"security_domain": "endpiont"}, "no security domain 'endpiont'", "endpoint"),
    ],
)
def test_bad_options(options: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        correlation(COUNT, "es", **options)
    assert message in caught.value.message
    assert hint in caught.value.hint


NOT = "type: temporal, rules: [base, other], group-by: [user], timespan: 10m, condition: base and not other"
FEW = "type: event_count, rules: [base], group-by: [user], timespan: 10m, condition: {lt: 3}"


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize(
    ("definition", "options", "says", "narrowest", "doubled"),
    [
        (COUNT, {"earliest": "30m"}, ["may report an episode again", "30m", "40m is enough"], None, True),
        (COUNT, {"earliest": "26m"}, ["those within 6m are found", "may report an episode again"], 360, True),
        (COUNT, {"earliest": "20m"}, ["those at one time are found"], 0, True),
        (COUNT, {"earliest": "16m"}, ["misses bursts in which an event is indexed more than 11m late"], 0, True),
        (COUNT, {"earliest": "39m"}, ["may report an episode again"], None, True),
        (NOT, {"latest": "now"}, ["judges windows before all their events arrive"], None, False),
        (NOT, {"earliest": "35m"}, ["those within 5m are found"], 300, False),
        (FEW, {"earliest": "26m"}, ["misses windows that no run sees the whole of"], 0, False),
        (FEW, {"latest": "now"}, ["judges windows before all their events arrive"], None, False),
        ("", {"earliest": "19m"}, ["misses events: windows of 4m every 5m leave gaps"], 0, False),
        ("", {"latest": "now"}, ["indexed more than 0s late"], None, False),
        ("", {"earliest": "30m"}, ["reports an event in every run that sees it"], None, True),
        ("", {"earliest": "15m", "latest": "now"}, ["indexed more than 10m late", "windows overlap"], None, True),
        ("", {"cron": "0,10 * * * *"}, ["reports an event in every run that sees it"], None, True),
    ],
)
def test_a_schedule_that_can_miss_says_so(
    form: str,
    definition: str,
    options: dict[str, str],
    says: list[str],
    narrowest: int | None,
    doubled: bool,  # noqa: FBT001
) -> None:
    query = (
        correlation(definition, form, **options) if definition else query_of(yaml.safe_dump(DETECTION), form, **options)
    )
    bound = query.verdict.bound
    assert query.verdict.kind == "bounded"
    assert bound is not None
    assert all(part in bound.message for part in says), bound.message
    assert (bound.narrowest, bound.widest, bound.doubled) == (narrowest, None, doubled)


@pytest.mark.parametrize(
    ("definition", "construct"),
    [
        (
            "type: event_count, rules: [base], group-by: ['a b'], timespan: 1m, condition: {gte: 2}",
            "alert.suppress.fields",
        ),
        (
            "type: event_count, rules: [base], group-by: ['a,b'], timespan: 1m, condition: {gte: 2}",
            "alert.suppress.fields",
        ),
        (
            "type: event_count, rules: [base], group-by: [info_sid], timespan: 1m, condition: {gte: 2}",
            "alert.suppress.fields",
        ),
    ],
)
def test_fields_that_cannot_be_suppressed_by(definition: str, construct: str) -> None:
    with pytest.raises(RefusedError) as caught:
        correlation(definition, "savedsearches")
    assert construct in caught.value.construct
    assert caught.value.place is not None


def test_a_correlation_of_correlations_has_no_schedule() -> None:
    text = CORRELATION.replace("DEFINITION", COUNT).replace("LEVEL", "high") + (
        "---\ntitle: above\nname: above\n"
        "correlation: {type: event_count, rules: [counted], group-by: [user], timespan: 1h, condition: {gte: 2}}\n"
    )
    with pytest.raises(RefusedError) as caught:
        query_of(text, "savedsearches", "above")
    assert "correlation" in caught.value.construct


@pytest.mark.parametrize(
    "definition",
    [
        "type: value_avg, rules: [base], group-by: [user], timespan: 10m, condition: {gte: 3, field: n}",
        "type: value_sum, rules: [base], group-by: [user], timespan: 10m, condition: {gte: 3, field: n}",
        "type: event_count, rules: [base], group-by: [user], timespan: 10m, condition: {gte: 3, lte: 5}",
        NOT,
        FEW,
    ],
)
def test_what_late_events_could_undo_is_judged_when_they_have_come(definition: str) -> None:
    (settings,) = read_conf(correlation(definition, "savedsearches").text).values()
    assert settings["dispatch.latest_time"] == "-15m"


# --------------------------------------------------------------------------------------------------------- replays

TYPES = {
    "event_count": "type: event_count, rules: [base], group-by: [g], timespan: 2m, condition: {gte: 3}",
    "event_count of all": "type: event_count, rules: [base], timespan: 2m, condition: {gt: 2}",
    "value_count": "type: value_count, rules: [base], group-by: [g], timespan: 2m, condition: {gte: 3, field: v}",
    "temporal": "type: temporal, rules: [base, other], group-by: [g], timespan: 2m",
    "temporal_ordered": "type: temporal_ordered, rules: [base, other], group-by: [g], timespan: 2m",
    "value_sum": "type: value_sum, rules: [base], group-by: [g], timespan: 2m, condition: {gte: 6, field: n}",
    "value_avg": "type: value_avg, rules: [base], group-by: [g], timespan: 2m, condition: {lt: 0, field: n}",
    "value_median": "type: value_median, rules: [base], group-by: [g], timespan: 2m, condition: {gte: 2, field: n}",
    "fixed": "type: event_count, rules: [base], group-by: [g], timespan: 2m, condition: {lt: 3}",
    "range": "type: event_count, rules: [base], group-by: [g], timespan: 2m, condition: {gte: 2, lte: 3}",
    "not": "type: temporal, rules: [base, other], group-by: [g], timespan: 2m, condition: base and not other",
    "detection": "",
}
GROWING = ("event_count", "event_count of all", "value_count", "temporal", "temporal_ordered")
QUICK = {"interval": "1m", "lag": "2m"}


def prepared(definition: str, form: str, options: dict[str, str]) -> tuple[ir.Plan, Query]:
    text = CORRELATION.replace("DEFINITION", definition).replace("LEVEL", "high").replace("windows", "x")
    rules = parse_rules(text if definition else text.split("---")[0])
    key = "counted" if definition else "base"
    queries = convert_rules(rules, get_target("splunk"), without_pipeline=True, format=form, options=options)
    plan = next(plan for plan in rules.plans if plan.meta.key == key)
    return plan, next(query for query in queries if query.rule == key)


def random_log(seed: int, late: int = 0) -> Log:
    """Return up to 20 events; up to `late` seconds pass until some of them are indexed."""
    random = Random(seed)  # noqa: S311  data for a test
    span = random.choice([200, 600, 1500])
    events: list[dict[str, Any]] = []
    for _ in range(random.randrange(3, 21)):
        time = START + random.choice([random.randrange(span), random.randrange(span // 30) * 30])
        event = {"_time": time, "@timestamp": time, "k": random.choice("aaab"), "g": random.choice("xxy")}
        event |= {"v": random.choice("1234"), "n": random.randrange(-3, 6)}
        if late and random.random() < 0.3:
            event["_indextime"] = time + random.randrange(late + 1)
        events.append(event)
    return Log(events)


def outcome(definition: str, log: Log, form: str = "savedsearches", **options: str) -> tuple[Outcome, tuple[Run, ...]]:
    plan, query = prepared(definition, form, {**QUICK, **options})
    found, runs = replay(plan, query, get_target("splunk"), log)
    return found, tuple(runs)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("form", FILES)
def test_each_episode_is_reported_once_at_every_phase(form: str, kind: str, seed: int) -> None:
    found, runs = outcome(TYPES[kind], random_log(seed), form)
    assert found.kind == "agree", found
    assert all(run.once for run in runs)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", TYPES)
def test_events_that_come_late_are_not_lost(kind: str, seed: int) -> None:
    """Nothing is missed or made up; where alerts do not wait for late events, one may come twice."""
    found, _ = outcome(TYPES[kind], random_log(seed, late=120))
    sides = {difference.side for difference in found.differences}
    assert sides <= ({"doubled"} if kind in GROWING else set()), found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", GROWING)
def test_alerts_that_wait_for_late_events_come_once(kind: str, seed: int) -> None:
    found, _ = outcome(TYPES[kind], random_log(seed, late=120), latest="2m")
    assert found.kind == "agree", found


@pytest.mark.parametrize(("length", "kind"), [(0, "agree"), (60, "agree"), (61, "bounded"), (119, "bounded")])
def test_a_range_misses_only_episodes_that_are_longer_than_its_bound_says(length: int, kind: str) -> None:
    times = (START, START + length)
    log = Log([{"_time": time, "@timestamp": time, "k": "a", "g": "x"} for time in times])
    found, runs = outcome(TYPES["range"], log, earliest="8m", lag="2m")
    assert found.kind == kind, found
    assert any(run.alerts for run in runs)
    plan, query = prepared(TYPES["range"], "savedsearches", {**QUICK, "earliest": "8m", "lag": "2m"})
    assert isinstance(plan, ir.Correlation)
    assert query.verdict.bound is not None
    assert query.verdict.bound.longest == 60
    assert "misses episodes longer than 1m" in query.verdict.bound.message


@pytest.mark.parametrize("seed", range(10))
def test_the_bound_of_a_range_holds_at_every_phase(seed: int) -> None:
    """Nothing is made up, whatever the run sees of an episode, and only long episodes are missed."""
    found, _ = outcome(TYPES["range"], random_log(seed), earliest="9m")
    assert found.kind in {"agree", "bounded"}, found
    assert not [difference for difference in found.bounded if difference.side != "missed"]


def test_a_range_needs_time_before_and_after_its_episodes() -> None:
    with pytest.raises(ConfigurationError, match="no run would be sure to see a whole episode"):
        prepared(TYPES["range"], "savedsearches", {**QUICK, "earliest": "6m"})


def test_events_that_come_too_late_are_lost() -> None:
    event = {"_time": START, "@timestamp": START, "_indextime": START + 181, "k": "a", "g": "x"}
    found, runs = outcome("", Log([event]))
    (missed,) = found.differences
    assert (missed.side, missed.events) == ("missed", ("1",))
    assert len(runs) > 1
    assert found.kind == "assumption"
    assert [(broken.message, broken.events) for broken in found.broken] == [(INDEXED.format("2m"), ("1",))]


INDEXED = "every event is indexed within {} of its time"
MOVED = "no event that is indexed after a run has seen its episode moves the begin of that episode"
CLOCK = "the clock of the scheduler has no daylight saving time"


def told(query: Query) -> list[str]:
    """Return which of the assumptions about clocks and ingestion the verdict has."""
    return [
        assumption.message if "indexed within" in assumption.message or "indexed late" in assumption.message else begin
        for assumption in query.verdict.assumptions
        for begin in ("every event is", "no event is indexed late", MOVED, CLOCK)
        if assumption.message.startswith(begin)
    ]


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("options", "within", "moved", "clock"),
    [
        ({}, "15m", True, False),
        ({"lag": "1h"}, "1h", True, False),
        ({"latest": "15m"}, "15m", False, False),
        ({"latest": "20m"}, "20m", False, False),
        ({"interval": "1h"}, "15m", True, False),
        ({"interval": "2h"}, "15m", True, True),
        ({"interval": "1d"}, "15m", True, True),
        ({"cron": "*/5 * * * *"}, "15m", True, False),
        ({"cron": "0,10 0-23 * * *"}, "15m", True, False),
        ({"cron": "*/5 8-17 * * *"}, "15m", True, True),
        ({"cron": "* * * * 1-5"}, "15m", True, True),
        ({"cron": "* 0-22 * * *"}, "15m", True, True),
    ],
)
def test_a_verdict_says_what_it_assumes_of_clocks(
    form: str,
    kind: str,
    options: dict[str, str],
    within: str,
    moved: bool,  # noqa: FBT001
    clock: bool,  # noqa: FBT001
) -> None:
    _, query = prepared(TYPES[kind], form, options)
    expected = [INDEXED.format(within), *([MOVED] if moved and kind in GROWING else []), *([CLOCK] if clock else [])]
    assert told(query) == expected
    assert query.verdict.kind != "exact"


@pytest.mark.parametrize("kind", TYPES)
def test_without_lag_no_event_may_be_late(kind: str) -> None:
    _, query = prepared(TYPES[kind], "savedsearches", {"lag": "0s"})
    assert told(query) == ["no event is indexed late"]
    found, _ = outcome(TYPES[kind], random_log(1), lag="0s")
    assert found.kind == "agree", found


def three(*late: int) -> Log:
    """Return events at 0, 60, 100 and 115 seconds, indexed so many seconds later."""
    times = zip((0, 60, 100, 115), late, strict=True)
    return Log(
        [{"_time": START + at, "@timestamp": START + at, "k": "a", "_indextime": START + at + by} for at, by in times]
    )


@pytest.mark.parametrize(
    ("log", "options", "kind", "side", "broken"),
    [
        (three(0, 0, 0, 0), {}, "agree", "", []),
        (three(119, 0, 0, 0), {}, "assumption", "doubled", [MOVED]),
        (three(119, 0, 0, 0), {"latest": "2m"}, "agree", "", []),
        (three(119, 0, 0, 0), {"latest": "3s"}, "assumption", "doubled", [MOVED]),
        (three(119, 0, 0, 0), {"latest": "4s"}, "agree", "", []),
        (three(0, 0, 2000, 2000), {}, "assumption", "missed", [INDEXED.format("2m"), MOVED]),
        (three(0, 0, 2000, 2000), {"latest": "2m"}, "assumption", "missed", [INDEXED.format("2m")]),
    ],
)
def test_what_late_events_do_is_what_the_verdict_assumes(
    log: Log, options: dict[str, str], kind: str, side: str, broken: list[str]
) -> None:
    found, _ = outcome(TYPES["event_count of all"], log, **options)
    assert found.kind == kind, found
    assert {difference.side for difference in found.differences} == ({side} if side else set())
    assert len(found.broken) == len(broken)
    assert all(one.message.startswith(says) for one, says in zip(found.broken, broken, strict=True))


@pytest.mark.parametrize("options", [{}, {"latest": "now"}, {"latest": "1m"}, {"latest": "3m"}, {"lag": "0s"}], ids=str)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_late_events_do_is_a_disagreement(kind: str, seed: int, options: dict[str, str]) -> None:
    found, _ = outcome(TYPES[kind], random_log(seed, late=600), **options)
    assert found.kind != "disagree", found


@pytest.mark.parametrize(
    ("kind", "options", "within"),
    [
        ("detection", {"earliest": "8m"}, 420),
        ("detection", {"earliest": "8m", "latest": "now"}, 420),
        ("detection", {"latest": "4m"}, 240),
        ("value_sum", {"latest": "4m"}, 240),
        ("fixed", {"latest": "4m"}, 240),
        ("event_count", {"latest": "4m"}, 240),
        ("temporal", {"lag": "4m"}, 240),
    ],
)
def test_nothing_is_missed_up_to_the_lateness_that_is_assumed(kind: str, options: dict[str, str], within: int) -> None:
    _, query = prepared(TYPES[kind], "savedsearches", {**QUICK, **options})
    assert told(query)[0] == INDEXED.format(f"{within // 60}m")
    for seed in range(6):
        found, _ = outcome(TYPES[kind], random_log(seed, late=within), **options)
        assert not [one for one in (*found.differences, *found.bounded) if one.side == "missed"], found


@pytest.mark.parametrize("late", ["soon", None, True])
def test_an_index_time_that_cannot_be_read_is_not_known_to_be_in_time(late: object) -> None:
    _, query = prepared("", "savedsearches", QUICK)
    (assumption,) = (one for one in query.verdict.assumptions if one.message == INDEXED.format("2m"))
    event = {"_time": START, "_indextime": late}
    assert assumption.broken(event, event) == (late is not None)


@pytest.mark.parametrize("interval", ["5m", "15m"])
@pytest.mark.parametrize("kind", ["event_count", "fixed", "detection"])
@pytest.mark.parametrize("seed", range(3))
def test_other_intervals(interval: str, kind: str, seed: int) -> None:
    found, _ = outcome(TYPES[kind], random_log(seed), interval=interval)
    assert found.kind == "agree", found


@pytest.mark.parametrize("cron", ["0,10 * * * *", "2-59/7 * * * *"])
@pytest.mark.parametrize("seed", range(3))
def test_uneven_schedules(cron: str, seed: int) -> None:
    plan, query = prepared(TYPES["event_count"], "savedsearches", {"cron": cron, "lag": "2m"})
    found, _ = replay(plan, query, get_target("splunk"), random_log(seed))
    assert found.kind == "agree", found


def ready(query: Query, log: Log, plan: ir.Plan, *, edges: bool) -> SavedReplay:
    events = log.seen("splunk", plan)
    (saved,) = parse_conf(query.text)
    return SavedReplay(saved, events, edges=edges_of(query, events) if edges else None)


@pytest.mark.parametrize("options", [{}, {"earliest": "6m"}, {"interval": "5m"}], ids=str)
@pytest.mark.parametrize("kind", ["event_count", "fixed", "temporal_ordered", "value_sum"])
@pytest.mark.parametrize("seed", range(4))
def test_runs_that_are_left_out_find_nothing_new(kind: str, seed: int, options: dict[str, str]) -> None:
    try:
        plan, query = prepared(TYPES[kind], "savedsearches", {**QUICK, **options})
    except ConfigurationError:
        return  # too short for the ones that wait
    log = random_log(seed)
    known, plain = ready(query, log, plan, edges=True), ready(query, log, plan, edges=False)
    for phase in known.phases():
        assert known.run_once(phase) == plain.run(phase)


@pytest.mark.parametrize("options", [{}, {"earliest": "6m"}], ids=str)
@pytest.mark.parametrize("kind", ["event_count", "fixed"])
@pytest.mark.parametrize("seed", range(6))
def test_phases_stand_for_every_phase(kind: str, seed: int, options: dict[str, str]) -> None:
    plan, query = prepared(TYPES[kind], "savedsearches", {**QUICK, **options})
    saved = ready(query, random_log(seed), plan, edges=True)
    found = saved.phases()

    def rows(phase: float) -> list[dict[str, Any]]:
        return [{**row, "run": None} for row in saved.run_once(phase)]

    for half in range(120):
        stands_for = min((one for one in found if one >= half / 2), default=found[0])
        assert rows(half / 2) == rows(stands_for), f"{half / 2} is not as {stands_for}"


LONG = [{"_time": START + 60 * n, "@timestamp": START + 60 * n, "k": "a", "g": "x"} for n in range(30)]


def test_a_long_episode_comes_once() -> None:
    found, runs = outcome(TYPES["event_count"], Log(LONG))
    assert found.kind == "agree"
    assert all(len(run.alerts) == 1 for run in runs)


def test_without_the_margin_a_long_episode_comes_again() -> None:
    found, _ = outcome(TYPES["event_count"], Log(LONG), earliest="5m")
    assert found.kind == "bounded"
    (doubled,) = found.bounded
    assert doubled.side == "doubled"
    assert doubled.query > 2
    assert doubled.phases


def test_a_short_look_back_misses_at_some_phases_what_the_verdict_says() -> None:
    events = [{"_time": START + at, "@timestamp": START + at, "k": "a", "g": "x"} for at in (0, 60, 120)]
    found, runs = outcome(TYPES["event_count"], Log(events), earliest="150s", lag="1m")
    assert found.kind == "bounded"
    (missed,) = found.bounded
    assert missed.side == "missed"
    assert 0 < len(missed.phases) < len(runs)


def with_text(query: Query, old: str, new: str) -> Query:
    from dataclasses import replace as changed  # noqa: PLC0415

    assert old in query.text
    return changed(query, text=query.text.replace(old, new))


def test_a_suppression_that_ends_too_early_is_found_with_a_smallest_log() -> None:
    plan, query = prepared(TYPES["event_count"], "savedsearches", QUICK)
    broken = with_text(query, "alert.suppress.period = 7m", "alert.suppress.period = 1m")
    events = [{"_time": START + at, "@timestamp": START + at, "k": "a", "g": "x"} for at in (0, 10, 20, 30, 700)]
    log, target = Log(events), get_target("splunk")
    found, _ = replay(plan, broken, target, log)
    assert found.kind == "disagree"
    (doubled,) = found.differences
    assert (doubled.side, doubled.reference) == ("doubled", 1)
    assert doubled.query >= 2
    shown = smallest(plan, broken, target, log, doubled)
    assert len(shown.events) == 3
    # A query whose alerts nobody gets one by one is not judged that way.
    from dataclasses import replace as changed  # noqa: PLC0415

    runs = [changed(run, once=False) for run in target.replay(broken, log.seen("splunk", plan))]
    assert judge(plan, log.alerts(plan), runs).agrees


def test_windows_of_a_detection_that_overlap_double_events() -> None:
    event = {"_time": START, "@timestamp": START, "k": "a"}
    plan, query = prepared("", "savedsearches", QUICK)
    broken = with_text(query, "dispatch.earliest_time = -3m@m", "dispatch.earliest_time = -4m@m")
    found, _ = replay(plan, broken, get_target("splunk"), Log([event]))
    (doubled,) = found.differences
    assert (doubled.side, doubled.query, doubled.events) == ("doubled", 2, ("1",))
    allowed, _ = outcome("", Log([event]), earliest="4m")
    assert allowed.kind == "bounded"


@pytest.mark.parametrize("kind", ["event_count", "detection"])
def test_reports_count_what_schedules_miss_and_double(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "rule.yml"
    text = CORRELATION.replace("DEFINITION", TYPES["event_count"]).replace("LEVEL", "high").replace("windows", "x")
    path.write_text(text if kind == "event_count" else text.split("---")[0], encoding="utf-8")
    from converter.errors import Place  # noqa: PLC0415

    case = Case("long", tuple(LONG), Expect(alerts=None), (), Place.at_offset("x", 0))
    suite = Suite(tmp_path / "cases.yml", (path,), None, (case,))
    earliest = {"event_count": "5m", "detection": "4m"}[kind]
    name = TargetName("splunk", "savedsearches", (("earliest", earliest), *QUICK.items()))
    matrix = run_matrix([suite], [name], {"splunk": get_target("splunk")}, Settings(without_pipeline=True))
    doubled = {"event_count": 1, "detection": 30}[kind]
    shown = matrix_text(matrix)
    assert f"1 differ within the bound that the verdict states: {doubled} doubled" in shown
    assert f"none missed, {doubled} doubled, counted above" in shown
    assert re.search("doubled: g=x: .*; in all 2 phases" if kind == "event_count" else "doubled: event 1 at", shown)
    told = matrix_json(matrix)
    assert told["differences"] == {"missed": 0, "extra": 0, "doubled": doubled}
    assert told["schedules"]["replays"] == 1
    assert told["schedules"]["phases"] > 0
    assert told["suites"][0]["cases"][0]["cells"][0]["phases"] == told["schedules"]["phases"]


# ------------------------------------------------------------------------------------------------- files of contentctl


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "a detection is a mapping"),
        ("a: [", "while parsing"),
        ("name: x\nsearch: y", "no deployment.scheduling"),
        (
            "name: x\ndeployment: {scheduling: {cron_schedule: '* * * * *', earliest_time: -1m, latest_time: now}}",
            "no search",
        ),
        ("search: x\ndeployment: {scheduling: {cron_schedule: '* * * * *', earliest_time: -1m}}", "no latest_time"),
        (
            "search: x\ndeployment: {scheduling: {cron_schedule: '* * * * *', earliest_time: -1m, latest_time: now}}",
            "no name",
        ),
    ],
)
def test_files_that_are_no_detection(text: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        saved_search_of(text)
    assert message in caught.value.message
    assert caught.value.place is not None


def test_a_detection_runs_by_its_schedule() -> None:
    text = query_of(yaml.safe_dump(DETECTION), "contentctl").text
    events = [{"_time": START, "User": "value", "src_ip": "192.0.2.1"}, {"_time": START, "User": "other"}]
    assert [row["run"] for row in run_detection(text, events)] == [START + 20 * 60]


def test_a_detection_is_written_to_a_file_of_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, title in enumerate(["First Rule", "Second-Rule", "second rule"]):
        text = yaml.safe_dump({**DETECTION, "title": title, "id": f"46af800b-08f9-4f53-97a0-f5b45b2a91b{number}"})
        (tmp_path / f"{number}.yml").write_text(text, encoding="utf-8")
    arguments = ["convert", "-t", "splunk", "-f", "contentctl", "--without-pipeline", str(tmp_path)]
    assert main([*arguments, "-d", str(tmp_path / "out")]) == 0
    names = {
        path.name: yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in (tmp_path / "out").iterdir()
    }
    assert len(names) == 3
    assert names["first_rule.yml"] == "First Rule"
    assert all(file == f"{file_stem(name)}.yml" for file, name in names.items())
    assert main([*arguments, "-o", str(tmp_path / "one.yml")]) == 3
    assert "each rule is a YAML file of its own" in capsys.readouterr().err


def contentctl() -> str:
    found = os.environ.get("SIGMA_CONVERT_CONTENTCTL") or shutil.which("contentctl")
    if found is None:
        pytest.skip("contentctl is not installed: pip install 'contentctl>=5.6,<6', or set SIGMA_CONVERT_CONTENTCTL")
    return found


def sigmahq(folder: Path, count: int) -> list[Path]:
    if not SIGMAHQ.is_file():
        return []
    import tarfile  # noqa: PLC0415

    with tarfile.open(SIGMAHQ) as archive:
        members = sorted(
            (one for one in archive if one.name.endswith(".yml") and "/rules/" in f"/{one.name}"),
            key=lambda one: one.name,
        )
        chosen = members[:: max(1, len(members) // count)][:count]
        archive.extractall(folder, members=chosen, filter="data")
    return [folder / one.name for one in chosen]


def test_contentctl_takes_what_we_emit(tmp_path: Path) -> None:
    program = contentctl()

    def run(*arguments: str) -> str:
        done = subprocess.run([program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    correlations = "".join(
        f"---\ntitle: {kind}\nname: c{number}\nlevel: {level}\ncorrelation: {{{definition}}}\n"
        for number, (kind, definition) in enumerate((kind, one) for kind, one in TYPES.items() if one)
        for level in (["informational", "low", "medium", "high", "critical"][number % 5],)
    )
    base = CORRELATION.split("---")
    hostile = "".join(
        "---\n" + yaml.safe_dump({**DETECTION, **SPOTS[spot](text), "id": f"46af800b-08f9-4f53-97a0-{number:012d}"})
        for number, (spot, text) in enumerate((spot, text) for spot in SPOTS for text in HOSTILE)
    )
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "correlations.yml").write_text(f"{base[0]}---{base[1]}{correlations}", encoding="utf-8")
    (rules / "hostile.yml").write_text(hostile.removeprefix("---\n"), encoding="utf-8")
    paths = [ROOT / "sigma" / "aws", *sorted(rules.iterdir()), *sigmahq(tmp_path / "hq", 20)]
    run("init", "--bare")
    written_files: dict[str, dict[str, Any]] = {}
    for query in convert_rules(load_rules(paths), get_target("splunk"), format="contentctl"):
        content = yaml.safe_load(query.text)
        path = tmp_path / "detections" / "endpoint" / f"{file_stem(content['name'])}.yml"
        assert not path.exists(), content["name"]
        path.write_text(query.text, encoding="utf-8")
        written_files[content["name"]] = content
    assert len(written_files) > 100
    run("validate")
    run("build", "--app.label", "SC")
    built = parse_conf(
        (tmp_path / "dist" / "ContentPack" / "default" / "savedsearches.conf").read_text(encoding="utf-8")
    )
    by_name = {one.name.removeprefix("SC - ").removesuffix(" - Rule"): one for one in built}
    assert set(written_files) <= set(by_name)
    for name, content in written_files.items():
        saved, _ = saved_search_of(yaml.safe_dump(content))
        assert by_name[name].search.replace(" \n", "\n") == saved.search.replace(" \n", "\n")
        for key in ("cron_schedule", "dispatch.earliest_time", "dispatch.latest_time", "alert.suppress.fields"):
            assert by_name[name].settings.get(key) == saved.settings.get(key), (name, key)


def test_a_correlation_is_sliding_or_fixed() -> None:
    """The list of types above has both."""
    plans = [prepared(definition, "savedsearches", QUICK)[0] for definition in TYPES.values() if definition]
    assert {plan.sliding for plan in plans if isinstance(plan, ir.Correlation)} == {True, False}
