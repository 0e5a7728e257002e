"""Text of a query to tokens.

    text ──tokenize──> [Token(kind, text, start, end)]

The vendor's lexer changes its mode with the command: FROM reads index patterns, KEEP, DROP and RENAME read names with
`*`, MV_EXPAND reads names, every other command reads expressions. So does this one: the mode is chosen by the first
word after a pipe, which only white space, a square bracket or a slash ends; the table of commands has it.
Source: Elasticsearch `x-pack/plugin/esql/src/main/antlr/lexer/{Expression,From,Project,Rename,MvExpand,Inline}.g4`.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

from converter.errors import QueryError
from converter.readers.source import Cursor, Source, Span
from converter.readers.source import Token as BaseToken

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(Enum):
    """What a token is."""

    WORD = auto()  # an unquoted identifier or a keyword
    QUOTED = auto()  # `an identifier`
    PATTERN = auto()  # a name as written that may hold `*` and pieces in backticks, in KEEP, DROP, RENAME
    SOURCE = auto()  # an index pattern
    STRING = auto()
    INTEGER = auto()
    DECIMAL = auto()
    SYMBOL = auto()
    END = auto()


class Token(BaseToken[Kind]):
    """A token of ES|QL."""

    __slots__ = ()

    @property
    def word(self) -> str:
        """The lower-case word when this is one, else an empty string: keywords ignore case."""
        kind = self.kind  # compared by identity, which is faster than to look it up in a set
        return self.value.lower() if kind is Kind.WORD or kind is Kind.SOURCE else ""


_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*)")
_COMMAND = re.compile(r"[^ \t\r\n\[\]/]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[_@][A-Za-z0-9_]+")
_PATTERN = re.compile(r"(?:[A-Za-z*][A-Za-z0-9_*]*|[_@][A-Za-z0-9_*]+|`(?:[^`]|``)+`)+")
_SOURCE = re.compile(r"(?:[^:\"=|,\[\]/() \t\r\n]|/[^*/])+")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.[0-9]*")
_NUMBER_STARTS = frozenset("0123456789.")
_INTEGER = re.compile(r"[0-9]+")
_SYMBOL = re.compile(r"::|==|=~|!=|<=|>=|\?\?|[-=<>+*/%|,.:;()\[\]{}?]")
_RAW_STRING = re.compile(r'"""([^\r\n]*?)"""("{0,2})')
_STRING = re.compile(r'"((?:[^\r\n"\\]|\\[tnrTNR"\\])*)"')
_QUOTED = re.compile(r"`((?:[^`]|``)+)`")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", '\\"': '"', "\\\\": "\\"}
_ESCAPE = re.compile(r'\\[tnr"\\]')
_STATS = re.compile("stats", re.IGNORECASE | re.ASCII)
_QUOTED_PROBLEM = "a back-quoted name is not closed, or is empty"
_QUOTED_HINT = "a backtick in a name is doubled"


class Mode(Enum):
    """How the characters after a word are read."""

    COMMAND = auto()  # the first word of a command
    EXPRESSION = auto()
    NAMES = auto()  # of columns, with stars
    RENAMES = auto()  # the same, and AS
    COLUMN = auto()  # a name of a column
    INLINE = auto()  # the word STATS, then expressions
    SOURCES = auto()  # index patterns
    NOTHING = auto()  # no more is read


def tokenize(source: Source[QueryError], modes: Mapping[str, Mode]) -> list[Token]:
    """Return the tokens of a query, ended by one of kind END.

    Args:
        source: the query.
        modes: how what follows the first word of a command is read, by that word; expressions follow any other.

    Raises:
        QueryError: a character that starts no token, an unfinished string, name or comment.
    """
    lexer = _Lexer(source)
    tokens: list[Token] = []
    mode = Mode.COMMAND
    while mode is not Mode.NOTHING and lexer.skip():
        start = lexer.offset
        kind, value = lexer.token(mode)
        token = Token(kind, value, start, lexer.offset)
        tokens.append(token)
        if mode is Mode.COMMAND:
            mode = modes.get(token.word, Mode.EXPRESSION)
        elif mode is Mode.INLINE:
            mode = Mode.EXPRESSION
        elif token.kind is Kind.SYMBOL and token.value == "|":
            mode = Mode.COMMAND
        elif token.kind is Kind.SYMBOL and token.value == "(" and mode is Mode.SOURCES:
            mode = Mode.NOTHING  # a subquery, which is refused
    tokens.append(Token(Kind.END, "", lexer.offset, lexer.offset))
    return tokens


class _Lexer(Cursor[QueryError]):
    def skip(self) -> bool:
        """Skip white space and comments, and return whether anything comes after."""
        while space := self.match(_SPACE):
            if space[0] == "/*":
                self._comment(space.start())
        return not self.at_end()

    def _comment(self, start: int) -> None:
        """Read up to the end of a comment. Comments nest, unless an inner one would leave the outer open."""
        depth, closed = 1, 0
        while depth:
            opening, closing = self.text.find("/*", self.offset), self.text.find("*/", self.offset)
            if closing < 0:
                if not closed:
                    raise self.error("a comment is not closed", Span(start, start + 2), "write */ at its end")
                self.offset = closed
                return
            if 0 <= opening < closing:
                depth, self.offset = depth + 1, opening + 2
            else:
                depth, self.offset, closed = depth - 1, closing + 2, closing + 2

    def token(self, mode: Mode) -> tuple[Kind, str]:
        """Read a token, and return its kind and value."""
        char = self.peek()
        if mode is Mode.COMMAND:
            if match := self.match(_COMMAND):
                return Kind.WORD, match[0]
        elif char == '"':
            return Kind.STRING, self._string()
        elif mode is Mode.SOURCES:
            if match := self.match(_SOURCE):
                return Kind.SOURCE, match[0]
        elif mode is Mode.NAMES or mode is Mode.RENAMES:
            if match := self.match(_PATTERN):
                keyword = mode is Mode.RENAMES and match[0].lower() == "as"
                return Kind.WORD if keyword else Kind.PATTERN, match[0]
            if char == "`":
                raise self.error(_QUOTED_PROBLEM, hint=_QUOTED_HINT)
        elif mode is Mode.INLINE:
            if match := self.match(_STATS):
                return Kind.WORD, match[0]
        elif char == "`":
            if match := self.match(_QUOTED):
                return Kind.QUOTED, match[1].replace("``", "`")
            raise self.error(_QUOTED_PROBLEM, hint=_QUOTED_HINT)
        elif match := self.match(_WORD):
            return Kind.PATTERN if mode is Mode.COLUMN else Kind.WORD, match[0]
        elif mode is not Mode.COLUMN and char in _NUMBER_STARTS:
            for kind, pattern in ((Kind.DECIMAL, _DECIMAL), (Kind.INTEGER, _INTEGER)):
                if match := self.match(pattern):
                    return kind, match[0]
        if match := self.match(_SYMBOL):
            return Kind.SYMBOL, match[0]
        hint = 'strings stand in double quotes: "..."' if char == "'" else ""
        raise self.error(f"unexpected character {char!r}", hint=hint)

    def _string(self) -> str:
        start = self.offset
        if self.starts('"""'):
            if match := self.match(_RAW_STRING):
                return match[1] + match[2]
            raise self.error('a """string""" is not closed on its line', Span(start, start + 3))
        if match := self.match(_STRING):
            return _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], match[1]) if "\\" in match[1] else match[1]
        self.offset += 1
        while not self.at_end() and self.peek() not in '"\r\n':
            if self.starts("\\"):
                if self.peek(2) not in _ESCAPES:
                    hint = r'a string knows \t \n \r \" and \\; """...""" takes backslashes as they are'
                    message = f"unknown escape '{self.peek(2)}' in a string"
                    raise self.error(message, Span(self.offset, self.offset + 2), hint)
                self.offset += 1
            self.offset += 1
        raise self.error("a string is not closed on its line", Span(start, start + 1), "a line break is written \\n")
