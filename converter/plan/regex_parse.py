r"""Parse rules' regular expressions into trees.

    pattern, flags ──recursive descent──> tree (converter/plan/regex.py)

The language is the subset of PCRE2 that docs/semantics.md lists. An expression that PCRE2 rejects is an error; a
construct outside the subset is refused by name. Source: the manual page pcre2pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from converter.errors import Place, SourceError
from converter.plan.regex import (
    ESCAPED,
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
    width_of,
)
from converter.readers.source import Cursor, Source

if TYPE_CHECKING:
    from converter.plan.regex import AnchorKind, Node, Ranges, Sequence
    from converter.readers.source import Located

_MAX_DEPTH = 60
_MAX_COUNT = 65535
_POSIX: dict[str, Ranges] = {
    "alpha": ((65, 90), (97, 122)),
    "digit": ((48, 57),),
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "upper": ((65, 90),),
    "lower": ((97, 122),),
    "space": ((9, 13), (32, 32)),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "graph": ((33, 126),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
    "word": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "ascii": ((0, 127),),
}
_CONTROLS = {"n": 10, "r": 13, "t": 9, "f": 12, "a": 7, "e": 27}
_ANCHORS: dict[str, AnchorKind] = {
    "A": "start",
    "Z": "end",
    "z": "very end",
    "b": "boundary",
    "B": "no boundary",
}
_CRLF = ((Char("\r"), Char("\n")), (Class(ESCAPED["v"]),))
_COUNTED = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_DOUBTFUL_COUNT = re.compile(r"\{[ \t]*(,[ \t]*[0-9]+|[0-9]+[ \t]*(,[ \t]*[0-9]*)?)[ \t]*\}")
_FLAGS = re.compile(r"\(\?([imsxnJUa]*)(?:-([imsxnJUa]+))?([:)])")
_OPENING = re.compile(r"\(\?(?:(:)|(>)|(<?)([=!])|P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')", re.ASCII)
_POSIX_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|o\{([0-7]{1,7})\}|0([0-7]{0,2})")
_BY_NUMBER = re.compile(r"\\(?:([1-9][0-9]*)|g(?:\{(-?[1-9][0-9]*)\}|(-?[1-9][0-9]*)))")
_BY_NAME = re.compile(r"\\k(?:<(\w+)>|\{(\w+)\}|'(\w+)')|\(\?P=(\w+)\)", re.ASCII)


class RegexError(SourceError):
    """The pattern is not a regular expression (`construct` is empty), or has a construct that is not supported."""

    def __init__(self, message: str, place: Place | None = None, hint: str = "", construct: str = "") -> None:
        super().__init__(message, place, hint)
        self.construct = construct


@lru_cache(maxsize=1024)
def parse(pattern: str, flags: frozenset[str] = frozenset()) -> Alternatives:
    """Return the tree of a pattern.

    Args:
        pattern: as the rule writes it.
        flags: among `i`, `m`, `s`.

    Raises:
        RegexError: the pattern is not valid in PCRE2, or not supported.
    """
    return _Parser(Source(pattern, RegexError), flags).whole()


class _Parser(Cursor[RegexError]):
    def __init__(self, source: Source[RegexError], flags: frozenset[str]) -> None:
        super().__init__(source)
        self.flags = flags
        self.groups = 0
        self.closed: set[int] = set()
        self.names: dict[str, int] = {}

    def wrong(self, message: str) -> RegexError:
        return self.error(f"not a regular expression: {message} at position {self.offset + 1}")

    def refused(self, what: str, hint: str = "") -> RegexError:
        error = self.error(f"{what} in a regular expression is not supported", hint=hint)
        error.construct = f"regex {what}"
        return error

    def too_deep(self, limit: int, at: Located | None) -> RegexError:  # noqa: ARG002  it has no place of its own
        return self.refused(f"nesting deeper than {limit}")

    def whole(self) -> Alternatives:
        tree = self.alternatives()
        if not self.at_end():
            raise self.wrong("an unmatched )")
        return tree

    def alternatives(self) -> Alternatives:
        with self.nested(_MAX_DEPTH):
            sequences = [self.sequence()]
            while self.take("|"):
                sequences.append(self.sequence())
        return Alternatives(tuple(sequences))

    def sequence(self) -> Sequence:
        items: list[Node] = []
        while not self.at_end() and self.text[self.offset] not in "|)":
            if self.starts("(?#"):
                self.comment()
            elif self.starts(r"\Q"):
                items.extend(self.quoted())
            elif (item := self.item()) is not None:
                items.append(self.repeated(item))
        return tuple(items)

    def comment(self) -> None:
        end = self.text.find(")", self.offset)
        if end < 0:
            raise self.wrong("a comment without an end")
        self.offset = end + 1

    def quoted(self) -> list[Node]:
        end = self.text.find(r"\E", self.offset)
        text = self.text[self.offset + 2 : end if end >= 0 else len(self.text)]
        self.offset = end + 2 if end >= 0 else len(self.text)
        items: list[Node] = [self.char(char) for char in text]
        if items:
            items[-1] = self.repeated(items[-1])
        return items

    def char(self, char: str) -> Char:
        return Char(char, fold="i" in self.flags)

    def item(self) -> Node | None:
        char = self.text[self.offset]
        match char:
            case ".":
                self.offset += 1
                return Dot("s" in self.flags)
            case "^":
                self.offset += 1
                return Anchor("line start" if "m" in self.flags else "start")
            case "$":
                self.offset += 1
                return Anchor("line end" if "m" in self.flags else "end")
            case "(":
                return self.group()
            case "[":
                return self.set()
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise self.wrong(f"nothing to repeat before {char}")
            case "{" if _COUNTED.match(self.text, self.offset):
                raise self.wrong("nothing to repeat before {")
            case _:
                self.doubtful_count()
                self.offset += 1
                return self.char(char)

    def doubtful_count(self) -> None:
        """Refuse text that newer versions of PCRE2 read as a count, and older ones as plain characters."""
        if _DOUBTFUL_COUNT.match(self.text, self.offset) and not _COUNTED.match(self.text, self.offset):
            raise self.refused("a count such as {,2} or { 1 }", r"write {0,2}, or \{ for a literal bracket")

    def repeated(self, item: Node) -> Node:
        counts = self.counts()
        if counts is None:
            return item
        if isinstance(item, Anchor | Look):
            raise self.refused("a repeated anchor or look-around")
        kind: Literal["greedy", "lazy", "possessive"] = "greedy"
        if self.starts("?") or self.starts("+"):
            kind = "lazy" if self.starts("?") else "possessive"
            self.offset += 1
        if not self.at_end() and self.text[self.offset] in "*+?":
            raise self.wrong("nothing to repeat")
        if _COUNTED.match(self.text, self.offset):
            raise self.refused("a repetition of a repetition", "put it in a group")
        return Repeat(item, *counts, kind)

    def counts(self) -> tuple[int, int | None] | None:
        if self.at_end():
            return None
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if (bounds := simple.get(self.text[self.offset])) is not None:
            self.offset += 1
            return bounds
        counted = _COUNTED.match(self.text, self.offset)
        if counted is None:
            self.doubtful_count()
            return None
        least = int(counted[1])
        most = least if counted[2] is None else int(counted[3]) if counted[3] else None
        if max(least, most or 0) > _MAX_COUNT:
            raise self.wrong(f"a count above {_MAX_COUNT}")
        if most is not None and most < least:
            raise self.wrong("a count that runs backwards")
        self.offset = counted.end()
        return least, most

    # ------------------------------------------------------------------------------------------------------ groups

    def group(self) -> Node | None:
        start = self.offset
        if self.starts("(*"):
            raise self.refused("a verb such as (*UTF)")
        if not self.starts("(?"):
            self.offset += 1
            return self.captured()
        if named := _BY_NAME.match(self.text, self.offset):
            return self.reference(named, self.names.get(named[4]))
        if flags := _FLAGS.match(self.text, self.offset):
            return self.flagged(flags)
        opening = self.match(_OPENING)
        if opening is None:
            raise self.refused(f"the group {self.peek(3)}")
        plain, atomic, behind, look, *names = opening.groups()
        name = names[0] or names[1]
        if name:
            if name in self.names:
                raise self.wrong("two groups with one name")
            self.names[name] = self.groups + 1
            return self.captured()
        inner = self.inside()
        if plain or atomic:
            return Group(inner, atomic=bool(atomic))
        if behind and any(width_of(sequence) is None for sequence in inner.sequences):
            self.offset = start
            raise self.refused("a look-behind of variable length")
        return Look(inner, bool(behind), look == "!")

    def captured(self) -> Group:
        self.groups += 1
        number = self.groups
        inner = self.inside()
        self.closed.add(number)
        return Group(inner, number)

    def inside(self) -> Alternatives:
        """Read up to the closing bracket, where flags set inside end."""
        flags, start = self.flags, self.offset
        inner = self.alternatives()
        if not self.starts(")"):
            self.offset = start
            raise self.wrong("an unclosed (")
        self.offset += 1
        self.flags = flags
        return inner

    def flagged(self, match: re.Match[str]) -> Group | None:
        on, off, closing = match[1], match[2] or "", match[3]
        if unknown := sorted(set(on + off) - set("ims")):
            raise self.refused(f"the flag {unknown[0]}", "known: i, m, s")
        outer = self.flags
        self.offset = match.end()
        self.flags = (outer | set(on)) - set(off)
        if closing == ")":
            return None
        inner = self.inside()
        self.flags = outer
        return Group(inner)

    # ----------------------------------------------------------------------------------------------------- escapes

    def escape(self) -> Node:
        if self.offset + 1 >= len(self.text):
            raise self.wrong("a backslash at the end")
        letter = self.text[self.offset + 1]
        if letter in _ANCHORS:
            self.offset += 2
            return Anchor(_ANCHORS[letter])
        if letter in "123456789g":
            return self.numbered()
        if letter == "k":
            named = _BY_NAME.match(self.text, self.offset)
            if named is None:
                raise self.wrong("a name is expected after \\k")
            return self.reference(named, self.names.get(named[1] or named[2] or named[3]))
        if letter == "R":
            self.offset += 2
            return Group(Alternatives(_CRLF), atomic=True)
        if letter == "N" and not self.starts(r"\N{"):
            self.offset += 2
            return Dot()
        if letter.lower() in ESCAPED:
            self.offset += 2
            return Class(ESCAPED[letter.lower()], negated=letter.isupper())
        return self.char(chr(self.code()))

    def code(self) -> int:
        """Read an escape that stands for one character, inside or outside a class."""
        letter = self.text[self.offset + 1]
        if match := _CODE.match(self.text, self.offset + 1):
            code = self.coded(match)
            if code > LAST or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004  halves of surrogate pairs
                raise self.wrong("a code point that is not a character")
            self.offset = match.end()
            return code
        if letter in _CONTROLS:
            self.offset += 2
            return _CONTROLS[letter]
        if letter.isascii() and letter.isalnum():
            raise self.refused(f"\\{letter}")
        self.offset += 2
        return ord(letter)

    def coded(self, match: re.Match[str]) -> int:
        if match[1] or match[2]:
            return int(match[1] or match[2], 16)
        return int(match[3] or match[4] or "0", 8)

    def numbered(self) -> Reference:
        match = _BY_NUMBER.match(self.text, self.offset)
        if match is None:
            raise self.refused(r"\g")
        number = int(match[1] or match[2] or match[3])
        return self.reference(match, number if number > 0 else self.groups + 1 + number)

    def reference(self, match: re.Match[str], number: int | None) -> Reference:
        if number not in self.closed:
            raise self.refused("a reference to a group that is not there, or not closed yet")
        if "i" in self.flags:
            raise self.refused("a reference back that ignores case")
        self.offset = match.end()
        assert number is not None  # noqa: S101  None is not a closed group
        return Reference(number)

    # ----------------------------------------------------------------------------------------------------- classes

    def set(self) -> Class:
        start = self.offset
        self.offset += 1
        negated = self.starts("^")
        self.offset += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self.starts("]"):
            if self.at_end():
                self.offset = start
                raise self.wrong("an unclosed [")
            first = False
            ranges.extend(self.members())
        self.offset += 1
        return Class(tuple(ranges), negated, "i" in self.flags)

    def members(self) -> Ranges:
        """Read a character, a range or a named class."""
        low = self.member()
        hyphen = self.starts("-") and not self.starts("-]")
        if not isinstance(low, int):
            if hyphen:
                raise self.wrong("a hyphen after a class such as \\w (put it last)")
            return low
        if not hyphen:
            return ((low, low),)
        self.offset += 1
        if self.at_end():
            raise self.wrong("an unclosed [")
        high = self.member()
        if not isinstance(high, int) or high < low:
            raise self.wrong("a range that runs backwards or ends in a class")
        return ((low, high),)

    def member(self) -> int | Ranges:
        if self.starts("[:") or self.starts("[.") or self.starts("[="):
            return self.posix()
        char = self.text[self.offset]
        if char != "\\":
            self.offset += 1
            return ord(char)
        if self.offset + 1 >= len(self.text):
            raise self.wrong("a backslash at the end")
        letter = self.text[self.offset + 1]
        if letter == "b":
            self.offset += 2
            return 8
        if letter.lower() in ESCAPED:
            self.offset += 2
            held = ESCAPED[letter.lower()]
            return complement(held) if letter.isupper() else held
        if letter in "123456789":
            raise self.refused(f"\\{letter} in a class")
        return self.code()

    def posix(self) -> int | Ranges:
        match = _POSIX_CLASS.match(self.text, self.offset)
        if match is None:
            closing = self.text[self.offset + 1] + "]"
            if closing in self.text[self.offset + 2 :]:
                raise self.refused("a class such as [[.a.]] or [[:<:]]")
            self.offset += 1
            return ord("[")
        held = _POSIX.get(match[2])
        if held is None:
            raise self.wrong(f"the unknown class {match[2]}")
        self.offset = match.end()
        return complement(held) if match[1] else held
