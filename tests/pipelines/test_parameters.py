"""Every parameter of every item and condition, with values of other types: an error with a place, or a rule's own."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, RefusedError, RuleError, SourceError
from converter.pipelines.parameters import CONDITIONS, FINALIZERS, KINDS, NEEDS_FUNCTION, ONLY_USER, PIPELINE
from converter.pipelines.read import load_pipeline
from converter.readers.schema import ANYTHING
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.pipelines import pipeline_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from converter.readers.schema import Keys

RULES = yaml.safe_dump_all(
    {
        "title": name,
        "name": name,
        "level": "high",
        "tags": ["attack.t1059"],
        "date": "2024-01-01",
        "fields": ["User"],
        "logsource": {"product": "windows", "service": "security"},
        "detection": {
            "selection": {"User": "ann", "Image|endswith": r"\tool.exe", "EventID": 4688, "Line|re": "a.*b"},
            "keywords": ["word"],
            "condition": "selection or keywords",
        },
    }
    for name in ("one", "two")
)
RIGHT: Mapping[str, Any] = {
    "mapping": {"User": "user.name"},
    "valid_hash_algos": ["MD5"],
    "regex": "(?P<a>a)",
    "suffix": ".t",
    "prefix": "p.",
    "expression": "{field} IN x({id})",
    "conditions": {"index": "w"},
    "field": "User",
    "fields": ["User"],
    "replacement": "D",
    "key": "index",
    "val": "w",
    "value": "high",
    "target_type": "str",
    "message": "m",
    "attribute": "level",
    "items": [],
    "template": "{query}",
    "json_template": '{"q": "%QUERY%"}',
    "pattern": "a",
    "finalizers": [],
    "processing_item_id": "x",
    "cond": "any",
    "tag": "attack.t1059",
    "path": "x",
    "url": "https://x",
    "cmd": "x",
}


def _deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(50):
        value = [value]
    return value


WRONG: Mapping[str, Any] = {
    "null": None,
    "number": 5,
    "long": 10**30,
    "float": 1.5,
    "nan": float("nan"),
    "true": True,
    "empty": "",
    "zero": "\x00",
    "list": [1],
    "empty list": [],
    "list of null": [None],
    "list of lists": [[]],
    "mapping": {"a": {"b": [1]}},
    "empty mapping": {},
    "numbered mapping": {1: 2},
    "null key": {None: None},
    "date": dt.date(2024, 1, 1),
    "bytes": b"x",
    "deep": _deep(),
    "bracket": "(",
    "brace": "{{",
}


def _items() -> Iterator[Any]:
    for section, kinds in KINDS.items():
        for kind, keys in kinds.items():
            yield pytest.param(section, {"type": kind, **_required(keys)}, keys, id=f"{section}-{kind}")


def _required(keys: Keys) -> dict[str, Any]:
    return {name: RIGHT[name] for name in keys.required}


def _try(folder: Path, **data: Any) -> bool:
    """Return whether a pipeline is accepted. What is wrong must be told with a place, or be an error of the rule."""
    path = pipeline_file(folder, "p.yml", **data)
    errors: list[SourceError] = []
    accepted = False
    try:
        convert_rules(parse_rules(RULES), list_targets()["splunk"], pipelines=[path], on_error=errors.append)
        accepted = True
    except ConfigurationError as wrong:
        errors.append(wrong)
    for error in errors:
        assert isinstance(error, RefusedError | RuleError if accepted else ConfigurationError), error.render()
        assert error.place is not None, error.message
        assert "^" in error.render()
    return accepted


@pytest.mark.parametrize(("section", "item", "keys"), [*_items()])
def test_a_parameter_of_another_type(tmp_path: Path, section: str, item: dict[str, Any], keys: Keys) -> None:
    for name, shape in keys.known.items():
        accepted = [wrong for wrong, value in WRONG.items() if _try(tmp_path, **{section: [{**item, name: value}]})]
        assert shape is ANYTHING or len(accepted) < len(WRONG) / 2, (name, accepted)
        assert not _try(tmp_path, **{section: [{**item, f"{name}_": 1}]})


@pytest.mark.parametrize("prefix", CONDITIONS)
def test_a_parameter_of_a_condition_of_another_type(tmp_path: Path, prefix: str) -> None:
    for kind, keys in CONDITIONS[prefix].items():
        for name in keys.known:
            condition = {"type": kind, **_required(keys)}
            item = {"type": "field_name_mapping", "mapping": {"User": "user"}}
            accepted = [
                wrong
                for wrong, value in WRONG.items()
                if _try(tmp_path, transformations=[{**item, f"{prefix}_conditions": [{**condition, name: value}]}])
            ]
            assert len(accepted) < len(WRONG) / 2, (kind, name, accepted)
            unknown = [{**condition, f"{name}_": 1}]
            assert not _try(tmp_path, transformations=[{**item, f"{prefix}_conditions": unknown}])


@pytest.mark.parametrize("key", [*PIPELINE, *ONLY_USER])
def test_a_key_of_another_type(tmp_path: Path, key: str) -> None:
    accepted = [wrong for wrong, value in WRONG.items() if _try(tmp_path, **{key: value})]
    assert len(accepted) < len(WRONG) / 2, accepted


@pytest.mark.parametrize(
    "key",
    [
        *("id", "type", "rule_conditions", "rule_cond_expr", "rule_cond_op", "rule_cond_not"),
        *("detection_item_conditions", "detection_item_cond_expr", "field_name_conditions", "field_name_cond_op"),
    ],
)
def test_a_key_of_an_item_of_another_type(tmp_path: Path, key: str) -> None:
    item = {"type": "field_name_mapping", "mapping": {"User": "user"}}
    accepted = [wrong for wrong, value in WRONG.items() if _try(tmp_path, transformations=[{**item, key: value}])]
    assert set(accepted) <= {"empty list", "true", "zero", "bracket", "brace", "empty mapping"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pySigma calls a function of pyparsing by an old name
@pytest.mark.parametrize(
    ("text", "message", "line", "column", "hint"),
    [
        (
            "transformations:\n- type: field_name_mapping\n  mapping: {User: 5}\n",
            "User must be a string or a list",
            3,
            19,
            "[user, src_user]",
        ),
        ("transformations:\n- type: nest\n  items: [5]\n", "not a mapping", 3, 11, "a mapping with a type"),
        (
            "transformations:\n- {type: case, method: lowr}\n",
            "method must be lower, upper or snake_case",
            2,
            24,
            "'lower'",
        ),
        (
            "transformations:\n- {type: set_field, fields: User}\n",
            "fields must be a list of names",
            2,
            29,
            "item, item",
        ),
        ("transformations:\n- {type: add_field}\n", "'field' is missing", 2, 3, "field: User"),
        (
            "transformations:\n- {type: set_value, value: x, force_type: num}\n",
            "'x' is not a number",
            2,
            28,
            "force_type",
        ),
        ("transformations:\n- {type: replace_string, regex: (, replacement: a}\n", "unterminated", 2, 33, ""),
        ("transformations:\n- {type: replace_string, regex: a, replacement: \\2}\n", "invalid group", 2, 49, ""),
        ("transformations:\n- {type: wildcard_placeholders, include: [a], exclude: [b]}\n", "exclude", 2, 47, "remove"),
        ("transformations:\n- {type: change_logsource}\n", "names no log source", 2, 3, "product"),
        ("transformations:\n- {type: case, rule_conditions: [{type: logsource}]}\n", "names none", 2, 34, "product"),
        ("transformations:\n- {type: case, rule_conditions: [{type: tagg}]}\n", "unknown type 'tagg'", 2, 41, "'tag'"),
        ("transformations:\n- {type: case, rule_cond_expr: a}\n", "needs named conditions", 2, 16, "rule_conditions"),
        (
            "transformations:\n- {type: case, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: a or}\n",
            "rule_cond_expr: Error parsing condition expression",
            2,
            77,
            "a and not (b or c)",
        ),
        (
            "transformations:\n- {type: case, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: b}\n",
            "rule_cond_expr: Condition identifier 'b' not found",
            2,
            77,
            "a and not (b or c)",
        ),
        (
            "postprocessing:\n- type: template\n  template: |\n    a\n    {{ x | nothing }}\n",
            "the filter nothing",
            5,
            5,
            "",
        ),
        ("postprocessing:\n- {type: embed, prefix: 5}\n", "prefix must be a string, not 5", 2, 25, "'5'"),
        ("postprocessing:\n- {type: json, json_template: x}\n", "not JSON", 2, 31, "%QUERY%"),
        ("postprocessing:\n- {type: embed, field_name_conditions: []}\n", "unknown key", 2, 17, ""),
        ("finalizers:\n- {type: concat, separator: [a]}\n", "separator must be a string", 2, 29, ""),
        ("allowed_backends: splunk\n", "allowed_backends must be a list of strings", 1, 19, "item, item"),
        ("vars: [a]\n", "vars must be a mapping", 1, 7, "key: value"),
        ("name: 5\n", "name must be a string", 1, 7, ""),
    ],
)
def test_an_error_has_its_place_and_a_hint(
    tmp_path: Path, text: str, message: str, line: int, column: int, hint: str
) -> None:
    path = tmp_path / "p.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_pipeline(path)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (line, column)


def test_the_tables_have_the_kinds_and_parameters_of_pysigma() -> None:
    """A new one of a later pySigma has to be looked at before it is let in: is it data?"""
    from sigma.processing.conditions import (  # noqa: PLC0415  the registries of this version
        detection_item_conditions,
        field_name_conditions,
        rule_conditions,
    )
    from sigma.processing.finalization import finalizers  # noqa: PLC0415
    from sigma.processing.postprocessing import query_postprocessing_transformations  # noqa: PLC0415
    from sigma.processing.transformations import transformations  # noqa: PLC0415

    registries: list[tuple[Mapping[str, Keys], Mapping[str, Any]]] = [
        (KINDS["transformations"], {k: v for k, v in transformations.items() if k != NEEDS_FUNCTION}),
        (KINDS["postprocessing"], query_postprocessing_transformations),
        (FINALIZERS, finalizers),
        (CONDITIONS["rule"], rule_conditions),
        (CONDITIONS["detection_item"], detection_item_conditions),
        (CONDITIONS["field_name"], field_name_conditions),
    ]
    for ours, theirs in registries:
        assert set(ours) == set(theirs)
        for kind, keys in ours.items():
            assert set(keys.known) == set(inspect.signature(theirs[kind]).parameters) - set(ONLY_USER), kind
