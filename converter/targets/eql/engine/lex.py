"""Cut the text of an EQL query into tokens.

    text ──> list[Token], the last of kind "end"

After the vendor's grammar (EqlBase.g4): keywords are lower-case and reserved, strings take double quotes, raw strings
three of them, and neither may hold a line break.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from converter.errors import Place, QueryError

KEYWORDS = frozenset(
    {
        "and",
        "any",
        "by",
        "false",
        "in",
        "join",
        "like",
        "maxspan",
        "not",
        "null",
        "of",
        "or",
        "regex",
        "sample",
        "sequence",
        "true",
        "until",
        "where",
        "with",
    }
)
_TILDE_KEYWORDS = frozenset({"in~", "like~", "regex~"})
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_MAX_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)

_WORD = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*")
_TILDE_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*~")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?")
_SPACE = re.compile(r"(?:[ \r\n\t]+|//[^\r\n]*)+")
_SYMBOL = re.compile(r"==|!=|<=|>=|!\[|[:=<>+\-*/%.,\[\]()|?]")
_RAW_STRING = re.compile(r'"""[^\r\n]*?"""(?:""|")?')
_PLAIN_CHARS = re.compile(r'[^"\\\r\n]+')
_BRACE_ESCAPE = re.compile(r"u\{([0-9A-Fa-f]+)\}")
_SHORT_ESCAPE = re.compile(r"u([0-9A-Fa-f]{4})")
_QUOTED_NAME = re.compile(r"`(?:[^`]|``)*`")


@dataclass(frozen=True, slots=True)
class Token:
    """A token and what it stands for.

    `kind` is the keyword or symbol itself, or "word", "quoted word", "tilde word", "string", "integer",
    "decimal", "end".
    """

    kind: str
    value: str
    start: int
    end: int


def fail(text: str, message: str, start: int, end: int, hint: str = "") -> NoReturn:
    """Raise the QueryError that points at `text[start:end]`."""
    raise QueryError(message, Place.at_offset(text, start, length=max(1, end - start)), hint)


def tokens(text: str) -> list[Token]:
    """Return the tokens of `text`.

    Raises:
        QueryError: a character that starts no token, an unclosed string or comment, an escape the language lacks.
    """
    found: list[Token] = []
    position = 0
    length = len(text)
    while True:
        position = _skip(text, position)
        if position >= length:
            found.append(Token("end", "", length, length))
            return found
        token = _token(text, position)
        found.append(token)
        position = token.end


def _skip(text: str, position: int) -> int:
    """Return the offset of the next character that is neither white space nor in a comment."""
    while True:
        space = _SPACE.match(text, position)
        if space:
            position = space.end()
        if not text.startswith("/*", position):
            return position
        position = _comment_end(text, position)


def _comment_end(text: str, start: int) -> int:
    depth = 0
    position = start
    while position < len(text):
        if text.startswith("/*", position):
            depth += 1
            position += 2
        elif text.startswith("*/", position):
            depth -= 1
            position += 2
            if depth == 0:
                return position
        else:
            position += 1
    fail(text, "the comment is not closed", start, start + 2, "expected */")


def _token(text: str, start: int) -> Token:
    char = text[start]
    if char == '"':
        return _string(text, start)
    if char == "'":
        fail(
            text, "single quotes do not delimit a string in EQL", start, start + 1, "write the string in double quotes"
        )
    if char == "`":
        match = _QUOTED_NAME.match(text, start)
        if match is None:
            fail(text, "the quoted field name is not closed", start, start + 1, "expected a closing backtick")
        return Token("quoted word", match.group()[1:-1].replace("``", "`"), start, match.end())
    if char == "?" and text[start + 1 : start + 2] in {'"', "'"}:
        fail(text, f"{text[start : start + 2]} does not start a raw string", start, start + 2, 'write """raw string"""')
    for kind, pattern in (("tilde word", _TILDE_WORD), ("word", _WORD), ("integer", _NUMBER), ("symbol", _SYMBOL)):
        match = pattern.match(text, start)
        if match:
            return _classified(kind, match.group(), start)
    hint = "write != for not equal" if char == "!" else ""
    fail(text, f"the character {char!r} has no meaning here", start, start + 1, hint)


def _classified(kind: str, lexeme: str, start: int) -> Token:
    end = start + len(lexeme)
    if kind == "symbol" or lexeme in KEYWORDS or lexeme in _TILDE_KEYWORDS:
        return Token(lexeme, lexeme, start, end)
    if kind == "tilde word":
        return Token(kind, lexeme[:-1], start, end)
    if kind == "integer" and not lexeme.isdigit():
        return Token("decimal", lexeme, start, end)
    return Token(kind, lexeme, start, end)


def _string(text: str, start: int) -> Token:
    raw = _RAW_STRING.match(text, start)
    if raw:
        return Token("string", raw.group()[3:-3], start, raw.end())
    pieces: list[str] = []
    position = start + 1
    while position < len(text):
        plain = _PLAIN_CHARS.match(text, position)
        if plain:
            pieces.append(plain.group())
            position = plain.end()
            continue
        char = text[position]
        if char == '"':
            return Token("string", "".join(pieces), start, position + 1)
        if char != "\\":
            break
        piece, position = _escape(text, position)
        pieces.append(piece)
    fail(
        text,
        "the string is not closed on its line",
        start,
        start + 1,
        'expected a closing "; write a line break as \\n',
    )


def _escape(text: str, start: int) -> tuple[str, int]:
    """Return what the escape sequence at the backslash `start` stands for, and the offset after it."""
    letter = text[start + 1 : start + 2]
    if letter in _ESCAPES:
        return _ESCAPES[letter], start + 2
    if letter == "u":
        match = _BRACE_ESCAPE.match(text, start + 1) or _SHORT_ESCAPE.match(text, start + 1)
        if match is None:
            fail(
                text, "the unicode escape is not complete", start, start + 2, "write \\u{2 to 8 hex digits} or \\uXXXX"
            )
        digits = match.group(1)
        if not 2 <= len(digits) <= 8:  # noqa: PLR2004 - the vendor's limits, named in the message
            fail(text, f"\\u{{{digits}}} has {len(digits)} hex digits", start, match.end(), "write 2 to 8 hex digits")
        code = int(digits, 16)
        if code == 0 or code > _MAX_CODE_POINT or code in _SURROGATES:
            fail(text, f"\\u{{{digits}}} is not a character that a string can hold", start, match.end())
        return chr(code), match.end()
    hint = 'the escapes are \\" \\\\ \\n \\r \\t \\b \\f \\u{...}'
    fail(text, f"\\{letter} is not an escape sequence", start, start + 2, hint)
