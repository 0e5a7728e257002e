"""Queries too deep or too long for a case file: an error with a place, or an answer, never a RecursionError."""

from __future__ import annotations

import pytest

from converter.errors import QueryError
from converter.targets.esql.engine.execute import run

MANY = 5_000


@pytest.mark.parametrize(
    "expression",
    [
        "(" * MANY + "true" + ")" * MANY,
        "(" * MANY,
        "NOT " * MANY + "true",
        "- " * MANY + "1 == 1",
        " + ".join(["1"] * MANY) + " == 1",
        " * ".join(["1"] * MANY) + " == 1",
        "1" + "::int" * MANY + " == 1",
        "abs(" * MANY + "1" + ")" * MANY + " == 1",
        "(a == 1 AND " * MANY + "true" + ")" * MANY,
        '"x" RLIKE "' + "(" * MANY + '"',
        '"x" RLIKE "' + "(a" * MANY + ")" * MANY + '"',
    ],
    ids=lambda text: text[:12],
)
def test_a_deep_expression_is_an_error_with_a_place(expression: str) -> None:
    with pytest.raises(QueryError) as caught:
        run(f"ROW a = 1 | WHERE {expression}", [])
    assert caught.value.place is not None


@pytest.mark.parametrize("operator", ["OR", "AND"])
def test_a_long_chain_of_conditions_runs_as_far_as_in_the_product(operator: str) -> None:
    def conditions(many: int) -> str:
        return f" {operator} ".join(f"a {'==' if operator == 'OR' else '!='} {number}" for number in range(many))

    expected = [{"a": 297}] if operator == "OR" else []
    assert run(f"ROW a = 297 | WHERE {conditions(298)}", []) == expected
    with pytest.raises(QueryError, match="more than 298 conditions in a row"):
        run(f"ROW a = 297 | WHERE {conditions(299)}", [])
    groups = f" {operator} ".join([f"({conditions(100)})"] * (MANY // 100))
    assert run(f"ROW a = 99 | WHERE {groups}", []) == ([{"a": 99}] if operator == "OR" else [])


def test_a_long_list_runs() -> None:
    options = ", ".join(f'"{number}"' for number in range(MANY))
    assert run(f'ROW a = "{MANY - 1}" | WHERE a IN ({options})', []) == [{"a": str(MANY - 1)}]


def test_too_many_commands_are_an_error() -> None:
    with pytest.raises(QueryError, match="more than 200 commands"):
        run("ROW a = 1" + " | EVAL a = a + 1" * 201, [])


def test_nested_documents_of_any_depth_are_read() -> None:
    document: dict[str, object] = {"leaf": 1}
    for _ in range(200):
        document = {"n": document}
    name = "n." * 200 + "leaf"
    assert run("FROM logs", [document]) == [{name: 1}]


def test_without_a_limit_a_thousand_rows_come_with_a_warning() -> None:
    warnings: list[str] = []
    events = [{"n": number} for number in range(1_500)]
    assert len(run("FROM logs", events, warnings=warnings)) == 1_000
    assert warnings == ["the result is cut to 1000 rows"]


def test_a_limit_gives_ten_thousand_rows_at_most() -> None:
    events = [{"n": number} for number in range(10_500)]
    assert len(run("FROM logs | LIMIT 20000", events)) == 10_000
    assert len(run("FROM logs | LIMIT 2000", events)) == 2_000


def test_a_regular_expression_that_explodes_is_an_error() -> None:
    # Look-behind keeps it from RE2; the time limit must stop it.
    query = (
        r"""ROW a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" | EVAL b = REPLACE(a, "(?<!x)(a|aa)+$", "")"""
    )
    with pytest.raises(QueryError, match="took more than"):
        run(query, [])


def test_an_automaton_with_too_many_states_is_an_error() -> None:
    text = "ab" * 3_000
    with pytest.raises(QueryError, match="too many states"):
        run(f'ROW a = "{text}" | WHERE a RLIKE "(.*a.{{900}}b.*)&(.*b.{{901}}a.*)&~(.*c.*)"', [])


def test_a_query_can_run_again_on_documents_of_another_shape() -> None:
    from converter.targets.esql.engine.execute import compile_query  # noqa: PLC0415
    from converter.targets.esql.engine.parse import parse  # noqa: PLC0415

    text = "FROM logs | KEEP n | EVAL m = n + 1"
    query = compile_query(parse(text), text)
    assert query([{"n": 1}], {}) == [{"n": 1, "m": 2}]
    assert query([{"n": 1.5}], {}) == [{"n": 1.5, "m": 2.5}]
    assert query([{"x": 1}], {}) == [{"n": None, "m": None}]
    assert query([{"n": 1}], {}) == [{"n": 1, "m": 2}]
    with pytest.raises(QueryError, match="needs numbers"):
        query([{"n": "x"}], {})


def test_warnings_name_the_place() -> None:
    warnings: list[str] = []
    assert run("ROW a = [1, 2] | EVAL b = a + 1", [], warnings=warnings) == [{"a": [1, 2], "b": None}]
    assert warnings == ["Line 1:27: evaluation of [a + 1] failed: single-value function encountered multi-value"]


def test_a_mapping_settles_types() -> None:
    events = [{"when": "2026-01-01", "code": 5, "port": "443"}]
    mapping = {"when": "date", "code": "keyword", "port": "integer"}
    query = 'FROM logs | WHERE when == "2026-01-01T00:00:00Z" AND code == "5" AND port == 443'
    assert run(query, events, mapping=mapping) == [{"code": "5", "port": 443, "when": "2026-01-01T00:00:00.000Z"}]
