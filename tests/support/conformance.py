"""The conformance cases: each a rule, events, and what the specification (or docs/semantics.md) says of them."""

from __future__ import annotations

import re
from textwrap import indent
from typing import Any, NamedTuple

import yaml

from tests.support.paths import TESTS

FOLDER = TESTS / "conformance"
_TEMPLATE = "title: Conformance\nlogsource:\n  category: test\ndetection:\n"


class Case(NamedTuple):
    """One case, with the text of its rule."""

    label: str
    rule: str
    data: dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML whose plain scalars are those of JSON."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null", "n"),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def load() -> list[Case]:
    cases = []
    for path in sorted(FOLDER.glob("*/*.yml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), _Loader):
            assert set(document) <= {"name", "rule", "detection", "cases"}, f"{path}: unknown keys in {set(document)}"
            for case in document["cases"]:
                rule = rule_text(case) or rule_text(document)
                assert rule, f"{path}: no rule for {case['name']}"
                cases.append(Case(f"{path.parent.name}/{path.stem}: {case['name']}", rule, case))
    return cases


def rule_text(data: dict[str, Any]) -> str:
    if "rule" in data:
        return str(data["rule"])
    return _TEMPLATE + indent(str(data["detection"]), "  ") if "detection" in data else ""
