"""The rules of SigmaHQ, and the real Windows events that some of them must match.

The data is public and not part of the project; without it the tests are skipped.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.errors import RefusedError, SourceError
from converter.plan import nodes as ir
from converter.plan.regex import Group, Look, Reference, Repeat, walk
from converter.plan.regex_parse import parse
from converter.reference.evaluate import evaluate_plans
from converter.reference.match import matches
from converter.rules.load import parse_rules
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from converter.plan.regex import Node

DATA = SHARED / "sigmahq"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no SigmaHQ data in {DATA}")


@cache
def rules() -> dict[str, str]:
    with tarfile.open(DATA / "rules.tar.gz") as archive:
        members = [member for member in archive if member.name.endswith(".yml")]
        files = {member.name.removeprefix("./"): archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def regressions() -> list[Any]:
    if not DATA.is_dir():
        return []
    with gzip.open(DATA / "regression.jsonl.gz", "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    return [pytest.param(case, id=Path(case["rule_path"]).stem) for case in cases]


def flat(event: dict[str, Any]) -> dict[str, Any]:
    """Name the fields of a Windows event as the Sigma taxonomy does."""
    fields: dict[str, Any] = {}
    for name, value in event["Event"]["System"].items():
        if isinstance(value, dict):
            if "#text" in value:
                fields[name] = value["#text"]
            fields.update({f"{name}_{key}": inner for key, inner in value.get("#attributes", {}).items()})
        else:
            fields[name] = value
    for section in ("EventData", "UserData"):
        fields.update(leaves(event["Event"].get(section) or {}))
    return fields


def leaves(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found.update(leaves(value))
        elif name not in {"xmlns", "Name"}:
            found["Data" if name == "#text" else name] = value
    return found


# Why rules have no plan that can be evaluated, by folder. Those of rules* are placeholders, and nothing else.
REFUSED = {
    ("a placeholder that nothing expands", "deprecated"): 3,
    ("a placeholder that nothing expands", "rules-emerging-threats"): 2,
    ("a placeholder that nothing expands", "rules-placeholder"): 23,
    ("aggregation expression", "deprecated"): 1,
    ("aggregation expression", "unsupported"): 54,
    ("timeframe", "unsupported"): 4,
    ("not valid Sigma", "unsupported"): 3,
}


@cache
def loaded() -> dict[str, tuple[ir.Plan, ...] | SourceError]:
    """Return the plans of each file, or the first error."""
    found: dict[str, tuple[ir.Plan, ...] | SourceError] = {}
    for name, text in rules().items():
        try:
            plans = parse_rules(text, name).plans
            evaluate_plans(plans, [])  # raises for a placeholder that is left
            found[name] = plans
        except SourceError as error:  # anything else is a bug of ours
            found[name] = error
    return found


def reason(error: SourceError) -> str:
    if isinstance(error, RefusedError):
        return error.construct
    return "a placeholder that nothing expands" if "placeholder" in error.message else "not valid Sigma"


def test_every_rule_loads_or_says_why_not() -> None:
    errors = {name: error for name, error in loaded().items() if isinstance(error, SourceError)}
    assert [name for name, error in errors.items() if error.place is None or error.place.name != name] == []
    counts = Counter((reason(error), name.split("/", 1)[0]) for name, error in errors.items())
    print(f"\n{len(loaded())} files, {len(loaded()) - len(errors)} with plans")  # noqa: T201  shown with -s
    for (why, folder), count in sorted(counts.items()):
        print(f"{count:6} {why} ({folder})")  # noqa: T201
    assert dict(counts) == REFUSED
    assert len(loaded()) - len(errors) > 3680


def test_legacy_aggregations_show_the_correlation_that_they_are_today() -> None:
    legacy = {
        name: error
        for name, error in loaded().items()
        if isinstance(error, RefusedError) and error.construct in {"aggregation expression", "timeframe"}
    }
    shown = {name: error for name, error in legacy.items() if "correlation:\n" in error.hint}
    # What is left joins different fields, asks for an event that is not there, or was never Sigma.
    assert sorted(set(legacy) - set(shown)) == WITHOUT_EQUIVALENT
    for name, error in shown.items():
        rule = yaml.safe_load(error.hint[error.hint.index("    title:") :])
        names = rule["correlation"]["rules"]
        bases = "".join(BASE.format(name=one) for one in names)
        (plan,) = parse_rules(bases + yaml.safe_dump(rule), name).plans
        assert plan.meta.title == rule["title"]


BASE = "title: {name}\nname: {name}\nlogsource: {{category: c}}\ndetection: {{s: {{a: 1}}, condition: s}}\n---\n"
WITHOUT_EQUIVALENT = [
    "unsupported/network/net_dns_high_subdomain_rate.yml",
    "unsupported/windows/image_load_mimikatz_inmemory_detection.yml",
    "unsupported/windows/win_remote_schtask.yml",
    "unsupported/windows/win_remote_service.yml",
]


# Rules whose regular expressions RE2 cannot say, and why; they run in the engine with a limit on its time. None does.
FALLBACK: dict[str, str] = {}


def test_which_regular_expressions_need_the_fallback() -> None:
    found: dict[str, str] = {}
    count = 0
    for name, plans in loaded().items():
        if isinstance(plans, SourceError):
            continue
        for leaf in (leaf for plan in plans for rule in ir.detections_of(plan) for leaf in ir.leaves_of(rule.expr)):
            if isinstance(leaf, ir.Regex | ir.KeywordRegex):
                count += 1
                for node in walk(parse(leaf.pattern, leaf.flags)):
                    if (why := beyond_re2(node)) is not None:
                        found[name] = why
    print(f"\n{count} regular expressions, {len(found)} rules with some that RE2 cannot say")  # noqa: T201
    for name, why in sorted(found.items()):
        print(f"  {why}: {name}")  # noqa: T201
    assert found == FALLBACK
    assert count > 100


def beyond_re2(node: Node) -> str | None:
    match node:
        case Look():
            return "look-around"
        case Reference():
            return "a reference back"
        case Group(atomic=True):
            return "an atomic group"
        case Repeat(kind="possessive"):
            return "possessive repetition"
        case _:
            return None


@pytest.mark.parametrize("case", regressions())
def test_rule_matches_its_own_events(case: dict[str, Any]) -> None:
    plans = parse_rules(rules()[case["rule_path"]], case["rule_path"]).plans
    alerts = evaluate_plans(plans, [flat(event) for event in case["events"]])
    # One count for each recording; absent means at least one.
    assert len(alerts) >= sum(count or 1 for count in case.get("match_count") or [1])


SAME = "the behaviour that the rule describes in general is part of the other rule's recording"
OTHER_LOG = "the event is of another log source, and only fields are compared here"
PROC, FILE, REG = "proc_creation_win_", "file_event_win_", "registry_"
# Rule, rule whose recorded event it matches as well, and why.
FURTHER = {
    (PROC + "browsers_inline_file_download", PROC + "browsers_chromium_headless_file_download"): SAME,
    (PROC + "certutil_encode", PROC + "certutil_encode_susp_extensions"): SAME,
    (PROC + "certutil_encode", PROC + "certutil_encode_susp_location"): SAME,
    (PROC + "certutil_encode_susp_extensions", PROC + "certutil_encode"): SAME,
    (PROC + "certutil_encode_susp_extensions", PROC + "certutil_encode_susp_location"): SAME,
    (PROC + "curl_download_susp_file_sharing_domains", PROC + "curl_susp_download"): SAME,
    (PROC + "curl_susp_download", PROC + "curl_download_direct_ip_exec"): SAME,
    (PROC + "findstr_recon_pipe_output", PROC + "findstr_security_keyword_lookup"): SAME,
    (PROC + "github_self_hosted_runner", PROC + "mal_shai_hulud_indicator"): SAME,
    (PROC + "susp_system_exe_anomaly", PROC + "svchost_masqueraded_execution"): SAME,
    (PROC + "wmic_recon_product", PROC + "wmic_recon_product_class"): SAME,
    (PROC + "wmic_recon_service", PROC + "wmic_recon_unquoted_service_search"): SAME,
    (FILE + "susp_legitimate_app_dropping_in_uncommon_location", FILE + "susp_legitimate_app_dropping_script"): SAME,
    (FILE + "susp_public_folder_extension", FILE + "susp_legitimate_app_dropping_in_uncommon_location"): SAME,
    (REG + "set_pua_sysinternals_execution_via_eula", REG + "set_pua_sysinternals_renamed_execution_via_eula"): SAME,
    (REG + "set_pua_sysinternals_execution_via_eula", REG + "set_pua_sysinternals_susp_execution_via_eula"): SAME,
    (REG + "set_pua_sysinternals_susp_execution_via_eula", REG + "set_pua_sysinternals_execution_via_eula"): SAME,
    (
        REG + "set_pua_sysinternals_susp_execution_via_eula",
        REG + "set_pua_sysinternals_renamed_execution_via_eula",
    ): SAME,
    (PROC + "susp_system_exe_anomaly", "image_load_win_susp_dbgcore_dbghelp_load"): OTHER_LOG,
    (FILE + "hktl_netexec_file_indicators", PROC + "hktl_netexec"): OTHER_LOG,
    (REG + "delete_disable_credential_guard", REG + "set_credential_guard_disabled"): OTHER_LOG,
}


def test_rules_over_the_events_of_all_others() -> None:
    cases = [param.values[0] for param in regressions()]
    recorded = [(case, event) for case in cases for event in case["events"]]
    events = [(Path(case["rule_path"]).stem, case["logsource"], flat(event)) for case, event in recorded]
    found: dict[tuple[str, str], str] = {}
    for path in {case["rule_path"] for case in cases}:
        (plan,) = parse_rules(rules()[path], path).plans
        assert isinstance(plan, ir.Detection)
        for own, logsource, event in events:
            if own != Path(path).stem and matches(plan.expr, event):
                same = logsource.get("category") == plan.logsource.category
                found[Path(path).stem, own] = SAME if same else OTHER_LOG
    print(f"\n{len(events)} events, {len(cases)} rules, {len(found)} further matches")  # noqa: T201
    for (rule, own), why in sorted(found.items()):
        print(f"  {rule} <- {own}: {why}")  # noqa: T201
    assert found == FURTHER
