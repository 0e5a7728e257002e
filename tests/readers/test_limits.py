"""Limits: how they are given, and for how long they hold."""

from __future__ import annotations

import pytest

import converter
from converter.errors import ConfigurationError
from converter.readers.limits import DEFAULTS, NAMES, Limits, changed, current, parse_limits, raises, using
from tests.support.paths import ROOT

GIVEN: list[tuple[str, str, float]] = [
    ("regex-seconds=0.5", "regex_seconds", 0.5),
    ("rows = 12", "rows", 12),
    ("value-bytes=64M", "value_bytes", 64 * 1024**2),
    ("log-bytes=1.5gib", "log_bytes", 3 * 512 * 1024**2),
    ("case-bytes=10kB", "case_bytes", 10 * 1024),
]


@pytest.mark.parametrize(("text", "name", "value"), GIVEN)
def test_a_limit_is_given_as_name_and_value(text: str, name: str, value: float) -> None:
    assert getattr(parse_limits([text]), name) == value


def test_limits_hold_for_as_long_as_a_block() -> None:
    with using(parse_limits(["rows=3"])):
        assert current().rows == 3
        assert changed({"events": 4}) == Limits(rows=3, events=4)
    assert current() == DEFAULTS


def test_each_limit_is_in_the_documentation_with_its_default() -> None:
    page = (ROOT / "docs/cli.md").read_text()
    for name in NAMES:
        value = getattr(DEFAULTS, name.replace("-", "_"))
        sizes = {f"{value // 1024**power}{unit}" for power, unit in ((2, "M"), (3, "G"))}
        shown = sizes if name.endswith("-bytes") else {f"{value:,g}" if value < 1000 else f"{value:,}"}
        assert any(f"| `{name}` | {text} |" in page for text in shown), name
        assert name in raises(name)


def test_the_python_functions_take_limits_by_name() -> None:
    assert converter.run_query("a: 1", "kql", [{"a": 1}], budget={"rows": 10}) == [{"a": 1}]
    with pytest.raises(ConfigurationError, match="did you mean 'rows'"):
        converter.run_query("a: 1", "kql", [], budget={"row": 10})
    with pytest.raises(ConfigurationError, match="expected a number above 0"):
        converter.run_query("a: 1", "kql", [], budget={"rows": float("nan")})
