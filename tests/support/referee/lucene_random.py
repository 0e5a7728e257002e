"""Make patterns of Lucene at random, and texts that match or nearly do.

regex_with_texts ──> an expression by the grammar of Lucene's RegExp, now and then broken, and texts from its parts
wildcard_with_texts ──> a pattern with *, ? and backslashes, and texts from its parts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

Made: TypeAlias = "tuple[str, Callable[[], str]]"

# Letters whose cases are odd, digits, operators, spaces, beyond the basic plane.
_ALPHABET = 'abkszABKSZ0159 _-.\\/*?+|()[]{}"<>#@&~^$\n\t\r\x85\u2028äÄßẞſKσςΣİıéµμǆ𐐨𐐀😀\u0301,'  # noqa: RUF001  odd on purpose
_PLAIN = "abkszABKSZ0159_ "
_OPERATORS = '.*?+|()[]{}"<>#@&~\\'
_CLASSES = "dDsSwW"
_BROKEN = 0.1


def regex_with_texts(random: Random, texts: int) -> tuple[str, list[str]]:
    """Return an expression, and texts for it."""
    maker = _Maker(random)
    pattern, sample = maker.union(3)
    if random.random() < _BROKEN:
        at = random.randrange(len(pattern) + 1)
        pattern = pattern[:at] + random.choice([*_OPERATORS, "", "{2}", "\\d", "<1-5>"]) + pattern[at + 1 :]
    return pattern, [mutated(random, sample()) for _ in range(texts)]


def wildcard_with_texts(random: Random, texts: int) -> tuple[str, list[str]]:
    """Return a pattern of `*` and `?` in which some characters stand behind a backslash, and texts for it."""
    parts: list[tuple[str, str]] = []  # what is written, and the literal it means or "" for an operator
    for _ in range(random.randrange(6)):
        kind = random.random()
        if kind < 0.35:
            parts.append((random.choice(["*", "?", "**", "?*"]), ""))
        elif kind < 0.55:
            character = random.choice('*?\\"ak' + _ALPHABET)
            parts.append(("\\" + character, character))
        else:
            word = "".join(random.choice(_ALPHABET) for _ in range(random.randint(1, 3)))
            parts.append((word, word))
    if random.random() < _BROKEN:
        parts.append(("\\", "\\"))

    def sample() -> str:
        made = ""
        for written, literal in parts:
            if literal:
                made += literal
            else:
                made += "".join(random.choice(_ALPHABET) for _ in range(random.randrange(3) if "*" in written else 1))
        return made

    return "".join(written for written, _ in parts), [mutated(random, sample()) for _ in range(texts)]


def mutated(random: Random, text: str) -> str:
    """Return the text, or one that differs a little."""
    kind = random.random()
    if kind < 0.4:
        return text
    if kind < 0.5:
        return text.swapcase()
    if kind < 0.6:
        return "".join(random.choice([c, c.upper(), c.lower()]) for c in text)
    at = random.randrange(len(text) + 1)
    other = random.choice(_ALPHABET)
    if kind < 0.75:
        return text[:at] + other + text[at + 1 :]
    if kind < 0.9:
        return text[:at] + text[at + 1 :]
    return text[:at] + other + text[at:]


class _Maker:
    """Returns of each rule of the grammar a text, and a function that makes texts that the rule matches, mostly."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def union(self, depth: int) -> Made:
        parts = [self._intersection(depth) for _ in range(self._random.choice([1, 1, 1, 2, 3]))]
        pattern = "|".join(pattern for pattern, _ in parts)
        samples = [sample for _, sample in parts]
        return pattern, lambda: self._random.choice(samples)()  # noqa: PLW0108  another one each time

    def _intersection(self, depth: int) -> Made:
        parts = [self._concatenation(depth) for _ in range(self._random.choice([1] * 8 + [2]))]
        samples = [sample for _, sample in parts]
        return "&".join(pattern for pattern, _ in parts), lambda: self._random.choice(samples)()  # noqa: PLW0108

    def _concatenation(self, depth: int) -> Made:
        parts = [self._repeat(depth) for _ in range(self._random.choice([1, 1, 2, 2, 3, 4]))]
        samples = [sample for _, sample in parts]
        return "".join(pattern for pattern, _ in parts), lambda: "".join(sample() for sample in samples)

    def _repeat(self, depth: int) -> Made:
        pattern, sample = self._complement(depth)
        kind = self._random.random()
        if kind < 0.65:
            return pattern, sample
        low, more = self._random.randrange(4), self._random.randrange(3)
        suffix, least, most = self._random.choice(
            [
                ("?", 0, 1),
                ("*", 0, 3),
                ("+", 1, 3),
                (f"{{{low}}}", low, low),
                (f"{{{low},}}", low, low + 2),
                (f"{{{low},{low + more}}}", low, low + more),
            ]
        )
        return pattern + suffix, lambda: "".join(sample() for _ in range(self._random.randint(least, most)))

    def _complement(self, depth: int) -> Made:
        pattern, sample = self._simple(depth)
        if self._random.random() < 0.06:
            return "~" + pattern, lambda: mutated(self._random, sample())
        return pattern, sample

    def _simple(self, depth: int) -> Made:
        choice = self._random.random()
        if depth and choice < 0.18:
            if self._random.random() < 0.08:
                return "()", lambda: ""
            pattern, sample = self.union(depth - 1)
            return f"({pattern})", sample
        if choice < 0.34:
            return self._class()
        if choice < 0.42:
            return self._escape()
        if choice < 0.5:
            return self._random.choice([(".", self._any), (".", self._any), ("@", self._some), ("#", self._any)])
        if choice < 0.55:
            quoted = "".join(self._random.choice(_ALPHABET.replace('"', "")) for _ in range(self._random.randrange(4)))
            return f'"{quoted}"', lambda: quoted
        if choice < 0.6:
            return self._interval()
        letters = _PLAIN if self._random.random() < 0.6 else "".join(c for c in _ALPHABET if c not in _OPERATORS)
        character = self._random.choice(letters)
        return character, lambda: character

    def _any(self) -> str:
        return self._random.choice(_ALPHABET)

    def _some(self) -> str:
        return "".join(self._any() for _ in range(self._random.randrange(4)))

    def _escape(self) -> Made:
        if self._random.random() < 0.5:
            letter = self._random.choice(_CLASSES)
            pool = {"d": "059", "s": " \t\n\r", "w": "azAZ09_"}.get(letter, _ALPHABET)
            return "\\" + letter, lambda: self._random.choice(pool)
        character = self._random.choice(_OPERATORS + "^$-/ äd𐐨")
        return "\\" + character, lambda: character

    def _class(self) -> Made:
        members: list[str] = []
        pool: list[str] = []
        for _ in range(self._random.randint(1, 4)):
            kind = self._random.random()
            if kind < 0.4:
                low, high = sorted((self._random.choice(_ALPHABET), self._random.choice(_ALPHABET)))
                low, high = (self._in_class(low), self._in_class(high))
                members.append(f"{low}-{high}")
                pool += [low[-1], high[-1], chr((ord(low[-1]) + ord(high[-1])) // 2)]
            elif kind < 0.55:
                members.append("\\" + self._random.choice(_CLASSES))
                pool += "5 z"
            else:
                character = self._random.choice(_ALPHABET)
                members.append(self._in_class(character))
                pool.append(character)
        negated = "^" if self._random.random() < 0.25 else ""
        pool = [c for c in pool if not 0xD800 <= ord(c) <= 0xDFFF] or ["a"]
        return f"[{negated}{''.join(members)}]", lambda: self._random.choice([*pool, self._any()])

    def _in_class(self, character: str) -> str:
        must = character in "]\\-^"
        return "\\" + character if (must and self._random.random() < 0.9) or self._random.random() < 0.05 else character

    def _interval(self) -> Made:
        low, high = (self._random.choice([0, 1, 5, 9, 10, 19, 99, 100, 250, 1000]) for _ in range(2))
        width = self._random.choice([0, 0, 3, 5])
        written = f"<{str(low).zfill(width)}-{str(high).zfill(width)}>"
        pool = [low, high, (low + high) // 2, max(low, high) + 1, max(0, min(low, high) - 1)]
        return written, lambda: str(self._random.choice(pool)).zfill(self._random.choice([width, width, 0, 4]))
