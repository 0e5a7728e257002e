"""Real events and public rules: each rule finds its own events, and every other find is listed and explained."""

from __future__ import annotations

import gzip
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from converter.logsources import all_rules, by_logsource, fits, sigma_view
from converter.logsources.match import _ALL_SERVICES, _CATEGORIES, _SERVICES
from converter.readers.log_source import LogSource
from converter.reference.evaluate import evaluate_plans
from converter.reference.time import event_time
from converter.reference.values import find
from converter.rules.load import load_rules, parse_rules
from tests.support.paths import ROOT, SHARED

DATA = SHARED
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no public data in {DATA}")

# (rule, whose event it matches as well): why that is right. All are of one log source.
FURTHER: dict[tuple[str, str], str] = {
    **dict.fromkeys(
        [
            (
                "file_event_win_susp_legitimate_app_dropping_in_uncommon_location",
                "file_event_win_susp_legitimate_app_dropping_script",
            ),
            (
                "file_event_win_susp_public_folder_extension",
                "file_event_win_susp_legitimate_app_dropping_in_uncommon_location",
            ),
        ],
        "certutil.exe writes a script to AppData, a program to Users/Public: one rule is about who writes, one about "
        "what, one about where",
    ),
    **dict.fromkeys(
        [
            ("proc_creation_win_certutil_encode", "proc_creation_win_certutil_encode_susp_extensions"),
            ("proc_creation_win_certutil_encode", "proc_creation_win_certutil_encode_susp_location"),
            ("proc_creation_win_certutil_encode_susp_extensions", "proc_creation_win_certutil_encode"),
            ("proc_creation_win_certutil_encode_susp_extensions", "proc_creation_win_certutil_encode_susp_location"),
        ],
        "certutil -encode is the general rule; all three recordings encode a file with a suspicious extension",
    ),
    **dict.fromkeys(
        [
            (
                "proc_creation_win_browsers_inline_file_download",
                "proc_creation_win_browsers_chromium_headless_file_download",
            ),
            ("proc_creation_win_curl_download_susp_file_sharing_domains", "proc_creation_win_curl_susp_download"),
            ("proc_creation_win_curl_susp_download", "proc_creation_win_curl_download_direct_ip_exec"),
        ],
        "the same download seen by two rules: by the program, by where it comes from, by the extension of the file",
    ),
    **dict.fromkeys(
        [
            ("proc_creation_win_findstr_recon_pipe_output", "proc_creation_win_findstr_security_keyword_lookup"),
            ("proc_creation_win_wmic_recon_product", "proc_creation_win_wmic_recon_product_class"),
            ("proc_creation_win_wmic_recon_service", "proc_creation_win_wmic_recon_unquoted_service_search"),
        ],
        "the rule takes part of the command line that the narrower rule takes more of",
    ),
    ("proc_creation_win_github_self_hosted_runner", "proc_creation_win_mal_shai_hulud_indicator"): (
        "the worm's recording configures a runner of GitHub, which the general rule is about"
    ),
    ("proc_creation_win_susp_system_exe_anomaly", "proc_creation_win_svchost_masqueraded_execution"): (
        "svchost.exe outside the folders of Windows is a system program in an unusual folder"
    ),
    **dict.fromkeys(
        [
            (
                f"registry_set_pua_sysinternals_{rule}execution_via_eula",
                f"registry_set_pua_sysinternals_{other}execution_via_eula",
            )
            for rule in ("", "susp_")
            for other in ("", "susp_", "renamed_")
            if rule != other
        ],
        "three rules about accepting the licence of a tool of Sysinternals; two of them do not ask for a renamed tool",
    ),
}
# What is found in addition with log sources off: a rule without its log source means more than its author says.
WITHOUT: dict[tuple[str, str], str] = {
    ("file_event_win_hktl_netexec_file_indicators", "proc_creation_win_hktl_netexec"): (
        "the rule reads Image of a written file; a process that is started has one too"
    ),
    ("proc_creation_win_susp_system_exe_anomaly", "image_load_win_susp_dbgcore_dbghelp_load"): (
        "the rule reads Image of a new process; one that loads a library has one too"
    ),
    ("registry_delete_disable_credential_guard", "registry_set_credential_guard_disabled"): (
        "the rule reads the name of a deleted value; one that is set has one too"
    ),
}


@cache
def sigmahq() -> dict[str, str]:
    with tarfile.open(DATA / "sigmahq" / "rules.tar.gz") as archive:
        members = [member for member in archive if member.name.endswith(".yml")]
        files = {member.name.removeprefix("./"): archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def lines(*path: str) -> list[dict[str, Any]]:
    file = DATA.joinpath(*path)
    if not file.exists():
        return []
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def name_of(case: dict[str, Any]) -> str:
    return Path(case["rule_path"]).stem


CASES = lines("sigmahq", "regression.jsonl.gz")


@pytest.mark.parametrize("case", [pytest.param(case, id=name_of(case)) for case in CASES])
def test_a_rule_finds_its_own_raw_events(case: dict[str, Any]) -> None:
    plans = parse_rules(sigmahq()[case["rule_path"]], case["rule_path"]).plans
    (plan,) = plans
    source = case["logsource"]
    logsource = LogSource(source.get("product"), source.get("category"), source.get("service"))
    assert [fits(event, logsource) for event in case["events"]] == [True] * len(case["events"])
    alerts = evaluate_plans(plans, case["events"], select=by_logsource)
    # One count for each recording; absent means at least one.
    assert len(alerts) >= sum(count or 1 for count in case.get("match_count") or [1])
    # The time is the header's, whatever UtcTime says.
    first = case["events"][int(alerts[0].events[0]) - 1]
    assert alerts[0].first == event_time(first)
    assert plan.meta.key == alerts[0].rule


def others(select: Any) -> set[tuple[str, str]]:
    """Evaluate all rules on all events; return which rule matches an event of which other rule."""
    plans, keys = [], {}
    for case in CASES:
        for plan in parse_rules(sigmahq()[case["rule_path"]], case["rule_path"]).plans:
            plans.append(plan)
            keys[plan.meta.key] = name_of(case)
    events = [{**event, "_id": name_of(case)} for case in CASES for event in case["events"]]
    alerts = evaluate_plans(plans, events, select=select)
    return {(keys[alert.rule], str(alert.events[0])) for alert in alerts if keys[alert.rule] != alert.events[0]}


def test_all_rules_on_all_events_find_nothing_that_is_not_explained() -> None:
    assert others(by_logsource) == set(FURTHER)


def test_log_sources_keep_rules_from_events_that_they_are_not_about() -> None:
    assert others(all_rules) == set(FURTHER) | set(WITHOUT)


def test_cloudtrail_has_no_alert_of_our_rules_and_none_is_in_error() -> None:
    events = lines("cloudtrail", "events.ndjson.gz")
    assert len(events) == 3214
    plans = load_rules([ROOT / "sigma" / "aws"]).plans
    assert {fits(event, LogSource("aws", None, "cloudtrail")) for event in events} == {True}
    assert {fits(event, LogSource("windows", None, None)) for event in events} == {False}
    assert evaluate_plans(plans, events, select=by_logsource) == []


def test_failed_logons_have_the_fields_of_sigma() -> None:
    events = lines("windows", "smb_password_guessing_4625.ndjson.gz")
    assert len(events) == 3561
    for event in events:
        data = event["Event"]["EventData"]
        view = sigma_view(event)
        assert find(view, "EventID") == [4625]
        assert find(view, "TargetUserName") == [data["TargetUserName"]]
        assert find(view, "IpAddress") == [data["IpAddress"]]
        assert event_time(view) == event_time(event) is not None
    assert {fits(event, LogSource("windows", None, "security")) for event in events} == {True}
    assert {fits(event, LogSource("windows", "process_creation", None)) for event in events} == {False}


def test_every_log_source_of_the_rules_in_use_is_known() -> None:
    """An unknown log source is tried on everything, so a word that we do not know yet shows here."""
    unknown = set()
    for name, text in sigmahq().items():
        if not name.startswith("rules"):
            continue
        for document in yaml.safe_load_all(text):
            source = {key: str(value).lower() for key, value in document.get("logsource", {}).items()}
            product, service, category = (source.get(key) for key in ("product", "service", "category"))
            if product and product not in _SERVICES:
                unknown.add(product)
            if service and service not in (_SERVICES.get(product, _ALL_SERVICES) if product else _ALL_SERVICES):
                unknown.add(f"{product}/{service}")
            if category and category not in _CATEGORIES:
                unknown.add(category)
    assert unknown == set()
