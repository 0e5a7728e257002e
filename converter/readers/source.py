"""What every parser needs: where a part of the text stands, how to walk the text, and how to point at an error in it.

    text ──Source──┬──> Cursor, over characters ──────────┬──> Span ──error──> line, column, caret, hint
                   └──> Tokens, over what a lexer has cut ─┘

A parser thinks in offsets of the text that it reads. Only the `Source` knows where these characters stand for the
person who wrote them: in the same text, in a value of a YAML or TOML file, or in a macro that stood for them.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from converter.errors import Place, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Located(Protocol):
    """A part of a text: a span, a token, a node of a tree."""

    @property
    def start(self) -> int:
        """The 0-based offset of the first character."""

    @property
    def end(self) -> int:
        """The offset after the last character."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of 0-based character offsets in a text."""

    start: int
    end: int


NOWHERE = Span(0, 0)
_MOST_DIGITS = 4000
_LONG_NUMBER = re.compile(rf"[0-9]{{{_MOST_DIGITS + 1},}}")

K_co = TypeVar("K_co", covariant=True)
T = TypeVar("T", bound=Located)
E = TypeVar("E", bound=SourceError)


@dataclass(frozen=True, slots=True)
class Token(Generic[K_co]):
    """A token: its kind, and its value with quotes and escapes resolved."""

    kind: K_co
    value: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start, self.end)


class Source(Generic[E]):
    """A text, and where its characters stand in what the user gave.

    Raises an error of the class for a text with thousands of digits in a row.

    Args:
        text: the text that a parser reads.
        kind: the class of the errors in it.
        locate: the place of a part of the text; without it the text is what the user gave, under the name `<query>`.
    """

    __slots__ = ("_kind", "_locate", "text")

    def __init__(self, text: str, kind: type[E], locate: Callable[[Span], Place | None] | None = None) -> None:
        self.text = text
        self._kind = kind
        self._locate = locate
        if len(text) > _MOST_DIGITS and (digits := _LONG_NUMBER.search(text)):
            # Python reads no longer numbers, and no language has them; only a text in quotes could mean it.
            raise self.error(f"more than {_MOST_DIGITS:,} digits in a row", Span(*digits.span()))

    def place(self, at: Located) -> Place | None:
        """Return the place of a part of the text; an empty part is shown as one character."""
        if self._locate is not None:
            return self._locate(Span(at.start, at.end))
        return Place.at_offset(self.text, at.start, length=max(1, at.end - at.start))

    def error(self, message: str, at: Located, hint: str = "") -> E:
        """Return an error at a part of the text."""
        return self._kind(message, self.place(at), hint)


class Parser(Generic[E]):
    """What a cursor over characters and a cursor over tokens share: the source, its errors, a limit on nesting."""

    def __init__(self, source: Source[E]) -> None:
        self.source = source
        self.text = source.text
        self._depth = 0

    def here(self) -> Located:
        """Return what comes next."""
        raise NotImplementedError

    def error(self, message: str, at: Located | None = None, hint: str = "") -> E:
        """Return an error at a part of the text, or at what comes next."""
        return self.source.error(message, self.here() if at is None else at, hint)

    @contextmanager
    def nested(self, limit: int, at: Located | None = None) -> Iterator[None]:
        """Count one level of nesting for as long as the block runs; a stranger's text must not exhaust the stack.

        Raises:
            SourceError: the text nests deeper than `limit` levels.
        """
        if self._depth >= limit:
            raise self.too_deep(limit, at)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def too_deep(self, limit: int, at: Located | None) -> E:
        """Return the error for a text that nests deeper than `limit` levels."""
        return self.error(f"nested deeper than {limit} levels", at, "simplify it")


class Cursor(Parser[E]):
    """A position in a text. A method reads one thing at `offset`, or leaves `offset` where it is."""

    def __init__(self, source: Source[E]) -> None:
        super().__init__(source)
        self.offset = 0

    def here(self) -> Span:
        """Return the position as an empty span."""
        return Span(self.offset, self.offset)

    def span(self, start: int) -> Span:
        """Return the span from `start` to the position."""
        return Span(start, self.offset)

    def at_end(self) -> bool:
        """Return whether the text is used up."""
        return self.offset >= len(self.text)

    def peek(self, length: int = 1) -> str:
        """Return the next characters, fewer at the end."""
        return self.text[self.offset : self.offset + length]

    def starts(self, literal: str) -> bool:
        """Return whether `literal` comes next."""
        return self.text.startswith(literal, self.offset)

    def take(self, literal: str) -> bool:
        """Read `literal` if it comes next."""
        if self.text.startswith(literal, self.offset):
            self.offset += len(literal)
            return True
        return False

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what a pattern matches at the position, if it matches there."""
        match = pattern.match(self.text, self.offset)
        if match is not None:
            self.offset = match.end()
        return match


class Tokens(Parser[E], Generic[T, E]):
    """A position among the tokens of a text. The last token is the end of the text, and is never passed."""

    def __init__(self, source: Source[E], tokens: Sequence[T]) -> None:
        super().__init__(source)
        self._tokens = tokens
        self._index = 0

    def here(self) -> T:
        """Return the next token."""
        return self._tokens[self._index]

    @property
    def token(self) -> T:
        """The next token."""
        return self._tokens[self._index]

    @property
    def following(self) -> T:
        """The token after the next."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    @property
    def previous_end(self) -> int:
        """The offset after the token that was read last."""
        return self._tokens[self._index - 1].end if self._index else 0

    def advance(self) -> T:
        """Read a token."""
        token = self._tokens[self._index]
        if self._index < len(self._tokens) - 1:
            self._index += 1
        return token

    def span(self, start: int) -> Span:
        """Return the span from `start` to the token that was read last."""
        return Span(start, self.previous_end)
