"""The pipelines of pysigma-backend-splunk, and postprocessing and finalizers, with our emitter and with upstream's.

Where both emit a search, both are run on the same events, and compared with the reference: the events have the fields
that Splunk's add-ons give them, beside those of Sigma.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, RefusedError
from converter.reference.match import matches
from converter.rules.load import parse_rules
from converter.targets.core.pysigma import upstream_targets
from converter.targets.core.registry import list_targets
from converter.targets.splunk.engine.execute import run

if TYPE_CHECKING:
    from pathlib import Path

    from converter.plan.nodes import Detection
    from converter.targets.core.target import Query

TARGETS = {**list_targets(), **upstream_targets()}
SYSMON = "WinEventLog:Microsoft-Windows-Sysmon/Operational"
PROCESS = {"product": "windows", "category": "process_creation"}
CIM = {
    "CommandLine": "Processes.process",
    "Image": "Processes.process_path",
    "ParentImage": "Processes.parent_process_path",
    "User": "Processes.user",
}
DROP = "[drop_dm_object_name(1)]\nargs = name\ndefinition = rename $name$.* as *\n"


def rule(logsource: dict[str, str], selection: Any, condition: str = "selection", **more: Any) -> dict[str, Any]:
    return {
        "title": "A rule",
        "name": "a_rule",
        "logsource": logsource,
        "detection": {"selection": selection, **more, "condition": condition},
        "level": "high",
    }


def convert(target: str, data: dict[str, Any], pipelines: tuple[str, ...], form: str = "default") -> Query:
    (query,) = convert_rules(parse_rules(yaml.safe_dump(data)), TARGETS[target], pipelines=pipelines, format=form)
    return query


def event(number: int, source: str = SYSMON, **fields: Any) -> dict[str, Any]:
    cim = {CIM[name]: value for name, value in fields.items() if name in CIM}
    shown = {**fields, "EventCode": fields.get("EventID"), "source": source, **cim}
    raw = json.dumps({**fields, "ParentProcessGuid": "{1}"})
    return {"_id": str(number), "_time": number, "_raw": raw, **{k: v for k, v in shown.items() if v is not None}}


PROCESSES = [
    event(1, EventID=1, Image=r"C:\Windows\cmd.exe", CommandLine="cmd /c whoami", ParentImage=r"C:\explorer.exe"),
    event(2, EventID=1, Image=r"C:\Windows\CMD.EXE", CommandLine="CMD /C dir", ParentImage=r"C:\services.exe"),
    event(3, EventID=1, Image=r"C:\Windows\notepad.exe", CommandLine="notepad cmd.exe", ParentImage=r"C:\explorer.exe"),
    event(4, EventID=1, Image=r"C:\Windows\cmd.exe", CommandLine="cmd"),
    event(5, EventID=11, Image=r"C:\Windows\cmd.exe", CommandLine="cmd /c copy"),
]
SECURITY = [
    event(1, "WinEventLog:Security", EventID=4625, TargetUserName="ann"),
    event(2, "WinEventLog:Security", EventID=4624, TargetUserName="ann"),
    event(3, "WinEventLog:Security", EventID=4625, TargetUserName="bob"),
    event(4, "WinEventLog:Security", EventID="4625", TargetUserName="ANN"),
]

WINDOWS = {
    "a service": (
        rule({"product": "windows", "service": "security"}, {"EventID": 4625, "TargetUserName": "ann"}),
        SECURITY,
    ),
    "a list of ids": (rule({"product": "windows", "service": "security"}, {"EventID": [4624, 4625]}), SECURITY),
    "negation": (
        rule(
            {"product": "windows", "service": "security"},
            {"EventID": 4625},
            "selection and not f",
            f={"TargetUserName": "bob"},
        ),
        SECURITY,
    ),
    "sysmon": (
        rule({"product": "windows", "service": "sysmon"}, {"EventID": 1, "Image|endswith": r"\cmd.exe"}),
        PROCESSES,
    ),
    "a category": (rule(PROCESS, {"EventID": 1, "CommandLine|contains": "cmd"}), PROCESSES),
    "a category of sysmon": (
        rule({**PROCESS, "service": "sysmon"}, {"EventID": 1, "Image|endswith": r"\cmd.exe"}),
        PROCESSES,
    ),
    "a regular expression": (rule(PROCESS, {"EventID": 1, "CommandLine|re": "(?i)/c"}), PROCESSES),
}
ACCELERATED = ("splunk_windows", "splunk_sysmon_acceleration")


@pytest.mark.parametrize("pipelines", [("splunk_windows",), ACCELERATED], ids=" ".join)
@pytest.mark.parametrize("name", WINDOWS)
def test_windows_pipelines(name: str, pipelines: tuple[str, ...]) -> None:
    data, events = WINDOWS[name]
    plan: Detection = parse_rules(yaml.safe_dump(data)).plans[0]  # type: ignore[assignment]
    expected = [one["_id"] for one in events if matches(plan.expr, one)]
    assert expected
    for target in ("splunk", "pysigma:splunk"):
        query = convert(target, data, pipelines)
        assert [row["_id"] for row in run(query.text, events)] == expected, query.text


def test_conditions_of_the_pipeline_are_in_the_search() -> None:
    query = convert("splunk", rule({"product": "windows", "service": "security"}, {"TargetUserName": "x"}), ACCELERATED)
    assert query.text == 'source="WinEventLog:Security" TargetUserName="x"'


def test_keyword_of_the_acceleration_needs_the_raw_text() -> None:
    query = convert("splunk", rule({**PROCESS, "service": "sysmon"}, {"Image": "x"}), ACCELERATED)
    assert "ParentProcessGuid" in query.text
    assert any("_raw" in note or "raw text" in note for note in query.verdict.notes)


@pytest.mark.parametrize("pipelines", [("splunk_windows",), ACCELERATED], ids=" ".join)
def test_a_mapping_made_for_splunk_speaks_for_the_fields_that_it_leaves(pipelines: tuple[str, ...]) -> None:
    query = convert("splunk", rule(PROCESS, {"EventID": 1, "Image": "x"}), pipelines)
    assert not [warning for warning in query.warnings if "no mapping" in warning]


def test_a_pipeline_without_a_mapping_speaks_for_no_field() -> None:
    query = convert("splunk", rule(PROCESS, {"Image": "x"}), ("splunk_sysmon_acceleration",))
    assert query.warnings == ("no mapping for splunk has the field Image",)


def test_a_mapping_for_any_product_speaks_for_no_other_field(tmp_path: Path) -> None:
    path = pipeline(tmp_path, transformations=[{"type": "field_name_mapping", "mapping": {"Image": "process_path"}}])
    query = convert("splunk", rule(PROCESS, {"Image": "x", "User": "y"}), (path, "splunk_sysmon_acceleration"))
    assert query.warnings == ("no mapping for splunk has the field User",)


@pytest.mark.parametrize(
    "data",
    [
        rule(PROCESS, {"Image|endswith": r"\cmd.exe", "CommandLine|contains": ["/c", "/k"]}),
        rule(
            PROCESS, {"CommandLine|contains": "cmd"}, "selection and not f", f={"ParentImage|endswith": "explorer.exe"}
        ),
        rule({"product": "linux", "category": "process_creation"}, {"CommandLine|startswith": "cmd"}),
    ],
    ids=["lists", "negation", "linux"],
)
def test_data_model_pipeline(data: dict[str, Any]) -> None:
    plan: Detection = parse_rules(yaml.safe_dump(data)).plans[0]  # type: ignore[assignment]
    expected = [one for one in PROCESSES if matches(plan.expr, one)]
    assert expected
    ours = convert("splunk", data, ("splunk_cim",), "data_model")
    upstream = upstream_data_model(data)
    for text in (ours.text, upstream):
        rows = run(text, PROCESSES, macros=DROP)
        assert sum(row["count"] for row in rows) == len(expected), text
        assert {row["process"] for row in rows} == {one["CommandLine"] for one in expected}


def upstream_data_model(data: dict[str, Any]) -> str:
    """Return what upstream's backend emits for a data model, without the last commands, which only format times."""
    from sigma.collection import SigmaCollection  # noqa: PLC0415

    # The backend has no types.
    backend: Any = import_module("sigma.backends.splunk").SplunkBackend
    pipeline: Any = import_module("sigma.pipelines.splunk").splunk_cim_data_model
    (converted,) = backend(pipeline()).convert(SigmaCollection.from_yaml(yaml.safe_dump(data)), "data_model")
    text = str(converted)
    return text[: text.index("| convert ")]


@pytest.mark.parametrize("form", ["default", "savedsearches", "data_model"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (rule(PROCESS, {"Hashes": "x"}), "supports only the following fields for process_creation"),
        (rule({"product": "windows", "service": "security"}, {"EventID": 1}), "Rule type not yet supported"),
    ],
    ids=["field", "log source"],
)
def test_what_the_data_model_pipeline_refuses(data: dict[str, Any], message: str, form: str) -> None:
    with pytest.raises(RefusedError, match=message):
        convert("splunk", data, ("splunk_cim",), form)


# ------------------------------------------------------------------------------------- postprocessing and finalizers


def pipeline(tmp_path: Path, **sections: Any) -> str:
    path = tmp_path / "given.yml"
    path.write_text(yaml.safe_dump({"name": "given", "priority": 30, **sections}), encoding="utf-8")
    return str(path)


SIMPLE = rule(PROCESS, {"Image": "cmd"})
POSTPROCESSING: dict[str, tuple[list[dict[str, Any]], str]] = {
    "embed": ([{"type": "embed", "prefix": "A ", "suffix": " B"}], "A QUERY B"),
    "simple_template": ([{"type": "simple_template", "template": "{rule.title}: {query}"}], "A rule: QUERY"),
    "template": ([{"type": "template", "template": "{{ rule.level }}: {{ query }}"}], "HIGH: QUERY"),
    "replace": ([{"type": "replace", "pattern": "cmd", "replacement": "x"}], "QUERY"),
    "nest": (
        [{"type": "nest", "items": [{"type": "embed", "prefix": "A "}, {"type": "embed", "suffix": " B"}]}],
        "A QUERY B",
    ),
    "one in another": (
        [{"type": "nest", "items": [{"type": "nest", "items": [{"type": "embed", "prefix": "A "}]}]}],
        "A QUERY",
    ),
    "two": ([{"type": "embed", "prefix": "A "}, {"type": "embed", "prefix": "B "}], "B A QUERY"),
    "json": ([{"type": "json", "json_template": '{"q": "%QUERY%"}'}], ""),
}


def inside(text: str, form: str) -> str:
    """Return the search of a stanza, or the text."""
    if form != "savedsearches":
        return text
    (line,) = [line for line in text.splitlines() if line.startswith("search = ")]
    return line.removeprefix("search = ")


@pytest.mark.parametrize("form", ["default", "savedsearches", "data_model"])
@pytest.mark.parametrize("name", POSTPROCESSING)
def test_postprocessing(tmp_path: Path, name: str, form: str) -> None:
    items, shape = POSTPROCESSING[name]
    path = pipeline(tmp_path, postprocessing=items)
    mapping = "splunk_cim" if form == "data_model" else "splunk_windows"
    plain = inside(convert("splunk", SIMPLE, (mapping,), form).text, form)
    query = convert("splunk", SIMPLE, (mapping, path), form)
    found = inside(query.text, form) if form == "savedsearches" else query.text
    if name == "json":
        assert json.loads(found) == {"q": plain}
    elif name == "replace":
        assert inside(query.text, form) == plain.replace("cmd", "x")
    else:
        want = shape.replace("HIGH", "high").replace("QUERY", plain)
        # The title of a rule is in the template of pySigma as it shows it.
        assert found.replace("HIGH", "high").replace("SigmaLevel.", "") == want
    assert query.verdict.kind == "unjudged"


@pytest.mark.parametrize("name", POSTPROCESSING)
def test_postprocessing_of_upstream_is_the_same(tmp_path: Path, name: str) -> None:
    path = pipeline(tmp_path, postprocessing=POSTPROCESSING[name][0])
    texts = {convert(target, SIMPLE, ("splunk_windows", path)).text for target in ("splunk", "pysigma:splunk")}
    assert len(texts) == 1


FINALIZERS: dict[str, list[dict[str, Any]]] = {
    "concat": [{"type": "concat", "separator": " OR ", "prefix": "(", "suffix": ")"}],
    "json": [{"type": "json", "indent": 1}],
    "yaml": [{"type": "yaml"}],
    "template": [{"type": "template", "template": "{% for q in queries %}- {{ q }}\n{% endfor %}"}],
    "nested": [{"type": "nested", "finalizers": [{"type": "concat", "separator": "; "}]}],
}


@pytest.mark.parametrize("target", ["splunk", "pysigma:splunk"])
@pytest.mark.parametrize("name", FINALIZERS)
def test_finalizers_see_every_query_once(tmp_path: Path, name: str, target: str) -> None:
    path = pipeline(tmp_path, finalizers=FINALIZERS[name])
    text = yaml.safe_dump(SIMPLE) + "---\n" + yaml.safe_dump({**SIMPLE, "name": "b", "title": "B"})
    (query,) = convert_rules(parse_rules(text), TARGETS[target], pipelines=("splunk_windows", path))
    one = 'Image="cmd"'
    match name:
        case "concat":
            assert query.text == f"({one} OR {one})"
        case "json":
            assert json.loads(query.text) == [one, one]
        case "yaml":
            assert yaml.safe_load(query.text) == [one, one]
        case "template":
            assert query.text.splitlines() == [f"- {one}", f"- {one}"]
        case _:
            assert query.text == f"{one}; {one}"


@pytest.mark.parametrize("form", ["savedsearches", "data_model"])
def test_finalizers_of_other_formats_get_the_whole_text(tmp_path: Path, form: str) -> None:
    mapping = "splunk_cim" if form == "data_model" else "splunk_windows"
    path = pipeline(tmp_path, finalizers=FINALIZERS["json"])
    plain = convert("splunk", SIMPLE, (mapping,), form).text
    assert json.loads(convert("splunk", SIMPLE, (mapping, path), form).text) == [plain]


def test_a_nested_item_that_is_wrong_is_shown(tmp_path: Path) -> None:
    path = pipeline(tmp_path, postprocessing=[{"type": "nest", "items": [{"type": "nothing"}]}])
    with pytest.raises(ConfigurationError, match="not a valid item of postprocessing") as caught:
        convert("splunk", SIMPLE, (path,))
    assert caught.value.place is not None


# ------------------------------------------------------------------------------------------------------------- state


@pytest.mark.parametrize("form", ["default", "savedsearches"])
def test_state_index_is_told(tmp_path: Path, form: str) -> None:
    path = pipeline(tmp_path, transformations=[{"type": "set_state", "key": "index", "val": "win"}])
    query = convert("splunk", SIMPLE, ("splunk_windows", path), form)
    assert "index" not in inside(query.text, form)
    assert query.warnings == ("the pipeline's state index (win) is not used in SPL: add the index with add_condition",)


def test_conditions_of_two_pipelines(tmp_path: Path) -> None:
    path = pipeline(
        tmp_path,
        transformations=[
            {"type": "add_condition", "conditions": {"index": "win", "sourcetype": ["a", "b"]}},
            {"type": "add_condition", "conditions": {"host": "h"}, "negated": True},
        ],
    )
    data = rule({"product": "windows", "service": "security"}, {"Image": "cmd"})
    query = convert("splunk", data, ("splunk_windows", path))
    events = [
        {"_id": str(number), "Image": "cmd", "source": "WinEventLog:Security", **fields}
        for number, fields in enumerate(
            [
                {"index": "win", "sourcetype": "a"},
                {"index": "win", "sourcetype": "b", "host": "h"},
                {"index": "x", "sourcetype": "a"},
                {"index": "WIN", "sourcetype": "B", "host": "i"},
            ]
        )
    ]
    assert [row["_id"] for row in run(query.text, events)] == ["0", "3"]


@pytest.mark.parametrize("target", ["splunk", "pysigma:splunk"])
def test_a_pipeline_that_leaves_no_condition_is_refused(tmp_path: Path, target: str) -> None:
    item = {
        "type": "drop_detection_item",
        "field_name_conditions": [{"type": "include_fields", "fields": ["Image"]}],
    }
    path = pipeline(tmp_path, transformations=[item])
    with pytest.raises(RefusedError, match="removes all conditions of the rule"):
        convert(target, SIMPLE, (path,))
