"""Compute the effort of making a regular expression deterministic, as Lucene counts it to decide when to give up.

    tree ──positions──> nondeterministic automaton ──sets of positions, breadth first──> sum of their sizes

Lucene's automaton has one state (here: a position) for each character or class in the expression, with repetitions
written out. Each state of the deterministic automaton is a set of positions, and the effort is the sum of the sizes of
these sets. Lucene refuses an expression whose effort reaches ten times `max_determinized_states`.
Source: Lucene `Operations.determinize`, `Operations.repeat`; tests/referee compares the two.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, assert_never

from converter.plan.casefold import variants
from converter.plan.regex import LAST, Alternatives, Anchor, Char, Class, Dot, Group, Look, Reference, Repeat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.plan.regex import Node, Ranges, Sequence

_MOST_POSITIONS = 20_000


class _TooLargeError(Exception):
    """The expression has too many positions to go on."""


def effort(tree: Alternatives, limit: int) -> int:
    """Return the effort of an expression that matches whole values, but not more than `limit`.

    Args:
        tree: without anchors, look-around and references.
        limit: the effort at which to stop.
    """
    automaton = _Positions()
    try:
        automaton.build(tree)
    except _TooLargeError:
        return limit
    return automaton.effort(limit)


class _Part:
    """A part of an expression: the positions it may begin with and end with, as sets, and whether it may be empty."""

    __slots__ = ("empty", "first", "last")

    def __init__(self, first: int, last: int, *, empty: bool) -> None:
        self.first = first
        self.last = last
        self.empty = empty


class _Positions:
    """The nondeterministic automaton. A set of positions is an integer with a bit for each; bit 0 is the start."""

    def __init__(self) -> None:
        self._ranges: list[Ranges] = [()]
        self._follow: list[int] = [0]

    def build(self, tree: Alternatives) -> None:
        self._follow[0] = self._alternatives(tree).first

    def effort(self, limit: int) -> int:
        alphabet = self._alphabet()
        done = 0
        pending = deque([1])
        seen = {1}
        while pending:
            state = pending.popleft()
            done += state.bit_count()
            if done >= limit:
                return limit
            after = 0
            for position in _bits(state):
                after |= self._follow[position]
            for letters in alphabet:
                following = after & letters
                if following and following not in seen:
                    seen.add(following)
                    pending.append(following)
        return done

    def _alphabet(self) -> list[int]:
        """Return, for each class of characters that no position tells apart, the set of positions that accept it."""
        edges = sorted({edge for ranges in self._ranges for low, high in ranges for edge in (low, high + 1)})
        takes = dict.fromkeys(edges, 0)
        places = {edge: at for at, edge in enumerate(edges)}
        for position, ranges in enumerate(self._ranges):
            for low, high in ranges:
                for edge in edges[places[low] : places[high + 1]]:
                    takes[edge] |= 1 << position
        return list(dict.fromkeys(takes.values()))

    def _alternatives(self, tree: Alternatives) -> _Part:
        parts = [self._sequence(sequence) for sequence in tree.sequences]
        return _Part(
            _union(part.first for part in parts),
            _union(part.last for part in parts),
            empty=any(part.empty for part in parts),
        )

    def _sequence(self, nodes: Sequence) -> _Part:
        whole = _Part(0, 0, empty=True)
        for node in nodes:
            whole = self._joined(whole, self._node(node))
        return whole

    def _joined(self, before: _Part, after: _Part) -> _Part:
        self._link(before.last, after.first)
        return _Part(
            before.first | after.first if before.empty else before.first,
            before.last | after.last if after.empty else after.last,
            empty=before.empty and after.empty,
        )

    def _link(self, before: int, after: int) -> None:
        for position in _bits(before):
            self._follow[position] |= after

    def _node(self, node: Node) -> _Part:
        match node:
            case Char(char, fold):
                return self._set(tuple((ord(case), ord(case)) for case in (variants(char) if fold else char)))
            case Dot(breaks):
                return self._set(((0, LAST),) if breaks else ((0, 9), (11, LAST)))
            case Class(negated=negated):
                return self._set(_outside(node.closed) if negated else node.closed)
            case Group(inner):
                return self._alternatives(inner)
            case Repeat(item, least, most):
                return self._repeat(item, least, most)
            case Anchor() | Look() | Reference():
                raise AssertionError(node)
        assert_never(node)

    def _set(self, ranges: Ranges) -> _Part:
        position = len(self._ranges)
        if position > _MOST_POSITIONS:
            raise _TooLargeError
        self._ranges.append(ranges)
        self._follow.append(0)
        return _Part(1 << position, 1 << position, empty=False)

    def _repeat(self, item: Node, least: int, most: int | None) -> _Part:
        whole = self._sequence((item,) * least)
        if most is None:
            again = self._node(item)
            self._link(again.last, again.first)
            return self._joined(whole, _Part(again.first, again.last, empty=True))
        if most == least:
            return whole
        # Each further repetition follows the one before it.
        chain = self._node(item)
        first, last, end = chain.first, chain.last, chain.last
        for _ in range(most - least - 1):
            chain = self._node(item)
            self._link(end, chain.first)
            end = chain.last
            last |= end
        return self._joined(whole, _Part(first, last, empty=True))


def _bits(mask: int) -> Iterable[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _union(masks: Iterable[int]) -> int:
    whole = 0
    for mask in masks:
        whole |= mask
    return whole


def _outside(ranges: Ranges) -> Ranges:
    edges = [-1, *(edge for span in ranges for edge in span), LAST + 1]
    return tuple((low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True) if low + 1 < high)
