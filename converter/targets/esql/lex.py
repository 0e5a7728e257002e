"""Text of a query to tokens.

    text ──tokenize──> [Token(kind, text, start, end)]

The vendor's lexer changes its mode with the command: FROM reads index patterns, KEEP, DROP and RENAME read names with
`*`, every other command reads expressions. So does this one: the mode is chosen by the first word after a pipe.
Source: Elasticsearch `x-pack/plugin/esql/src/main/antlr/lexer/{Expression,From,Project,Rename,MvExpand}.g4`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from converter.errors import Place, QueryError


class Kind(Enum):
    """What a token is."""

    WORD = auto()  # an unquoted identifier or a keyword
    QUOTED = auto()  # `an identifier`
    PATTERN = auto()  # a name that may hold `*`, in KEEP, DROP, RENAME
    SOURCE = auto()  # an index pattern
    STRING = auto()
    INTEGER = auto()
    DECIMAL = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `value` has quotes and escapes resolved, `end` is the offset after it."""

    kind: Kind
    value: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The lower-case word when this is one, else an empty string: keywords ignore case."""
        return self.value.lower() if self.kind in {Kind.WORD, Kind.PATTERN, Kind.SOURCE} else ""


def fail(text: str, message: str, start: int, end: int | None = None, hint: str = "") -> QueryError:
    """Return a QueryError at a span of the query's text; an empty span is shown as one character."""
    length = 1 if end is None else max(1, end - start)
    return QueryError(message, Place.at_offset(text, start, length=length), hint)


_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[_@][A-Za-z0-9_]+")
_PATTERN = re.compile(r"[A-Za-z*][A-Za-z0-9_*]*|[_@][A-Za-z0-9_*]+")
_SOURCE = re.compile(r"(?:[^:\"=|,\[\]/() \t\r\n]|/(?![*/]))+")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.[0-9]*")
_INTEGER = re.compile(r"[0-9]+")
_SYMBOL = re.compile(r"::|==|=~|!=|<=|>=|\?\?|[-=<>+*/%|,.:()\[\]{}?]")
_RAW_STRING = re.compile(r'"""([^\r\n]*?)"""("{0,2})')
_STRING = re.compile(r'"((?:[^\r\n"\\]|\\[tnr"\\])*)"')
_QUOTED = re.compile(r"`((?:[^`]|``)+)`")
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", '\\"': '"', "\\\\": "\\"}
_ESCAPE = re.compile(r'\\[tnr"\\]')

_NAME_COMMANDS = {"keep", "drop", "rename", "project"}


class _Mode(Enum):
    COMMAND = auto()
    EXPRESSION = auto()
    NAMES = auto()
    SOURCES = auto()


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a query, ended by one of kind END.

    Raises:
        QueryError: a character that starts no token, an unfinished string, name or comment.
    """
    tokens: list[Token] = []
    mode = _Mode.COMMAND
    position = 0
    while True:
        position = _skip_space(text, position)
        if position >= len(text):
            break
        token = _one(text, position, mode)
        tokens.append(token)
        position = token.end
        if token.kind is Kind.SYMBOL and token.value == "|":
            mode = _Mode.COMMAND
        elif mode is _Mode.COMMAND:
            mode = _mode_after(token.word)
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def _mode_after(word: str) -> _Mode:
    if word in {"from", "ts", "metrics"}:
        return _Mode.SOURCES
    return _Mode.NAMES if word in _NAME_COMMANDS else _Mode.EXPRESSION


def _skip_space(text: str, position: int) -> int:
    while found := _SPACE.match(text, position):
        position = _comment_end(text, position) if found[0] == "/*" else found.end()
    return position


def _comment_end(text: str, start: int) -> int:
    """Return the offset after a comment; comments nest, as in the vendor's grammar."""
    depth, position = 0, start
    while True:
        opening, closing = text.find("/*", position), text.find("*/", position)
        if closing < 0:
            raise fail(text, "a comment is not closed", start, start + 2, "write */ at its end")
        if 0 <= opening < closing:
            depth, position = depth + 1, opening + 2
            continue
        depth, position = depth - 1, closing + 2
        if depth == 0:
            return position


def _one(text: str, position: int, mode: _Mode) -> Token:
    """Return the token that starts at `position`."""
    if text[position] == '"':
        return _string(text, position)
    if mode is _Mode.SOURCES:
        if found := _SOURCE.match(text, position):
            return Token(Kind.SOURCE, found[0], position, found.end())
    elif text[position] == "`":
        return _quoted(text, position)
    elif mode is _Mode.NAMES:
        if found := _PATTERN.match(text, position):
            return Token(Kind.PATTERN, found[0], position, found.end())
    else:
        for kind, expression in ((Kind.WORD, _WORD), (Kind.DECIMAL, _DECIMAL), (Kind.INTEGER, _INTEGER)):
            if found := expression.match(text, position):
                return Token(kind, found[0], position, found.end())
    if found := _SYMBOL.match(text, position):
        return Token(Kind.SYMBOL, found[0], position, found.end())
    hint = 'strings stand in double quotes: "..."' if text[position] == "'" else ""
    raise fail(text, f"unexpected character {text[position]!r}", position, hint=hint)


def _string(text: str, position: int) -> Token:
    if text.startswith('"""', position):
        if found := _RAW_STRING.match(text, position):
            return Token(Kind.STRING, found[1] + found[2], position, found.end())
        raise fail(text, 'a """string""" is not closed on its line', position, position + 3)
    if found := _STRING.match(text, position):
        value = _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], found[1]) if "\\" in found[1] else found[1]
        return Token(Kind.STRING, value, position, found.end())
    index = position + 1
    while index < len(text) and text[index] not in '"\r\n':
        if text[index] == "\\":
            if text[index : index + 2] not in _ESCAPES:
                message = f"unknown escape '{text[index : index + 2]}' in a string"
                hint = r'a string knows \t \n \r \" and \\; """...""" takes backslashes as they are'
                raise fail(text, message, index, index + 2, hint)
            index += 1
        index += 1
    raise fail(text, "a string is not closed on its line", position, hint="a line break is written \\n")


def _quoted(text: str, position: int) -> Token:
    if found := _QUOTED.match(text, position):
        return Token(Kind.QUOTED, found[1].replace("``", "`"), position, found.end())
    raise fail(text, "a back-quoted name is not closed, or is empty", position, hint="a backtick in a name is doubled")
