"""Fold the case of letters, one character to one character, as docs/semantics.md defines it.

ASCII letters equal only ASCII letters: U+212A, U+017F, U+0130 and U+0131 are not K, S or I. Other letters follow
Unicode's simple case folding.
"""

from __future__ import annotations

from functools import lru_cache

_LAST_CASED = 0x1FFFF


def fold(char: str) -> str:
    """Return the character that represents all characters equal to this one ignoring case."""
    if char.isascii():
        return char.lower()
    return next(
        (folded for folded in (char.casefold(), char.lower()) if len(folded) == 1 and not folded.isascii()), char
    )


def variants(char: str) -> tuple[str, ...]:
    """Return every character that equals this one ignoring case, itself included, in order."""
    if char.isascii():
        return tuple(sorted({char.lower(), char.upper()}))
    return _foreign().get(fold(char), (char,))


def is_cased(char: str) -> bool:
    """Return whether another character equals this one ignoring case."""
    return len(variants(char)) > 1


def has_foreign_case(text: str) -> bool:
    """Return whether the text holds a letter outside ASCII that has case: products disagree about those."""
    return not text.isascii() and any(
        not char.isascii() and (is_cased(char) or char.lower() != char or char.upper() != char) for char in text
    )


def close_ranges(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return the ranges of code points, with the other case of each letter in them added."""
    groups = [tuple(sorted({chr(code), chr(code + 32)})) for code in range(0x41, 0x5B)]
    if any(high > 0x7F for _, high in ranges):  # noqa: PLR2004  beyond ASCII
        groups += [group for group in _foreign().values() if len(group) > 1]
    added = {
        ord(char)
        for group in groups
        if any(low <= ord(char) <= high for char in group for low, high in ranges)
        for char in group
    }
    return merge_ranges((*ranges, *((code, code) for code in added)))


def merge_ranges(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return the same code points as sorted ranges with gaps between them."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


@lru_cache(maxsize=1)
def _foreign() -> dict[str, tuple[str, ...]]:
    """Return the letters outside ASCII by their folded form, where several share one."""
    groups: dict[str, list[str]] = {}
    for code in range(0x80, _LAST_CASED + 1):
        char = chr(code)
        groups.setdefault(fold(char), []).append(char)
    return {key: tuple(group) for key, group in groups.items() if len(group) > 1}
