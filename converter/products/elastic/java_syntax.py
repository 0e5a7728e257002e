r"""The syntax of Java's regular expressions, read once and written for two other libraries.

    pattern ──translate──> Translation(fast: for RE2, slow: for the package `regex`)

`fast` means the same as Java's pattern on subjects of ASCII without line breaks; it is None where RE2 cannot say it.
`slow` means the same on all subjects: classes are written out (Java's are ASCII), `.` `$` `^` know Java's line
terminators (with the flag `d` the line feed alone), and ignoring case is written out too, because Java does it for
ASCII letters unless the flag `u` is given.
Source: Java API, class `java.util.regex.Pattern`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import re2
import regex

from converter.products.elastic.patterns import PatternError, SlowPatternError
from converter.readers.regex_budget import OutOfBudgetError, TooLargeError, compile_backtracking

_TERMINATORS = r"\n\r\x85\u2028\u2029"
_ONE_TERMINATOR = r"(?:\r\n|[\r\x85\u2028\u2029]|(?<!\r)\n)"  # never between \r and \n
_BEFORE_LAST_TERMINATOR = rf"(?={_ONE_TERMINATOR}?\Z)"
_BEFORE_TERMINATOR = rf"(?={_ONE_TERMINATOR}|\Z)"
_AFTER_TERMINATOR = r"(?:\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))(?!\Z)"  # never at the end
_WORD = "a-zA-Z0-9_"
_AT_BOUNDARY = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_OFF_BOUNDARY = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_LARGEST = 0x10FFFF
_ASCII = 0x80
# How each engine writes an anchor of Java: RE2, then `regex`.
_ANCHORS = {
    "A": (r"\A", r"\A"),
    "B": (r"\B", _OFF_BOUNDARY),
    "Z": (r"\z", _BEFORE_LAST_TERMINATOR),
    "b": (r"\b", _AT_BOUNDARY),
    "z": (r"\z", r"\Z"),
}
# What each class holds, as written inside brackets.
_CLASSES = {
    "d": "0-9",
    "h": r" \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
    "s": r" \t\n\x0B\f\r",
    "v": r"\n\x0B\f\r\x85\u2028\u2029",
    "w": _WORD,
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
_CASED_PROPERTIES = {"Lower", "Upper", "Lu", "Ll", "Lt"}
_CATEGORIES = "L|Lu|Ll|Lt|Lm|Lo|M|Mn|Mc|Me|N|Nd|Nl|No|P|Pc|Pd|Ps|Pe|Pi|Pf|Po|S|Sm|Sc|Sk|So|Z|Zs|Zl|Zp"
_CATEGORY = re.compile(rf"(?:Is)?({_CATEGORIES})")
_PROPERTY = re.compile(r"\{(\w+)\}|(\w)")
_GROUP_OPENING = re.compile(r"\(\?(?:([a-zA-Z-]*)([:)])|(<?[=!]|>)|<([A-Za-z][A-Za-z0-9]*)>)")
_COUNTED = re.compile(r"\{[0-9]{1,9}(?:,[0-9]{0,9})?\}")
_FLAGS = re.compile(r"[dimsu]*(?:-[dimsu]+)?")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|0([0-3]?[0-7]{1,2})")
_NAMED_REFERENCE = re.compile(r"k<([A-Za-z][A-Za-z0-9]*)>")
_CONTROLS = {"t": 9, "n": 10, "r": 13, "f": 12, "a": 7, "e": 27}


@dataclass(frozen=True, slots=True)
class Translation:
    """A pattern of Java in the words of RE2 (None: it has none) and of `regex`, its groups and their names."""

    fast: str | None
    slow: str
    groups: int
    names: frozenset[str]


def translate(pattern: str) -> Translation:
    """Return a pattern for both engines.

    Raises:
        PatternError: it is not valid, or has a construct that this engine does not know.
    """
    scanner = _Scanner(pattern)
    scanner.run()
    fast = None if scanner.slow_only else "".join(scanner.fast)
    return Translation(fast, "".join(scanner.slow), scanner.groups, frozenset(scanner.names))


class _Scanner:
    """Reads a pattern from left to right; `_flags` is a stack, one set of flags for each open group."""

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

    def _on(self, flag: str) -> bool:
        return flag in self._flags[-1]

    def _put(self, fast: str, slow: str | None = None, *, read: int = 0) -> None:
        self.fast.append(fast)
        self.slow.append(fast if slow is None else slow)
        self._at += read

    def run(self) -> None:
        """Read the whole pattern."""
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
                    self._put(")", read=1)
                case ".":
                    every = self._on("s")
                    other = r"[^\n]" if self._on("d") else f"[^{_TERMINATORS}]"
                    self._put("(?s:.)" if every else ".", "(?s:.)" if every else other, read=1)
                case "$":
                    lines = self._on("m")
                    if self._on("d"):
                        slow = r"(?=\n|\Z)" if lines else r"(?=\n?\Z)"
                    else:
                        slow = _BEFORE_TERMINATOR if lines else _BEFORE_LAST_TERMINATOR
                    self._put("(?m:$)" if lines else r"\z", slow, read=1)
                case "^":
                    lines = self._on("m")
                    after = r"(?:\A|(?<=\n))(?!\Z)" if self._on("d") else _AFTER_TERMINATOR
                    self._put("(?m:^)" if lines else r"\A", after if lines else r"\A", read=1)
                case "{":
                    counted = _COUNTED.match(self._pattern, self._at)
                    if not counted:
                        raise self._error("a repetition such as {1,3} is expected")
                    self._put(counted[0], read=len(counted[0]))
                case _ if character in "*+?|":
                    self._put(character, read=1)
                case _:
                    self._literal(character)
                    self._at += 1
        if len(self._flags) > 1:
            raise self._error("an unclosed '('")

    def _literal(self, character: str) -> None:
        """Write a character that stands for itself, or for its other case too."""
        fast, slow = re2.escape(character), _code(ord(character))
        if self._on("i"):
            if ord(character) >= _ASCII:
                self.slow_only = True  # RE2 would fold it to a letter of ASCII
                if self._on("u"):
                    slow = f"(?i-f:{slow})"
            elif character.isalpha():
                both = f"[{character.lower()}{character.upper()}]"
                slow = f"(?i-f:{character})" if self._on("u") else both
        self._put(fast, slow)

    def _open(self) -> None:
        if not self._pattern.startswith("(?", self._at):
            self.groups += 1
            self._flags.append(self._flags[-1])
            self._put("(", read=1)
            return
        match = _GROUP_OPENING.match(self._pattern, self._at)
        if not match or (match[1] and not _FLAGS.fullmatch(match[1])):
            raise self._error("a group or flag that is not supported after '(?'")
        flags, closing, special, name = match.groups()
        self._at = match.end()
        if special:
            self.slow_only = True
            self._flags.append(self._flags[-1])
            self._put(match[0])
        elif name:
            self.groups += 1
            self.names.append(name)
            self._flags.append(self._flags[-1])
            self._put(f"(?P<{name}>")
        else:
            self._set_flags(flags, closing)

    def _set_flags(self, flags: str, closing: str) -> None:
        """Apply `(?i)` to the rest of the group, or `(?i:` to a group. RE2 gets `i` only: the rest is written out."""
        on, _, off = flags.partition("-")
        current = (self._flags[-1] | set(on)) - set(off)
        folding = "i" if "i" in current else "-i"
        if closing == ")":
            if self._pattern[self._at : self._at + 1] in {"*", "+", "?", "{"}:
                raise self._error("a repetition repeats nothing")
            self._flags[-1] = current
            self._put(f"(?{folding})", "")
        else:
            self._flags.append(current)
            self._put(f"(?{folding}:", "(?:")

    def _escape(self) -> None:
        if self._at + 1 >= len(self._pattern):
            raise self._error("a backslash at the end")
        if self._pattern.startswith("\\Q", self._at):
            for character in self._quoted():
                self._literal(character)
            return
        letter = self._pattern[self._at + 1]
        if letter in "123456789":
            self._reference(letter)
        elif match := _NAMED_REFERENCE.match(self._pattern, self._at + 1):
            if match[1] not in self.names:
                raise self._error(f"no group is named {match[1]!r}")
            self._back_reference(f"(?P={match[1]})")
            self._at = match.end()
        elif letter in _ANCHORS:
            fast, slow = _ANCHORS[letter]
            self._put(fast, r"(?=\n?\Z)" if letter == "Z" and self._on("d") else slow, read=2)
        elif letter == "R":
            breaks = _CLASSES["v"]
            self._put(_for_re2(rf"(?:\r\n|[{breaks}])"), rf"(?>\r\n|[{breaks}])", read=2)
        else:
            item = self._escaped_item()
            if isinstance(item, int):
                self._literal(chr(item))
            else:
                self._put(_for_re2(f"[{item}]"), f"[{item}]")

    def _quoted(self) -> str:
        r"""Read `\Q...\E` and return the text in it."""
        end = self._pattern.find("\\E", self._at)
        text = self._pattern[self._at + 2 : end if end >= 0 else len(self._pattern)]
        self._at = end + 2 if end >= 0 else len(self._pattern)
        return text

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
        self._back_reference(f"(?:\\{number})")

    def _back_reference(self, text: str) -> None:
        if self._on("i"):
            raise self._error("a back-reference that ignores case is not supported")
        self.slow_only = True
        self._put(text)

    def _escaped_item(self) -> int | str:
        """Read an escape that may stand in a set: a code point, or what to write inside brackets for a class."""
        if self._at + 1 >= len(self._pattern):
            raise self._error("a backslash at the end")
        letter = self._pattern[self._at + 1]
        if match := _HEX.match(self._pattern, self._at + 1):
            digits = match[1] or match[2] or match[3]
            code = int(digits, 16) if digits else int(match[4], 8)
            if code > _LARGEST:
                raise self._error("a code point is too large")
            self._at = match.end()
            return code
        if letter in "pP":
            return self._property(letter)
        self._at += 2
        if letter.lower() in _CLASSES:
            return ("^" if letter.isupper() else "") + _CLASSES[letter.lower()]
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter.isalnum() and letter.isascii():
            raise self._error(f"the escape '\\{letter}' is not supported", self._at - 2)
        return ord(letter)

    def _property(self, letter: str) -> str:
        match = _PROPERTY.match(self._pattern, self._at + 2)
        if not match:
            raise self._error("a property name is expected after '\\p'")
        name = match[1] or match[2]
        category = _CATEGORY.fullmatch(name)
        if self._on("i") and (name in _CASED_PROPERTIES or (category and category[1] in _CASED_PROPERTIES)):
            raise self._error(f"the property {name!r} while case is ignored is not supported")
        if name not in _POSIX and not category:
            raise self._error(f"the property {name!r} is not supported")
        self._at = match.end()
        if category:
            return f"\\{letter}{{{category[1]}}}"
        return ("^" if letter == "P" else "") + _POSIX[name]

    # --- sets -------------------------------------------------------------------------------------------------------

    def _set(self) -> None:
        """Read `[...]`. Unions and intersections of sets are Java's own: `regex` has them too, RE2 has not."""
        start = self._at
        out: list[str] = []
        depth = 0
        fresh = False  # whether nothing has been read since the last opening
        while True:
            if self._at >= len(self._pattern):
                raise self._error("an unclosed '['", start)
            if self._pattern[self._at] == "[":
                depth += 1
                self.slow_only = self.slow_only or depth > 1
                negated = self._pattern.startswith("^", self._at + 1)
                out.append("[^" if negated else "[")
                self._at += 2 if negated else 1
                fresh = True
                continue
            if self._pattern[self._at] == "]" and not fresh:
                depth -= 1
                out.append("]")
                self._at += 1
                if depth == 0:
                    break
            elif self._pattern.startswith("&&", self._at):
                self.slow_only = True
                out.append("&&")
                self._at += 2
            else:
                out.append(self._set_item())
            fresh = False
        text = "".join(out)
        self._put(_for_re2(text), f"(?i-f:{text})" if self._on("i") and self._on("u") else text)

    def _set_item(self) -> str:
        """Read a character, a range, a class or quoted text of a set."""
        if self._pattern.startswith("\\Q", self._at):
            return "".join(self._range(ord(character), ord(character)) for character in self._quoted())
        low = self._set_character()
        if isinstance(low, str):
            if self._on("i") and self._on("u"):  # the characters beside it fold, the class does not
                raise self._error("a class in a set that ignores the case of all letters is not supported")
            if low.startswith("^"):  # a negated list is a set within the set
                self.slow_only = True
                return f"[{low}]"
            return low
        following = self._pattern[self._at + 1 : self._at + 2]
        if not self._pattern.startswith("-", self._at) or following in {"", "]", "["}:
            return self._range(low, low)
        self._at += 1
        high = self._set_character()
        if isinstance(high, str) or low > high:
            raise self._error("a range of a set runs backwards or ends in a class")
        return self._range(low, high)

    def _set_character(self) -> int | str:
        if self._pattern[self._at] == "\\":
            return self._escaped_item()
        self._at += 1
        return ord(self._pattern[self._at - 1])

    def _range(self, low: int, high: int) -> str:
        """Write a range; while case is ignored, with the other case of its letters of ASCII."""
        text = _span(low, high)
        if self._on("i"):
            if high >= _ASCII:
                self.slow_only = True
            for first, last, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
                if low <= last and high >= first:
                    text += _span(max(low, first) + shift, min(high, last) + shift)
        return text


def _span(low: int, high: int) -> str:
    return _code(low) if low == high else f"{_code(low)}-{_code(high)}"


def _code(code: int) -> str:
    """Return a character as an escape that `regex` reads, in a set or outside."""
    character = chr(code)
    if character.isalnum() and character.isascii():
        return character
    if code < 0x100:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004


def _for_re2(text: str) -> str:
    return re.sub(r"\\[uU]([0-9a-fA-F]{8}|[0-9a-fA-F]{4})", r"\\x{\1}", text)


def compile_slow(translation: Translation) -> regex.Pattern[str]:
    """Compile the text for `regex`.

    Raises:
        PatternError: it does not compile.
    """
    try:
        pattern: regex.Pattern[str] = compile_backtracking(translation.slow, regex.V1)
    except OutOfBudgetError as spent:
        raise SlowPatternError.of(spent) from None
    except (TooLargeError, regex.error, RecursionError, OverflowError) as error:
        raise PatternError(f"not a regular expression that this engine knows ({error})", 0) from None
    return pattern
