r"""The syntax of PCRE2, token by token, for two other engines.

    pattern ──tokens──> Translation(fast: for RE2, slow: for the package `regex`)

`fast` means the same on texts that do not end in a line feed, or on all if the pattern does not mind the end; it is
None where RE2 cannot say the pattern. `slow` means the same on every text. Groups keep their numbers and names.
PCRE2 runs without UCP: `\d`, `\w`, `\b` and POSIX classes are those of ASCII. Source: the manual page pcre2pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPACE = r"\t-\r "
_HORIZONTAL = r"\t \u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL = r"\n-\r\u0085\u2028\u2029"
_WORD = "0-9A-Z_a-z"
_BOUNDARY = rf"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_BOUNDARY = rf"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_CLASSES = {"d": "0-9", "w": _WORD, "s": _SPACE, "h": _HORIZONTAL, "v": _VERTICAL}
# The same without what the class holds, for a class inside a class.
_OTHERS = {
    "D": r"\x00-/:-\U0010ffff",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "S": r"\x00-\x08\x0e-\x1f!-\U0010ffff",
    "H": r"\x00-\x08\n-\x1f!-\u009f\u00a1-\u167f\u1681-\u180d\u180f-\u1fff\u200b-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\U0010ffff",
    "V": r"\x00-\t\x0e-\u0084\u0086-\u2027\u202a-\U0010ffff",
}
_POSIX = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "0-9A-Za-z",
    "upper": "A-Z",
    "lower": "a-z",
    "space": _SPACE,
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "graph": "!-~",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": _WORD,
    "ascii": r"\x00-\x7f",
}
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\a", "e": "\x1b"}
# How each engine writes an anchor: RE2, then `regex`.
_ANCHORS = {
    "A": (r"\A", r"\A"),
    "Z": (r"\z", r"(?=\n?\Z)"),
    "z": (r"\z", r"\Z"),
    "b": (r"\b", _BOUNDARY),
    "B": (r"\B", _NO_BOUNDARY),
}
# In `regex` a caret of lines also stands behind a line feed that ends the text.
_CARET = r"(?:^(?:(?!\Z)|(?<!\n)))"
_CODE = re.compile(r"x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{0,2})|o\{([0-7]{1,7})\}|(0[0-7]{0,2})|c([ -~])")
_BACK = re.compile(r"\\([1-9][0-9]?)|\\g\{?([1-9][0-9]?)\}?|\\[kg][<{'](\w+)[>}']|\(\?P=(\w+)\)")
_NAMED = re.compile(r"\(\?(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')", re.ASCII)
_LOOK = re.compile(r"\(\?(?:<?[=!]|>)")
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])")
_COUNT = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_POSSESSIVE = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\+")
_PROPERTY = re.compile(r"\\[pP](?:\{\^?\w+\}|\w)")
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
_LAST = 0x10FFFF


class UnknownSyntaxError(Exception):
    """A construct of PCRE2 that this engine does not know, or that PCRE2 does not know either."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A pattern for RE2 (None: it has no words for it) and for `regex`; whether a line feed at the end matters."""

    fast: str | None
    slow: str
    minds_end: bool


def translate(pattern: str) -> Translation:
    """Return a pattern for both engines.

    Raises:
        UnknownSyntaxError: with a message for a person.
    """
    scanner = _Scanner(pattern)
    scanner.run()
    fast = None if scanner.only_slow else _for_re2("".join(scanner.fast))
    return Translation(fast, "".join(scanner.slow), scanner.minds_end)


def _for_re2(text: str) -> str:
    return re.sub(r"(?<!\\)((?:\\\\)*)\\[uU]([0-9a-f]{8}|[0-9a-f]{4})", r"\1\\x{\2}", text)


class _Scanner:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self.fast: list[str] = []
        self.slow: list[str] = []
        self.only_slow = self.minds_end = False

    def _put(self, fast: str, slow: str | None = None, *, read: int) -> None:
        self.fast.append(fast)
        self.slow.append(fast if slow is None else slow)
        self._at += read

    def _slow(self, text: str, *, read: int) -> None:
        self.only_slow = True
        self._put(text, read=read)

    def run(self) -> None:
        while self._at < len(self._pattern):
            match self._pattern[self._at]:
                case "\\":
                    self._escape()
                case "[":
                    self._set()
                case "(":
                    self._opening()
                case "^":
                    self.minds_end = True
                    self._put("^", _CARET, read=1)
                case "$":
                    self.minds_end = True
                    self._put("$", read=1)
                case "{" if _COUNT.match(self._pattern, self._at) is None:
                    self._put(r"\x7b", read=1)  # the package `regex` takes more than counts for something else
                case char:
                    if (match := _POSSESSIVE.match(self._pattern, self._at)) is not None:
                        self._slow(match[0], read=len(match[0]))
                    else:
                        self._put(char, read=1)

    def _opening(self) -> None:
        pattern, at = self._pattern, self._at
        if pattern.startswith("(*", at):
            raise UnknownSyntaxError("verbs such as (*UTF) are not supported")
        if pattern.startswith("(?#", at):
            end = pattern.find(")", at)
            if end < 0:
                raise UnknownSyntaxError("a comment without an end")
            self._at = end + 1
        elif match := _BACK.match(pattern, at):
            self._slow(f"(?P={match[4]})", read=len(match[0]))
        elif match := _NAMED.match(pattern, at):
            self._put(f"(?P<{match[1] or match[2]}>", read=len(match[0]))
        elif match := _LOOK.match(pattern, at):
            self._slow(match[0], read=len(match[0]))
        elif match := _FLAGS.match(pattern, at):
            self._flags(match)
        elif pattern.startswith("(?", at):
            raise UnknownSyntaxError(f"the group {pattern[at : at + 4]} is not supported")
        else:
            self._put("(", read=1)

    def _flags(self, match: re.Match[str]) -> None:
        unknown = set(match[1] + (match[2] or "")) - set("imsx")
        if unknown:
            raise UnknownSyntaxError(f"the flag {min(unknown)} is not supported")
        if not match[1] and not match[2] and match[3] == ")":
            self._at = match.end()
        elif "x" in match[0]:
            self._slow(match[0], read=len(match[0]))
        else:
            self._put(match[0], read=len(match[0]))

    def _escape(self) -> None:
        pattern, at = self._pattern, self._at
        letter = pattern[at + 1 : at + 2]
        if letter == "Q":
            end = pattern.find(r"\E", at)
            end = len(pattern) if end < 0 else end
            self._put("".join(map(_plain, pattern[at + 2 : end])), read=0)
            self._at = min(end + 2, len(pattern))
        elif match := _BACK.match(pattern, at):
            name = match[1] or match[2] or match[3]
            self._slow(f"(?P={name})" if not name.isdigit() else f"(?:\\{name})", read=len(match[0]))
        elif letter in _ANCHORS and letter:
            self.minds_end = self.minds_end or letter == "Z"
            self._put(*_ANCHORS[letter], read=2)
        elif letter == "R":
            self._slow(rf"(?>\r\n|[{_VERTICAL}])", read=2)
        elif letter == "N" and not pattern.startswith(r"\N{", at):
            self._put(r"[^\n]", read=2)
        elif letter and letter.lower() in _CLASSES:
            text = f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]"
            self._put(f"(?-i:{text})", read=2)
        elif match := _PROPERTY.match(pattern, at):
            self._put(match[0], read=len(match[0]))
        else:
            self._put(_plain(self._character()), read=0)

    def _character(self) -> str:
        """Read an escape that stands for one character."""
        letter = self._pattern[self._at + 1 : self._at + 2]
        if not letter:
            raise UnknownSyntaxError("a backslash at the end")
        if match := _CODE.match(self._pattern, self._at + 1):
            self._at = match.end()
            return _coded(match)
        if letter not in _CHARACTERS and letter.isascii() and letter.isalnum():
            raise UnknownSyntaxError(f"\\{letter} is not supported")
        self._at += 2
        return _CHARACTERS.get(letter, letter)

    def _set(self) -> None:
        pattern = self._pattern
        negated = pattern.startswith("^", self._at + 1)
        self._at += 2 if negated else 1
        first = self._at
        parts: list[str] = []
        while self._at == first or not pattern.startswith("]", self._at):
            if self._at >= len(pattern):
                raise UnknownSyntaxError("a [ without its ]")
            parts.append(self._members())
        self._put(f"[{'^' if negated else ''}{''.join(parts)}]", read=1)

    def _members(self) -> str:
        """Read a character, a range or a class of a set."""
        low = self._member()
        pattern = self._pattern
        if not pattern.startswith("-", self._at) or pattern[self._at + 1 : self._at + 2] in {"]", ""}:
            return low.text
        self._at += 1
        high = self._member()
        if not low.single or not high.single:
            raise UnknownSyntaxError("a range that begins or ends in a class")
        return f"{low.text}-{high.text}"

    def _member(self) -> _Member:
        pattern, at = self._pattern, self._at
        if match := _POSIX_CLASS.match(pattern, at):
            if match[2] not in _POSIX:
                raise UnknownSyntaxError(f"the class {match[0]} is not supported")
            self._at = match.end()
            return _Member(_without(_POSIX[match[2]]) if match[1] else _POSIX[match[2]], single=False)
        letter = pattern[at + 1 : at + 2]
        if pattern[at] != "\\":
            self._at += 1
            return _Member(_plain(pattern[at]))
        if letter == "b":
            self._at += 2
            return _Member(r"\x08")
        if letter and letter.lower() in _CLASSES:
            self._at += 2
            return _Member(_OTHERS[letter] if letter.isupper() else _CLASSES[letter], single=False)
        if match := _PROPERTY.match(pattern, at):
            self._at = match.end()
            return _Member(match[0], single=False)
        return _Member(_plain(self._character()))


@dataclass(frozen=True, slots=True)
class _Member:
    """What a set holds, as written in brackets; `single`: one character, so that a range may begin with it."""

    text: str
    single: bool = True


def _without(members: str) -> str:
    """Return what a class of ASCII does not hold, as written in brackets."""
    held = re.compile(f"[{members}]")
    return "".join(f"\\x{code:02x}" for code in range(0x80) if not held.match(chr(code))) + r"\u0080-\U0010ffff"


def _coded(match: re.Match[str]) -> str:
    if match[5]:
        return chr(ord(match[5].upper()) ^ 64)
    octal = match[3] or match[4]
    code = int(octal, 8) if octal else int(match[1] or match[2] or "0", 16)
    if code > _LAST or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 -- halves of surrogate pairs
        raise UnknownSyntaxError("no such character")
    return chr(code)


def _plain(char: str) -> str:
    """Return a character that stands for itself, in a set or outside, in both engines."""
    code = ord(char)
    if code > 0x7F:  # noqa: PLR2004
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004
    return char if char.isalnum() or char == "_" else f"\\x{code:02x}"
