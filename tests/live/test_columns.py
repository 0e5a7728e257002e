"""The columns of `test --live`: which there are, what they are called, and which declarations hold for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import converter.live.core
from converter.cli import common, main
from converter.errors import CaseError, ConfigurationError, QueryError
from converter.harness.cases.load import load_cases
from converter.harness.matrix import run_matrix
from converter.harness.outcome import Settings
from converter.harness.target_spec import TargetName, parse_name, parse_names
from converter.live.core import LiveError
from converter.live.target import LiveTarget, facts_of
from converter.report.matrix_json import matrix_json
from converter.report.matrix_text import matrix_text
from converter.rules.load import load_rules
from converter.targets.core.registry import list_targets
from converter.targets.core.target import Context, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.harness.matrix import Matrix
    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event, Query

KNOWN = list_targets()
DETECTIONS = Path(__file__).parent / "detections"
RULE = """
title: A rule
name: a_rule
logsource: {product: test}
detection:
    selection: {kind: bad}
    condition: selection
"""
CASES = """
rule: rule.yml
cases:
  - name: one of two
    events: [{event: {kind: bad}}, {event: {kind: good}}]
    expect: {alerts: 1}
"""


class Product:
    """A product that runs KQL with the local engine, and may lose alerts or fail."""

    name = "elasticsearch"
    product = "elastic"
    languages: ClassVar[frozenset[str]] = frozenset({"kql", "esql"})
    version = "1.2.3"

    def __init__(self, *, loses: bool = False, error: Exception | None = None) -> None:
        self.loses = loses
        self.error = error
        self.closed = 0
        self.ran: list[tuple[str, Facts | None]] = []

    def run(self, query: Query, events: Sequence[Event], facts: Facts | None = None) -> Sequence[Run]:
        """Run a query."""
        self.ran.append((query.language, facts))
        if self.error is not None:
            raise self.error
        return (Run("", ()),) if self.loses else KNOWN[query.language].replay(query, events)

    def close(self) -> None:
        """Count."""
        self.closed += 1


def matrix(tmp_path: Path, product: Product, cases: str = CASES, targets: str = "kql", **more: Any) -> Matrix:
    (tmp_path / "rule.yml").write_text(RULE)
    (tmp_path / "cases.yml").write_text(cases)
    names = parse_names([targets], KNOWN)
    return run_matrix(load_cases([tmp_path]), names, KNOWN, Settings(), live=[product], **more)


def kinds(found: Matrix) -> dict[str, str]:
    return {cell.target: cell.kind for suite in found.suites for case in suite.cases for cell in case.cells}


def test_each_target_whose_language_it_runs_gets_a_column_beside_it(tmp_path: Path) -> None:
    product = Product()
    found = matrix(tmp_path, product, targets="eql,kql,splunk,elastic-toml,pysigma:esql")
    assert list(kinds(found)) == ["eql", "kql", "kql@elasticsearch", "splunk", "elastic-toml", "pysigma:esql",
                                  "pysigma:esql@elasticsearch"]  # fmt: skip
    assert set(kinds(found).values()) == {"agree"}
    assert [language for language, _ in product.ran] == ["kql", "esql"]
    assert "\nkql@elasticsearch: run by elasticsearch 1.2.3\n" in matrix_text(found)
    columns = matrix_json(found)["suites"][0]["targets"]
    assert {one["target"]: one["live"] for one in columns}["kql@elasticsearch"] == "elasticsearch 1.2.3"
    assert {one["target"]: one["live"] for one in columns}["kql"] is None
    json.dumps(matrix_json(found))


def test_what_the_product_finds_is_judged_like_any_column(tmp_path: Path) -> None:
    found = matrix(tmp_path, Product(loses=True))
    assert kinds(found) == {"kql": "agree", "kql@elasticsearch": "disagree"}
    assert found.failed
    assert "kql@elasticsearch" in matrix_text(found).split("DISAGREE")[-1]


@pytest.mark.parametrize("error", [LiveError("gone"), QueryError("no")])
def test_a_product_that_fails_is_an_error_in_its_cell(tmp_path: Path, error: Exception) -> None:
    found = matrix(tmp_path, Product(error=error))
    assert kinds(found) == {"kql": "agree", "kql@elasticsearch": "error"}
    assert found.failed


def divergent(target: str) -> str:
    return CASES + f'    known_divergence: {{"{target}": {{expect: none, reason: because}}}}\n'


def test_a_divergence_of_a_target_holds_for_its_queries_wherever_they_run(tmp_path: Path) -> None:
    found = matrix(tmp_path, Product(loses=True), divergent("kql"))
    assert kinds(found) == {"kql": "stale", "kql@elasticsearch": "divergence"}


def test_a_divergence_can_be_declared_of_the_product_alone(tmp_path: Path) -> None:
    found = matrix(tmp_path, Product(loses=True), divergent("kql@elasticsearch"))
    assert kinds(found) == {"kql": "agree", "kql@elasticsearch": "divergence"}
    assert kinds(matrix(tmp_path, Product(), divergent("kql@elasticsearch")))["kql@elasticsearch"] == "stale"


def test_a_divergence_of_an_unknown_product_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="there is no target"):
        matrix(tmp_path, Product(), divergent("kql@opensearch"))


def test_targets_of_others_are_added_for_a_divergence_of_the_product(tmp_path: Path) -> None:
    found = matrix(tmp_path, Product(loses=True), divergent("pysigma:esql@elasticsearch"), add_declared=True)
    assert kinds(found)["pysigma:esql"] == "agree"
    assert kinds(found)["pysigma:esql@elasticsearch"] == "divergence"


def test_a_product_that_would_run_nothing_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="none of the chosen targets"):
        matrix(tmp_path, Product(), targets="splunk")


def test_a_target_that_refuses_is_refused_in_both_columns(tmp_path: Path) -> None:
    correlation = """---
title: Burst
name: burst
correlation: {type: event_count, rules: [a_rule], group-by: [user], timespan: 1m, condition: {gte: 3}}
"""
    (tmp_path / "both.yml").write_text(RULE + correlation)
    found = matrix(tmp_path, Product(), CASES.replace("rule.yml", "both.yml").replace("{alerts: 1}", "none"))
    assert kinds(found) == {"kql": "refused", "kql@elasticsearch": "refused"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kql@elasticsearch", TargetName("kql", live="elasticsearch")),
        ("splunk@splunk:savedsearches:interval=10m",
         TargetName("splunk", "savedsearches", (("interval", "10m"),), "splunk")),
        ("pysigma:eql@elasticsearch", TargetName("pysigma:eql", live="elasticsearch")),
    ],
)  # fmt: skip
def test_names_of_columns(text: str, name: TargetName) -> None:
    assert parse_name(text, KNOWN) == name
    assert str(name) == text


@pytest.mark.parametrize("text", ["kql@", "kql@x", "nosuch@elasticsearch", "@elasticsearch"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no target"):
        parse_name(text, KNOWN)


def test_a_column_is_no_target() -> None:
    with pytest.raises(ConfigurationError, match=r"not of a target\n.*-t kql --live elasticsearch=URL"):
        parse_names(["kql@elasticsearch"], KNOWN)


def test_the_product_is_told_what_is_known_of_the_fields() -> None:
    rules = load_rules([DETECTIONS / "rule.yml"])
    (plan,) = rules.plans
    facts = facts_of(plan, "elastic")
    assert "event.action" in facts.known
    product = Product()
    target = LiveTarget(KNOWN["kql"], product)
    query = target.emit(plan, Context(facts))
    assert query.text == KNOWN["kql"].emit(plan, Context(facts)).text
    target.replay(query, [])
    assert product.ran == [("kql", facts)]
    assert not hasattr(target, "convert")
    assert hasattr(LiveTarget(KNOWN["pysigma:esql"], product), "convert")


# ----------------------------------------------------------------------------------------------- the command line


def live(monkeypatch: pytest.MonkeyPatch, *products: Product) -> None:
    opened = iter(products)
    monkeypatch.setattr(converter.live.core, "open_live", lambda _: next(opened))


def test_the_verb_closes_the_product(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    product = Product()
    live(monkeypatch, product)
    assert main(["test", str(DETECTIONS), "-t", "kql", "--live", "elasticsearch=x", "-k", "address"]) == common.OK
    assert "kql@elasticsearch" in capsys.readouterr().out
    assert product.closed == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), common.INTERRUPTED), (LiveError("gone"), common.FINDINGS)],
)
def test_the_verb_closes_the_product_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    product = Product()
    product.error = error  # type: ignore[assignment]
    live(monkeypatch, product)
    assert main(["test", str(DETECTIONS), "-t", "kql", "--live", "elasticsearch=x", "-k", "address"]) == status
    assert product.closed == 1


def test_the_same_product_twice_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    products = [Product(), Product()]
    live(monkeypatch, *products)
    arguments = ["test", str(DETECTIONS), "-t", "kql", "--live", "elasticsearch=x", "--live", "elasticsearch=y"]
    assert main(arguments) == common.WRONG_USAGE
    assert [product.closed for product in products] == [1, 1]


def test_what_is_left_behind_is_told_after_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Sticky(Product):
        def close(self) -> None:
            raise LiveError("left behind: an index")

    live(monkeypatch, Sticky())
    assert main(["test", str(DETECTIONS), "-t", "kql", "--live", "elasticsearch=x", "-k", "address"]) == common.FINDINGS
    out, err = capsys.readouterr()
    assert out.endswith("ok\n")
    assert "live error: left behind: an index" in err
