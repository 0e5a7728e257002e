r"""Regular expressions of Java, for REPLACE and SPLIT.

    pattern ──scan──> RE2 text, `regex` text ──> Matcher: RE2 for plain subjects, `regex` for the others

Most patterns mean the same to RE2, which takes linear time. They differ from Java's where a subject has line breaks
(`.` and `$` know more of them in Java) or letters beyond ASCII (`(?i)` and `\w` are ASCII in Java): such subjects, and
patterns with look-around or back-references, go to the package `regex` with a time limit.
Source: Java API, class `java.util.regex.Pattern` and `Matcher.appendReplacement`; Elasticsearch class `Replace`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import re2
import regex

from converter.targets.esql.like import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT_SECONDS = 2.0
_TERMINATORS = r"\n\r\x85\u2028\u2029"
_SLOW_END = rf"(?=(?:\r\n|[{_TERMINATORS}])?\Z)"
_HORIZONTAL = r" \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL = r"\n\x0B\f\r\x85\u2028\u2029"
# How each engine writes an anchor of Java: RE2, then `regex`.
_ANCHORS: dict[str, tuple[str, ...]] = {
    "A": (r"\A",),
    "B": (r"\B",),
    "Z": (r"\z", _SLOW_END),
    "b": (r"\b",),
    "z": (r"\z", r"\Z"),
}
_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0B\f\r",
}
_CATEGORY = re.compile(
    r"(?:Is)?(L|Lu|Ll|Lt|Lm|Lo|M|Mn|Mc|Me|N|Nd|Nl|No|P|Pc|Pd|Ps|Pe|Pi|Pf|Po|S|Sm|Sc|Sk|So|Z|Zs|Zl|Zp)"
)
_GROUP_OPENING = re.compile(r"\(\?(?:([imsx-]*)([:)])|(<?[=!]|>)|<([A-Za-z][A-Za-z0-9]*)>)")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|0([0-3]?[0-7]{1,2})")
_NAMED_REFERENCE = re.compile(r"k<([A-Za-z][A-Za-z0-9]*)>")


class _Found(Protocol):
    """What the engine needs of a match object."""

    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, group: int | str, /) -> Any: ...


class Matcher:
    """A compiled Java pattern."""

    def __init__(self, pattern: str) -> None:
        scan = _Scanner(pattern)
        scan.run()
        self.groups = scan.groups
        self.names = frozenset(scan.names)
        self._slow_text = "".join(scan.slow)
        self._fast = None if scan.slow_only else _re2("".join(scan.fast))
        self._slow: Any = None
        if self._fast is None:
            self._compile_slow()

    def _compile_slow(self) -> Any:
        if self._slow is None:
            try:
                self._slow = regex.compile(self._slow_text, regex.ASCII | regex.V1)
            except (regex.error, OverflowError) as error:
                raise PatternError(f"not a regular expression that this engine knows ({error})", 0) from None
        return self._slow

    def find(self, text: str) -> Iterator[_Found]:
        """Yield the matches in a text, from left to right, as `Matcher.find` does.

        Raises:
            PatternError: the pattern takes too long on this text.
        """
        if self._fast is not None and text.isascii() and "\n" not in text and "\r" not in text:
            yield from _java_order(self._fast.search, text)
            return
        slow = self._compile_slow()
        try:
            yield from _java_order(lambda t, p: slow.search(t, p, timeout=TIMEOUT_SECONDS), text)
        except TimeoutError:
            raise PatternError(f"the regular expression took more than {TIMEOUT_SECONDS:g} s on a value", 0) from None


def _java_order(search: Callable[[str, int], Any], text: str) -> Iterator[_Found]:
    """Yield matches: after an empty match the search goes on one character further, after another at its end."""
    position = 0
    while position <= len(text):
        found = search(text, position)
        if found is None:
            return
        yield found
        position = found.end() if found.end() > found.start() else found.end() + 1


def _re2(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


@lru_cache(maxsize=256)
def compile_java(pattern: str) -> Matcher:
    """Return a compiled pattern.

    Raises:
        PatternError: not a Java pattern, or one with a construct that this engine does not know.
    """
    return Matcher(pattern)


class _Scanner:
    """Reads a Java pattern once and writes it for RE2 (`fast`) and for the package `regex` (`slow`)."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._flags = [frozenset[str]()]
        self.fast: list[str] = []
        self.slow: list[str] = []
        self.slow_only = False
        self.groups = 0
        self.names: list[str] = []

    def _error(self, message: str, at: int | None = None) -> PatternError:
        return PatternError(f"{message} in a Java regular expression", self._at if at is None else at)

    def _put(self, fast: str, slow: str | None = None) -> None:
        self.fast.append(fast)
        self.slow.append(fast if slow is None else slow)

    def run(self) -> None:
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            match character:
                case "\\":
                    self._escape()
                case "[":
                    self._set()
                case "(":
                    self._open()
                case ")":
                    if len(self._flags) == 1:
                        raise self._error("an unmatched ')'")
                    self._flags.pop()
                    self._take(")")
                case ".":
                    dot_all = "s" in self._flags[-1]
                    self._take("(?s:.)" if dot_all else ".", "(?s:.)" if dot_all else f"[^{_TERMINATORS}]")
                case "$":
                    multiline = "m" in self._flags[-1]
                    self._take(
                        "(?m:$)" if multiline else r"\z", rf"(?=\r\n|[{_TERMINATORS}]|\Z)" if multiline else _SLOW_END
                    )
                case "^":
                    multiline = "m" in self._flags[-1]
                    self._take(
                        "(?m:^)" if multiline else r"\A",
                        r"(?:\A|(?<=[\n\x85\u2028\u2029])(?!\Z)|(?<=\r)(?!\n|\Z))" if multiline else r"\A",
                    )
                case _:
                    self._plain(character)
        if len(self._flags) > 1:
            raise self._error("an unclosed '('")

    def _take(self, fast: str, slow: str | None = None) -> None:
        self._put(fast, slow)
        self._at += 1

    def _plain(self, character: str) -> None:
        if character in "*+?{}|,":  # a comma may be part of {2,3}
            self._take(character)
        else:
            self._take(re2.escape(character), regex.escape(character, special_only=False))

    def _open(self) -> None:
        if self._pattern.startswith("(?", self._at):
            found = _GROUP_OPENING.match(self._pattern, self._at)
            if not found or (found[1] and not re.fullmatch(r"[ims]*(?:-[ims]+)?", found[1])):
                raise self._error("an unknown group or flag after '(?'")
            flags, closing, special, name = found.groups()
            self._at = found.end()
            if special:
                self.slow_only = True
                self._flags.append(self._flags[-1])
                self._put(found[0])
            elif name:
                self.groups += 1
                self.names.append(name)
                self._flags.append(self._flags[-1])
                self._put(f"(?P<{name}>")
            else:
                self._set_flags(flags, closing)
            return
        self.groups += 1
        self._flags.append(self._flags[-1])
        self._take("(")

    def _set_flags(self, flags: str, closing: str) -> None:
        """Apply `(?i)` to the rest of the group, or `(?i:` to a group. Only `i` is left to the other engines."""
        on, _, off = flags.partition("-")
        current = (self._flags[-1] | set(on)) - set(off)
        folding = "i" if "i" in current else "-i"
        if closing == ")":
            self._flags[-1] = current
            self._put(f"(?{folding})")
        else:
            self._flags.append(current)
            self._put(f"(?{folding}:")

    def _escape(self) -> None:
        if self._at + 1 >= len(self._pattern):
            raise self._error("a backslash at the end")
        if self._pattern.startswith("\\Q", self._at):
            end = self._pattern.find("\\E", self._at)
            literal = self._pattern[self._at + 2 : end if end >= 0 else len(self._pattern)]
            self._put(re2.escape(literal), regex.escape(literal, special_only=False))
            self._at = end + 2 if end >= 0 else len(self._pattern)
            return
        letter = self._pattern[self._at + 1]
        if letter in "123456789":
            self._reference(letter)
            return
        if found := _NAMED_REFERENCE.match(self._pattern, self._at + 1):
            if found[1] not in self.names:
                raise self._error(f"no group is named {found[1]!r}")
            self.slow_only = True
            self._put(f"(?P={found[1]})")
            self._at = found.end()
            return
        if letter in _ANCHORS:
            self._at += 2
            self._put(*_ANCHORS[letter])
            return
        if letter == "R":
            breaks = r"\n\x0B\f\r\x85\x{2028}\x{2029}"
            self._put(rf"(?:\r\n|[{breaks}])", rf"(?>\r\n|[{_VERTICAL}])")
            self._at += 2
            return
        inside = self._class_escape()
        self._put(_bracket(_for_re2(inside)), _bracket(inside))

    def _reference(self, digit: str) -> None:
        if int(digit) > self.groups:
            raise self._error(f"no group {digit} stands before the back-reference")
        number = digit
        self._at += 2
        # Java reads more digits while such a group exists.
        while self._at < len(self._pattern) and self._pattern[self._at] in "0123456789":
            if int(number + self._pattern[self._at]) > self.groups:
                break
            number += self._pattern[self._at]
            self._at += 1
        self.slow_only = True
        self._put(f"(?:\\{number})")

    def _class_escape(self) -> str:
        """Read an escape that may stand in a set; return what to write inside brackets, for `regex`."""
        if self._at + 1 >= len(self._pattern):
            raise self._error("a backslash at the end")
        letter = self._pattern[self._at + 1]
        rest = self._at + 1
        if found := _HEX.match(self._pattern, rest):
            digits = found[1] or found[2] or found[3]
            code = int(digits, 16) if digits else int(found[4], 8)
            self._at = found.end()
            if code > 0x10FFFF:  # noqa: PLR2004
                raise self._error("a code point is too large")
            return _code(code)
        if letter in "pP":
            return self._property(letter)
        self._at += 2
        if letter in "dDwW":
            return f"\\{letter}"
        if letter in "sS":
            return r" \t\n\x0B\f\r" if letter == "s" else r"^ \t\n\x0B\f\r"
        if letter in "hHvV":
            ranges = _HORIZONTAL if letter in "hH" else _VERTICAL
            return ranges if letter.islower() else f"^{ranges}"
        controls = {"t": 9, "n": 10, "r": 13, "f": 12, "a": 7, "e": 27}
        if letter in controls:
            return _code(controls[letter])
        if letter.isalnum() and letter.isascii():
            raise self._error(f"the escape '\\{letter}' is not supported", self._at - 2)
        return _code(ord(letter))

    def _property(self, letter: str) -> str:
        found = re.compile(r"\{(\w+)\}|(\w)").match(self._pattern, self._at + 2)
        if not found:
            raise self._error("a property name is expected after '\\p'")
        name = found[1] or found[2]
        negated = "^" if letter == "P" else ""
        if name in _POSIX:
            self._at = found.end()
            return negated + _POSIX[name]
        if category := _CATEGORY.fullmatch(name):
            self._at = found.end()
            return f"\\{letter}{{{category[1]}}}"
        raise self._error(f"the property {name!r} is not supported")

    def _set(self) -> None:
        """Read `[...]`. Unions and intersections of sets are Java's own: `regex` has them too, RE2 has not."""
        start = self._at
        slow, fast = ["["], ["["]
        self._at += 1
        depth = 1
        first = True
        while depth:
            if self._at >= len(self._pattern):
                raise self._error("an unclosed '['", start)
            character = self._pattern[self._at]
            if character == "^" and first:
                text = plain = "^"
                self._at += 1
                slow.append(text)
                fast.append(plain)
                continue
            if character == "]" and not first:
                depth -= 1
                text = plain = "]"
                self._at += 1
            elif character == "[":
                depth += 1
                self.slow_only = True
                text = plain = "["
                self._at += 1
                slow.append(text)
                fast.append(plain)
                first = True
                continue
            elif self._pattern.startswith("&&", self._at):
                self.slow_only = True
                text = plain = "&&"
                self._at += 2
            elif character == "\\":
                text, plain = self._set_escape()
            elif character == "-":
                text = plain = "-"
                self._at += 1
            else:
                text = plain = _code(ord(character))
                self._at += 1
            slow.append(text)
            fast.append(plain)
            first = False
        self.slow.append(_settled("".join(slow)))
        self.fast.append(_for_re2(_settled("".join(fast))))

    def _set_escape(self) -> tuple[str, str]:
        if self._pattern.startswith("\\Q", self._at):
            end = self._pattern.find("\\E", self._at)
            end = len(self._pattern) if end < 0 else end
            literal = "".join(_code(ord(c)) for c in self._pattern[self._at + 2 : end])
            self._at = min(len(self._pattern), end + 2)
            return literal, literal
        inside = self._class_escape()
        if inside.startswith("^"):  # a negated list inside a set: a set of its own
            self.slow_only = True
            inside = f"[{inside}]"
        return inside, inside


def _settled(text: str) -> str:
    """Escape a `-` that stands for itself at either end of a set, so that both engines read it so."""
    return re.sub(r"^(\[\^?)-(?!\])", r"\1\\-", re.sub(r"-\]$", r"\\-]", text))


def _code(code: int) -> str:
    """Return a character as an escape that `regex` reads, in a set or outside."""
    character = chr(code)
    if character.isalnum() and character.isascii():
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _for_re2(text: str) -> str:
    return re.sub(r"\\[uU]([0-9a-fA-F]{8}|[0-9a-fA-F]{4})", r"\\x{\1}", text)


def _bracket(inside: str) -> str:
    """Return what may stand inside a set as a set of its own."""
    return inside if len(inside) == 1 else f"[{inside}]"


# --- replacement ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _template(replacement: str, groups: int, names: frozenset[str]) -> tuple[str | int, ...] | str:
    r"""Return literal texts, group numbers, and named groups (as `\0name`); a string is an error message."""
    pieces: list[str | int] = []
    index = 0
    while index < len(replacement):
        character = replacement[index]
        if character == "\\":
            index += 1
            if index >= len(replacement):
                return "character to be escaped is missing"
            pieces.append(replacement[index])
        elif character == "$":
            found = re.compile(r"\{([A-Za-z][A-Za-z0-9]*)\}|([0-9])").match(replacement, index + 1)
            if not found:
                return "Illegal group reference"
            if found[1]:
                if found[1] not in names:
                    return f"No group with name {{{found[1]}}}"
                pieces.append(f"\0{found[1]}")
                index = found.end() - 1
            else:
                number, end = int(found[2]), found.end()
                if number > groups:
                    return f"No group {number}"
                while end < len(replacement) and replacement[end] in "0123456789":
                    if number * 10 + int(replacement[end]) > groups:
                        break
                    number, end = number * 10 + int(replacement[end]), end + 1
                pieces.append(number)
                index = end - 1
        else:
            pieces.append(character)
        index += 1
    return tuple(pieces)


def replace(matcher: Matcher, text: str, replacement: str) -> str | None:
    """Return a text with every match replaced; None when the replacement is bad (null and a warning in the product).

    Raises:
        PatternError: the pattern takes too long on this text.
    """
    out: list[str] = []
    end = 0
    template: tuple[str | int, ...] | None = None
    for found in matcher.find(text):
        if template is None:
            compiled = _template(replacement, matcher.groups, matcher.names)
            if isinstance(compiled, str):
                return None
            template = compiled
        out.append(text[end : found.start()])
        for piece in template:
            if isinstance(piece, int):
                out.append(found.group(piece) or "")
            elif piece[0] == "\0" and len(piece) > 1:
                out.append(found.group(piece[1:]) or "")
            else:
                out.append(piece)
        end = found.end()
    if template is None:
        return text
    out.append(text[end:])
    return "".join(out)
