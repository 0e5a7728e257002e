"""Where inputs begin: the project's own cases, samples and built-in files, each a folder of small files.

An input maps names of files to their bytes. The first file is the one that is changed; the others are what it is read
with: the events of a rule, the rule of a pipeline, the tables of a query.
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from converter.errors import SourceError
from converter.rules.load import parse_rules
from tests.support import cli as cli_texts
from tests.support import conformance
from tests.support.engine_cases import expanded, query_cases, rule_file_cases
from tests.support.paths import DOCS, ROOT, RULES, SAMPLES, TESTS
from tests.support.targets import VARIANTS, convert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.targets.core.engines import Engine
    from converter.targets.core.target import Query

Input: TypeAlias = "dict[str, bytes]"

RULE = """\
title: Tool
name: tool
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '\\tool.exe'
    User|contains: [Ann, '%users%']
    Hashes|contains: MD5=987B65CD9B9F4E9A1AFD8F8B48CF64A7
  other: {CommandLine|re: '(?i)-enc\\s+\\w+', Level|gte: 5, Ip|cidr: 10.0.0.0/8, Parent: null}
  condition: selection or (other and not 1 of other)
"""
EVENTS = (
    {"Image": "C:\\tool.exe", "User": "Ann", "EventID": 1, "@timestamp": "2026-01-01T00:00:00Z", "a": {"b": [1, "x"]}},
    {"CommandLine": "x -enc abc", "Level": "7", "Ip": "10.1.2.3", "_time": 1767225600, "kind": "bad", "user": "ann"},
    {"eventSource": "iam.amazonaws.com", "eventName": "UpdateAssumeRolePolicy", "eventTime": "2026-01-01T00:00:05Z"},
)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Return events as newline-delimited JSON."""
    return "".join(f"{json.dumps(event, default=str)}\n" for event in events).encode()


@cache
def conformance_rules() -> tuple[Input, ...]:
    """Return the rules of the conformance cases with their events, and the invalid rules."""
    inputs = []
    for case in conformance.load():
        events = case.data.get("events", [case.data.get("event", {})])
        events = [event for event in events if isinstance(event, dict)]
        inputs.append({"rule.yml": case.rule.encode(), "events.ndjson": lines(events)})
    for path in sorted((TESTS / "rules" / "bad").glob("*.toml")):
        rules = [keys.get("rule") for keys in tomllib.loads(path.read_text(encoding="utf-8"))["case"]]
        texts = [text.encode(errors="surrogatepass") for text in rules if isinstance(text, str)]
        inputs.extend({"rule.yml": text, "events.ndjson": lines(EVENTS)} for text in texts)
    inputs.extend(
        {"rule.yml": path.read_bytes(), "events.ndjson": lines(EVENTS)} for path in sorted(RULES.rglob("*.yml"))
    )
    return tuple(inputs)


def rules(*, containing: str = "", without: Sequence[str] = ()) -> list[Input]:
    """Return rules whose text has a line that begins with a key, and none that begins with others."""

    def has(text: bytes, key: str) -> bool:
        return re.search(rf"^{key}:", text.decode(errors="replace"), re.MULTILINE) is not None

    return [
        item
        for item in conformance_rules()
        if (not containing or has(item["rule.yml"], containing))
        and not any(has(item["rule.yml"], key) for key in without)
    ]


def pipelines() -> list[Input]:
    """Return pipelines of one transformation each, of the pages, and the built-in mappings, with a rule."""
    beside = {"rule.yml": RULE.encode(), "events.ndjson": lines(EVENTS)}
    texts = []
    known = yaml.safe_load((TESTS / "pipelines" / "transformations.yml").read_text(encoding="utf-8"))
    for kind, cases in known["transformations"].items():
        for case in cases:
            item = {
                "id": f"do_{kind}",
                "type": kind,
                **case["item"],
                "rule_conditions": [{"type": "logsource", "product": "windows"}],
            }
            pipeline = {"name": kind, "priority": 20, "vars": {"users": ["Ann", "Bob"]}, "transformations": [item]}
            texts.append(yaml.safe_dump(pipeline, sort_keys=False))
    for kind, more in _POSTPROCESSING.items():
        texts.append(yaml.safe_dump({"name": kind, **more}, sort_keys=False))
    texts += [
        text
        for text in fences("yaml")
        if re.search(r"^(transformations|postprocessing|finalizers):", text, re.MULTILINE)
    ]
    inputs = [{"pipeline.yml": text.encode(), **beside} for text in texts]
    for path in sorted((ROOT / "converter" / "products").glob("*/mappings/**/*.yml")):
        rule = next(iter(sorted(RULES.rglob("*.yml")))).read_bytes()
        inputs.append({"pipeline.yml": path.read_bytes(), "rule.yml": rule, "events.ndjson": lines(EVENTS)})
    return inputs


_POSTPROCESSING: dict[str, dict[str, Any]] = {
    "embed": {"postprocessing": [{"type": "embed", "prefix": "[", "suffix": "]"}]},
    "simple": {"postprocessing": [{"type": "simple_template", "template": "{rule.title}: {query}"}]},
    "template": {
        "postprocessing": [
            {"type": "template", "template": "{% for i in range(3) %}{{ rule.title }}{% endfor %}{{ query }}"}
        ]
    },
    "json": {"postprocessing": [{"type": "json", "json_template": '{"q": "%QUERY%", "l": [1]}'}]},
    "replace": {"postprocessing": [{"type": "replace", "pattern": "a(b)?", "replacement": "\\1x"}]},
    "nest": {"postprocessing": [{"type": "nest", "items": [{"type": "embed", "prefix": "a"}]}]},
    "concat": {"finalizers": [{"type": "concat", "separator": ";", "prefix": "<", "suffix": ">"}]},
    "final_json": {"finalizers": [{"type": "json", "indent": 2}]},
    "final_yaml": {"finalizers": [{"type": "yaml", "indent": 2}]},
    "final_template": {"finalizers": [{"type": "template", "template": "{{ queries | join(',') }}"}]},
    "conditions": {
        "transformations": [
            {"type": "add_condition", "conditions": {"index": "x"}, "rule_cond_expr": "a and not b"}
            | {
                "rule_conditions": {
                    "a": {"type": "tag", "tag": "attack.t1"},
                    "b": {"type": "contains_detection_item", "field": "User", "value": "Ann"},
                }
            }
        ]
    },
}


def cases() -> list[Input]:
    """Return case files with the rules that they name."""
    burst = {"burst.yml": (cli_texts.BASE + cli_texts.BURST).encode(), "log.ndjson": lines(EVENTS)}
    inputs: list[Input] = [{"cases.yml": cli_texts.CASES.encode(), **burst}]
    for path in sorted([*SAMPLES.rglob("cases.yml"), *(TESTS / "harness" / "bad_cases").glob("*.yml")]):
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        named = re.search(r"^rule: *(\S+\.yml)$", text, re.MULTILINE)
        rule = (path.parent / named[1]).resolve() if named is not None else None
        files = {"burst.yml": rule.read_bytes()} if rule is not None and rule.is_file() else burst
        text = re.sub(r"^rule: .*$", "rule: burst.yml", text, count=1, flags=re.MULTILINE)
        text = re.sub(r"logs: \S+\.ndjson", "logs: log.ndjson", text)
        blocks = re.split(r"(?m)^(?=  - name:)", text)
        # The cases of a sample are many: each input has two of them.
        for at in range(1, max(2, len(blocks)), 2):
            part = blocks[0] + "".join(blocks[at : at + 2])
            inputs.append({"cases.yml": part.encode("utf-8", "surrogateescape"), **files, "log.ndjson": lines(EVENTS)})
    return inputs


def configurations() -> list[Input]:
    """Return configuration files with a rule."""
    beside = {
        "rule.yml": cli_texts.BASE.encode(),
        "pipeline.yml": b"name: p\ntransformations:\n- {type: field_name_prefix, prefix: win.}\n",
        "cases.yml": cli_texts.CASES.replace("burst.yml", "rule.yml").encode(),
        "events.ndjson": lines(EVENTS),
    }
    return [{"sigma-convert.toml": text.encode(), **beside} for text in _CONFIGURATIONS]


_CONFIGURATIONS = (
    """\
target = ["splunk", "esql:default", "elastic-toml"]
format = "savedsearches"
allow-unmapped = true
""",
    """\
pipeline = "pipeline.yml"
target = "kql"
exclude = ["*.md", "x/*"]
samples = "."
fail-on = "bounded"
accept = ["assumption"]
""",
    """\
target = "all"
without-pipeline = true
[options]
interval = "10m"
lag = "1h"
index = "x"
""",
    """\
strict-fields = true
[[pipelines]]
use = ["pipeline.yml"]
product = "elastic"
logsource = "test"
[[pipelines]]
use = "ecs_windows"
""",
)


def projects() -> list[Input]:
    """Return configurations in the project file of Python."""
    inputs = []
    for item in configurations():
        text = item["sigma-convert.toml"].decode()
        text = '[project]\nname = "x"\n[tool.sigma-convert]\n' + text.replace(
            "[options]", "[tool.sigma-convert.options]"
        )
        text = text.replace("[[pipelines]]", "[[tool.sigma-convert.pipelines]]")
        inputs.append(
            {
                "pyproject.toml": text.encode(),
                **{name: data for name, data in item.items() if name != "sigma-convert.toml"},
            }
        )
    return inputs


def queries(engine: Engine) -> list[Input]:
    """Return the queries of the cases of an engine with their events, tables and macros, and some that are emitted."""
    folder = engine.folder.rpartition(".")[2]
    name = f"query.{engine.language}"
    inputs: list[Input] = []
    of_files = engine.runner != ("engine.execute", "run") or engine.language == "elastic-toml"
    if of_files:
        begins = {"contentctl": "name:", "savedsearches": "["}.get(engine.language, "")
        inputs.extend(
            {name: file.text.encode(), "events.ndjson": lines(expanded(file.keys.get("events", [])))}
            for file in rule_file_cases()
            if file.folder == folder and file.text.lstrip().startswith(begins)
        )
    else:
        inputs.extend(
            {name: case.text.encode(errors="surrogatepass"), **_beside(case.keys)}
            for case in query_cases()
            if case.folder == folder
        )
    inputs.extend({name: text.encode(), "events.ndjson": lines(EVENTS)} for text in emitted(engine.language))
    return inputs


def _beside(keys: Mapping[str, Any]) -> Input:
    files = {"events.ndjson": str(keys.get("events", "")).encode(errors="surrogatepass")}
    for table, text in keys.get("tables", {}).items():
        files[f"table.{table}"] = text.encode(errors="surrogatepass")
    macros = keys.get("options", {}).get("macros")
    if isinstance(macros, str):
        files["macros.conf"] = macros.encode()
    return files


def emitted(language: str) -> list[str]:
    """Return queries of a language that our emitters write, or files of a kind."""
    return list(dict.fromkeys(query.text for query in _emitted() if language in {query.language, query.format}))


@cache
def _emitted() -> tuple[Query, ...]:
    queries: list[Query] = []
    for item in [*rules(without=("correlation",))[::40], *rules(containing="correlation")[::12]]:
        for variant in VARIANTS:
            try:
                queries.extend(convert(parse_rules(item["rule.yml"].decode()), variant))
            except SourceError:
                continue
    return tuple(queries)


def macros() -> list[Input]:
    """Return files of macros with the query that calls them."""
    given = [(case, case.keys.get("options", {}).get("macros")) for case in query_cases()]
    return [
        {"macros.conf": text.encode(), **_beside(case.keys), "query.spl": case.text.encode()}
        for case, text in given
        if isinstance(text, str)
    ]


def tables() -> list[Input]:
    """Return lookup tables, as CSV and as JSON, with queries that read them."""
    spl = b"| inputlookup t | lookup t a OUTPUT b AS c | inputlookup append=t t | stats count BY a, b | where a!=1"
    esql = b'FROM t | WHERE a LIKE "*x*" OR b > 1 | STATS c = COUNT(*) BY a, b | SORT c DESC'
    csv = 'a,b,"c d",_time\n1,x,"say ""hi""",1767225600\n2,,"two\nlines",\n*,y*,10.0.0.0/8,x\n'
    inputs: list[Input] = []
    for name, query in (("spl", spl), ("esql", esql)):
        inputs.append({"t.csv": csv.encode(), f"query.{name}": query, "events.ndjson": lines(EVENTS)})
    rows = lines([{"a": 1, "b": "x", "c": [1, 2], "d": {"e": None}}, {"a": "x", "b": 2.5}])
    for name, query in (("spl", spl), ("esql", esql)):
        inputs.append({"t.ndjson": rows, f"query.{name}": query, "events.ndjson": lines(EVENTS)})
    return inputs


def logs() -> list[Input]:
    """Return logs of lines, arrays and envelopes, with a rule."""
    texts: list[bytes] = [lines(EVENTS), json.dumps(list(EVENTS), indent=1).encode()]
    for file in ("envelopes.toml", "log_text.toml"):
        path = TESTS / "readers" / file
        texts += [
            keys["log"].encode() for keys in tomllib.loads(path.read_text(encoding="utf-8"))["case"] if "log" in keys
        ]
    for path in sorted((TESTS / "logsources").glob("*/*.yml")):
        events = [document.get("event") for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
        texts += [lines([event]) for event in events if isinstance(event, dict)]
    beside = {"rule.yml": (cli_texts.BASE + cli_texts.BURST + "---\n" + RULE + "---\n" + _KEYWORDS).encode()}
    inputs: list[Input] = [{"log.ndjson": text, **beside} for text in texts]
    inputs += [
        {"log.ndjson": item["events.ndjson"], "rule.yml": item["rule.yml"]}
        for item in conformance_rules()[::5]
        if item["events.ndjson"].strip()
    ]
    return inputs


_KEYWORDS = """\
title: Words
name: words
logsource: {category: test}
detection:
  words: [ann, '*iam*', 5]
  re: {'|re': '(\\w+\\s?)+$'}
  number: {Level|gt: 3, kind|cased: Bad}
  condition: words or number
"""


def guides() -> list[Input]:
    """Return guides with a rule of the same name."""
    texts = [path.read_bytes() for path in sorted(SAMPLES.rglob("guide.md"))]
    texts.append(
        b"# Guide\n\n{{context}} ''' \"\"\" [a](https://example.com) [b](javascript:x)\n\n| a | b |\n|---|---|\n"
    )
    return [{"rule.md": text, "rule.yml": cli_texts.BASE.encode()} for text in texts]


def fences(language: str) -> Iterator[str]:
    """Yield the code blocks of a language in the pages."""
    for path in sorted(DOCS.glob("*.md")):
        for fence in _FENCE.finditer(path.read_text(encoding="utf-8")):
            if fence[1] == language:
                yield fence[2]
