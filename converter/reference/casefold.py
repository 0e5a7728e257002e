"""Case of letters: one character for one, and a letter of ASCII equals letters of ASCII only."""

from __future__ import annotations

from functools import lru_cache

_PLANES_WITH_CASE = range(0x80, 0x20000)


def fold(text: str) -> str:
    """Return the text without case, each character on its own, so that `?` stays one character."""
    return text.lower() if text.isascii() else "".join(map(fold_character, text))


def fold_character(character: str) -> str:
    """Return what stands for a character in all its cases (the simple folding of Unicode, if outside ASCII)."""
    if character.isascii():
        return character.lower()
    folded = (character.casefold(), character.lower())
    return next((one for one in folded if len(one) == 1 and not one.isascii()), character)


@lru_cache(maxsize=1)
def cases_outside_ascii() -> dict[str, str]:
    """Return, for each folded letter outside ASCII, all its cases."""
    cases: dict[str, str] = {}
    for character in map(chr, _PLANES_WITH_CASE):
        folded = fold_character(character)
        cases[folded] = cases.get(folded, "") + character
    return {folded: found for folded, found in cases.items() if len(found) > 1}


def cases_of(character: str) -> str:
    """Return all cases of a character."""
    if character.isascii():
        return character.lower() + character.upper() if character.isalpha() else character
    return cases_outside_ascii().get(fold_character(character), character)
