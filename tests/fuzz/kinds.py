"""The kinds of files that strangers bring, and what is done with each.

    Kind: inputs to begin with, the syntax by which they are changed, the command lines that read them

A new target, format or language is tried by itself: the commands are made from the registry of targets. A new kind of
file is one more Kind in `all_kinds`.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from converter.targets.core.engines import find_engine
from converter.targets.core.registry import list_targets
from converter.targets.core.target import FOREIGN
from tests.fuzz import seeds
from tests.fuzz.execute import PLACES, SECONDS
from tests.support import places
from tests.support.hostile import STRINGS
from tests.support.targets import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fuzz.mutate import Syntax
    from tests.fuzz.seeds import Input

Command: TypeAlias = "tuple[str, ...]"


LIMITS = ("--limit", "regex-seconds=1")
"""Limits for commands that evaluate: what they stop takes less time than a command may take here."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: what the report calls it; also its folder in the corpus.
        syntax: how its text is changed.
        inputs: returns those to begin with; the first file of each is the one that is changed.
        commands: returns what is done with an input, in the folder of its files.
        always: how many of the commands are run for each input; others are drawn.
        drawn: how many are drawn at most.
        packed: whether the file is compressed; the text inside is changed, and sometimes the bytes.
        seconds: how much CPU time a command may take.
        share: how many inputs are made while a kind with a share of 1 makes one; queries and logs take little time.
    """

    name: str
    syntax: Syntax
    inputs: Callable[[], Sequence[Input]]
    commands: Callable[[Input], Sequence[Command]]
    always: int = 1
    drawn: int = 2
    packed: bool = False
    seconds: float = SECONDS
    share: int = 1


@cache
def targets() -> tuple[str, ...]:
    """Return every target in every format and variant, and the backends of pySigma."""
    return (*map(str, VARIANTS), *(name for name in list_targets() if name.startswith(FOREIGN)))


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that an engine runs, and the kinds of files."""
    named: dict[str, None] = {}
    for target in list_targets().values():
        named.update(dict.fromkeys((target.language, *getattr(target, "files", {}))))
    return tuple(named)


def _rule_commands(_: Input) -> list[Command]:
    convert = [("convert", "-t", target, "--allow-unmapped", "rule.yml") for target in targets()]
    return [
        ("eval", *LIMITS, "rule.yml", "--no-logsource", "--logs", "events.ndjson"),
        ("check", "--lint-only", "rule.yml"),
        ("check", "--format", "json", "rule.yml"),
        ("check", "--format", "sarif", "--lint-only", "rule.yml"),
        ("convert", "-t", "all", "--without-pipeline", "-d", "out", "rule.yml"),
        *convert,
    ]


def _pipeline_commands(_: Input) -> list[Command]:
    convert = [("convert", "-t", target, "--allow-unmapped", "-p", "pipeline.yml", "rule.yml") for target in targets()]
    return [
        ("eval", *LIMITS, "rule.yml", "-p", "pipeline.yml", "--no-logsource", "--logs", "events.ndjson"),
        ("check", "-p", "pipeline.yml", "rule.yml"),
        *convert,
    ]


def _case_commands(_: Input) -> list[Command]:
    test = ("test", *LIMITS, "-j", "1", "cases.yml", "-t")
    forms = ("json", "junit", "github")
    return [*((*test, target) for target in targets()), *((*test, "splunk,esql", "--format", form) for form in forms)]


def _configuration_commands(_: Input) -> list[Command]:
    return [
        ("convert", "rule.yml"),
        ("convert", "-t", "all", "-d", "out", "."),
        ("check", "."),
        ("test", *LIMITS, "-j", "1"),
        ("eval", *LIMITS, "rule.yml", "--logs", "events.ndjson"),
    ]


def _query_commands(files: Input) -> list[Command]:
    commands: list[Command] = []
    for query in (name for name in files if name.startswith("query.")):
        language = query.removeprefix("query.")
        more: list[str] = []
        for name in files:
            if name.startswith("table."):
                more += ["--table", f"{name.removeprefix('table.')}={name}"]
            elif name in {"t.csv", "t.ndjson"}:
                more += ["--table", f"t={name}"]
            elif name == "macros.conf":
                more += ["--macros", name]
        run = ("run", *LIMITS, "-L", language, f"@{query}", *more, "--logs", "events.ndjson")
        commands += [run, (*run, "--format", "text"), (*run, "--logsource", "aws/cloudtrail")]
    return commands


def _log_commands(files: Input) -> list[Command]:
    log = next(iter(files))
    queries = {
        "spl": "ann OR a.b=1 | stats count, values(user) by kind | sort - count",
        "esql": "FROM x METADATA _id | KEEP _id, *",
        "eql": "any where true",
        "kql": "*: a* or not user: x",
    }
    run = [
        ("run", *LIMITS, "-L", language, queries[language], *source, "--logs", log)
        for language in languages()
        if language in queries
        for source in ((), ("--logsource", "aws/cloudtrail"))
    ]
    return [
        ("eval", *LIMITS, "rule.yml", "--no-logsource", "--logs", log),
        ("eval", *LIMITS, "rule.yml", "--format", "ndjson", "--logs", log),
        *run,
    ]


def _guide_commands(_: Input) -> list[Command]:
    return [
        ("convert", "-t", target, "--allow-unmapped", "rule.yml")
        for target in targets()
        if not target.startswith(FOREIGN)
    ]


def _texts() -> list[Input]:
    return [{"text": text.encode("utf-8", "surrogatepass")} for text in STRINGS]


def _place_commands(_: Input) -> list[Command]:
    return [(PLACES, str(target), place) for place in places.PLACES for target in places.EVERY]


def _packed_logs() -> list[Input]:
    inputs: list[Input] = []
    for item in seeds.logs():
        log, *_ = item
        rest = {name: data for name, data in item.items() if name != log}
        inputs.append({"log.ndjson.gz": gzip.compress(item[log], mtime=0), **rest})
    return inputs


@cache
def all_kinds() -> tuple[Kind, ...]:
    """Return every kind."""
    return (
        Kind("rules", "yaml", lambda: seeds.rules(without=("correlation", "filter")), _rule_commands, share=2),
        Kind("correlations", "yaml", lambda: seeds.rules(containing="correlation"), _rule_commands),
        Kind("filters", "yaml", lambda: seeds.rules(containing="filter"), _rule_commands),
        Kind("pipelines", "yaml", seeds.pipelines, _pipeline_commands, always=0),
        Kind("cases", "yaml", seeds.cases, _case_commands, always=0, seconds=20),
        Kind("configuration", "toml", seeds.configurations, _configuration_commands),
        Kind("project files", "toml", seeds.projects, _configuration_commands),
        Kind("guides", "text", seeds.guides, _guide_commands, always=0),
        Kind("macros", "text", seeds.macros, _query_commands, share=3),
        Kind("tables", "text", seeds.tables, _query_commands, share=3),
        *(Kind(f"queries {name}", "text", _queries_of(name), _query_commands, share=4) for name in languages()),
        Kind("hostile texts", "text", _texts, _place_commands, always=0, drawn=12),
        Kind("logs", "ndjson", seeds.logs, _log_commands, share=4),
        Kind("packed logs", "ndjson", _packed_logs, _log_commands, packed=True, share=2),
    )


def _queries_of(language: str) -> Callable[[], Sequence[Input]]:
    return lambda: seeds.queries(find_engine(language))
