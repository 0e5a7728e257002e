"""Wildcards of the reference, against an evaluator that tries everything."""

from __future__ import annotations

from itertools import product

import pytest

from converter.plan.nodes import Pattern, Wildcard
from converter.reference.wildcards import contains, like

UNITS: tuple[str | Wildcard, ...] = (Wildcard.ANY, Wildcard.ONE, "a", "b")
STRINGS = ["".join(letters) for length in range(6) for letters in product("abA", repeat=length)]


def pattern_of(units: tuple[str | Wildcard, ...]) -> Pattern:
    parts: list[str | Wildcard] = []
    for unit in units:
        if isinstance(unit, str) and parts and isinstance(parts[-1], str):
            parts[-1] += unit
        else:
            parts.append(unit)
    return Pattern(tuple(parts))


def tries(units: tuple[str | Wildcard, ...], string: str) -> bool:
    """Return whether the units match, by trying every length of each `*`."""
    if not units:
        return not string
    if units[0] is Wildcard.ANY:
        return any(tries(units[1:], string[length:]) for length in range(len(string) + 1))
    return bool(string) and units[0] in {string[0], Wildcard.ONE} and tries(units[1:], string[1:])


@pytest.mark.parametrize("length", range(5))
def test_every_short_pattern_on_every_short_string(length: int) -> None:
    for units in product(UNITS, repeat=length):
        pattern = pattern_of(units)
        anywhere: tuple[str | Wildcard, ...] = (Wildcard.ANY, *units, Wildcard.ANY)
        for string in STRINGS[:: 1 if length < 4 else 5]:
            assert like(pattern, string, cased=True) == tries(units, string), (units, string)
            assert like(pattern, string, cased=False) == tries(units, string.lower()), (units, string)
            assert contains(pattern, string, cased=True) == tries(anywhere, string), (units, string)
