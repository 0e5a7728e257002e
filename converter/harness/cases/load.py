"""Load test cases: what a rule must find in a log, and what it must not.

    cases.yml ──yaml_json, schema──> data ──events──> events ─┐
    burst.ndjson ──readers.logs─────────────────────> events ─┴─> Suite: rules, cases (events, expectation, divergences)

`docs/cases.md` describes the format. Whatever is wrong in a file is a `CaseError` with its place. A case with an error
is left out and reported, and the others are read. The rules and logs that a case file names are inside the scope of the
run (readers/scope.py).
"""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import CaseError, Place
from converter.harness.cases.events import SHUFFLE, TEXT, TIME, Budget, Frame, make_events, parse_time, shuffle
from converter.isolation import isolated
from converter.readers.folders import list_files
from converter.readers.limits import current
from converter.readers.logs import read_log
from converter.readers.schema import (
    ANYTHING,
    MAPPING,
    Either,
    Entries,
    Keys,
    check,
    error_at,
    list_of,
    matching,
    one_of,
    value_at,
    whole,
)
from converter.readers.scope import Scope, ScopeError, check_named
from converter.readers.whole_file import read_file
from converter.readers.yaml_document import parse_documents
from converter.readers.yaml_json import JsonLoader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from converter.errors import SourceError
    from converter.readers.logs import LogEvent
    from converter.readers.schema import KeyPath
    from converter.readers.yaml_document import Document

_BASE = datetime(2026, 1, 1, tzinfo=UTC)
_FILES = Either((TEXT, list_of(TEXT, "paths", least=1)), "a path, or a list of at least one")
_EXPECT = Either(
    (
        one_of("none", "match"),
        Keys(
            {
                "alerts": whole(1, hint="no alert is `expect: none`"),
                "groups": list_of(Entries(TEXT, least=1, hint="group-by fields with their values"), "groups"),
            },
            least=1,
        ),
    ),
    "none, match or {alerts: N, groups: [...]}",
)
CASE = Keys(
    {
        "name": TEXT,
        "description": TEXT,
        "events": list_of(MAPPING, "events", hint="each after `- `"),
        "logs": _FILES,
        "shuffle": SHUFFLE,
        "expect": _EXPECT,
        "known_divergence": Entries(
            Keys({"expect": _EXPECT, "reason": TEXT}, {"expect": "", "reason": ""}),
            matching(
                r"[a-z][a-z0-9_-]*(?:@[a-z]+)?(?::[a-z0-9_=.@-]+)*",
                "a target or target:format",
                "for example pysigma:esql",
            ),
        ),
    },
    {"name": "", "expect": ""},
)
SUITE = Keys(
    {
        "rule": _FILES,
        "base": TIME,
        "time_field": TEXT,
        "logsource": matching(r"[a-z0-9_-]+(?:/[a-z0-9_-]+){0,2}", "a log source", "for example aws/cloudtrail"),
        "defaults": Keys({"event": MAPPING}),
        "cases": list_of(ANYTHING, "cases", least=1, hint="each has a name, events and expect"),
    },
    {"rule": "", "cases": ""},
)


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
    """A case file: the rules that are judged together, what their logs are, and the cases without errors.

    `logsource` is `product/service` where the events are raw and need the view of a product, or None to leave that to
    the rules. `time_field` is the field in which a raw event has its time.
    """

    path: Path
    rules: tuple[Path, ...]
    logsource: str | None
    cases: tuple[Case, ...]
    time_field: str = "eventTime"


def _raise(error: SourceError) -> None:
    raise error


def find_case_files(paths: Sequence[Path], fail: Callable[[SourceError], None] = _raise) -> list[Path]:
    """Return the case files that `paths` name: files as they are, and `cases.yml` and `*.cases.yml` below folders.

    Args:
        paths: files and folders.
        fail: called with an error for a path that does not exist, a link that leads out of the scope, and a folder that
            holds no case file; all others are returned. By default it raises the error.
    """
    scope = Scope.of(paths)
    files: dict[Path, None] = {}
    for path in paths:
        with isolated(fail, about=f"looking for case files in {path}"):
            _check_named(path)
            if path.is_dir():
                listing = list_files(path, scope, _is_case_file)
                for name, reason in listing.errors:
                    fail(CaseError(f"{name} {reason}", hint=reason.hint))
                if not listing.files and not listing.errors:
                    hint = "case files are named cases.yml or NAME.cases.yml"
                    raise CaseError(f"no case file below {path}", hint=hint)
                files.update(dict.fromkeys(file.path for file in listing.files))
            elif path.exists():
                files[path] = None
            else:
                raise CaseError(f"no such file or folder: {path}")
    return list(files)


def load_cases(paths: Sequence[Path], on_error: Callable[[SourceError], None] | None = None) -> list[Suite]:
    """Load every case file that `paths` name (files or folders), in a stable order.

    The paths are those of the command line: they decide which files a case file may name.

    Args:
        paths: files and folders.
        on_error: called with the error of each path, file and case that cannot be read; it is left out, and all others
            are read. Without it, the first error is raised.

    Raises:
        CaseError: a file is not valid; `place` says where.
        LogError: a log that a case names is not readable.
    """
    fail = on_error or _raise
    scope = Scope.of(paths)
    logs = _Logs()
    suites: list[Suite] = []
    for file in find_case_files(paths, fail):
        with isolated(fail, about=f"reading {file}"):
            suites.append(_suite(file, scope, logs, fail))
    return suites


class _Logs:
    """Reads each log once, however many cases use it."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[LogEvent, ...]] = {}

    def events(self, path: Path) -> tuple[LogEvent, ...]:
        key = path.resolve()
        if key not in self._read:
            self._read[key] = tuple(islice(read_log(path, raw=True, size_limit="case-bytes"), current().events + 1))
        return self._read[key]


def _check_named(path: Path) -> None:
    try:
        check_named(path)
    except ScopeError as error:
        raise CaseError(f"{path} {error}", hint=error.hint) from None


def _is_case_file(path: Path) -> bool:
    return path.name == "cases.yml" or path.name.endswith(".cases.yml")


def _suite(path: Path, scope: Scope, logs: _Logs, fail: Callable[[SourceError], None]) -> Suite:
    document = _read(path)
    check(document, SUITE)
    data = document.data
    time_field = document.scalar("time_field") or "eventTime"
    frame = Frame(
        base=parse_time(data["base"]) if "base" in data else _BASE,
        time_field=time_field,
        defaults=data.get("defaults", {}).get("event", {}),
    )
    budget = Budget.of_file()
    cases: dict[str, Case] = {}
    for index in range(len(data["cases"])):
        with isolated(fail, document.place("cases", index), f"reading a case of {path}"):
            check(document, CASE, "cases", index)
            case = _case(document, ("cases", index), frame, scope, logs, budget)
            if case.name in cases:
                hint = f"the first is on line {cases[case.name].place.line}"
                raise CaseError(f"two cases are named {case.name!r}", case.place, hint)
            cases[case.name] = case
    return Suite(
        path=path,
        rules=tuple(_files(document, ("rule",), scope, "rule")),
        logsource=data.get("logsource"),
        cases=tuple(cases.values()),
        time_field=time_field,
    )


def _read(path: Path) -> Document:
    """Return the one document of a file.

    Raises:
        CaseError: the file cannot be read, is not one document of YAML, or exceeds a limit of `readers.yaml_document`.
    """
    try:
        raw = read_file(path)
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror}") from error
    documents = parse_documents(raw, str(path), CaseError, loader=JsonLoader)
    if not documents:
        raise CaseError("the file is empty", Place(str(path), 1, 1, ""), "expected `rule:` and `cases:`")
    first, *more = documents
    if more:
        raise CaseError("the file has a second document", more[0].place(), "put it into a file of its own")
    return first


def _case(document: Document, path: KeyPath, frame: Frame, scope: Scope, logs: _Logs, budget: Budget) -> Case:
    data = value_at(document, path)
    if "events" not in data and "logs" not in data:
        raise error_at(document, "a case has neither `events` nor `logs`", path)
    events: list[dict[str, Any]] = []
    names = _Names()
    if "logs" in data:
        for log in _files(document, (*path, "logs"), scope, "log"):
            read = logs.events(log)
            if not read:
                message = f"the log {log.name} holds no event"
                raise error_at(document, message, (*path, "logs"), "write `events: []` if that is meant")
            budget.spend(document, (*path, "logs"), len(read))
            events.extend(names.give(event.data, f"{log.name}:{event.position}") for event in read)
    if "events" in data:
        made = make_events(document, (*path, "events"), frame, budget)
        # Positions are given before shuffling: the same event keeps its name in every order.
        events.extend(names.give(event, f"e{number}") for number, event in enumerate(made, len(events) + 1))
    shuffle(events, data.get("shuffle", False))
    expect = _expect(document, (*path, "expect"))
    return Case(
        name=document.scalar(*path, "name") or "",
        events=tuple(events),
        expect=expect,
        divergences=tuple(
            _divergences(document, (*path, "known_divergence"), data.get("known_divergence", {}), expect)
        ),
        place=document.place(*path, "name"),
        description=(document.scalar(*path, "description") or "").strip(),
    )


class _Names:
    """Gives events of a case their ids: a case may read a log twice, or two logs of one name."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, event: dict[str, Any], name: str) -> dict[str, Any]:
        """Return an event with the name as its id, unless it has an id itself."""
        if isinstance(event.get("_id"), str | int):
            return event
        count = self._given[name] = self._given.get(name, 0) + 1
        return {**event, "_id": name if count == 1 else f"{name}#{count}"}


def _expect(document: Document, path: KeyPath) -> Expect:
    data = value_at(document, path)
    if isinstance(data, str):
        return Expect(alerts=0) if data == "none" else Expect(at_least_one=True)
    alerts = data.get("alerts")
    groups = tuple(
        {name: document.scalar(*path, "groups", index, name) or "" for name in group}
        for index, group in enumerate(data.get("groups", ()))
    )
    if alerts is not None and len(groups) > alerts:
        raise error_at(document, f"{len(groups)} groups cannot come of {alerts} alerts", (*path, "groups"))
    return Expect(alerts=alerts, at_least_one=alerts is None, groups=groups)


def _divergences(document: Document, path: KeyPath, targets: Mapping[str, Any], expect: Expect) -> Iterator[Divergence]:
    for target in targets:
        here = (*path, target)
        theirs = _expect(document, (*here, "expect"))
        if theirs == expect:
            message = f"{target} is expected to do what the rule does"
            raise error_at(document, message, (*here, "expect"), "that is not a divergence")
        yield Divergence(target, theirs, document.scalar(*here, "reason") or "", document.place(*here, key=True))


def _files(document: Document, path: KeyPath, scope: Scope, what: str) -> Iterator[Path]:
    """Yield the file or files that a value names, as paths to open. Raises CaseError."""
    folder = Path(document.name).parent
    value = value_at(document, path)
    for here in [(*path, index) for index in range(len(value))] if isinstance(value, list) else [path]:
        # Without the `..` of a relative path it can be read in messages.
        file = Path(os.path.normpath(folder / (document.scalar(*here) or "")))
        try:
            yield scope.file(file)
        except ScopeError as error:
            if error.missing:
                raise error_at(document, f"no such {what}: {file}", here, f"paths are relative to {folder}") from None
            raise error_at(document, f"the {what} {file} {error}", here, error.hint) from None
