"""Characters to words: the scanner that every SPL grammar of this folder reads from.

    text ──Scanner──> words, quoted texts, names ──parse*──> tree

SPL has no single token grammar: each command reads the rest of its line in its own way. So the scanner has no tokens;
it offers the few lexical forms that commands share, and it alone knows about comments, macros and nesting.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from converter.errors import Place, QueryError
from converter.targets.splunk.engine.language.syntax import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.splunk.engine.language.source_map import Origin
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


class Scanner:
    """A position in a text, and the lexical forms that can be read there.

    Args:
        text: the text.
        origin: where it comes from, if macros were expanded in it; errors are then placed in the user's text.
        pipelines: reads the searches in square brackets; without it there can be none.
    """

    def __init__(self, text: str, origin: Origin | None = None, pipelines: PipelineReader | None = None) -> None:
        self.text = text
        self.origin = origin
        self.pipelines = pipelines
        self.pos = 0
        self._depth = 0

    def error(self, message: str, at: int | Span | None = None, hint: str = "") -> QueryError:
        """Return an error at a place of the text; by default where the scanner stands."""
        match at:
            case None:
                span = Span(self.pos)
            case int():
                span = Span(at)
            case Span():
                span = at
        if self.origin is not None:
            return self.origin.error(message, span, hint)
        return QueryError(message, Place.at_offset(self.text, span.start, length=max(1, span.length)), hint)

    def span_from(self, start: int) -> Span:
        """Return the span from `start` to the present position."""
        return Span(start, max(1, self.pos - start))

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Count one level of nesting for as long as the block runs.

        Raises:
            QueryError: the text nests deeper than any sensible search, which would exhaust the stack.
        """
        if self._depth >= MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH} levels")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def skip(self) -> None:
        """Move over white space and comments.

        Raises:
            QueryError: a macro stands here, or a comment does not end.
        """
        while True:
            if space := _SPACE.match(self.text, self.pos):
                self.pos = space.end()
            if not self.text.startswith("`", self.pos):
                return
            if not self.text.startswith(_COMMENT, self.pos):
                name = _MACRO.match(self.text, self.pos)
                shown = name.group(1) if name else ""
                length = len(name.group(0)) if name else 1
                raise self.error(
                    f"the macro `{shown}` has no definition here",
                    Span(self.pos, length),
                    "write out what it stands for",
                )
            end = self.text.find(_COMMENT, self.pos + len(_COMMENT))
            if end < 0:
                raise self.error("the comment does not end", hint="close it with ```")
            self.pos = end + len(_COMMENT)

    def peek(self) -> str:
        """Return the next character after white space, or an empty string at the end."""
        self.skip()
        return self.text[self.pos : self.pos + 1]

    def at_command_end(self) -> bool:
        """Tell whether nothing is left of the present command."""
        return self.peek() in ("", "|", "]")

    def accept(self, literal: str) -> bool:
        """Move over `literal` if it stands next, and tell whether it did."""
        self.skip()
        if self.text.startswith(literal, self.pos):
            self.pos += len(literal)
            return True
        return False

    def expect(self, literal: str, purpose: str) -> None:
        """Move over `literal`, which must stand next.

        Raises:
            QueryError: it does not.
        """
        if not self.accept(literal):
            raise self.error(f"expected {literal!r} {purpose}, found {self.found()}")

    def found(self) -> str:
        """Describe what stands next, for a message."""
        here = self.peek()
        if not here:
            return "the end of the search"
        word = _NAME.match(self.text, self.pos)
        return repr(word.group(0)[:40] if word else here)

    def word(self) -> str:
        """Return the word that stands next without moving; empty if none does."""
        self.skip()
        match = _WORD.match(self.text, self.pos)
        return match.group(0) if match else ""

    def accept_word(self, *words: str) -> bool:
        """Move over one of some words, in any case, if it stands next as a whole word."""
        self.skip()
        match = _NAME.match(self.text, self.pos)
        if match and match.group(0).lower() in words:
            self.pos = match.end()
            return True
        return False

    def quoted(self, quote: str = '"') -> str:
        """Return what stands between the quotes that start here, its escapes untouched.

        Raises:
            QueryError: the quote is not closed.
        """
        start = self.pos
        position = start + 1
        text = self.text
        while position < len(text):
            if text[position] == "\\":
                position += 2
            elif text[position] == quote:
                self.pos = position + 1
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
            start = self.pos
            name = unescape(self.quoted())
            if not name:
                raise self.error("a field name cannot be empty", Span(start, 2))
            return name
        if here == "'":
            raise self.error("a field name in single quotes", hint="this command wants double quotes around a name")
        match = _NAME.match(self.text, self.pos)
        if match is None:
            raise self.error(f"expected {purpose}, found {self.found()}")
        self.pos = match.end()
        return match.group(0)

    def title(self, purpose: str) -> str:
        """Return a name for a new field: as `name`, and it may end with one word in round brackets, as `a(b)`.

        Raises:
            QueryError: there is none.
        """
        name = self.name(purpose)
        if match := _BRACKETED.match(self.text, self.pos):
            self.pos = match.end()
            return name + match.group(0)
        return name

    def value(self, purpose: str) -> str:
        """Return the value of an option: a bare word or a text in double quotes, escapes resolved.

        Raises:
            QueryError: there is none.
        """
        if self.peek() == '"':
            return unescape(self.quoted())
        match = _BARE.match(self.text, self.pos)
        if match is None:
            raise self.error(f"expected {purpose}, found {self.found()}")
        self.pos = match.end()
        return match.group(0)

    def integer(self, purpose: str) -> int:
        """Return a non-negative whole number.

        Raises:
            QueryError: something else stands here.
        """
        self.skip()
        start = self.pos
        text = self.value(purpose)
        if not _INTEGER.fullmatch(text) or int(text) < 0:
            raise self.error(f"expected {purpose}, found {text!r}", self.span_from(start))
        return int(text)

    def leading_number(self) -> int | None:
        """Move over a number that stands next as a word of its own, and return it; None, without moving, if none does.

        Raises:
            QueryError: the number is longer than any count of rows.
        """
        self.skip()
        match = _LEADING_NUMBER.match(self.text, self.pos)
        if match is None:
            return None
        if not _INTEGER.fullmatch(match.group(1)):
            raise self.error("the number is too long", Span(self.pos, len(match.group(1))))
        self.pos = match.end()
        return int(match.group(1))

    def boolean(self, purpose: str) -> bool:
        """Return the value of a yes-or-no option.

        Raises:
            QueryError: the word is none that Splunk takes for a boolean.
        """
        self.skip()
        start = self.pos
        text = self.value(purpose).lower()
        if text in ("t", "true", "yes", "1"):
            return True
        if text in ("f", "false", "no", "0"):
            return False
        raise self.error(f"expected true or false for {purpose}, found {text!r}", self.span_from(start))

    def option(self) -> str:
        """Return the name of an option (`name=`) and move past the `=`; empty, without moving, if none stands here."""
        word = self.word()
        if not word:
            return ""
        after = self.pos + len(word)
        match = _SPACE.match(self.text, after)
        after = match.end() if match else after
        if self.text[after : after + 1] == "=" and self.text[after : after + 2] != "==":
            self.pos = after + 1
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
