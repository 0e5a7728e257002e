"""Fold the case of letters, one character to one character; ASCII letters equal only ASCII letters."""

from __future__ import annotations

from functools import lru_cache

_PLANES_WITH_CASE = range(0x80, 0x20000)


def fold(string: str) -> str:
    """Return the string with each character folded on its own, so that `?` still matches one character."""
    return string.lower() if string.isascii() else "".join(map(fold_character, string))


def fold_character(character: str) -> str:
    """Return the folded form of a character: lower case in ASCII, Unicode's simple case folding outside."""
    if character.isascii():
        return character.lower()
    folded = (character.casefold(), character.lower())
    return next((case for case in folded if len(case) == 1 and not case.isascii()), character)


@lru_cache(maxsize=1)
def cases_outside_ascii() -> dict[str, str]:
    """Return all cases of each letter outside ASCII, by its folded form."""
    cases: dict[str, str] = {}
    for character in map(chr, _PLANES_WITH_CASE):
        folded = fold_character(character)
        cases[folded] = cases.get(folded, "") + character
    return {folded: every for folded, every in cases.items() if len(every) > 1}


def cases_of(character: str) -> str:
    """Return all cases of a character."""
    if character.isascii():
        return character.lower() + character.upper() if character.isalpha() else character
    return cases_outside_ascii().get(fold_character(character), character)
