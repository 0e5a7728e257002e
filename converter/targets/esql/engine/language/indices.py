r"""Which indices FROM names: a list of names, patterns with `*`, and exclusions, which count from left to right.

    FROM a*, -ab, "c,d"  ──expressions──> a*  -ab  c  d  ──selects(name)──> whether the index is read

An exclusion takes away what the expressions before it name; what follows it may name the same index again. Sources:
NOTES.md, "Indices".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DATE_MATH = "date math in the name of an index"
REMOTE_EXCLUSION = "an exclusion of indices of a remote cluster"
EARLY_EXCLUSION = "an exclusion before any pattern with '*'"
REFUSED = (DATE_MATH, REMOTE_EXCLUSION, EARLY_EXCLUSION)
_BACKING_INDEX = re.compile(r"\.(?:ds|fs)-(.+)-\d{4}\.\d\d\.\d\d-\d{6}")


def expressions(sources: Iterable[str]) -> tuple[str, ...]:
    """Return the names, patterns and exclusions of FROM; a quoted source may be a list with commas."""
    return tuple(part.strip() for text in sources for part in text.split(","))


def unsupported(parts: Sequence[str]) -> str | None:
    """Return what is refused of the expressions of FROM where an index has a name, one of REFUSED, or None."""
    if any("<" in part for part in parts):
        return DATE_MATH
    pattern_before = False
    for part in parts:
        excludes = part.startswith("-")
        if ":-" in part or (excludes and ":" in part):
            return REMOTE_EXCLUSION
        if excludes and not pattern_before:
            return EARLY_EXCLUSION
        pattern_before = pattern_before or "*" in part
    return None


def selects(parts: Sequence[str], index: str) -> bool:
    """Return whether FROM reads an index; one that backs a data stream is named by the stream as well."""
    backing = _BACKING_INDEX.fullmatch(index)
    names = (index, backing[1]) if backing else (index,)
    selected = False
    for part in parts:
        excludes = part.startswith("-")
        if any(_matches(part[1:] if excludes else part, name) for name in names):
            selected = not excludes
    return selected


def _matches(pattern: str, name: str) -> bool:
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # One `.*` a star, adjacent stars as one: index names are short, so backtracking stays small.
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)
