"""Run the conformance cases against any implementation of Sigma, which answers questions line by line.

    cases ──JSON line──> runner ──JSON line──> compared ──> a table, and what failed

    python tests/conformance/run.py --runner "COMMAND ..." [--strict] [-k TEXT] [-v] [FILE...]

docs/conformance.md describes the cases and the protocol. This script needs Python and PyYAML, and nothing of ours.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HERE = Path(__file__).parent
TEMPLATE = "title: Conformance\nlogsource:\n  category: test\ndetection:\n"
Outcome = Literal["passed", "failed", "refused", "unjudged"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "refused", "unjudged")
_SHOWN_FAILURES = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Case(NamedTuple):
    """A case: the name of its file, its own name, the text of its rules, and everything else."""

    file: str
    name: str
    rule: str
    data: dict[str, Any]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the case; none if it is only about the rule."""
        return self.data["events"] if "events" in self.data else [self.data["event"]] if "event" in self.data else []


class Verdict(NamedTuple):
    """What an answer is worth, and what was wrong with it."""

    outcome: Outcome
    problem: str = ""


@dataclass(slots=True)
class Result:
    """The verdicts of all cases."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[tuple[Case, str]] = field(default_factory=list)

    def add(self, case: Case, verdict: Verdict) -> None:
        """Count a verdict."""
        self.counts.setdefault(case.file, Counter())[verdict.outcome] += 1
        if verdict.outcome == "failed":
            self.failures.append((case, verdict.problem))


class _Loader(yaml.SafeLoader):
    """YAML whose plain scalars are those of JSON."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null", "n"),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def load(paths: Sequence[Path] = ()) -> Iterator[Case]:
    """Yield the cases of some files, or of all."""
    for path in paths or sorted(HERE.glob("*/*.yml")):
        file = f"{path.resolve().parent.name}/{path.stem}"
        for document in yaml.load_all(path.read_text(encoding="utf-8"), _Loader):
            for case in document["cases"]:
                yield Case(file, case["name"], _rule(case) or _rule(document), case)


def _rule(data: dict[str, Any]) -> str:
    if "rule" in data:
        return str(data["rule"])
    return TEMPLATE + indent(str(data["detection"]), "  ") if "detection" in data else ""


class Runner:
    """An implementation of Sigma in a process of its own."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603  what the user asks to be run
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._seconds = seconds

    def ask(self, number: int, case: Case) -> dict[str, Any]:
        """Return the answer of the runner to a case.

        Raises:
            RuntimeError: it has ended, takes too long, or says what is no answer.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the runner has no standard input or output")
        question = json.dumps({"id": number, "rule": case.rule, "events": case.events}, ensure_ascii=False)
        watch = threading.Timer(self._seconds, process.kill)
        watch.start()
        try:
            process.stdin.write(question + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError as bad:
            raise RuntimeError(f"the runner does not listen: {bad}") from None
        finally:
            late = watch.finished.is_set()
            watch.cancel()
        if not line:
            raise RuntimeError(f"the runner took more than {self._seconds:g} s" if late else "the runner has ended")
        try:
            answer = json.loads(line)
        except ValueError:
            raise RuntimeError(f"the runner wrote what is not JSON: {line[:200]!r}") from None
        if not isinstance(answer, dict) or answer.get("id") != number:
            raise RuntimeError(f"the runner wrote what is no answer to {number}: {line[:200]!r}")
        return answer

    def close(self) -> None:
        """Let the runner end, or end it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def judge(case: Case, answer: dict[str, Any], *, strict: bool = False) -> Verdict:
    """Compare an answer with what a case expects.

    Args:
        case: what is expected.
        answer: what the runner says.
        strict: messages, constructs and places count as well, and nothing else may be refused.
    """
    data = case.data
    if "error" in data or "raises" in data:
        return _judge_error(data, answer, strict=strict)
    if "refused" in data:
        if not strict:  # what one implementation refuses another may well support
            return Verdict("refused" if "refused" in answer else "unjudged")
        if answer.get("refused") != data["refused"]:
            return Verdict("failed", f"expected to be refused: {data['refused']}; got {_shown(answer)}")
        return _judge_place(data, answer)
    if "refused" in answer:
        return Verdict("failed" if strict else "refused", f"refused: {answer['refused']}")
    if "alerts" in data:
        return _judge_alerts(data["alerts"], answer)
    expected = data["matches"]
    alerts = answer.get("alerts")
    found = [alert.get("event") for alert in alerts] if isinstance(alerts, list) else answer.get("matches")
    if not isinstance(found, list):
        return Verdict("failed", f"expected matches, got {_shown(answer)}")
    if (bool(found) if isinstance(expected, bool) else found) != expected:
        return Verdict("failed", f"expected the matches {json.dumps(expected)}, got {json.dumps(found)}")
    return Verdict("passed")


def _judge_error(data: dict[str, Any], answer: dict[str, Any], *, strict: bool) -> Verdict:
    part = data.get("error", data.get("raises"))
    if "refused" in answer and not strict:
        return Verdict("refused")
    if "error" not in answer:
        return Verdict("failed", f"expected an error ({part}), got {_shown(answer)}")
    if strict and str(part) not in str(answer["error"]):
        return Verdict("failed", f"expected an error with {part!r}, got {answer['error']!r}")
    return _judge_place(data, answer) if strict else Verdict("passed")


def _judge_place(data: dict[str, Any], answer: dict[str, Any]) -> Verdict:
    expected, found = (f"{one.get('line')}:{one.get('column')}" for one in (data, answer))
    if "line" in data and found != expected:
        return Verdict("failed", f"expected it at {expected}, got {found}")
    return Verdict("passed")


def _judge_alerts(expected: list[dict[str, Any]], answer: dict[str, Any]) -> Verdict:
    found = answer.get("alerts")
    if not isinstance(found, list):
        return Verdict("failed", f"expected alerts, got {_shown(answer)}")
    keys = {key for alert in expected for key in alert} | {"group", "first", "last", "events"}
    left = [{key: _plain(key, alert.get(key)) for key in sorted(keys)} for alert in found]
    right = [{key: _plain(key, alert.get(key)) for key in sorted(keys)} for alert in expected]
    if left != right:
        return Verdict("failed", f"expected the alerts {json.dumps(right)}, got {json.dumps(left)}")
    return Verdict("passed")


def _plain(key: str, value: Any) -> Any:
    """Return a value of an alert in one way to write it: times as text in UTC."""
    if key not in {"first", "last"} or value is None:
        return value
    moment = _EPOCH + timedelta(seconds=value) if isinstance(value, int | float) else datetime.fromisoformat(value)
    return moment.astimezone(UTC).isoformat()


def _shown(answer: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in answer.items() if key != "id"}, ensure_ascii=False)[:400]


def run(cases: Iterable[Case], runner: Runner, *, strict: bool = False) -> Result:
    """Ask a runner about each case. Raises RuntimeError, as `Runner.ask`."""
    result = Result()
    for number, case in enumerate(cases, 1):
        result.add(case, judge(case, runner.ask(number, case), strict=strict))
    return result


def table(result: Result) -> str:
    """Return the counts file by file, and in all."""
    rows = [(file, counts) for file, counts in sorted(result.counts.items())]
    rows.append(("all", sum(result.counts.values(), Counter())))
    width = max(len(name) for name, _ in rows)
    lines = [f"{'file'.ljust(width)}  " + "  ".join(outcome.rjust(8) for outcome in OUTCOMES)]
    lines += [
        f"{name.ljust(width)}  " + "  ".join(str(counts[outcome]).rjust(8) for outcome in OUTCOMES)
        for name, counts in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; return 0 if nothing failed, 1 if something did, 2 if the runner broke down."""
    parser = argparse.ArgumentParser(description="Run the conformance cases against an implementation of Sigma.")
    parser.add_argument("--runner", required=True, metavar="COMMAND", help="what answers on standard output")
    parser.add_argument("--strict", action="store_true", help="messages, constructs and places count as well")
    parser.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="for one answer; default 60")
    parser.add_argument("-k", dest="text", default="", metavar="TEXT", help="only cases with this in their name")
    parser.add_argument("-v", dest="verbose", action="store_true", help="show every failure, not only the first 20")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="default: all cases")
    given = parser.parse_args(arguments)
    cases = [case for case in load(given.files) if given.text in f"{case.file}: {case.name}"]
    try:
        runner = Runner(shlex.split(given.runner), given.timeout)
    except OSError as bad:
        sys.stderr.write(f"cannot start the runner: {bad}\n")
        return 2
    try:
        result = run(cases, runner, strict=given.strict)
    except RuntimeError as bad:
        sys.stderr.write(f"{bad}\n")
        return 2
    finally:
        runner.close()
    shown = result.failures if given.verbose else result.failures[:_SHOWN_FAILURES]
    for case, problem in shown:
        sys.stdout.write(f"{case.file}: {case.name}\n  {problem}\n")
    if len(shown) < len(result.failures):
        sys.stdout.write(f"... and {len(result.failures) - len(shown)} more (-v)\n")
    sys.stdout.write(table(result) + "\n")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
