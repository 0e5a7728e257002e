"""Links: what a rule or a guide calls a reference is a link only if it is an address of http or https."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
import yaml

from converter.cli.common import FINDINGS, OK, WRONG_USAGE
from converter.targets.core.links import links_of
from converter.targets.elastic_toml.emitter.guide import guide_text
from tests.support.cli import BASE, run, write

if TYPE_CHECKING:
    from pathlib import Path

LINKS = [
    "https://attack.mitre.org/techniques/T1098/",
    "http://example.org",
    "https://example.org:8443/a?b=c&d=%20#e",
    "https://example.org/a_(b)|{c}",
    "https://例え.jp/ぺーじ",
    "https://[2001:db8::1]/x",
    "https://example.org/@user",
]
TEXTS = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript://example.org/%0aalert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "vbscript:msgbox",
    "file:///etc/passwd",
    "ftp://example.org",
    "mailto:a@example.org",
    "ms-msdt:/id",
    "splunk://x",
    "blob:https://example.org/1",
    "view-source:https://example.org",
    "//example.org",
    "\\\\example.org\\share",
    "/app/security",
    "?q",
    "#x",
    "https:example.org",
    "https:/example.org",
    "https:///example.org",
    "https://",
    "https://user@example.org",
    "https://elastic.co:443@example.org",
    "https://example.org:0/",
    "https://example.org:99999999/",
    "https://example.org\\@other.org",
    "https://exam ple.org",
    "https://example.org/\u202egpj.exe",
    "https://example.org/\u200bx",
    "https://example.org/a b",
    "https://example.org/\nb",
    "https://example.org/<script>",
    'https://example.org/"onclick="x',
    "https://.example.org",
    "https://[::1",
    "httpsx://example.org",
    "http//example.org",
    "example.org",
    "Internal research",
]


def test_links() -> None:
    assert links_of(LINKS) == (LINKS, [])
    assert links_of(TEXTS) == ([], TEXTS)
    assert links_of([" HTTPS://Example.org \n", "", " "]) == (["HTTPS://Example.org"], [])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    references = json.dumps(["HTTPS://Example.org", *LINKS, *TEXTS])  # JSON is YAML
    write("rule.yml", BASE + f"description: A rule\nreferences: {references}\n")
    return tmp_path


def flat(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


@pytest.mark.usefixtures("folder")
def test_references_of_a_rule_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "-t elastic-toml rule.yml")
    assert status == OK
    rule = tomllib.loads(out)["rule"]
    assert rule["references"] == ["https://Example.org", *LINKS]
    described = flat(rule["description"])
    assert described.startswith("A rule. See javascript:alert(1), ")
    assert all(flat(text) in described for text in TEXTS)
    write("rule.yml", BASE + "description: Why?\nreferences: [Internal research]\n")
    rule = tomllib.loads(run(capsys, "-t elastic-toml rule.yml")[1])["rule"]
    assert "references" not in rule
    assert rule["description"] == "Why? See Internal research."


@pytest.mark.usefixtures("folder")
def test_references_of_a_detection(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "-t splunk -f contentctl --without-pipeline rule.yml")
    assert status == OK
    detection = yaml.safe_load(out)
    links = [link for link in LINKS if link.isascii() and "[" not in link]
    assert detection["references"] == ["HTTPS://Example.org", *links]
    assert all(flat(text) in flat(detection["description"]) for text in TEXTS)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("form", ["savedsearches", "es"])
def test_references_of_a_stanza_are_one_line_of_text(capsys: pytest.CaptureFixture[str], form: str) -> None:
    status, out, _ = run(capsys, f"-t splunk -f {form} --without-pipeline rule.yml")
    assert status == OK
    assert [line for line in out.split("\n") if "javascript" in line and "description = " not in line] == []
    assert all(line.isprintable() for line in out.split("\n"))


def test_the_title_and_the_description_are_not_part_of_the_guide(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("rule.md", "# Triage\n\nSee [the page](https://example.org).\n")
    markdown = "[x](javascript:alert(1)) ![y](https://example.org/z) <img src=x> !{osquery{}}"
    rule = (folder / "rule.yml").read_text()
    write("rule.yml", rule.replace("Bad thing", f"'Bad {markdown}'").replace("A rule", f"'{markdown}'"))
    note = tomllib.loads(run(capsys, "-t elastic-toml rule.yml")[1])["rule"]["note"]
    assert note == "# Triage\n\nSee [the page](https://example.org).\n"


GUIDES_AS_THEY_ARE = [
    "[x](https://example.org)",
    "[x](<http://example.org/a b> 'title')",
    "![x](https://example.org/x.png)",
    "[x](#setup) [y](guide.md) [z](/app/discover)",
    "[x]: https://example.org",
    "<https://example.org/a>",
    "https://example.org and a@example.org",
    '`[x]::Open("a")` and [Note]: read this',
    '!{investigate{"label": "x", "providers": [[{"field": "a", "value": "b"}]]}}',
    "a \\](javascript:y)",
    "10:30, a < b: c > d",
]
GUIDES_WITH_OTHER_LINKS = [
    ("[x](javascript:alert(1))", "[x\\](javascript:alert(1))"),
    ("[x](JAVASCRIPT:alert)", "[x\\](JAVASCRIPT:alert)"),
    ("[x](  javascript:a)", "[x\\](  javascript:a)"),
    ("[x](\njavascript:a)", "[x\\](\njavascript:a)"),
    ("[x](<java\tscript:a>)", "[x\\](<java\tscript:a>)"),
    ("[x](<\x01javascript:a>)", "[x\\](<\x01javascript:a>)"),
    ("[x](javascript&colon;a)", "[x\\](javascript&colon;a)"),
    ("[x](&#106;avascript:a)", "[x\\](&#106;avascript:a)"),
    ("[x](java&Tab;script:a)", "[x\\](java&Tab;script:a)"),
    ("[x](javascript\\:a)", "[x\\](javascript\\:a)"),
    ("![x](data:image/svg+xml,y)", "![x\\](data:image/svg+xml,y)"),
    ("[![x](https://a.b/c.png)](file:///etc)", "[![x](https://a.b/c.png)\\](file:///etc)"),
    ("[x](//example.org)", "[x\\](//example.org)"),
    ("[x](/\\example.org)", "[x\\](/\\example.org)"),
    ("[x](\\/\\/example.org)", "[x\\](\\/\\/example.org)"),
    ("[x](mailto:a@b.c)", "[x\\](mailto:a@b.c)"),
    ("[x]\n\n[x]: javascript:a", "[x]\n\n[x\\]: javascript:a"),
    ("[x]:\n  <javascript:a>", "[x\\]:\n  \\<javascript:a>"),
    ("> [x]: data:text/html,a", "> [x\\]: data:text/html,a"),
    ("<javascript:a>", "\\<javascript:a>"),
    ("<a@example.org>", "\\<a@example.org>"),
    ("\\\\](javascript:a)", "\\\\\\](javascript:a)"),
    ("\\`[x](vbscript:a)\\`", "\\`[x\\](vbscript:a)\\`"),
]


@pytest.mark.parametrize("text", GUIDES_AS_THEY_ARE)
def test_a_guide_stays_as_it_is(text: str) -> None:
    assert guide_text(text) == text


@pytest.mark.parametrize(("text", "escaped"), GUIDES_WITH_OTHER_LINKS)
def test_other_links_of_a_guide_are_text(text: str, escaped: str) -> None:
    assert guide_text(text) == escaped
    assert guide_text(escaped) == escaped


def test_a_finding_in_sarif_has_no_link_of_a_rule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("rule.yml", (folder / "rule.yml").read_text().replace("kind:", '"[x](javascript:a)\\u202e\\e[1m|nope":'))
    status, out, _ = run(capsys, "check --format sarif rule.yml")
    assert status not in {OK, FINDINGS, WRONG_USAGE}
    messages = [result["message"]["text"] for result in json.loads(out)["runs"][0]["results"]]
    assert messages
    assert not any("](" in text or "\x1b" in text or "\u202e" in text for text in messages)


@pytest.mark.usefixtures("folder")
def test_wrong_usage_shows_an_argument_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    for argument in ("--\x1b]8;;http://x\x1b\\y", "\x1b[2Jconvert"):
        status, out, err = run(capsys, f"-t kql {argument}")
        assert status != OK
        assert "\x1b" not in out + err
