r"""Patterns and regular expressions of rules, as the quoted text of `match()` in `where`.

    Pattern ──pattern_regex──> "(?is)^C:\x5ctemp.*"
    re      ──rule_regex──> as the rule has it, or written anew from its tree where Splunk would read that otherwise

The text holds no double quote, no backtick, no character that cannot be printed and no pair of backslashes. Eval undoes
pairs (measured), but nothing documents how it reads three in a row, or one before a quote; `\x5c` is the same to PCRE
either way, so nothing depends on that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.plan.casefold import has_foreign_case, variants
from converter.plan.regex import LAST, Alternatives, Anchor, Char, Class, Dot, Group, Look, Reference, Repeat, walk
from converter.plan.regex_parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.plan.regex import AnchorKind, Node, Ranges, Sequence

SPECIAL = frozenset(".+()[]{}|^$*?")
_UNSAFE = frozenset('\\"`')
_SPECIAL_IN_CLASS = frozenset("[]^-&~")
# PCRE compiles to at most 64 KB; a letter whose case is ignored takes a few bytes.
_LONGEST = 8_000
_MANY = 1000  # letters of a range that are worth a look
_ASCII = 0x7F
# Lazy: where a text matches, the first place of each piece is right, so that PCRE never goes back. With `.*` it goes
# back from the end of the value, and gives up at its match limit (100,000 by default) on some values that do match.
ANY = ".*?"
_ANCHORS: dict[AnchorKind, str] = {
    "start": "^",
    "line start": "(?m:^)",
    "end": "$",
    "line end": "(?m:$)",
    "very end": r"\z",
    "boundary": r"\b",
    "no boundary": r"\B",
}


def quoted(regex: str) -> str:
    """Return a regular expression made here between double quotes.

    Raises:
        ValueError: it holds what could end the quotes or be read otherwise; nothing here makes such a one.
    """
    if any(char in '"`' or not char.isprintable() for char in regex) or "\\\\" in regex or regex.endswith("\\"):
        raise ValueError(regex)
    return f'"{regex}"'


def literal(char: str) -> str:
    r"""Return a character that stands for itself: `\.`, `\x22`."""
    if char in SPECIAL:
        return f"\\{char}"
    return _coded(char) if char in _UNSAFE or not char.isprintable() else char


def _coded(char: str) -> str:
    code = ord(char)
    return f"\\x{{{code:x}}}" if code > 0xFF else f"\\x{code:02x}"  # noqa: PLR2004


def either_case(char: str) -> str:
    """Return a character below `(?i)` that ignores case: whether the flag does so beyond ASCII is not documented."""
    if char.isascii() or not has_foreign_case(char):
        return literal(char)
    every = variants(char)
    # A letter such as U+212A is one of ASCII to `(?i)`, and none to a rule.
    return f"(?-i:{literal(char)})" if len(every) == 1 else f"(?:{'|'.join(map(literal, every))})"


# ------------------------------------------------------------------------------------------------------- wildcards


def pattern_regexes(patterns: Iterable[ir.Pattern], *, cased: bool) -> list[str]:
    """Return expressions; one is found in a string if the whole string matches one of the patterns."""
    bodies = list(dict.fromkeys(pattern_body(pattern, cased=cased) for pattern in patterns))
    return [_whole(part, cased=cased) for part in in_parts(bodies)]


def in_parts(texts: Iterable[str]) -> list[list[str]]:
    """Return alternatives in lists that are short enough for one expression each."""
    parts: list[list[str]] = [[]]
    length = 0
    for text in texts:
        if parts[-1] and length + len(text) > _LONGEST:
            parts.append([])
            length = 0
        parts[-1].append(text)
        length += len(text) + 1
    return parts


def _whole(texts: Iterable[str], *, cased: bool) -> str:
    """Return the expression that matches a string if the whole string matches one of the bodies."""
    bodies: dict[tuple[str, str], dict[str, None]] = {}
    for body in texts:
        left, right = ("" if body.startswith(ANY) else "^"), ("" if body.endswith(ANY) else r"\z")
        bodies.setdefault((left, right), {})[body.removeprefix(ANY).removesuffix(ANY)] = None
    choices = [
        f"{left}{_any_of(texts)}{right}" if left or right else "|".join(texts)
        for (left, right), texts in bodies.items()
    ]
    return ("(?s)" if cased else "(?is)") + "|".join(choices)


def pattern_body(pattern: ir.Pattern, *, cased: bool) -> str:
    """Return a pattern without anchors and flags; wildcards are `.` and `.*?`."""
    parts = []
    for part in pattern.parts:
        match part:
            case ir.Wildcard.ANY:
                parts.append(ANY)
            case ir.Wildcard.ONE:
                parts.append(".")
            case _:
                parts.append("".join(map(literal if cased else either_case, part)))
    return "".join(parts)


def _any_of(texts: Iterable[str]) -> str:
    alternatives = tuple(texts)
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


# ----------------------------------------------------------------------------------------------- rules' expressions


def rule_regex(pattern: str, flags: frozenset[str]) -> str:
    r"""Return a rule's regular expression with the same meaning, as it is written if that can be.

    It is written anew if it has `\Q`, which quotes the backslashes of what is put for a quote; `\g`, which is a group
    to others; or letters outside ASCII whose case is ignored, which `(?i)` may not know.
    """
    written = _as_written(pattern)
    tree = parse(pattern, flags)
    if written is None or any(_ignores_foreign_case(node) for node in walk(tree)):
        return tree_regex(tree)
    return (f"(?{''.join(sorted(flags))})" if flags else "") + written


def _as_written(pattern: str) -> str | None:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\" and position + 1 < len(pattern):
            following = pattern[position + 1]
            if following in "QEg":
                return None
            out.append(_coded(following) if following in _UNSAFE or not following.isprintable() else char + following)
            position += 2
            continue
        out.append(_coded(char) if char in _UNSAFE or not char.isprintable() else char)
        position += 1
    return "".join(out)


def _ignores_foreign_case(node: Node) -> bool:
    """Whether a part of a regular expression ignores the case of letters outside ASCII."""
    match node:
        case Char(char, fold=True):
            return has_foreign_case(char)
        case Class(ranges, fold=True):
            return any(
                high - low > _MANY or has_foreign_case("".join(map(chr, range(low, high + 1)))) for low, high in ranges
            )
        case _:
            return False


def tree_regex(tree: Alternatives) -> str:
    """Return the expression of a tree. Case is ignored by `(?i)` if it is everywhere, else written out: `[aA]`."""
    minding = [node.fold for node in walk(tree) if isinstance(node, Char | Class) and _has_case(node)]
    ignoring = bool(minding) and all(minding)
    return ("(?i)" if ignoring else "") + _Writer(ignoring).alternatives(tree)


def _has_case(node: Char | Class) -> bool:
    if isinstance(node, Char):
        return node.char.isalpha()
    return any(
        high > _ASCII or chr(low).isalpha() or chr(high).isalpha() or high - low > 1 for low, high in node.ranges
    )


class _Writer:
    """Writes nodes, below `(?i)` or not."""

    def __init__(self, ignoring: bool) -> None:  # noqa: FBT001
        self.ignoring = ignoring

    def alternatives(self, tree: Alternatives) -> str:
        return "|".join(self.sequence(sequence) for sequence in tree.sequences)

    def sequence(self, sequence: Sequence) -> str:
        return "".join(self.node(node) for node in sequence)

    def node(self, node: Node) -> str:
        match node:
            case Char(char, fold):
                return self.char(char, fold=fold)
            case Dot(breaks):
                return "(?s:.)" if breaks else r"\N"
            case Class():
                return self.set(node)
            case Anchor(kind):
                return _ANCHORS[kind]
            case Group(inner, number, atomic):
                opening = "(?>" if atomic else "(?:" if number is None else "("
                return f"{opening}{self.alternatives(inner)})"
            case Look(inner, behind, negated):
                return f"(?{'<' * behind}{'!' if negated else '='}{self.alternatives(inner)})"
            case Reference(number):
                return f"(?:\\{number})"
            case Repeat(item, least, most, kind):
                # Outside a repeated group nothing is written that a count would not take as a whole.
                suffix = {"greedy": "", "lazy": "?", "possessive": "+"}[kind]
                return f"{self.node(item)}{_count(least, most)}{suffix}"
            case _:
                assert_never(node)

    def char(self, char: str, *, fold: bool) -> str:
        if not fold:
            return literal(char)
        if self.ignoring:
            return either_case(char)
        every = variants(char)
        return literal(char) if len(every) == 1 else f"[{''.join(map(_member, every))}]"

    def set(self, node: Class) -> str:
        foreign = any(high > _ASCII for _, high in node.ranges)
        if self.ignoring and node.fold and not foreign:
            return _class(node.ranges, negated=node.negated)
        text = _class(node.closed, negated=node.negated)
        return f"(?-i:{text})" if self.ignoring else text


def _count(least: int, most: int | None) -> str:
    if (least, most) in {(0, None), (1, None), (0, 1)}:
        return {(0, None): "*", (1, None): "+", (0, 1): "?"}[least, most]
    if least == most:
        return f"{{{least}}}"
    return f"{{{least},{'' if most is None else most}}}"


def _class(ranges: Ranges, *, negated: bool) -> str:
    if not ranges:
        return r"[\x00-\x{10ffff}]" if negated else "(?!)"
    return f"[{'^' * negated}{''.join(_range(low, high) for low, high in ranges)}]"


def _range(low: int, high: int) -> str:
    """Return a range; halves of surrogate pairs are not characters, and PCRE rejects them."""
    if low <= 0xDFFF and high >= 0xD800:  # noqa: PLR2004
        pieces = [(low, min(high, 0xD7FF)), (max(low, 0xE000), high)]
        return "".join(_range(first, last) for first, last in pieces if first <= last <= LAST)
    if low == high:
        return _member(chr(low))
    return f"{_member(chr(low))}-{_member(chr(high))}"


def _member(char: str) -> str:
    if char in _SPECIAL_IN_CLASS:
        return f"\\{char}"
    return _coded(char) if char in _UNSAFE or not char.isprintable() else char
