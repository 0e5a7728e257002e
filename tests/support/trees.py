"""Whether a text of a rule has changed the structure of a query, by the tree that the engine's own parser gives.

    plan with the text       ──emit──> query ──parse──> tree ──fits──┐
    plan with two twins of it ─emit──> queries ─parse──> trees ──────┴──> the same nodes, the same words of the language

A twin is a harmless text of the same class: an emitter may say a text with wildcards, with letters outside ASCII or
without letters in another way. Where the trees of two twins have the same text it is of the language, and must be in
the tree as well; where they differ it is of the rule, and may be anything.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from converter.errors import ConfigurationError
from converter.targets.core.engines import find_engine
from tests.support.targets import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.harness.target_spec import TargetName
    from converter.targets.core.target import Query

_WILDCARDS = re.compile(r"[*?]")  # of a text that is matched with them; those of a rule stay in its twins
_PLAIN = re.compile(r"[0-9a-fA-F.:/+-]*", re.ASCII)


class _Alphabet(NamedTuple):
    """What stands in a twin for each class of characters; None: they stay."""

    upper: str
    lower: str
    digit: str
    punctuation: str
    control: str | None
    cased: str
    caseless: str


# Two twins of each kind. Splunk says what is not ASCII, and what its first search cannot quote, as letters outside it.
_ALPHABETS = (
    (_Alphabet("W", "w", "1", "_", None, "\u0101", "\u3042"), _Alphabet("V", "v", "2", "__", None, "\u0113", "\u3044")),
    (_Alphabet("W", "w", "1", "w", None, "\u0101", "\u3042"), _Alphabet("V", "v", "2", "v", None, "\u0113", "\u3044")),
    (
        _Alphabet("W", "w", "1", "\u0101", "\u0101", "\u0101", "\u3042"),
        _Alphabet("V", "v", "2", "\u0113", "\u0113", "\u0113", "\u3044"),
    ),
)


def twins(text: str, kept: str = "") -> Iterator[tuple[str, str]]:
    """Yield pairs of twins of a text: of each class that it may be of.

    Args:
        text: of a rule.
        kept: characters that stay.
    """
    for first, second in _ALPHABETS:
        yield _twin(text, kept, first), _twin(text, kept, second)
    if _PLAIN.fullmatch(text):  # a number or an address is harmless as it is, and may be said in a way of its own
        yield text, text


def _twin(text: str, kept: str, alphabet: _Alphabet) -> str:
    return "".join(char if char in kept else _other(char, alphabet) for char in text)


def _other(char: str, alphabet: _Alphabet) -> str:
    if not char.isprintable():
        return char if alphabet.control is None else alphabet.control
    if char == " ":
        return char
    if not char.isascii():
        same = {char, char.lower(), char.upper(), char.title(), char.casefold(), char.swapcase()}
        return alphabet.caseless if len(same) == 1 else alphabet.cased
    if char.isdigit():
        return alphabet.digit
    if char.isalpha():
        return alphabet.upper if char.isupper() else alphabet.lower
    return alphabet.punctuation


def tree_of(query: Query, variant: TargetName) -> Any:
    """Return the tree of a query, or of the query in a file; None if the target's language has no trees."""
    try:
        return find_engine(target_of(variant).language).parse(query.text if query.inner is None else query.inner)
    except ConfigurationError:
        return None


def fits(tree: Any, first: Any, second: Any) -> bool:
    """Return whether a tree has the structure that the trees of two twins have in common."""
    if type(tree) is not type(first) or type(first) is not type(second):
        return False
    if isinstance(first, str):
        return tree == first if first == second else _WILDCARDS.findall(tree) == _WILDCARDS.findall(first)
    if isinstance(first, int | float) and not isinstance(first, bool):
        return first != second or bool(tree == first)
    if isinstance(first, tuple | list):
        return len(tree) == len(first) == len(second) and all(map(fits, tree, first, second))
    if dataclasses.is_dataclass(first):
        # Quotes around a name or a value are no structure: a text in them is still one text.
        names = [field.name for field in dataclasses.fields(first) if field.compare and field.name != "quoted"]
        return all(fits(*(getattr(node, name) for node in (tree, first, second))) for name in names)
    return bool(tree == first == second)
