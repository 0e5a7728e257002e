"""The data cases of the engines, for the tests that run each and for those that look at all of them.

    tests/targets/<target>/engine/*.toml   queries ──┐
    tests/targets/rule_files/*.yml         files   ──┴──> cases ──run──> rows, or a QueryError

tests/targets/test_engines.py and tests/targets/test_rule_files.py say what the keys mean, and compare the results.
"""

from __future__ import annotations

import importlib
import json
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TARGETS = ROOT / "tests" / "targets"


@dataclass(frozen=True, slots=True)
class Case:
    """A text that an engine runs, and what it is run on.

    Attributes:
        folder: the folder of the target in `converter/targets`.
        file: the name of the file of cases, without its ending.
        text: the query, or the file with a rule.
        keys: the keys of the case.
    """

    folder: str
    file: str
    text: str
    keys: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.folder}/{self.file}: {self.keys['name']}"

    @property
    def fails(self) -> bool:
        """Whether an error is expected."""
        return "error" in self.keys

    def run(self) -> list[dict[str, Any]]:
        """Return what the engine gives. Raises QueryError."""
        raise NotImplementedError


class QueryCase(Case):
    """A query."""

    __slots__ = ()

    def run(self, on_note: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
        """Return the rows, and hand the sentences that the engine says beside them to `on_note`."""
        engine = f"converter.targets.{self.folder}.engine"
        tables = {name: ndjson(text) for name, text in self.keys.get("tables", {}).items()}
        options: dict[str, Any] = dict(self.keys.get("options", {}))
        if "limits" in options:
            options["limits"] = importlib.import_module(f"{engine}.language.run_context").Limits(**options["limits"])
        if on_note is not None:
            options["on_note"] = on_note
        run = importlib.import_module(f"{engine}.execute").run
        rows: list[dict[str, Any]] = run(self.text, ndjson(self.keys.get("events", "")), tables=tables, **options)
        return rows


class RuleFileCase(Case):
    """A file with a rule."""

    __slots__ = ()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log."""
        return expanded(self.keys.get("events", []))

    def run(self, phase: float | None = None) -> list[dict[str, Any]]:
        """Return the alerts at a phase in seconds; without it at that of the case."""
        seconds = self.keys.get("phase", 0) if phase is None else phase
        if self.folder == "elastic_toml":
            from converter.targets.elastic_toml.engine import execute  # noqa: PLC0415  only for these

            return execute.run(self.text, self.events, phase=round(seconds * 1000))
        from converter.targets.splunk.saved_search import schedule  # noqa: PLC0415

        return schedule.run_saved(self.text, self.events, phase=seconds)


@cache
def query_cases() -> tuple[QueryCase, ...]:
    """Return the cases of the engines of query languages."""
    return tuple(
        QueryCase(path.parent.parent.name, path.stem, keys["query"], keys)
        for path in sorted(TARGETS.glob("*/engine/*.toml"))
        for keys in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    )


@cache
def rule_file_cases() -> tuple[RuleFileCase, ...]:
    """Return the cases of the engines of rule files."""
    cases = []
    for path in sorted((TARGETS / "rule_files").glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        files = content.get("files", {})
        for keys in content["cases"]:
            text = changed(files.get(keys["file"], keys["file"]), keys.get("change", {}))
            cases.append(RuleFileCase(keys["engine"], path.stem, text, keys))
    return tuple(cases)


def all_cases() -> tuple[Case, ...]:
    """Return the cases of every engine."""
    return (*query_cases(), *rule_file_cases())


def ndjson(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Return a text with some parts replaced, each of which must be there."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the file"
        text = text.replace(old, new)
    return text


def expanded(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events of a case, those that are repeated with their times and numbers."""
    events: list[dict[str, Any]] = []
    for entry in entries:
        if "repeat" not in entry:
            events.append(entry)
            continue
        for number in range(entry["repeat"]):
            event = json.loads(json.dumps(entry["event"]))
            step = number * entry["every"]
            if "_time" in event:
                event["_time"] += step
            else:
                moment = datetime.fromisoformat(event["@timestamp"]) + timedelta(seconds=step)
                event["@timestamp"] = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            event["_id"] = f"{event.get('_id', 'e')}{number}"
            events.append(event)
    return events
