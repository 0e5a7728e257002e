"""Bad rules: each case of tests/rules/bad/*.toml is a text and exactly what a person sees of it.

name   what is wrong, in plain words, unique in its file
rule   the text of a file with rules
error  every error, rendered whole, one after the other: place, message, line, caret, hint
left   the rules that are still converted (optional)
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from converter.errors import RefusedError, RuleError, RuleWarning, SourceError
from converter.readers.limits import DEFAULTS
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import MAX_ERRORS, load_rules, parse_rules

HERE = Path(__file__).parent
GOOD = """\
title: Good
name: good
logsource: {category: c}
detection:
  s: {a: 1}
  condition: s
"""
BAD = GOOD.replace("Good", "Bad").replace("good", "bad").replace("{a: 1}", "{a|foo: 1}")
COUNTS_BAD = """\
title: Counts
name: counts
correlation:
  type: event_count
  rules: [good, bad]
  timespan: 5m
  condition: {gte: 2}
"""


def load() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted((HERE / "bad").glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


@pytest.mark.parametrize("case", load())
def test_bad_rule(case: dict[str, Any]) -> None:
    assert set(case) - {"left"} == {"name", "rule", "error"}
    errors: list[SourceError] = []
    rules = parse_rules(case["rule"], "rule.yml", errors.append)
    assert all(isinstance(error, RuleError | RefusedError) for error in errors)
    assert "\n".join(error.render() for error in errors) == case["error"].rstrip("\n")
    if "left" in case:
        assert [plan.meta.key for plan in rules.plans] == case["left"]


@pytest.mark.parametrize("case", load())
def test_the_first_error_is_raised(case: dict[str, Any]) -> None:
    with pytest.raises(SourceError) as caught:
        parse_rules(case["rule"], "rule.yml")
    assert case["error"].startswith(caught.value.render())


def test_names_are_unique() -> None:
    ids = [param.id for param in load()]
    assert len(set(ids)) == len(ids) > 80


def collect(*paths: Path) -> tuple[list[str], list[SourceError]]:
    """Return the keys of what was loaded, and the errors."""
    errors: list[SourceError] = []
    rules = load_rules(paths, errors.append)
    return [plan.meta.key for plan in rules.plans], errors


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("title: [\n", encoding="utf-8")
    (tmp_path / "b.yml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "d.txt").write_text("no rule", encoding="utf-8")
    loaded, errors = collect(tmp_path)
    assert loaded == ["good"]
    assert [Path(error.place.name).name for error in errors if error.place] == ["a.yml", "c.yaml"]


def test_one_bad_document_does_not_stop_the_others_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(f"{BAD}---\n{GOOD}", encoding="utf-8")
    loaded, errors = collect(path)
    assert loaded == ["good"]
    assert [(error.place.line, error.place.column) for error in errors if error.place] == [(5, 9)]


def test_a_correlation_of_a_bad_rule_is_left_out_with_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(f"{COUNTS_BAD}---\n{GOOD}---\n{BAD}", encoding="utf-8")
    loaded, errors = collect(path)
    assert loaded == []  # `good` was meant to be counted, not to be an alert of its own
    assert [(error.kind, error.message) for error in errors] == [
        ("left out", "the rule 'bad' has an error: unknown modifier 'foo'"),
        ("rule error", "unknown modifier 'foo'"),
    ]
    assert errors[0].hint == f"correct {path}, line 20"
    with pytest.raises(RuleError, match=r"^[^:]*:20:"):  # the error, and not its consequence
        load_rules([path])


def test_without_a_handler_the_first_error_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(f"{BAD}---\n{GOOD}", encoding="utf-8")
    with pytest.raises(RuleError, match="unknown modifier"):
        load_rules([path])


def test_an_id_is_the_same_in_every_form_of_a_uuid(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    named = GOOD.replace("name: good", "id: ID")
    for written in ("11111111111141118111111111111111", "'{11111111-1111-4111-8111-111111111111}'"):
        path.write_text(named.replace("ID", written), encoding="utf-8")
        assert collect(path) == (["11111111-1111-4111-8111-111111111111"], [])


def test_a_rule_with_thousands_of_errors_shows_some(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    values = "".join(f"    k{number}|foo: 1\n" for number in range(5000))
    path.write_text(GOOD.replace("  s: {a: 1}\n", f"  s:\n{values}"), encoding="utf-8")
    loaded, errors = collect(path)
    assert loaded == []
    assert MAX_ERRORS <= len(errors) <= 2 * MAX_ERRORS


def test_one_bad_value_among_thousands_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    values = "".join(f"    k{number}: x\n" for number in range(1500))
    path.write_text(GOOD.replace("  s: {a: 1}\n", f"  s:\n{values}    z|re: '['\n"), encoding="utf-8")
    (error,) = collect(path)[1]
    assert error.place is not None
    assert (error.place.line, error.place.column) == (1506, 11)


def test_references_reach_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(COUNTS_BAD, encoding="utf-8")
    (tmp_path / "b.yml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.yml").write_text(BAD.replace("|foo", ""), encoding="utf-8")
    assert collect(tmp_path) == (["counts"], [])


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(GOOD, encoding="utf-8")
    assert collect(path, tmp_path, path) == (["good"], [])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    loaded, errors = collect(tmp_path / "none.yml")
    assert loaded == []
    assert [error.message for error in errors] == [f"no such file or folder: {tmp_path / 'none.yml'}"]


def test_a_folder_without_rules(tmp_path: Path) -> None:
    assert [error.message for error in collect(tmp_path)[1]] == [f"no rule (*.yml) in {tmp_path}"]


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(GOOD.encode() + b"description: caf\xe9\n")
    _, (error,) = collect(path)
    assert error.place is not None
    assert (error.place.line, error.place.column) == (7, 17)
    assert error.message == "this byte is not UTF-8"


def test_a_byte_order_mark_and_line_breaks_of_windows_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert collect(path) == (["good"], [])


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(b"#" * (DEFAULTS.file_bytes + 1))
    _, (error,) = collect(path)
    problem = "it has more than 16,777,216 bytes (--limit file-bytes=VALUE raises the limit)"
    assert error.message == f"cannot read {path}: {problem}"


def test_an_empty_file_holds_no_rule(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("# nothing\n---\n", encoding="utf-8")
    loaded, (error,) = collect(path)
    assert loaded == []
    shown = "rule error: there is no rule in this file\n  # nothing\n  ^\n  hint: begin with `title: ...`"
    assert error.render() == f"{path}:1:1: {shown}"


def test_brackets_as_deep_as_allowed_are_evaluated() -> None:
    condition = "not (s or " * 199 + "(s)" + ")" * 199
    plans = parse_rules(GOOD.replace("condition: s", f"condition: {condition}")).plans
    # Each `not (s or ...)` is false where s is true; where it is false, each level turns the truth around.
    assert evaluate_plans(plans, [{"a": 1}]) == []
    assert len(evaluate_plans(plans, [{"a": 2}])) == 1


def left_out(*paths: Path, exclude: tuple[str, ...] = ()) -> tuple[list[str], list[str], list[str]]:
    """Return the keys of what was loaded, the names of files that are not rules, and the messages of errors."""
    errors: list[SourceError] = []
    warnings: list[RuleWarning] = []
    rules = load_rules(paths, errors.append, warnings.append, exclude=exclude)
    others = [Path(warning.place.name).name for warning in warnings if warning.code == "not-a-rule" and warning.place]
    return [plan.meta.key for plan in rules.plans], others, [error.message for error in errors]


OTHER = {
    "playbook.yml": "name: a playbook\ntags: [phishing]\nsteps: [a]\n",
    "compose.yaml": "services:\n  web: {image: x}\n",
    "list.yml": "- a\n- b\n",
    "text.yml": "only text\n",
    "empty.yml": "# nothing\n",
    "tagged.yml": "Resources: !Ref x\n",
    "template.yml": "{{- if .Values.x }}\nkind: x\n{{- end }}\n",
    "values.yml": "filter: [a, b]\ntitle: T\n",
    "several.yml": "kind: a\n---\nkind: b\n",
}


def test_files_of_a_folder_that_are_not_rules_are_told_once_each(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(GOOD, encoding="utf-8")
    for name, text in OTHER.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert left_out(tmp_path) == (["good"], sorted(OTHER), [])


@pytest.mark.parametrize("text", [OTHER[name] for name in ("playbook.yml", "compose.yaml", "list.yml", "values.yml")])
def test_a_file_that_is_named_and_not_a_rule_is_one_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    loaded, others, errors = left_out(tmp_path / "a.yml")
    assert (loaded, others, len(errors)) == ([], [], 1)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("detection:", "detecton:").replace("logsource:", "log-source:"),
        "title: T\nlogsource: {category: c}\n",
        "title: [\n",
        "description: x\ndetection: [\n",
        f"kind: a\n---\n{GOOD.replace('good', 'other')}",
        "title: T\ncorrelations: {}\n",
        "- title: T\n  logsource: {category: c}\n",
    ],
)
def test_a_broken_rule_in_a_folder_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    _, others, errors = left_out(tmp_path)
    assert others == []
    assert errors


def test_hidden_files_and_folders_are_not_read(tmp_path: Path) -> None:
    for name in (".github/workflow.yml", ".hidden.yml", "rules/.cache/a.yml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BAD, encoding="utf-8")
    (tmp_path / "rules" / "a.yml").write_text(GOOD, encoding="utf-8")
    assert left_out(tmp_path) == (["good"], [], [])
    assert left_out(tmp_path / ".hidden.yml")[2] == ["unknown modifier 'foo'"]  # named, so it is read


@pytest.mark.parametrize("pattern", ["old", "old/", "o*", "old/deep/*", "*/deep/*", "deep", "b.yml", "old/deep/b.yml"])
def test_a_pattern_leaves_out_files_and_folders(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "old" / "deep").mkdir(parents=True)
    (tmp_path / "old" / "deep" / "b.yml").write_text(BAD, encoding="utf-8")
    (tmp_path / "a.yml").write_text(GOOD, encoding="utf-8")
    assert left_out(tmp_path, exclude=(pattern,)) == (["good"], [], [])
    assert left_out(tmp_path, exclude=("none",))[2] == ["unknown modifier 'foo'"]


def test_a_folder_of_which_everything_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(GOOD, encoding="utf-8")
    assert left_out(tmp_path, exclude=("*",))[2] == [f"no rule (*.yml) in {tmp_path}: 1 excluded"]
