"""Load test cases: what a rule must find in a log, and what it must not.

    cases.yml ──document──> Node ──events──> events ─┐
    burst.ndjson ──readers.logs────────────> events ─┴─> Suite: rules, cases (events, expectation, divergences)

`docs/cases.md` describes the format. Whatever is wrong in a file is a `CaseError` with its place; nothing is skipped.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import CaseError, Place
from converter.harness.cases.document import read_yaml
from converter.harness.cases.events import Frame, make_events, parse_time, shuffle
from converter.readers.logs import read_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.harness.cases.document import Node

_SUITE_KEYS = ("rule", "base", "time_field", "logsource", "defaults", "cases")
_CASE_KEYS = ("name", "description", "events", "logs", "shuffle", "expect", "known_divergence")
_BASE = datetime(2026, 1, 1, tzinfo=UTC)
_TARGET = re.compile(r"[a-z][a-z0-9_-]*(?:@[a-z]+)?(?::[a-z0-9_=.@-]+)*")
_LOGSOURCE = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+){0,2}")


@dataclass(frozen=True, slots=True)
class Expect:
    """What a rule must report of a log.

    `alerts` is the exact number (events of a detection rule, episodes of a correlation rule), None where it is left
    open; `at_least_one` says that silence is wrong. Each of `groups` must be part of the group of some alert.
    """

    alerts: int | None = None
    at_least_one: bool = False
    groups: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Divergence:
    """A declared gap: on this case `target` (or `target:format`) reports something else, and `reason` says why."""

    target: str
    expect: Expect
    reason: str
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One log, in log order, with what the rules of the suite must report of it. The events are for reading only."""

    name: str
    events: tuple[dict[str, Any], ...] = field(repr=False)
    expect: Expect
    divergences: tuple[Divergence, ...]
    place: Place = field(compare=False)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """A case file: the rules that are judged together, what their logs are, and the cases.

    `logsource` is `product/service` where the events are raw and need the view of a product, or None to leave that to
    the rules. `time_field` is the field in which a raw event has its time.
    """

    path: Path
    rules: tuple[Path, ...]
    logsource: str | None
    cases: tuple[Case, ...]
    time_field: str = "eventTime"


def find_case_files(paths: Sequence[Path]) -> list[Path]:
    """Return the case files that `paths` name: files as they are, and `cases.yml` and `*.cases.yml` below folders.

    Raises:
        CaseError: a path does not exist, or a folder holds no case file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_file():
            found[path] = None
        elif path.is_dir():
            inside = sorted(_case_files_below(path))
            if not inside:
                raise CaseError(f"no case file below {path}", hint="case files are named cases.yml or NAME.cases.yml")
            found.update(dict.fromkeys(inside))
        else:
            raise CaseError(f"no such file or folder: {path}")
    return list(found)


def load_cases(paths: Sequence[Path]) -> list[Suite]:
    """Load every case file that `paths` name (files or folders), in a stable order.

    Raises:
        CaseError: a file is not valid; `place` says where.
        LogError: a log that a case names is not readable.
    """
    logs = _Logs()
    return [_suite(path, logs) for path in find_case_files(paths)]


class _Logs:
    """Reads each log once, however many cases use it."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[dict[str, Any], ...]] = {}

    def events(self, path: Path) -> tuple[dict[str, Any], ...]:
        key = path.resolve()
        if key not in self._read:
            self._read[key] = tuple(read_events(path))
        return self._read[key]


def _case_files_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*cases.yml"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and (path.name == "cases.yml" or path.name.endswith(".cases.yml")):
            yield path


def _suite(path: Path, logs: _Logs) -> Suite:
    root = read_yaml(path)
    keys = root.mapping("the case file", _SUITE_KEYS)
    for needed in ("rule", "cases"):
        if needed not in keys:
            raise CaseError(f"the case file has no `{needed}:`", root.place)
    time_field = keys["time_field"].string("time_field") if "time_field" in keys else "eventTime"
    frame = Frame(
        base=parse_time(keys["base"], "base") if "base" in keys else _BASE,
        time_field=time_field,
        defaults=_defaults(keys.get("defaults")),
    )
    cases: dict[str, Case] = {}
    for node in keys["cases"].items("cases"):
        case = _case(node, path.parent, frame, logs)
        if case.name in cases:
            first = cases[case.name].place.line
            raise CaseError(f"two cases are named {case.name!r}", case.place, f"the first is on line {first}")
        cases[case.name] = case
    if not cases:
        raise CaseError("there is no case", keys["cases"].place, "expected a list of {name, events, expect}")
    return Suite(
        path=path,
        rules=tuple(_file(node, path.parent, "rule") for node in _one_or_more(keys["rule"])),
        logsource=_logsource(keys.get("logsource")),
        cases=tuple(cases.values()),
        time_field=time_field,
    )


def _case(node: Node, folder: Path, frame: Frame, logs: _Logs) -> Case:
    keys = node.mapping("a case", _CASE_KEYS)
    for needed in ("name", "expect"):
        if needed not in keys:
            raise CaseError(f"a case has no `{needed}:`", node.place)
    if "events" not in keys and "logs" not in keys:
        raise CaseError("a case has neither `events:` nor `logs:`", node.place)
    events: list[dict[str, Any]] = []
    for log in _one_or_more(keys["logs"]) if "logs" in keys else []:
        events.extend(logs.events(_file(log, folder, "log")))
    if "events" in keys:
        events.extend(make_events(keys["events"].items("events"), frame))
    # Positions are given before shuffling: the same event keeps its name in every order.
    events = [event if "_id" in event else {**event, "_id": f"e{number}"} for number, event in enumerate(events, 1)]
    if "shuffle" in keys:
        shuffle(events, keys["shuffle"])
    expect = _expect(keys["expect"])
    return Case(
        name=keys["name"].string("name"),
        events=tuple(events),
        expect=expect,
        divergences=_divergences(keys.get("known_divergence"), expect),
        place=keys["name"].place,
        description=keys["description"].string("description").strip() if "description" in keys else "",
    )


def _expect(node: Node) -> Expect:
    if node.value == "none":
        return Expect(alerts=0)
    if node.value == "match":
        return Expect(at_least_one=True)
    if not isinstance(node.value, dict) or not node.value:
        hint = "expected none, match or {alerts: N, groups: [...]}"
        raise CaseError(f"expect is {node.describe()}", node.place, hint)
    keys = node.mapping("expect", ("alerts", "groups"))
    alerts = None
    if "alerts" in keys:
        alerts = keys["alerts"].value
        if not isinstance(alerts, int) or isinstance(alerts, bool) or alerts < 1:
            hint = "expected a number from 1; no alert is `expect: none`"
            raise CaseError(f"alerts is {keys['alerts'].describe()}", keys["alerts"].place, hint)
    groups = tuple(_group(group) for group in keys["groups"].items("groups")) if "groups" in keys else ()
    if alerts is not None and len(groups) > alerts:
        raise CaseError(f"{len(groups)} groups cannot come of {alerts} alerts", keys["groups"].place)
    return Expect(alerts=alerts, at_least_one=alerts is None, groups=groups)


def _group(node: Node) -> Mapping[str, str]:
    fields = node.mapping("a group")
    if not fields:
        raise CaseError("a group is empty", node.place, "expected group-by fields with their values")
    return {name: value.string(f"the value of {name}") for name, value in fields.items()}


def _divergences(node: Node | None, expect: Expect) -> tuple[Divergence, ...]:
    if node is None:
        return ()
    found = []
    for target, gap in node.mapping("known_divergence").items():
        if not _TARGET.fullmatch(target):
            hint = "expected target or target:format, such as pysigma:esql"
            raise CaseError(f"{target!r} is not the name of a target", gap.key_place, hint)
        keys = gap.mapping("a known divergence", ("expect", "reason"))
        for needed in ("expect", "reason"):
            if needed not in keys:
                raise CaseError(f"a known divergence has no `{needed}:`", gap.key_place)
        theirs = _expect(keys["expect"])
        if theirs == expect:
            raise CaseError(
                f"{target} is expected to do what the rule does", keys["expect"].place, "that is no divergence"
            )
        found.append(Divergence(target, theirs, keys["reason"].string("reason"), gap.key_place))
    return tuple(found)


def _defaults(node: Node | None) -> Mapping[str, Node]:
    if node is None:
        return {}
    keys = node.mapping("defaults", ("event",))
    return keys["event"].mapping("defaults.event") if "event" in keys else {}


def _logsource(node: Node | None) -> str | None:
    if node is None:
        return None
    text = node.string("logsource")
    if not _LOGSOURCE.fullmatch(text):
        raise CaseError(f"logsource {text!r} is not a log source", node.place, "expected for example aws/cloudtrail")
    return text


def _one_or_more(node: Node) -> list[Node]:
    if not isinstance(node.value, list):
        return [node]
    if not node.value:
        raise CaseError("the list is empty", node.place, "expected at least one path")
    return node.value


def _file(node: Node, folder: Path, what: str) -> Path:
    # Without the `..` of a relative path it can be read in messages.
    path = Path(os.path.normpath(folder / node.string(f"the path of a {what}")))
    if not path.is_file():
        raise CaseError(f"no such {what}: {path}", node.place, f"paths are relative to {folder}")
    return path
