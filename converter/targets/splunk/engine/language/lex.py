"""Characters to words: the scanner that every SPL grammar of this folder reads from.

    text ──Scanner──> words, quoted texts, names ──parse*──> tree

SPL has no single token grammar: each command reads the rest of its line in its own way. So the scanner has no tokens;
it offers the few lexical forms that commands share, and it alone knows about comments, macros and nesting.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from converter.errors import QueryError
from converter.readers.source import Parser, Source, Span

if TYPE_CHECKING:
    from converter.readers.source import Located
    from converter.targets.splunk.engine.language.syntax import Pipeline

# How a search that stands inside another begins: `search` with a command that makes events; so does `streaming`, and
# each of its commands looks at one row at a time; `commands` work on rows that are there.
PipelineKind: TypeAlias = Literal["search", "streaming", "commands"]

# A level of brackets costs up to eight frames of the parser; this leaves half of the default stack to the caller.
MAX_DEPTH = 64

_SPACE = re.compile(r"\s+")
_COMMENT = "```"
_MACRO = re.compile(r"`([^`]*)`?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"""[^\s,|\[\]()"'`=<>!]+""")
_BARE = re.compile(r"""[^\s,|\[\]()"`]+""")
_BRACKETED = re.compile(r"\([A-Za-z0-9_.]*\)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LEADING_NUMBER = re.compile(r"([0-9]+)(?![^\s,|\]])")


class PipelineReader(Protocol):
    """Reads a search that stands inside another; which commands there are, no expression knows."""

    def pipeline(self, scanner: Scanner, kind: PipelineKind) -> Pipeline:
        """Read commands up to the closing square bracket.

        Raises:
            QueryError: a command that cannot stand there, or is wrong.
        """
        ...


class Scanner(Parser[QueryError]):
    """A position in a text, and the lexical forms that can be read there.

    Args:
        source: the text.
        pipelines: reads the searches in square brackets; without it there can be none.
        end: where the text ends for this scanner; by default where it does.
    """

    def __init__(
        self, source: Source[QueryError], pipelines: PipelineReader | None = None, end: int | None = None
    ) -> None:
        super().__init__(source)
        self.text = source.text[:end]
        self.pipelines = pipelines
        self.offset = 0

    def here(self) -> Span:
        """Return the next character."""
        return Span(self.offset, self.offset + 1)

    def error(self, message: str, at: int | Located | None = None, hint: str = "") -> QueryError:
        """Return an error at a part of the text, or at a character; by default at the next one."""
        return super().error(message, Span(at, at + 1) if isinstance(at, int) else at, hint)

    def span(self, start: int) -> Span:
        """Return the span from `start` to the position, and at least one character."""
        return Span(start, max(start + 1, self.offset))

    def skip(self) -> None:
        """Move over white space and comments.

        Raises:
            QueryError: a macro stands here, or a comment does not end.
        """
        while True:
            if space := _SPACE.match(self.text, self.offset):
                self.offset = space.end()
            if not self.text.startswith("`", self.offset):
                return
            if not self.text.startswith(_COMMENT, self.offset):
                name = _MACRO.match(self.text, self.offset)
                shown = name.group(1) if name else ""
                length = len(name.group(0)) if name else 1
                raise self.error(
                    f"the macro `{shown}` has no definition here",
                    Span(self.offset, self.offset + length),
                    "write out what it stands for",
                )
            end = self.text.find(_COMMENT, self.offset + len(_COMMENT))
            if end < 0:
                raise self.error("the comment does not end", hint="close it with ```")
            self.offset = end + len(_COMMENT)

    def peek(self) -> str:
        """Return the next character after white space, or an empty string at the end."""
        self.skip()
        return self.text[self.offset : self.offset + 1]

    def at_command_end(self) -> bool:
        """Tell whether nothing is left of the present command."""
        return self.peek() in ("", "|", "]")

    def accept(self, literal: str) -> bool:
        """Move over `literal` if it stands next, and tell whether it did."""
        self.skip()
        if self.text.startswith(literal, self.offset):
            self.offset += len(literal)
            return True
        return False

    def expect(self, literal: str, purpose: str) -> None:
        """Move over `literal`, which must stand next.

        Raises:
            QueryError: it does not.
        """
        if not self.accept(literal):
            raise self.error(f"expected {literal!r} {purpose}, found {self.describe()}")

    def describe(self) -> str:
        """Describe what stands next, for a message."""
        here = self.peek()
        if not here:
            return "the end of the search"
        word = _NAME.match(self.text, self.offset)
        return repr(word.group(0)[:40] if word else here)

    def word(self) -> str:
        """Return the word that stands next without moving; empty if none does."""
        self.skip()
        match = _WORD.match(self.text, self.offset)
        return match.group(0) if match else ""

    def accept_word(self, *words: str) -> bool:
        """Move over one of some words, in any case, if it stands next as a whole word."""
        self.skip()
        match = _NAME.match(self.text, self.offset)
        if match and match.group(0).lower() in words:
            self.offset = match.end()
            return True
        return False

    def quoted(self, quote: str = '"') -> str:
        """Return what stands between the quotes that start here, its escapes untouched.

        Raises:
            QueryError: the quote is not closed.
        """
        start = self.offset
        position = start + 1
        text = self.text
        while position < len(text):
            if text[position] == "\\":
                position += 2
            elif text[position] == quote:
                self.offset = position + 1
                return text[start + 1 : position]
            else:
                position += 1
        raise self.error("the quote is not closed", start, f"end the text with {quote}")

    def name(self, purpose: str) -> str:
        """Return a field name of a command's list: bare, or in double quotes.

        Raises:
            QueryError: there is none, or it is in single quotes, which only eval expressions understand.
        """
        here = self.peek()
        if here == '"':
            start = self.offset
            name = unescape(self.quoted())
            if not name:
                raise self.error("a field name cannot be empty", Span(start, start + 2))
            return name
        if here == "'":
            raise self.error("a field name in single quotes", hint="this command wants double quotes around a name")
        match = _NAME.match(self.text, self.offset)
        if match is None:
            raise self.error(f"expected {purpose}, found {self.describe()}")
        self.offset = match.end()
        return match.group(0)

    def title(self, purpose: str) -> str:
        """Return a name for a new field: as `name`, and it may end with one word in round brackets, as `a(b)`.

        Raises:
            QueryError: there is none.
        """
        name = self.name(purpose)
        if match := _BRACKETED.match(self.text, self.offset):
            self.offset = match.end()
            return name + match.group(0)
        return name

    def value(self, purpose: str) -> str:
        """Return the value of an option: a bare word or a text in double quotes, escapes resolved.

        Raises:
            QueryError: there is none.
        """
        if self.peek() == '"':
            return unescape(self.quoted())
        match = _BARE.match(self.text, self.offset)
        if match is None:
            raise self.error(f"expected {purpose}, found {self.describe()}")
        self.offset = match.end()
        return match.group(0)

    def integer(self, purpose: str) -> int:
        """Return a non-negative whole number.

        Raises:
            QueryError: something else stands here.
        """
        self.skip()
        start = self.offset
        text = self.value(purpose)
        if not _INTEGER.fullmatch(text) or int(text) < 0:
            raise self.error(f"expected {purpose}, found {text!r}", self.span(start))
        return int(text)

    def leading_number(self) -> int | None:
        """Move over a number that stands next as a word of its own, and return it; None, without moving, if none does.

        Raises:
            QueryError: the number is longer than any count of rows.
        """
        self.skip()
        match = _LEADING_NUMBER.match(self.text, self.offset)
        if match is None:
            return None
        if not _INTEGER.fullmatch(match.group(1)):
            raise self.error("the number is too long", Span(self.offset, self.offset + len(match.group(1))))
        self.offset = match.end()
        return int(match.group(1))

    def boolean(self, purpose: str) -> bool:
        """Return the value of a yes-or-no option.

        Raises:
            QueryError: the word is none that Splunk takes for a boolean.
        """
        self.skip()
        start = self.offset
        text = self.value(purpose).lower()
        if text in ("t", "true", "yes", "1"):
            return True
        if text in ("f", "false", "no", "0"):
            return False
        raise self.error(f"expected true or false for {purpose}, found {text!r}", self.span(start))

    def option(self) -> str:
        """Return the name of an option (`name=`) and move past the `=`; empty, without moving, if none stands here."""
        word = self.word()
        if not word:
            return ""
        after = self.offset + len(word)
        match = _SPACE.match(self.text, after)
        after = match.end() if match else after
        if self.text[after : after + 1] == "=" and self.text[after : after + 2] != "==":
            self.offset = after + 1
            return word.lower()
        return ""


def unescape(raw: str, quote: str = '"') -> str:
    r"""Resolve the escapes of a quoted argument: `\\` and the quote; any other backslash stays as it is."""
    if "\\" not in raw:
        return raw
    out: list[str] = []
    position = 0
    while position < len(raw):
        if raw[position] == "\\" and raw[position + 1 : position + 2] in ("\\", quote):
            position += 1
        out.append(raw[position])
        position += 1
    return "".join(out)
