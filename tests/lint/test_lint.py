"""Warnings: each case of tests/lint/*.toml is a rule and exactly what `check` warns of.

name      what is doubtful, in plain words, unique in its file
rule      the text of a file with rules
warnings  every warning, rendered whole, with its code in square brackets, one after the other; empty: none
"""

from __future__ import annotations

import re
import socket
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converter.lint.validators import NEED_NETWORK, REPLACED
from converter.rules.load import parse_rules
from tests.support.paths import DOCS

if TYPE_CHECKING:
    from converter.errors import RuleWarning


HERE = Path(__file__).parent


def load() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(HERE.glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


def shown(warning: RuleWarning) -> str:
    first, *rest = warning.render().split("\n")
    return "\n".join([f"{first} [{warning.code}]", *rest])


@pytest.mark.parametrize("case", load())
def test_lint(case: dict[str, str]) -> None:
    assert set(case) == {"name", "rule", "warnings"}
    warnings: list[RuleWarning] = []
    assert parse_rules(case["rule"], "rule.yml", on_warning=warnings.append).plans
    assert "\n".join(map(shown, warnings)) == case["warnings"].rstrip("\n")


def test_names_are_unique() -> None:
    ids = [param.id for param in load()]
    assert len(set(ids)) == len(ids) > 40


def test_every_code_is_documented() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    texts = [param.values[0]["warnings"] for param in load()]
    codes = {code for text in texts for code in re.findall(r": warning: .* \[([a-z/-]+)\]$", text, re.MULTILINE)}
    ours = {code for code in codes if not code.startswith("pysigma/")}
    assert len(codes - ours) > 10
    table = page.split("| Code of a warning |")[1].split("\n\n")[0]
    assert sorted(ours | {"pysigma", "not-a-rule", "unmapped-field"}) == sorted(
        re.findall(r"^\| `([a-z-]+)` \| ", table, re.MULTILINE)
    )


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for param in load():
        parse_rules(param.values[0]["rule"], on_warning=lambda _: None)


def test_every_validator_of_pysigma_is_used_or_left_out_by_name() -> None:
    from sigma.validators.core import validators  # noqa: PLC0415  slow to import

    names = {kind.__name__ for kind in validators.values()}
    assert names >= NEED_NETWORK | REPLACED
    assert len(names - NEED_NETWORK - REPLACED) > 20
