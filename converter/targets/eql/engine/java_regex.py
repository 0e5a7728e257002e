"""Java's regular expressions, as far as they are plain, translated to RE2.

    text ──parse──> RE2 expression ──> test(text) -> bool

EQL runs `regex` on the result of a function as a Java expression on the whole text, not as a Lucene one: `.` stops at
line breaks, `^` and `$` are anchors, and the characters that are operators to Lucene alone are ordinary. What the two
libraries read in the same way is translated, character by character; anything else is refused by name.
"""

from __future__ import annotations

import re

import re2

from converter.targets.eql.engine.strings import JAVA_LINE_BREAKS, RegexError, Test, matcher, quote

_MAX_DEPTH = 100
_COUNTS = re.compile(r"[0-9]+(?:,[0-9]*)?\}")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_CLASSES = {"d": "0-9", "w": "a-zA-Z_0-9", "s": " \\t\\n\\x0b\\f\\r"}


def compile_regex(pattern: str, *, insensitive: bool) -> Test:
    """Return the test whether a whole text matches a Java regular expression.

    Raises:
        RegexError: with a message for a person.
    """
    if insensitive and not pattern.isascii():
        raise RegexError("letters beyond ASCII in an expression that ignores case are not supported on a function")
    translated = _Translator(pattern).whole()
    try:
        return matcher(f"(?i:{translated})" if insensitive else translated)
    except re2.error as error:
        raise RegexError(f"the expression is too large or not valid: {error}") from None


class _Translator:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> str:
        return "".join(self._items())

    def _take(self, lexeme: str) -> bool:
        found = self._text.startswith(lexeme, self._at)
        if found:
            self._at += len(lexeme)
        return found

    def _items(self) -> list[str]:
        out: list[str] = []
        depth = 0
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            match char:
                case "(":
                    depth += 1
                    out.append(self._open(depth))
                case ")":
                    depth -= 1
                    if depth < 0:
                        raise RegexError("a closing bracket closes nothing")
                    out.append(")" + self._quantifier())
                case "|" | "^":
                    out.append("|" if char == "|" else "\\A")
                case "$":
                    if self._at < len(self._text) and self._text[self._at] not in ")|":
                        raise RegexError("$ inside an expression is not supported on a function")
                    out.append("\\z")
                case "*" | "+" | "?" | "{":
                    raise RegexError(f"{char} repeats nothing")
                case _:
                    out.append(self._atom(char) + self._quantifier())
        if depth:
            raise RegexError("an opening bracket is not closed")
        return out

    def _open(self, depth: int) -> str:
        if depth > _MAX_DEPTH:
            raise RegexError(f"the expression is nested more than {_MAX_DEPTH} levels deep")
        if not self._take("?:") and self._text.startswith("?", self._at):
            raise RegexError("groups with (? are not supported on a function, except (?:")
        return "(?:"

    def _atom(self, char: str) -> str:
        match char:
            case ".":
                return f"[^{JAVA_LINE_BREAKS}]"
            case "[":
                return self._class()
            case "\\":
                escaped = self._escape()
                return f"[{escaped}]" if len(escaped) > 1 and escaped in self._sets() else escaped
            case _:
                return quote(char)

    @staticmethod
    def _sets() -> frozenset[str]:
        return frozenset(_CLASSES.values())

    def _escape(self) -> str:
        if self._at >= len(self._text):
            raise RegexError("the expression ends in a backslash")
        char = self._text[self._at]
        self._at += 1
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _CONTROLS:
            return quote(_CONTROLS[char])
        if char.isascii() and char.isalnum():
            raise RegexError(f"\\{char} is not supported on a function")
        return quote(char)

    def _class(self) -> str:
        members = ["^"] if self._take("^") else []
        if self._take("]"):
            raise RegexError("a class cannot start with ]; write \\]")
        while not self._take("]"):
            members.append(self._member())
        return f"[{''.join(members)}]"

    def _member(self) -> str:
        low = self._member_char()
        if low in self._sets() or self._text.startswith("-]", self._at) or not self._take("-"):
            return low
        return f"{low}-{self._member_char()}"

    def _member_char(self) -> str:
        if self._at >= len(self._text):
            raise RegexError("a class is not closed")
        char = self._text[self._at]
        if char == "[" or self._text.startswith("&&", self._at):
            raise RegexError("classes inside classes are not supported on a function")
        self._at += 1
        return self._escape() if char == "\\" else quote(char)

    def _quantifier(self) -> str:
        if self._at >= len(self._text) or self._text[self._at] not in "*+?{":
            return ""
        start = self._at
        self._at += 1
        if self._text[start] == "{":
            counts = _COUNTS.match(self._text, self._at)
            if counts is None:
                raise RegexError("{ starts a count such as {2,3}; write a literal one as \\{")
            self._at = counts.end()
        end = self._at
        if self._take("+"):
            raise RegexError("possessive repeats are not supported on a function")
        # A lazy repeat takes the same texts as a greedy one where the whole text must match.
        self._take("?")
        return self._text[start:end]
