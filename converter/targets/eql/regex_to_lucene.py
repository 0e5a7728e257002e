"""A rule's regular expression to one of Lucene, which EQL's `regex` takes.

    pattern ──recursive descent──> alternatives of items ──anchors──> text

Sigma searches anywhere in a value; Lucene matches the whole value, and has no anchors, classes of letters, groups that
do not capture or lazy repetition. Each of those is rewritten where that keeps the meaning, or refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.emitting import refused
from converter.plan.nodes import Pattern, Wildcard

if TYPE_CHECKING:
    from converter.errors import Place

_MAX_DEPTH = 50
_MAX_ALTERNATIVES = 64
_QUANTIFIER = re.compile(r"[*+?]|\{(\d{1,4})(,(\d{0,4}))?\}")
# Every operator of Lucene, the optional ones too: a backslash makes any character stand for itself.
_OPERATORS = frozenset('.?+*|{}[]()"\\#@&<>~^$-')
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \t\n\r\f\v"}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_START = "^"
_END = "$"
_VERY_END = r"\z"


@dataclass(frozen=True, slots=True)
class _Text:
    """Translated text that takes characters."""

    text: str


@dataclass(frozen=True, slots=True)
class _Group:
    """Alternatives in brackets, not repeated: anchors in them can still be resolved."""

    alternatives: tuple[_Sequence, ...]


@dataclass(frozen=True, slots=True)
class _Anchor:
    r"""The start (`^`), the end (`$`) or the very end (`\z`) of the value."""

    kind: str


_Item = _Text | _Group | _Anchor
_Sequence = tuple[_Item, ...]


def to_lucene(pattern: str, flags: frozenset[str], place: Place | None) -> str:
    """Return a Lucene expression that matches a whole value where `pattern` is found anywhere in it.

    With the flag `i` it is for the operator `regex~`, which ignores the case of letters, but not of ranges.

    Raises:
        RefusedError: look-around, references back, word boundaries, anchors inside, inline flags.
    """
    parser = _Parser(pattern, flags, place)
    alternatives = parser.alternatives()
    if parser.position < len(pattern):
        raise parser.error("an unmatched bracket", "regex")
    expanded = [sequence for alternative in alternatives for sequence in _expand(alternative)]
    if len(expanded) > _MAX_ALTERNATIVES:
        raise parser.error("too many alternatives with anchors", "regex anchor")
    if "m" in flags and any(isinstance(item, _Anchor) for sequence in expanded for item in sequence):
        raise parser.error("anchors of lines (flag m)", "regex flag m")
    texts = [_anchored(sequence, parser) for sequence in expanded]
    return texts[0] if len(texts) == 1 else "|".join(texts)


def whole_text(pattern: Pattern) -> str:
    """Return a Lucene expression that matches exactly the values that a Sigma pattern matches."""
    out = []
    for part in pattern.parts:
        match part:
            case Wildcard.ANY:
                out.append(".*")
            case Wildcard.ONE:
                out.append(".")
            case _:
                out.append("".join(_literal(char) for char in part))
    return "".join(out)


def _literal(char: str) -> str:
    return f"\\{char}" if char in _OPERATORS else char


def _expand(sequence: _Sequence) -> list[_Sequence]:
    """Distribute a group at either end over its alternatives when it holds an anchor: `(^|x)y` is `^y` or `xy`."""
    for at in (0, len(sequence) - 1):
        if sequence and isinstance(group := sequence[at], _Group) and _has_anchor(group):
            return [
                inner
                for alternative in group.alternatives
                for inner in _expand((*sequence[:at], *alternative, *sequence[at + 1 :]))
            ]
    return [sequence]


def _has_anchor(group: _Group) -> bool:
    return any(
        isinstance(item, _Anchor) or (isinstance(item, _Group) and _has_anchor(item))
        for alternative in group.alternatives
        for item in alternative
    )


def _anchored(sequence: _Sequence, parser: _Parser) -> str:
    """Return one alternative as a whole match: `.*` at each end that has no anchor."""
    items = list(sequence)
    before = after = ".*"
    while items and items[0] == _Anchor(_START):
        before = ""
        items.pop(0)
    while items and items[-1] in {_Anchor(_END), _Anchor(_VERY_END)}:
        # `$` is also before a line break that ends the value.
        after = "" if items[-1] == _Anchor(_VERY_END) or not after else "\n?"
        items.pop()
    return before + _written(tuple(items), parser) + after


def _written(sequence: _Sequence, parser: _Parser) -> str:
    out = []
    for item in sequence:
        match item:
            case _Text(text):
                out.append(text)
            case _Group(alternatives):
                out.append("(" + "|".join(_written(one, parser) for one in alternatives) + ")")
            case _Anchor():
                raise parser.error("an anchor inside the expression", "regex anchor")
    return "".join(out)


class _Parser:
    def __init__(self, pattern: str, flags: frozenset[str], place: Place | None) -> None:
        self.pattern = pattern
        self.dot = "." if "s" in flags else "[^\n]"
        self.ignore_case = "i" in flags
        self.place = place
        self.position = 0
        self.depth = 0

    def error(self, what: str, construct: str) -> Exception:
        return refused(
            f"EQL's regular expressions (Lucene) cannot say this one: {what}",
            construct,
            self.place,
            "convert to splunk or esql",
        )

    def peek(self, length: int = 1) -> str:
        return self.pattern[self.position : self.position + length]

    def alternatives(self) -> tuple[_Sequence, ...]:
        found = [self.sequence()]
        while self.peek() == "|":
            self.position += 1
            found.append(self.sequence())
        return tuple(found)

    def sequence(self) -> _Sequence:
        items: list[_Item] = []
        while self.position < len(self.pattern) and self.peek() not in {"|", ")"}:
            items.append(self.quantified(self.item()))
        return tuple(items)

    def quantified(self, item: _Item) -> _Item:
        match = _QUANTIFIER.match(self.pattern, self.position)
        if match is None:
            return item
        if isinstance(item, _Anchor):
            raise self.error("a repeated anchor", "regex anchor")
        self.position = match.end()
        if self.peek() == "?":  # lazy: finds the same values
            self.position += 1
        elif self.peek() == "+":
            raise self.error("possessive repetition", "regex possessive")
        if _QUANTIFIER.match(self.pattern, self.position):
            raise self.error("a repetition of a repetition", "regex")
        return _Text(_written((item,), self) + match[0])

    def item(self) -> _Item:
        char = self.peek()
        self.position += 1
        match char:
            case ".":
                return _Text(self.dot)
            case "^":
                return _Anchor(_START)
            case "$":
                return _Anchor(_END)
            case "(":
                return self.group()
            case "[":
                return _Text(self.character_class())
            case "\\":
                return self.escape()
            case _:
                return _Text(_literal(char))

    def group(self) -> _Item:
        if self.peek() == "?":
            if self.peek(2) != "?:":
                raise self.error(f"the group ({self.peek(3)}", "regex group")
            self.position += 2
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.error(f"groups nested deeper than {_MAX_DEPTH}", "regex")
        alternatives = self.alternatives()
        self.depth -= 1
        if self.peek() != ")":
            raise self.error("an unmatched bracket", "regex")
        self.position += 1
        return _Group(alternatives)

    def escape(self) -> _Item:
        char = self.peek()
        self.position += 1
        if char in _CLASSES:
            return _Text(f"[{_CLASSES[char]}]")
        if char in {"D", "W", "S"}:
            return _Text(f"[^{_CLASSES[char.lower()]}]")
        if char == "A":
            return _Anchor(_START)
        if char in {"z", "Z"}:
            return _Anchor(_VERY_END if char == "z" else _END)
        return _Text(_literal(self.escaped_character(char)))

    def escaped_character(self, char: str) -> str:
        r"""Return the character that `\` and `char` (already taken) stand for."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x":
            match = re.compile(r"[0-9A-Fa-f]{2}|\{([0-9A-Fa-f]{1,6})\}").match(self.pattern, self.position)
            if match is None:
                raise self.error(r"\x without two hexadecimal digits", "regex")
            self.position = match.end()
            return chr(int(match[1] or match[0], 16))
        if not char or char.isalnum():
            raise self.error(f"\\{char}", "regex escape")
        return char

    def character_class(self) -> str:
        out = ["["]
        if self.peek() == "^":
            out.append("^")
            self.position += 1
        first = True
        while first or self.peek() != "]":
            first = False
            low = self.class_member()
            if self.peek() == "-" and self.peek(2) != "-]" and len(low) == 1:
                self.position += 1
                out.append(self.range(low, self.class_member()))
            else:
                out.append("".join(_literal(char) for char in low) if len(low) == 1 else low)
        self.position += 1
        return "".join(out) + "]"

    def class_member(self) -> str:
        r"""Return one character of a class, or the ranges that `\d` and its like stand for."""
        char = self.peek()
        if not char:
            raise self.error("a class without an end", "regex")
        self.position += 1
        if char == "[" and self.peek() in {":", ".", "="}:
            raise self.error("a POSIX class", "regex class")
        if char != "\\":
            return char
        escaped = self.peek()
        self.position += 1
        if escaped == "b":
            return "\b"
        return _CLASSES[escaped] if escaped in _CLASSES else self.escaped_character(escaped)

    def range(self, low: str, high: str) -> str:
        """Return a range; `regex~` leaves ranges alone, so one of letters is written in both cases."""
        if len(high) != 1 or high < low:
            raise self.error(f"the range {low}-{high}", "regex class")
        text = f"{_literal(low)}-{_literal(high)}"
        if not self.ignore_case:
            return text
        if not high.isascii():
            raise self.error("a range of letters outside ASCII that ignores case", "regex class")
        for first, last in (("a", "z"), ("A", "Z")):
            start, end = max(low, first), min(high, last)
            if start <= end:
                text += f"{start.swapcase()}-{end.swapcase()}"
        return text
