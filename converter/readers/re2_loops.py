r"""Tell where RE2 finds other ends of a match than engines that go back do: a repeated group that may match nothing.

    (?:(a*|b))* on "ab": RE2 goes on after a round that matched nothing, and finds "ab"
                         Java and PCRE2 end the loop there, and find "a"

Whether there is a match is the same for both. Source: RE2 issue 330, "(|a)*"; Go issue 46123.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

_PART = re.compile(r"\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))|.", re.DOTALL)
_REPEATED = re.compile(r"[*+]|\{")
# What may hold and takes no character.
_ASSERTIONS = frozenset(("^", "$", r"\b", r"\B", r"\A", r"\z"))


@lru_cache(maxsize=1024)
def repeats_nothing(pattern: str) -> bool:
    """Return whether a group of a pattern of RE2 may match nothing and is repeated."""
    starts: list[int] = []
    for part in _PART.finditer(pattern):
        if part["open"]:
            starts.append(part.start())
        elif part["close"] and starts:
            start = starts.pop()
            if _REPEATED.match(pattern, part.end()) and _may_be_empty(pattern[start : part.end()]):
                return True
    return False


def _may_be_empty(group: str) -> bool:
    options: Any = re2.Options()
    options.log_errors = False
    characters = "".join(part[0] for part in _PART.finditer(group) if part[0] not in _ASSERTIONS)
    try:
        return re2.compile(characters, options).fullmatch("") is not None
    except re2.error:  # it is not a whole pattern by itself: RE2 is not asked
        return True
