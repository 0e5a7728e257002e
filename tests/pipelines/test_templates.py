"""Templates of pipelines: the common ones, as Jinja renders them; what they may not ask for; what they may cost."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2.sandbox import SandboxedEnvironment

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, RefusedError, SourceError
from converter.pipelines.templates.budget import Budget, TemplateError
from converter.pipelines.templates.filters import FILTERS, METHODS, SELECTING, TESTS
from converter.pipelines.templates.interpreter import parse_template
from converter.readers.limits import changed, using
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.paths import ROOT
from tests.support.pipelines import pipeline_file

DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("templates.yml").read_text(encoding="utf-8"))
QUERY = 'Q="a" <b>'
VALUES = {"x": 3, "s": "hello <World>", "n": [3, 1, 2], "d": {"b": 1, "a": [1, 2]}, "e": []}
COMMON = [(kind, source, made) for kind in ("template", "simple_template") for source, made in DATA[kind]]


def rendered(tmp_path: Path, *items: dict[str, Any], **sections: Any) -> str:
    """Return the text that postprocessing items make of the query of the rule."""
    path = pipeline_file(
        tmp_path,
        "p.yml",
        name="a pipeline",
        vars={"severity": {"HIGH": 9}},
        transformations=[{"type": "set_state", "key": "index", "val": "win"}],
        postprocessing=[{"type": "replace", "pattern": "(?s).*.", "replacement": QUERY}, *items],
        **sections,
    )
    (query,) = convert_rules(parse_rules(yaml.safe_dump(DATA["rule"])), list_targets()["splunk"], pipelines=[path])
    return query.text


@pytest.mark.parametrize(("kind", "source", "made"), COMMON, ids=[source[:60] for _, source, _ in COMMON])
def test_a_common_template(tmp_path: Path, kind: str, source: str, made: str) -> None:
    assert rendered(tmp_path, {"type": kind, "template": source}) == made


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("source", DATA["jinja"])
def test_a_template_means_what_it_means_to_jinja(source: str, *, autoescape: bool) -> None:
    theirs = SandboxedEnvironment(autoescape=autoescape).from_string(source).render(copy.deepcopy(VALUES))
    ours = parse_template(source, autoescape=autoescape).render(copy.deepcopy(VALUES), Budget())
    assert ours == theirs


def test_the_words_of_templates_are_documented() -> None:
    page = (ROOT / "docs/pipelines.md").read_text(encoding="utf-8")
    words = page.split("<!-- template words -->")[1].split("<!-- end of template words -->")[0]
    named = set(words.replace("`", " ").replace(",", " ").split())
    assert not {*FILTERS, *SELECTING, *TESTS, *METHODS} - named


LIMITS = [
    "{{ range(10**9)|list }}",
    "{{ 'a' * 10**9 }}",
    "{{ [1] * 10**9 }}",
    "{{ (10**1000)**1000 }}",
    "{{ (10**1000) * (10**1000) * (10**1000) }}",
    "{% for a in range(1000) %}{% for b in range(1000) %}{{ a }}{% endfor %}{% endfor %}",
    "{% macro a() %}{{ a() }}{{ a() }}{% endmacro %}{{ a() }}",
    "{% macro a(x) %}{% if x %}{{ a(x-1) }}{{ a(x-1) }}{% endif %}{% endmacro %}{{ a(19) }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x == [x, 1] }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x|tojson }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x|sort }}",
    "{% set x = 'abc' %}" + "{% set x = x ~ x %}" * 60,
    "{% set x = 'abc' %}" + "{% set x = x + x %}" * 60,
    "{% set x = 'abc' %}" + "{% set x = x|replace('', x) %}" * 9,
    "{% set x = ['abc' * 1000] * 1000 %}{{ x|join('y' * 100000) }}",
    "{{ 'x'|center(10**9) }}",
    "{{ 'x'.ljust(10**9) }}",
    "{{ 'x'.zfill(10**9) }}",
    "{{ 'x'|indent(10**9, true) }}",
    "{{ [1]|tojson(indent=10**9) }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ '%*d' % (999999999, 1) }}",
    "{{ '%.999999999f' % 1.5 }}",
    "{{ 1.5|round(10**9) }}",
    "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}",
    "{% set x = 'a' * 1000000 %}{% for i in range(50000) %}{% set y = 'b' in x %}{% endfor %}",
    "{% set x = 'a' * 1000000 %}{% for i in range(50000) %}{% set y = x.count('ab') %}{% endfor %}",
    "{{ ((" * 3000 + "1" + "))" * 3000 + " }}",
    "{{ " + "1 + " * 5000 + "1 }}",
    "{{ " + "not " * 5000 + "1 }}",
    "{{ " + "9" * 5000 + " }}",
    "{% if 1 %}" * 300 + "{% endif %}" * 300,
    "{{ d.strftime('%1000000000Y') }}",
]


@pytest.mark.parametrize("source", LIMITS, ids=[source[:60] for source in LIMITS])
def test_a_template_ends(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(source).render(copy.deepcopy(VALUES), Budget())
    assert caught.value.message


FORBIDDEN = [
    ("template", "{{ pipeline.from_dict({}) }}", "cannot call from_dict()"),
    ("template", "{{ rule.to_dict() }}", "cannot call to_dict()"),
    ("template", "{{ ''.__class__ }}", "begins with an underscore"),
    ("template", "{{ rule['__class__'] }}", "begins with an underscore"),
    ("template", "{{ rule|attr('__class__') }}", "the filter attr"),
    ("template", "{{ [rule]|map(attribute='__class__')|list }}", "begins with an underscore"),
    ("template", "{% set a = '__cla' ~ 'ss__' %}{{ rule[a] }}", "begins with an underscore"),
    ("template", "{{ query.format(rule) }}", "cannot call format()"),
    ("template", "{{ query.format_map(rule) }}", "cannot call format_map()"),
    ("template", "{% include '/etc/passwd' %}", "cannot hold {% include %}"),
    ("template", "{% extends '/etc/passwd' %}", "cannot hold {% extends %}"),
    ("template", "{% import '/etc/passwd' as x %}", "cannot hold {% import %}"),
    ("template", "{% from '/etc/passwd' import x %}", "cannot hold {% fromimport %}"),
    ("template", "{% block x %}{% endblock %}", "cannot hold {% block %}"),
    ("template", "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{% endcall %}", "cannot"),
    ("template", "{% for x in [] recursive %}{{ loop(x) }}{% endfor %}", "cannot loop recursively"),
    ("template", "{{ lipsum(n=100000) }}", "cannot call lipsum()"),
    ("template", "{{ cycler.__init__.__globals__.os.environ }}", "begins with an underscore"),
    ("template", "{{ (query ~ 'x')() }}", "cannot call what an expression returns"),
    ("template", "{{ range(*rule.tags) }}", "cannot spread"),
    ("template", "{{ query|nothing }}", "the filter nothing"),
    ("template", "{{ query is nothing }}", "the test nothing"),
    ("template", "{{ query ", "unexpected end of template"),
    ("template", "a\nb\n{% if x %}", "Unexpected end of template"),
    ("simple_template", "{rule.__init__.__globals__[sys]}", "begins with an underscore"),
    ("simple_template", "{rule[__class__]}", "begins with an underscore"),
    ("simple_template", "{query:999999999}", "pads to more than 1000"),
    ("simple_template", "{query:.999999999}", "pads to more than 1000"),
    ("simple_template", "{query:{rule.title}}", "cannot hold a field"),
    ("simple_template", "{environment}", "is not a field"),
    ("simple_template", "{}", "is not a field"),
    ("simple_template", "{query", "expected '}'"),
    ("simple_template", "{query!x}", "is not a conversion"),
]


@pytest.mark.parametrize(("kind", "source", "message"), FORBIDDEN, ids=[source[:60] for _, source, _ in FORBIDDEN])
def test_a_template_is_refused_with_its_place(tmp_path: Path, kind: str, source: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        rendered(tmp_path, {"type": kind, "template": source})
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.name.endswith("p.yml")


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("a\n{{ query.x.y }}\n", 2, "x is undefined"),
        ("a\n\n{{ 1 / 0 }}\n", 3, "division by zero"),
        ("{{ query\n + 1 }}", 2, "can only concatenate"),
    ],
)
def test_an_error_on_a_rule_names_the_rule_and_the_line(tmp_path: Path, template: str, line: int, message: str) -> None:
    (tmp_path / "p.yml").write_text(
        "postprocessing:\n- type: template\n  template: |\n" + "".join(f"    {row}\n" for row in template.split("\n"))
    )
    with pytest.raises(RefusedError) as caught:
        convert_rules(
            parse_rules(yaml.safe_dump(DATA["rule"])), list_targets()["splunk"], pipelines=[str(tmp_path / "p.yml")]
        )
    assert "a_rule" in caught.value.message
    assert f"in its line {line}: " in caught.value.message
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == 3 + line


def test_a_limit_of_steps_can_be_raised(tmp_path: Path) -> None:
    template = {"type": "template", "template": "{% for x in range(9000) %}{{ '.' }}{% endfor %}"}
    with using(changed({"template-steps": 10_000})), pytest.raises(RefusedError) as caught:
        rendered(tmp_path, template)
    assert caught.value.hint == "--limit template-steps=VALUE raises the limit"
    with using(changed({"template-steps": 100_000})):
        assert rendered(tmp_path, template) == "." * 9000


def test_a_template_of_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "t.j2").write_text("<{{ rule.name }}>", encoding="utf-8")
    assert rendered(tmp_path, {"type": "template", "template": "t.j2", "path": "own"}) == "<a_rule>"
    assert rendered(tmp_path, {"type": "template", "template": "t.j2", "path": str(tmp_path / "own")}) == "<a_rule>"


@pytest.mark.parametrize(
    ("path", "template", "message"),
    [
        ("/etc", "passwd", "outside the pipeline's folder"),
        ("..", "secret.j2", "outside the pipeline's folder"),
        ("own", "../../secret.j2", "outside the pipeline's folder"),
        (".", "link.j2", "outside the pipeline's folder"),
        ("linked", "secret.j2", "outside the pipeline's folder"),
        (".git", "config.j2", "outside the pipeline's folder"),
        (".", "credentials.json", "does not say that it is a template"),
        (".", "absent.j2", "there is no template"),
        (".", "own", "does not say that it is a template"),
        (".", "latin.j2", "cannot be read"),
    ],
)
def test_a_template_of_elsewhere_is_not_read(tmp_path: Path, path: str, template: str, message: str) -> None:
    (tmp_path / "secret.j2").write_text("hunter2", encoding="utf-8")
    folder = tmp_path / "folder"
    for name in (".git", "own"):
        (folder / name).mkdir(parents=True)
    (folder / ".git" / "config.j2").write_text("hunter2", encoding="utf-8")
    (folder / "credentials.json").write_text("hunter2", encoding="utf-8")
    (folder / "latin.j2").write_bytes(b"hunter2 \xff")
    (folder / "link.j2").symlink_to(tmp_path / "secret.j2")
    (folder / "linked").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        rendered(folder, {"type": "template", "template": template, "path": path})
    assert message in caught.value.message
    assert caught.value.place is not None
    assert "hunter2" not in caught.value.render()


def test_finalizers_have_the_same_templates(tmp_path: Path) -> None:
    finalizer = {"type": "template", "template": "{{ queries|length }} {{ queries|join }} {{ pipeline.vars.backend }}"}
    assert rendered(tmp_path, finalizers=[finalizer]) == f"1 {QUERY} splunk"
    nested = {"type": "nested", "finalizers": [finalizer, {"type": "concat", "prefix": "("}]}
    with pytest.raises(ConfigurationError):
        rendered(tmp_path, finalizers=[{"type": "template", "template": "{{ pipeline.from_dict({}) }}"}])
    assert rendered(tmp_path, finalizers=[nested]).startswith("(1")


def test_a_finalizer_that_fails_is_an_error_of_each_rule(tmp_path: Path) -> None:
    path = pipeline_file(tmp_path, "p.yml", finalizers=[{"type": "template", "template": "{{ queries.x.y }}"}])
    rules = [{**DATA["rule"], "name": name, "id": None, "title": name} for name in ("a", "b")]
    text = "---\n".join(yaml.safe_dump({key: value for key, value in rule.items() if value}) for rule in rules)
    errors: list[SourceError] = []
    assert convert_rules(parse_rules(text), list_targets()["splunk"], pipelines=[path], on_error=errors.append) == []
    assert [error.message.split(" ")[0] for error in errors] == ["a", "b"]
    assert all("x is undefined" in error.message for error in errors)


def test_a_template_of_a_correlation(tmp_path: Path) -> None:
    template = (
        "{{ rule.title }}|{{ rule.type }}|{{ rule.type.name }}|{{ rule.rules|join }}|{{ rule.group_by|join(',') }}|"
        "{{ rule.timespan }}|{{ rule.timespan.seconds }}|{{ rule.condition.op.name }} {{ rule.condition.count }}|"
        "{{ rule.level }}|{{ rule.logsource }}"
    )
    path = pipeline_file(tmp_path, "p.yml", postprocessing=[{"type": "template", "template": template}])
    given = {
        "title": "Many",
        "name": "many",
        "level": "low",
        "correlation": {
            "type": "event_count",
            "rules": ["a_rule"],
            "group-by": ["User", "Host"],
            "timespan": "5m",
            "condition": {"gte": 3},
        },
    }
    text = yaml.safe_dump_all([DATA["rule"], given])
    (query,) = convert_rules(parse_rules(text), list_targets()["splunk"], pipelines=[path])
    assert query.text == "Many|event_count|EVENT_COUNT|a_rule|User,Host|5m|300|GTE 3|low|"
