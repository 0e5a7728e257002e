"""The format `data_model` of the target splunk: what it emits and refuses; its rows stand for the rule's events."""

from __future__ import annotations

import itertools
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError
from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets

if TYPE_CHECKING:
    from pathlib import Path

    from converter.targets.core.target import Query

SPLUNK = list_targets()["splunk"]
PROCESSES = {
    "CommandLine": "process",
    "Computer": "dest",
    "CurrentDirectory": "process_current_directory",
    "Image": "process_path",
    "IntegrityLevel": "process_integrity_level",
    "OriginalFileName": "original_file_name",
    "ParentCommandLine": "parent_process",
    "ParentImage": "parent_process_path",
    "ProcessId": "process_id",
    "User": "user",
}


def rule(selection: Any, condition: str = "selection", **extra: Any) -> str:
    detection = {"selection": selection, **extra.pop("more", {}), "condition": condition}
    source = extra.pop("logsource", {"product": "windows", "category": "process_creation"})
    return yaml.safe_dump(
        {"title": "A rule", "name": "a_rule", "logsource": source, "detection": detection, "level": "high", **extra}
    )


def convert(text: str, *pipelines: str, **options: str) -> Query:
    (query,) = convert_rules(
        parse_rules(text), SPLUNK, pipelines=pipelines or ("splunk_cim",), format="data_model", options=options
    )
    return query


def event(number: int, **fields: Any) -> dict[str, Any]:
    """Return an event with Sigma's names, and with those of the data model beside them, as Splunk has it."""
    data = {f"Processes.{PROCESSES[name]}": value for name, value in fields.items()}
    return {
        "_id": str(number),
        "@timestamp": f"2026-01-01T00:00:{number % 60:02d}Z",
        **fields,
        "Processes.os": "x",
        **data,
    }


VALUES: dict[str, list[Any]] = {
    "Image": [None, r"C:\a\cmd.exe", r"C:\a\CMD.EXE", "unknown", "(none)", r"C:\explorer.exe"],
    "CommandLine": [None, "unknown", "cmd /c whoami", "CMD /C WHOAMI *", "a?b", ""],
    "ParentImage": [None, r"C:\explorer.exe", "(none)"],
    "ProcessId": [None, 4, "4", "12"],
}
EVENTS = [
    event(number, **{name: value for name, value in zip(VALUES, values, strict=True) if value is not None})
    for number, values in enumerate(itertools.product(*VALUES.values()))
]

RULES = {
    "end of a text": rule({"Image|endswith": r"\cmd.exe"}),
    "a list": rule({"CommandLine|contains": ["whoami", "/c"]}),
    "all of a list": rule({"CommandLine|contains|all": ["whoami", "/c"]}),
    "negation on a field that the data model keeps": rule(
        {"CommandLine|contains": "/c"}, "selection and not f", more={"f": {"Image|endswith": "cmd.exe"}}
    ),
    "negation on a field that it fills": rule(
        {"Image|contains": "exe"}, "selection and not f", more={"f": {"CommandLine|contains": "whoami"}}
    ),
    "what is true of unknown": rule({"CommandLine|contains": "know"}),
    "what is true of the text that fills rows": rule({"ParentImage|re": r"none|explorer"}),
    "regular expression": rule({"CommandLine|re": r"^cmd\s"}),
    "regular expression and negation": rule(
        {"Image|contains": "exe"}, "selection and not f", more={"f": {"ParentImage|re": "(?i)EXPLORER"}}
    ),
    "cased": rule({"Image|contains|cased": "CMD"}),
    "a question mark and a literal asterisk": rule({"CommandLine|contains": ["a?b", r"\*"]}),
    "number": rule({"ProcessId": 4}),
    "no number": rule({"Image|contains": "exe"}, "selection and not f", more={"f": {"ProcessId": [4, 8]}}),
    "numbers and texts": rule({"ProcessId": [4, 8], "Image|contains": "exe"}),
    "not a number": rule({"Image|contains": "exe"}, "selection and not f", more={"f": {"ProcessId|gte": 5}}),
    "null": rule({"ParentImage": None}),
    "exists": rule({"ParentImage|exists": True}),
    "either of two fields, one by a regular expression": rule(
        [{"Image|endswith": "cmd.exe"}, {"ParentImage|re": "explorer"}]
    ),
    "fields that are compared": rule({"Image|fieldref": "ParentImage"}),
}


@pytest.mark.parametrize("name", RULES)
def test_rows_stand_for_the_events_of_the_rule(name: str) -> None:
    rules = parse_rules(RULES[name])
    query = convert(RULES[name])
    (plan,) = rules.plans
    outcome, (run,) = replay(plan, query, SPLUNK, Log(EVENTS, "windows"))
    assert outcome.kind in {"agree", "assumption"}, f"{query.text}\n{outcome.differences[:3]}"
    assert run.alerts, "nothing was found, so nothing was compared"


@pytest.mark.parametrize("name", ["end of a text", "a list", "cased", "negation on a field that the data model keeps"])
def test_simple_rules_agree_on_every_event(name: str) -> None:
    (plan,) = parse_rules(RULES[name]).plans
    outcome, _ = replay(plan, convert(RULES[name]), SPLUNK, Log(EVENTS, "windows"))
    assert outcome.kind == "agree"


def test_a_missing_value_that_reads_unknown_is_told() -> None:
    (plan,) = parse_rules(RULES["what is true of unknown"]).plans
    query = convert(RULES["what is true of unknown"])
    outcome, _ = replay(plan, query, SPLUNK, Log(EVENTS, "windows"))
    assert outcome.kind == "assumption"
    says = 'every event has a value of Processes.process: where there is none, the data model writes "unknown"'
    assert says in {broken.message for broken in outcome.broken}


def test_rows_that_do_not_add_up_are_no_alerts() -> None:
    query = convert(RULES["a list"])
    wrong = changed(query, text=query.text + "\n| head 1")
    (plan,) = parse_rules(RULES["a list"]).plans
    with pytest.raises(QueryError, match="do not add up"):
        replay(plan, wrong, SPLUNK, Log([event(1, CommandLine="/c"), event(2, CommandLine="/c x")], "windows"))


def test_what_search_can_say_is_in_tstats_and_the_rest_behind_it() -> None:
    query = convert(rule({"Image|endswith": r"\a.exe", "CommandLine|re": "x"}), "splunk_cim")
    first, *others = query.text.splitlines()
    assert first.startswith(
        '| tstats summariesonly=false allow_old_summaries=false fillnull_value="(none)" count'
        " min(_time) as first_seen max(_time) as last_seen from datamodel=Endpoint.Processes"
        ' where Processes.process_path="*\\\\a.exe" by Processes.process Processes.dest '
    )
    assert others == [
        "| rename Processes.* as *",
        '| eval process=if(process="(none)",null(),process)',
        '| where isnotnull(mvfilter(match(process,"x")))',
    ]


def test_a_number_is_in_tstats_unless_it_is_negated() -> None:
    query = convert(RULES["numbers and texts"])
    assert "(Processes.process_id=4 OR Processes.process_id=8)" in query.text.splitlines()[0]
    assert "| where" not in query.text
    assert "numbers in Processes.process_id are written plainly: 4, not 04 or 4.0" in query.verdict.notes
    first, *others = convert(RULES["no number"]).text.splitlines()
    assert "process_id=" not in first
    assert others[-1].endswith("NOT (isnotnull(mvfilter(tonumber(process_id)=4 OR tonumber(process_id)=8)))")


def test_a_number_that_is_written_in_another_way_breaks_an_assumption() -> None:
    (plan,) = parse_rules(RULES["number"]).plans
    query = convert(RULES["number"])
    log = Log([event(1, ProcessId="4"), event(2, ProcessId="04")], "windows")
    outcome, _ = replay(plan, query, SPLUNK, log)
    assert outcome.kind == "assumption"
    assert [broken.message for broken in outcome.broken] == [
        "numbers in Processes.process_id are written plainly: 4, not 04 or 4.0"
    ]


def test_a_data_set_below_the_root_is_named_by_its_node() -> None:
    query = convert(rule({"c-uri|contains": "x"}, logsource={"category": "proxy"}))
    assert 'from datamodel=Web.Web where nodename="Web.Proxy" Web.url="*x*" by Web.url ' in query.text


def test_only_summaries_is_an_assumption() -> None:
    query = convert(RULES["a list"], summariesonly="true")
    assert "| tstats summariesonly=true " in query.text
    assert any("is in a summary" in note for note in query.verdict.notes)


def pipeline(tmp_path: Path, model: str | None, mapping: dict[str, str], shown: list[str] | None = None) -> str:
    items: list[dict[str, Any]] = [{"type": "field_name_mapping", "mapping": mapping}]
    if model is not None:
        items.append({"type": "set_state", "key": "data_model_set", "val": model})
    if shown is not None:
        items.append({"type": "set_state", "key": "fields", "val": shown})
    path = tmp_path / "p.yml"
    path.write_text(yaml.safe_dump({"name": "p", "priority": 10, "transformations": items}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("model", "mapping", "selection", "construct", "message"),
    [
        (None, {}, {"Image": "x"}, "data model", "no pipeline says which data model"),
        ("Endpoint.Procesess", {}, {"Image": "x"}, "data model", "'Endpoint.Procesess' of the pipeline is not known"),
        ("Endpoint", {}, {"Image": "x"}, "data model", "'Endpoint' of the pipeline is not known"),
        ("Endpoint.Processes", {}, {"Image": "x"}, "field of no data model", "has no field 'Image'"),
        (
            "Endpoint.Processes",
            {"Hashes": "Registry.dest"},
            {"Hashes": "x"},
            "field of no data model",
            "has no field 'Registry.dest'",
        ),
        ("Endpoint.Processes", {}, ["word"], "keyword over a data model", "has no raw text"),
        (
            "Endpoint.Processes",
            {"Image": "Processes.process_path"},
            {"Image": ""},
            "empty text in a data model",
            "keeps empty texts",
        ),
        (
            "Endpoint.Processes",
            {"CommandLine": "Processes.process"},
            {"CommandLine": None},
            "missing value in a data model",
            "none is ever missing",
        ),
        (
            "Endpoint.Processes",
            {"CommandLine": "Processes.process"},
            {"CommandLine|exists": True},
            "missing value in a data model",
            "none is ever missing",
        ),
        (
            "Endpoint.Processes",
            {"IntegrityLevel": "Processes.process_integrity_level"},
            {"IntegrityLevel|cased": "High"},
            "case in a data model",
            "in lower case",
        ),
        (
            "Endpoint.Processes",
            {"IntegrityLevel": "Processes.process_integrity_level"},
            {"IntegrityLevel|re": "High"},
            "case in a data model",
            "in lower case",
        ),
    ],
)
def test_refused_by_name(
    tmp_path: Path, model: str | None, mapping: dict[str, str], selection: Any, construct: str, message: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        convert(rule(selection), pipeline(tmp_path, model, mapping))
    assert caught.value.construct == construct
    assert message in caught.value.message


def test_a_model_with_one_root_may_be_named_alone(tmp_path: Path) -> None:
    query = convert(rule({"q": "x"}), pipeline(tmp_path, "Network_Resolution", {"q": "DNS.query"}))
    assert 'from datamodel=Network_Resolution.DNS where DNS.query="x" by DNS.query' in query.text


def test_fields_to_show_that_the_data_model_lacks_are_told(tmp_path: Path) -> None:
    mapping = {"Image": "Processes.process_path"}
    query = convert(
        rule({"Image": "x"}), pipeline(tmp_path, "Endpoint.Processes", mapping, ["Processes.user", "Processes.nothing"])
    )
    assert query.text.splitlines()[0].endswith(" by Processes.user Processes.process_path")
    assert any("has no field Processes.nothing" in warning for warning in query.warnings)


def test_columns_get_out_of_the_way_of_fields(tmp_path: Path) -> None:
    query = convert(rule({"t": "x"}), pipeline(tmp_path, "Endpoint.Processes", {"t": "Processes.tag"}))
    assert " count min(_time) as first_seen " in query.text


def test_a_correlation_is_refused() -> None:
    text = (
        RULES["a list"]
        + "---\n"
        + yaml.safe_dump(
            {
                "title": "Many",
                "name": "many",
                "correlation": {
                    "type": "event_count",
                    "rules": ["a_rule"],
                    "group-by": ["User"],
                    "timespan": "5m",
                    "condition": {"gte": 3},
                },
            }
        )
    )
    rules = parse_rules(text)
    (correlation,) = [plan for plan in rules.plans if plan.meta.key == "many"]
    with pytest.raises(RefusedError, match="a correlation looks at single ones"):
        convert_rules(rules.only(correlation), SPLUNK, pipelines=("splunk_cim",), format="data_model")
