"""Sample strings that a rule's regular expression matches.

    pattern, flags ──plan.regex_parse──> tree ──walk, with a random choice at each node──> string

A sample is a guess: look-around and boundaries restrict the text around them, which is not solved, so the caller must
check the sample.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

from converter.plan.casefold import variants
from converter.plan.regex import (
    LAST,
    Alternatives,
    Anchor,
    Char,
    Class,
    Dot,
    Group,
    Look,
    Reference,
    Repeat,
    complement,
)
from converter.plan.regex_parse import parse

if TYPE_CHECKING:
    from random import Random

    from converter.plan.regex import Node, Ranges

_MORE = 3
_PRINTABLE = (0x20, 0x7E)
_SURROGATES = (0xD800, 0xDFFF)


def sample_regex(pattern: str, flags: frozenset[str], chance: Random) -> str:
    """Return a string that the expression probably matches, without anything around the match."""
    return _alternatives(_tree(pattern, flags), chance, {})


@lru_cache(maxsize=1024)
def _tree(pattern: str, flags: frozenset[str]) -> Alternatives:
    return parse(pattern, flags)


def _alternatives(tree: Alternatives, chance: Random, captured: dict[int, str]) -> str:
    return "".join(_node(node, chance, captured) for node in chance.choice(tree.sequences))


def _node(node: Node, chance: Random, captured: dict[int, str]) -> str:
    match node:
        case Char(char, fold):
            return chance.choice(variants(char)) if fold else char
        case Dot(breaks):
            return chance.choice("ab \\.\r\n" if breaks else "ab \\.\r")
        case Class(negated=negated):
            return _member(complement(node.closed) if negated else node.closed, chance)
        case Anchor(kind):
            return chance.choice(("", "\n")) if kind in {"line start", "line end"} else ""
        case Group(inner, number):
            string = _alternatives(inner, chance, captured)
            if number is not None:
                captured[number] = string
            return string
        case Look(inner, _, negated):
            return "" if negated or chance.random() < 0.5 else _alternatives(inner, chance, captured)  # noqa: PLR2004
        case Reference(number):
            return captured.get(number, "")
        case Repeat(item, least, most):
            times = chance.randint(least, least + _MORE if most is None else min(most, least + _MORE))
            return "".join(_node(item, chance, captured) for _ in range(times))
        case _:
            assert_never(node)


def _member(ranges: Ranges, chance: Random) -> str:
    """Return a character of a class, mostly a printable ASCII character if there is one."""
    low, high = _PRINTABLE
    shown = [(max(low, first), min(high, last)) for first, last in ranges if first <= high and last >= low]
    if not ranges:
        return ""
    first, last = chance.choice(shown if shown and chance.random() < 0.9 else ranges)  # noqa: PLR2004
    code = chance.randint(first, min(last, first + 0x200))
    return chr(code) if code <= LAST and not _SURROGATES[0] <= code <= _SURROGATES[1] else "?"
