"""A rule's regular expression to one of Lucene, which EQL's `regex` takes.

    tree (converter/plan/regex.py) ──anchors──> whole matches ──> text

Sigma searches anywhere in a value; Lucene matches the whole value, and has no anchors, look-around, references back or
lazy repetition. Each of those is rewritten where that keeps the meaning, or refused by name. Classes are written as
ranges, in all cases: `regex~` leaves ranges alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.plan.casefold import close_ranges, has_foreign_case, is_cased, merge_ranges, variants
from converter.plan.regex import Alternatives, Anchor, Char, Class, Dot, Group, Look, Reference, Repeat, walk
from converter.plan.regex_cost import effort
from converter.plan.regex_parse import parse
from converter.targets.core.emission import refused

if TYPE_CHECKING:
    from converter.errors import Place
    from converter.plan.regex import Node, Ranges, Sequence

_MAX_ALTERNATIVES = 64
_MAX_LENGTH = 1000  # index.max_regex_length, by default
# Every operator of Lucene, the optional ones too: a backslash makes any character stand for itself.
_OPERATORS = frozenset('.?+*|{}[]()"\\#@&<>~^$-')
_CLASS_OPERATORS = frozenset("\\]^-")
# An empty alternative. Lucene takes none without a letter, and under regex~ it finds nothing in ().
_EMPTY = ".{0}"
_ENDS = (Anchor("end"), Anchor("very end"))
_ANYTHING = Repeat(Dot(breaks=True), 0, None)
_LINE_FEED = Repeat(Char("\n"), 0, 1)
# A tenth less than ten times the 10,000 of max_determinized_states: the effort that is counted is not quite Lucene's.
_MOST_EFFORT = 90_000


@dataclass(frozen=True, slots=True)
class Lucene:
    """An expression, and whether it is for the operator `regex~`, which ignores case."""

    text: str
    ignores_case: bool = False

    @property
    def operator(self) -> str:
        """The operator of EQL."""
        return "regex~" if self.ignores_case else "regex"


def to_lucene(pattern: str, flags: frozenset[str], place: Place | None) -> Lucene:
    """Return an expression that matches a whole value where `pattern` is found anywhere in it.

    Raises:
        RefusedError: look-around, references back, word boundaries, anchors inside, atomic groups.
    """
    tree = parse(pattern, flags)
    nodes = list(walk(tree))
    for node in nodes:
        _check(node, place)
    writer = _Writer(place, ignores_case=bool(nodes) and "i" in flags and all(map(_folds_in_ascii, nodes)))
    expanded = [sequence for alternative in tree.sequences for sequence in _expand(alternative)]
    if len(expanded) > _MAX_ALTERNATIVES:
        raise _refused("too many alternatives with anchors", "regex anchor", place)
    whole = Alternatives(tuple(map(_whole, expanded)))
    text = writer.alternatives(whole)
    expression = _short(Lucene(text, writer.ignores_case), place)
    if effort(whole, _MOST_EFFORT) == _MOST_EFFORT:
        what = "Elasticsearch finds it too complex (max_determinized_states), as it does long gaps such as .{2,64}"
        raise _refused(what, "regex effort", place)
    return expression


def whole_text(pattern: ir.Pattern, place: Place | None, *, cased: bool) -> Lucene:
    """Return an expression that matches exactly the values that a Sigma pattern matches.

    Raises:
        RefusedError: it would be too long.
    """
    foreign = any(isinstance(part, str) and has_foreign_case(part) for part in pattern.parts)
    out = []
    for part in pattern.parts:
        match part:
            case ir.Wildcard.ANY:
                out.append(".*")
            case ir.Wildcard.ONE:
                out.append(".")
            case _:
                out.extend(_every_case(char) if foreign and not cased else _literal(char) for char in part)
    return _short(Lucene("".join(out), ignores_case=not (cased or foreign)), place)


def _short(expression: Lucene, place: Place | None) -> Lucene:
    if len(expression.text) > _MAX_LENGTH:
        raise _refused(f"it would have more than {_MAX_LENGTH} characters", "regex length", place)
    return expression


def _refused(what: str, construct: str, place: Place | None) -> Exception:
    return refused(
        f"EQL's regular expressions (Lucene) cannot say this one: {what}",
        construct,
        place,
        "convert to splunk or esql",
    )


def _check(node: Node, place: Place | None) -> None:
    """Refuse what Lucene does not have, wherever it stands."""
    match node:
        case Look():
            raise _refused("look-around", "regex look-around", place)
        case Reference():
            raise _refused("a reference back", "regex reference", place)
        case Group(atomic=True):
            raise _refused(r"an atomic group, or \R", "regex group", place)
        case Repeat(kind="possessive"):
            raise _refused("possessive repetition", "regex possessive", place)
        case Anchor("boundary" | "no boundary"):
            raise _refused("a word boundary", "regex boundary", place)
        case Anchor("line start" | "line end"):
            raise _refused("anchors of lines (flag m)", "regex flag m", place)
        case _:
            pass


def _folds_in_ascii(node: Node) -> bool:
    """Whether a node is true to the rule under `regex~`, whose idea of case outside ASCII depends on the version."""
    match node:
        case Char(char, fold):
            return not has_foreign_case(char) and (fold or not is_cased(char))
        case Class(ranges, fold=fold):
            foreign = any(has_foreign_case(chr(code)) for span in ranges for code in span)
            return not foreign and (fold or close_ranges(ranges) == merge_ranges(ranges))
        case _:
            return True


def _expand(sequence: Sequence) -> list[Sequence]:
    """Distribute a group at either end over its alternatives when it holds an anchor: `(^|x)y` is `^y` or `xy`."""
    for at in (0, len(sequence) - 1):
        if sequence and isinstance(group := sequence[at], Group) and _has_anchor(group.inner):
            return [
                inner
                for alternative in group.inner.sequences
                for inner in _expand((*sequence[:at], *alternative, *sequence[at + 1 :]))
            ]
    return [sequence]


def _whole(sequence: Sequence) -> Sequence:
    """Return one alternative as a whole match: anything at each end that has no anchor."""
    items = list(sequence)
    before: Sequence = (_ANYTHING,)
    after: Sequence = (_ANYTHING,)
    while items and items[0] == Anchor("start"):
        before = ()
        items.pop(0)
    while items and items[-1] in _ENDS:
        # `$` is also before a line break that ends the value.
        after = () if items[-1] == Anchor("very end") or not after else (_LINE_FEED,)
        items.pop()
    return *before, *items, *after


def _has_anchor(tree: Alternatives) -> bool:
    return any(isinstance(node, Anchor) for node in walk(tree))


def _literal(char: str) -> str:
    return f"\\{char}" if char in _OPERATORS else char


def _every_case(char: str) -> str:
    every = variants(char)
    return f"[{''.join(every)}]" if len(every) > 1 else _literal(char)


_MAX_REPEATS = 1000  # Lucene writes counts out, and limits the size of what comes of it


def _class(ranges: Ranges, *, negated: bool) -> str:
    return f"[{'^' if negated else ''}{''.join(_range(low, high) for low, high in ranges)}]"


def _range(low: int, high: int) -> str:
    """Return a range; Lucene starts none with an escaped character, so those that need escaping stand alone."""
    alone = ""
    while low < high and chr(low) in _CLASS_OPERATORS:
        alone += _literal(chr(low))
        low += 1
    return alone + (_literal(chr(low)) if low == high else f"{chr(low)}-{_literal(chr(high))}")


class _Writer:
    """Writes nodes for `regex`, or for `regex~` if `ignores_case`."""

    def __init__(self, place: Place | None, *, ignores_case: bool) -> None:
        self.place = place
        self.ignores_case = ignores_case

    def alternatives(self, tree: Alternatives) -> str:
        return "|".join("".join(map(self.node, sequence)) or _EMPTY for sequence in tree.sequences)

    def node(self, node: Node) -> str:
        match node:
            case Char(char, fold):
                return _every_case(char) if fold and not self.ignores_case else _literal(char)
            case Dot(breaks):
                return "." if breaks else "[^\n]"
            case Class(ranges, negated, fold):
                return _class(node.closed if fold else ranges, negated=negated)
            case Group(inner):
                return f"({self.alternatives(inner)})"
            case Repeat(item, least, most):
                if max(least, most or 0) > _MAX_REPEATS:
                    raise _refused(f"a count above {_MAX_REPEATS}", "regex count", self.place)
                return self.node(item) + _counts(least, most)
            case Anchor():
                raise _refused("an anchor inside the expression", "regex anchor", self.place)
            case Look() | Reference():
                raise AssertionError(node)  # refused before
            case _:
                assert_never(node)


def _counts(least: int, most: int | None) -> str:
    simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    if simple is not None:
        return simple
    if most is None:
        return f"{{{least},}}"
    return f"{{{least}}}" if least == most else f"{{{least},{most}}}"
