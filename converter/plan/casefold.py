"""Case of letters, one character for one, as docs/semantics.md has it.

Letters of ASCII equal letters of ASCII only: U+212A, U+017F, U+0130 and U+0131 are no K, S, I. Others follow the simple
folding of Unicode.
"""

from __future__ import annotations

from functools import lru_cache

_LAST_CASED = 0x1FFFF


def fold(char: str) -> str:
    """Return the character that stands for all that equal it ignoring case."""
    if char.isascii():
        return char.lower()
    return next((one for one in (char.casefold(), char.lower()) if len(one) == 1 and not one.isascii()), char)


def variants(char: str) -> tuple[str, ...]:
    """Return every character that equals this one ignoring case, itself included, in order."""
    if char.isascii():
        return tuple(sorted({char.lower(), char.upper()}))
    return _foreign().get(fold(char), (char,))


def is_cased(char: str) -> bool:
    """Whether some other character equals this one ignoring case."""
    return len(variants(char)) > 1


def has_foreign_case(text: str) -> bool:
    """Whether the text has a letter outside ASCII that has another case: products disagree about those."""
    return not text.isascii() and any(
        not char.isascii() and (is_cased(char) or char.lower() != char or char.upper() != char) for char in text
    )


def close_ranges(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return ranges of code points with the other cases of all their letters added."""
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
    """Return the letters outside ASCII by what they fold to."""
    groups: dict[str, list[str]] = {}
    for code in range(0x80, _LAST_CASED + 1):
        char = chr(code)
        groups.setdefault(fold(char), []).append(char)
    return {key: tuple(group) for key, group in groups.items() if len(group) > 1}
