"""Text of a query to tokens.

    text ──tokenize──> [Token(kind, text, start, end)]

The vendor's lexer changes its mode with the command: FROM reads index patterns, KEEP, DROP and RENAME read names with
`*`, MV_EXPAND reads names, every other command reads expressions. So does this one: the mode is chosen by the first
word after a pipe, which only white space, a square bracket or a slash ends.
Source: Elasticsearch `x-pack/plugin/esql/src/main/antlr/lexer/{Expression,From,Project,Rename,MvExpand,Inline}.g4`.
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
    PATTERN = auto()  # a name as written that may hold `*` and pieces in backticks, in KEEP, DROP, RENAME
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
        return self.value.lower() if self.kind in {Kind.WORD, Kind.SOURCE} else ""


def fail(text: str, message: str, start: int, end: int | None = None, hint: str = "") -> QueryError:
    """Return a QueryError at a span of the query's text; an empty span is shown as one character."""
    length = 1 if end is None else max(1, end - start)
    return QueryError(message, Place.at_offset(text, start, length=length), hint)


_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*)")
_COMMAND = re.compile(r"[^ \t\r\n\[\]/]+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[_@][A-Za-z0-9_]+")
_PATTERN = re.compile(r"(?:[A-Za-z*][A-Za-z0-9_*]*|[_@][A-Za-z0-9_*]+|`(?:[^`]|``)+`)+")
_SOURCE = re.compile(r"(?:[^:\"=|,\[\]/() \t\r\n]|/[^*/])+")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.[0-9]*")
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

# What the engine does not know, by the first word of the command; nothing after it is read.
REFUSED = {
    "change_point": "CHANGE_POINT",
    "completion": "COMPLETION",
    "dissect": "DISSECT",
    "enrich": "ENRICH",
    "explain": "EXPLAIN",
    "external": "EXTERNAL",
    "fork": "FORK",
    "full": "FULL JOIN",
    "fuse": "FUSE",
    "grok": "GROK",
    "inlinestats": "INLINESTATS (its name is INLINE STATS now)",
    "insist_🐔": "INSIST",
    "left": "LEFT JOIN",
    "lookup": "LOOKUP JOIN",
    "lookup_🐔": "LOOKUP",
    "meta": "META",
    "metrics": "METRICS",
    "metrics_info": "METRICS_INFO",
    "mmr": "MMR",
    "promql": "PROMQL",
    "registered_domain": "REGISTERED_DOMAIN",
    "rerank": "RERANK",
    "right": "RIGHT JOIN",
    "sample": "SAMPLE",
    "set": "SET",
    "show": "SHOW",
    "ts": "TS",
    "ts_info": "TS_INFO",
    "uri_parts": "URI_PARTS",
    "user_agent": "USER_AGENT",
}


class _Mode(Enum):
    COMMAND = auto()
    EXPRESSION = auto()
    NAMES = auto()
    RENAMES = auto()
    COLUMN = auto()
    INLINE = auto()
    SOURCES = auto()
    NOTHING = auto()


_MODES = {
    "from": _Mode.SOURCES,
    "keep": _Mode.NAMES,
    "drop": _Mode.NAMES,
    "rename": _Mode.RENAMES,
    "mv_expand": _Mode.COLUMN,
    "inline": _Mode.INLINE,
    **dict.fromkeys(REFUSED, _Mode.NOTHING),
}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a query, ended by one of kind END.

    Raises:
        QueryError: a character that starts no token, an unfinished string, name or comment.
    """
    tokens: list[Token] = []
    mode = _Mode.COMMAND
    position = 0
    while mode is not _Mode.NOTHING:
        position = _skip_space(text, position)
        if position >= len(text):
            break
        token = _one(text, position, mode)
        tokens.append(token)
        position = token.end
        if mode is _Mode.COMMAND:
            mode = _MODES.get(token.word, _Mode.EXPRESSION)
        elif mode is _Mode.INLINE:
            mode = _Mode.EXPRESSION
        elif token.kind is Kind.SYMBOL and token.value == "|":
            mode = _Mode.COMMAND
        elif token.kind is Kind.SYMBOL and token.value == "(" and mode is _Mode.SOURCES:
            mode = _Mode.NOTHING  # a subquery, which is refused
    tokens.append(Token(Kind.END, "", position, position))
    return tokens


def _skip_space(text: str, position: int) -> int:
    while found := _SPACE.match(text, position):
        position = _comment_end(text, position) if found[0] == "/*" else found.end()
    return position


def _comment_end(text: str, start: int) -> int:
    """Return the offset after a comment. Comments nest, unless an inner one would leave the outer open."""
    depth, position, closed = 0, start, 0
    while True:
        opening, closing = text.find("/*", position), text.find("*/", position)
        if closing < 0:
            if closed:
                return closed
            raise fail(text, "a comment is not closed", start, start + 2, "write */ at its end")
        if 0 <= opening < closing:
            depth, position = depth + 1, opening + 2
            continue
        depth, position, closed = depth - 1, closing + 2, closing + 2
        if depth == 0:
            return position


def _one(text: str, position: int, mode: _Mode) -> Token:
    """Return the token that starts at `position`."""
    if mode is _Mode.COMMAND:
        if found := _COMMAND.match(text, position):
            return Token(Kind.WORD, found[0], position, found.end())
    elif text[position] == '"':
        return _string(text, position)
    elif mode is _Mode.SOURCES:
        if found := _SOURCE.match(text, position):
            return Token(Kind.SOURCE, found[0], position, found.end())
    elif mode is _Mode.NAMES or mode is _Mode.RENAMES:
        if found := _PATTERN.match(text, position):
            kind = Kind.WORD if mode is _Mode.RENAMES and found[0].lower() == "as" else Kind.PATTERN
            return Token(kind, found[0], position, found.end())
        if text[position] == "`":
            raise fail(text, _QUOTED_PROBLEM, position, hint=_QUOTED_HINT)
    elif mode is _Mode.INLINE:
        if found := _STATS.match(text, position):
            return Token(Kind.WORD, found[0], position, found.end())
    elif text[position] == "`":
        return _quoted(text, position)
    elif found := _WORD.match(text, position):
        return Token(Kind.PATTERN if mode is _Mode.COLUMN else Kind.WORD, found[0], position, found.end())
    elif mode is not _Mode.COLUMN:
        for kind, expression in ((Kind.DECIMAL, _DECIMAL), (Kind.INTEGER, _INTEGER)):
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
    raise fail(text, _QUOTED_PROBLEM, position, hint=_QUOTED_HINT)
