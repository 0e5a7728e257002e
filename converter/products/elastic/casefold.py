"""Which letters are one where case is ignored, as Lucene and Java have it.

Lucene's term, prefix and wildcard queries fold the letters of ASCII, and so does ES|QL's comparison of `TO_LOWER(f)`
with a string. A regular expression of Lucene folds all letters, one by one. Sources: NOTES.md, "Case".
"""

from __future__ import annotations

from functools import lru_cache

_ASCII_CASES = {"k": "Kk\u212a", "s": "Ss\u017f"}
# Pairs that no simple mapping of case joins, or only one of a letter in ASCII.
_JOINED = ("\u0390\u1fd3", "\u03b0\u1fe3", "\ufb05\ufb06", "k\u212a", "K\u212a", "s\u017f")
_TURKISH = {"\u0130": "i\u0130", "\u0131": "I\u0131"}
_FIRST, _LAST = 0x80, 0x1F000  # beyond, no letter has a case


def fold_ascii(text: str) -> str:
    """Return a string with the letters of ASCII in lower case, and no others."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def cases(char: str) -> str:
    """Return a character in all its cases, as Lucene's expressions expand it; not always the same from each of them."""
    if char.isascii():
        return _ASCII_CASES.get(char.lower()) or "".join(sorted({char.lower(), char.upper()}))
    return _TURKISH.get(char) or _cases().get(char, char)


@lru_cache(maxsize=1)
def _cases() -> dict[str, str]:
    """Return the characters outside ASCII that have cases, each with all of them."""
    groups: dict[str, set[str]] = {}
    pairs: list[str] = [
        char + other
        for char in map(chr, range(_FIRST, _LAST))
        for other in {char.lower(), char.upper(), char.title()}
        if other != char and len(other) == 1 and char not in _TURKISH
    ]
    for char, other in map(tuple, (*pairs, *_JOINED)):
        group = groups.setdefault(char, {char})
        joined = groups.setdefault(other, {other})
        if group is not joined:
            group |= joined
            for member in joined:
                groups[member] = group
    return {char: "".join(sorted(group)) for char, group in groups.items()}
