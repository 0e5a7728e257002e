r"""A rule's regular expression to one of Java, which REPLACE takes, and a rule's text to one of Lucene, for RLIKE.

    tree (converter/plan/regex.py) ──one pass──> text

Java's flag `d` makes a line feed the only end of a line, as it is in PCRE2; `.`, `^` and `$` then mean the same.
Classes are written as ranges: in Java brackets and `&&` nest inside a class. Without the flag `u` Java ignores the
case of ASCII only, so that letters outside ASCII are written in all their cases. Sources are in NOTES.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.plan.casefold import close_ranges, is_cased, variants
from converter.plan.regex import (
    ESCAPED,
    Alternatives,
    Anchor,
    Char,
    Class,
    Dot,
    Group,
    Look,
    Reference,
    Repeat,
    can_be_empty,
    walk,
)
from converter.plan.regex_parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.plan.regex import AnchorKind, Node, Ranges

_SPECIAL = frozenset(r"\^$.|?*+()[]{}")
_SPECIAL_IN_CLASS = frozenset(r"\^-[]&")
_LUCENE = frozenset(r'.?+*|{}[]()"\#@&<>~^$-')
_CONTROLS = {9: r"\t", 10: r"\n", 12: r"\f", 13: r"\r"}
_NAMED: dict[Ranges, str] = {ESCAPED["d"]: "d", ESCAPED["w"]: "w", ESCAPED["s"]: "s"}
_LINES: dict[AnchorKind, str] = {
    "start": r"\A",
    "line start": "^",
    "end": r"(?=\n?\z)",
    "line end": "$",
    "very end": r"\z",
    "boundary": r"\b",
    "no boundary": r"\B",
}
_TEXT: dict[AnchorKind, str] = {
    "start": "^",
    "line start": r"(?:^|(?<=\n)(?!\z))",
    "end": "$",
    "line end": r"(?=\n|\z)",
    "very end": r"\z",
    "boundary": r"\b",
    "no boundary": r"\B",
}


@dataclass(frozen=True, slots=True)
class JavaRegex:
    """A regular expression of Java, and whether it may find an empty text."""

    text: str
    can_be_empty: bool


def to_java(pattern: str, flags: frozenset[str]) -> JavaRegex:
    """Return an expression that finds something in the same texts.

    Args:
        pattern: of a rule; it has been parsed when the rule was lowered.
        flags: of `i`, `m`, `s`.
    """
    tree = parse(pattern, flags)
    writer = _Writer(flags)
    text = writer.alternatives(tree)
    nodes = list(walk(tree))
    used = {"d"} if any(writer.minds_lines(node) for node in nodes) else set()
    used |= flags & {"i"}
    used |= {"m"} if "m" in flags and any(isinstance(node, Anchor) for node in nodes) else set()
    used |= {"s"} if "s" in flags and any(isinstance(node, Dot) for node in nodes) else set()
    return JavaRegex((f"(?{''.join(sorted(used))})" if used else "") + text, can_be_empty(tree))


def whole_text(pattern: ir.Pattern) -> str:
    """Return an expression of Lucene for the values that a pattern matches ignoring case, all letters written out."""
    out = []
    for part in pattern.parts:
        match part:
            case ir.Wildcard.ANY:
                out.append(".*")
            case ir.Wildcard.ONE:
                out.append(".")
            case _:
                out.extend(_either_case(char) for char in part)
    return "".join(out)


def _either_case(char: str) -> str:
    both = variants(char)
    return f"[{''.join(both)}]" if len(both) > 1 else f"\\{char}" if char in _LUCENE else char


class _Writer:
    """Writes nodes under the flags that stand before the whole expression."""

    def __init__(self, flags: frozenset[str]) -> None:
        self.fold = "i" in flags
        self.dot = Dot("s" in flags)
        self.anchors = _LINES if "m" in flags else _TEXT

    def minds_lines(self, node: Node) -> bool:
        """Whether what is written for a node depends on what Java takes for the end of a line."""
        match node:
            case Dot(breaks):
                return node == self.dot and not breaks
            case Anchor(kind):
                return kind != "start" and self.anchors[kind] in {"^", "$"}
            case _:
                return False

    def alternatives(self, tree: Alternatives) -> str:
        return "|".join("".join(self.node(node) for node in sequence) for sequence in tree.sequences)

    def node(self, node: Node) -> str:
        match node:
            case Char(char, fold):
                return self.char(char, fold=fold)
            case Dot(breaks):
                return "." if node == self.dot else "(?s:.)" if breaks else r"[^\n]"
            case Class():
                return self.character_class(node)
            case Anchor(kind):
                return self.anchors[kind]
            case Group(inner, number, atomic):
                opening = "(" if number is not None else "(?>" if atomic else "(?:"
                return f"{opening}{self.alternatives(inner)})"
            case Look(inner, behind, negated):
                return f"(?{'<' if behind else ''}{'!' if negated else '='}{self.alternatives(inner)})"
            case Reference(number):  # of one that ignores case, the rule is refused
                return f"({'?-i' if self.fold else '?'}:\\{number})"
            case Repeat(item, least, most, kind):
                suffix = {"greedy": "", "lazy": "?", "possessive": "+"}[kind]
                return self.node(item) + _counts(least, most) + suffix
            case _:
                assert_never(node)

    def char(self, char: str, *, fold: bool) -> str:
        plain = _code(ord(char), _SPECIAL)
        if not is_cased(char):
            return plain
        if char.isascii():
            return plain if fold == self.fold else _class(_codes(variants(char))) if fold else f"(?-i:{plain})"
        return _class(_codes(variants(char))) if fold else plain

    def character_class(self, node: Class) -> str:
        name = _NAMED.get(node.ranges)
        if name is not None and not node.fold:
            return "\\" + (name.upper() if node.negated else name)
        if node.ranges == ESCAPED["s"]:  # folding changes nothing
            return r"\S" if node.negated else r"\s"
        foreign = any(high > 0x7F for _, high in node.ranges)  # noqa: PLR2004  beyond ASCII
        ranges = close_ranges(node.ranges) if node.fold and (foreign or not self.fold) else node.ranges
        text = _class(ranges, negated=node.negated)
        return f"(?-i:{text})" if self.fold and not node.fold and _has_letters(ranges) else text


def _counts(least: int, most: int | None) -> str:
    match least, most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _, None:
            return f"{{{least},}}"
        case _:
            return f"{{{least}}}" if least == most else f"{{{least},{most}}}"


def _codes(chars: Iterable[str]) -> Ranges:
    return tuple((ord(char), ord(char)) for char in chars)


def _class(ranges: Ranges, *, negated: bool = False) -> str:
    parts = [
        _code(low, _SPECIAL_IN_CLASS)
        if low == high
        else f"{_code(low, _SPECIAL_IN_CLASS)}-{_code(high, _SPECIAL_IN_CLASS)}"
        for low, high in ranges
    ]
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _has_letters(ranges: Ranges) -> bool:
    return any(low <= last and high >= first for low, high in ranges for first, last in ((65, 90), (97, 122)))


def _code(code: int, special: frozenset[str]) -> str:
    char = chr(code)
    if code in _CONTROLS:
        return _CONTROLS[code]
    if char in special:
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\x{{{code:x}}}"  # noqa: PLR2004
