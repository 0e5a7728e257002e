"""Every transformation of pySigma's registry: what is told of it, the verdict of the query, and the query."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import SourceError
from converter.pipelines.apply import apply
from converter.pipelines.choose import select
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.paths import ROOT
from tests.support.pipelines import pipeline_file

DATA: dict[str, dict[str, list[dict[str, Any]]]] = yaml.safe_load(
    Path(__file__).with_name("transformations.yml").read_text(encoding="utf-8")
)
DETECTION = {"selection": {"Image|endswith": r"\tool.exe", "User": "Ann"}, "condition": "selection"}


@dataclass(frozen=True)
class Case:
    """A transformation in a pipeline, and what is expected of it."""

    kind: str
    data: dict[str, Any]

    @property
    def rule(self) -> str:
        """The rule."""
        document = {
            "title": "A rule",
            "name": "a_rule",
            "logsource": {"product": "windows", "service": "security"},
            "detection": self.data.get("detection", DETECTION),
        }
        return yaml.safe_dump(document)

    def pipeline(self, folder: Path) -> str:
        """Write the pipeline to a file, and return its name."""
        item = {"id": "it", "type": self.kind, **self.data["item"]}
        return pipeline_file(folder, "it.yml", transformations=[item], vars=self.data.get("vars", {}))


CASES = [
    pytest.param(Case(kind, data), id=f"{kind}-{number}")
    for kind, cases in DATA["transformations"].items()
    for number, data in enumerate(cases)
]


PAGE = ROOT / "docs/pipelines.md"
_START, _END = (
    "<!-- transformations: UPDATE_GOLDEN=1 pytest tests/pipelines/test_transformations.py -->\n",
    "<!-- end of transformations -->",
)


def table() -> str:
    """Return the table of transformations in the page."""
    lines = ["| Transformation | Told | Verdict |", "|---|---|---|"]
    for kind, cases in DATA["transformations"].items():
        for case in cases:
            told = "; ".join(case.get("told", ())) or "nothing"
            cells = ["error", f"`{case['refused']}`"] if "refused" in case else [case["verdict"], told]
            cells[1] = cells[1].replace("|", "\\|")
            lines.append(f"| `{kind}` | {cells[1]} | {cells[0]} |")
    return "\n".join(lines) + "\n"


def test_page_has_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(_START)
    shown, after = rest.split(_END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{_START}\n{table()}\n{_END}{after}", encoding="utf-8")
    else:
        assert shown.strip() == table().strip()


def test_every_transformation_has_a_case() -> None:
    from sigma.processing.transformations import transformations  # noqa: PLC0415  the registry of this version

    assert set(DATA["transformations"]) == set(transformations)


@pytest.mark.parametrize("case", CASES)
def test_transformation(tmp_path: Path, case: Case) -> None:
    expected = case.data
    splunk = list_targets()["splunk"]
    pipeline = case.pipeline(tmp_path)
    if "refused" in expected:
        with pytest.raises(SourceError) as caught:
            convert_rules(parse_rules(case.rule), splunk, pipelines=[pipeline])
        assert expected["refused"] in caught.value.message
        return
    (query,) = convert_rules(parse_rules(case.rule), splunk, pipelines=[pipeline])
    assert query.text == expected.get("spl", query.text)
    assert query.verdict.kind == expected["verdict"]
    assert query.verdict.kind != "changed" or query.left is not None
    assert expected.get("assumes", "") in "\n".join(query.verdict.notes)
    assert expected.get("warning", "") in "\n".join(query.warnings)
    told = [change.what for change in changes_of(case, pipeline)]
    assert told == expected["told"]
    for change in changes_of(case, pipeline):
        assert change.by in {f"{case.kind} it", "field_name_mapping", "set_value"}, "the item is not named"
        assert change.keeps_meaning or str(change) in query.verdict.changes or change.condition is not None


def changes_of(case: Case, pipeline: str) -> Any:
    applied = apply(parse_rules(case.rule).collection(), select("splunk", [], names=[pipeline]))
    (rule,) = applied.collection.rules
    return applied.changes(rule)
