"""The outcomes of a cell by name, and which of them make `test` fail.

    --fail-on, --accept, configuration ──> Policy ──fails(outcome)──> the exit status of the run

Green is evidence: a query that finds the same alerts, or one that differs as was stated or declared. This module
imports nothing slow, because the configuration of every verb is checked against these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

CellKind: TypeAlias = Literal[
    "agree", "bounded", "divergence", "refused", "assumption", "unjudged", "stale", "changed", "disagree", "error"
]
KINDS: tuple[CellKind, ...] = get_args(CellKind)
_FAILURES: frozenset[CellKind] = frozenset({"assumption", "unjudged", "stale", "changed", "disagree", "error"})


@dataclass(frozen=True, slots=True)
class Policy:
    """Which outcomes make a run fail.

    Attributes:
        fail_on: outcomes that fail besides those that always do.
        accept: outcomes that do not fail.
    """

    fail_on: frozenset[CellKind] = frozenset()
    accept: frozenset[CellKind] = frozenset()

    def fails(self, kind: CellKind, *, named: bool) -> bool:
        """Return whether an outcome fails; `named`: the target was named, and refuses every rule of the case."""
        if kind in self.accept:
            return False
        return kind in self.fail_on or kind in _FAILURES or (kind == "refused" and named)
