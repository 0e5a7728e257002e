r"""The fixed strings of a regular expression: a string that matches it matches one of these patterns.

    ^(?:foo|bar)\d+\.exe\z ──> foo*.exe | bar*.exe
    \bmimi[kK]atz\b        ──> *mimikatz*

Case does not matter here: whoever reads the patterns ignores it. What is not fixed is a `*`, so a pattern may match
more than the expression, and never less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from converter.plan.nodes import Wildcard
from converter.plan.regex import Anchor, Char, Class, Dot, Group, Look, Reference, Repeat

if TYPE_CHECKING:
    from converter.plan.regex import Alternatives, Node, Sequence

_MAX = 16  # patterns of one expression
_MAX_COUNT = 8  # copies of what is repeated
_MAX_PARTS = 64  # parts that are copied: repeats of repeats would multiply
_LEAST_TEXT = 2  # characters that are worth looking for

Edge: TypeAlias = Literal["start", "end"]
Parts: TypeAlias = tuple["str | Wildcard | _Edge", ...]


class _Edge:
    """The start or the very end of the text."""

    __slots__ = ("kind",)

    def __init__(self, kind: Edge) -> None:
        self.kind = kind


_START, _END = _Edge("start"), _Edge("end")
_ANY: list[Parts] = [(Wildcard.ANY,)]
_NOTHING: list[Parts] = [()]


def fixed_patterns(tree: Alternatives) -> list[tuple[str | Wildcard, ...]]:
    """Return the parts of patterns; a string that matches the expression matches one of them, ignoring case.

    Returns:
        Nothing if one of them would have no text worth looking for.
    """
    patterns = [_closed(parts) for parts in _alternatives(tree)]
    if any(sum(len(part) for part in parts if isinstance(part, str)) < _LEAST_TEXT for parts in patterns):
        return []
    return patterns


def _closed(parts: Parts) -> tuple[str | Wildcard, ...]:
    """Return parts with a wildcard at each end that no anchor closes; texts are joined."""
    left = () if parts[:1] == (_START,) else (Wildcard.ANY,)
    right = () if parts[-1:] == (_END,) else (Wildcard.ANY,)
    joined: list[str | Wildcard] = []
    for part in (*left, *(part for part in parts if not isinstance(part, _Edge)), *right):
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif not (part is Wildcard.ANY and joined and joined[-1] is Wildcard.ANY):
            joined.append(part)
    return tuple(joined)


def _alternatives(tree: Alternatives) -> list[Parts]:
    alternatives = [parts for sequence in tree.sequences for parts in _sequence(sequence)]
    return alternatives if len(alternatives) <= _MAX else _ANY


def _sequence(sequence: Sequence) -> list[Parts]:
    sequences = _NOTHING
    for node in sequence:
        choices = _node(node)
        if len(sequences) * len(choices) > _MAX:
            choices = _ANY
        sequences = [before + after for before in sequences for after in choices]
    return sequences


def _node(node: Node) -> list[Parts]:
    match node:
        case Char(char):
            return [(char,)]
        case Class():
            return _class(node)
        case Dot() | Reference():
            return _ANY
        case Anchor("start"):
            return [(_START,)]
        case Anchor("very end"):
            return [(_END,)]
        case Anchor() | Look():
            return _NOTHING  # takes no character
        case Group(inner):
            return _alternatives(inner)
        case Repeat(item, least, most):
            return _repeat(_node(item), least, most)
        case _:
            assert_never(node)


def _class(node: Class) -> list[Parts]:
    """Return the one letter of a class such as `[kK]`."""
    codes = [code for low, high in node.ranges if high - low <= 1 for code in range(low, high + 1)]
    letters = {chr(code).lower() for code in codes if code < 0x80}  # noqa: PLR2004  beyond ASCII nothing is sure
    whole = len(codes) == sum(high - low + 1 for low, high in node.ranges)
    known = not node.negated and whole and len(letters) == 1 and all(code < 0x80 for code in codes)  # noqa: PLR2004
    return [(letters.pop(),)] if known else _ANY


def _repeat(choices: list[Parts], least: int, most: int | None) -> list[Parts]:
    if least == 0:
        return _ANY
    if len(choices) > 1:
        return choices if (least, most) == (1, 1) else _ANY
    copies = min(least, _MAX_COUNT) if len(choices[0]) <= _MAX_PARTS else 1
    exact = copies == least == most
    return [choices[0] * copies + (() if exact else (Wildcard.ANY,))]
