"""Count the outcomes that tests record, at the end of a run, over all its processes.

    test ──record──> property of its report ──Outcomes──> a line for each target; too few that agree fail the run

One test sees one case, so only here can be seen that a target does not agree by refusing or assuming everything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_PROPERTY = "outcome"
_EXCUSED = ("assumption", "bounded", "nothing left", "not repaired", "nothing found")


def record(record_property: Callable[[str, object], None], target: str, kind: str, cases: int) -> None:
    """Record an outcome of a target: agree, one of `_EXCUSED`, refused or differs; `cases` is how many it has."""
    record_property(_PROPERTY, [target, kind, cases])


class Outcomes:
    """The outcomes of a run, by target. A plugin of pytest."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._tests: defaultdict[str, set[str]] = defaultdict(set)
        self._cases: dict[str, int] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcomes of a test, from whichever process ran it."""
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == _PROPERTY:
                target, kind, cases = cast("tuple[str, str, int]", value)
                self._cases[target] = cases
                self._counts[target][kind] += 1
                self._tests[target].add(report.nodeid)

    def problems(self) -> list[str]:
        """Return the targets of which all cases were run, and most do not agree."""
        return [
            f"{target}: fewer outcomes agree than are excused"
            for target, counts in self._counts.items()
            if len(self._tests[target]) == self._cases[target]
            and counts["agree"] <= sum(counts[kind] for kind in _EXCUSED)
        ]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if most of a target does not agree."""
        if self.problems() and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the counts."""
        if not self._counts:
            return
        terminalreporter.section("outcomes")
        for target, counts in sorted(self._counts.items()):
            terminalreporter.line(f"{target}: {', '.join(f'{kind} {count}' for kind, count in counts.most_common())}")
        for problem in self.problems():
            terminalreporter.line(problem, red=True)
