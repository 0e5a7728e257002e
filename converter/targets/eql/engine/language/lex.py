"""Cut the text of an EQL query into tokens.

    text ──> list[Token], the last of kind "end"

After the vendor's grammar (EqlBase.g4): keywords are lower-case and reserved, strings take double quotes, raw strings
three of them, and neither may hold a line break.
"""

from __future__ import annotations

import re

from converter.errors import QueryError
from converter.readers.source import Cursor, Source, Span, Token

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
_COMMENT_SIGN = re.compile(r"/\*|\*/")
_SYMBOL = re.compile(r"==|!=|<=|>=|!\[|[:=<>+\-*/%.,\[\]()|?]")
_RAW_STRING = re.compile(r'"""[^\r\n]*?"""(?:""|")?')
_PLAIN_CHARS = re.compile(r'[^"\\\r\n]+')
_HEX_DIGITS = re.compile(r"\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{4})")
_QUOTED_NAME = re.compile(r"`(?:[^`]|``)*`")


def tokens(source: Source[QueryError]) -> list[Token[str]]:
    """Return the tokens of a query, the last of kind "end".

    The kind is the keyword or symbol itself, or "word", "quoted word", "tilde word", "string", "integer", "decimal".

    Raises:
        QueryError: a character that starts no token, an unclosed string or comment, an escape the language lacks.
    """
    lexer = _Lexer(source)
    tokens = []
    while lexer.skip():
        tokens.append(lexer.token())
    tokens.append(Token("end", "", lexer.offset, lexer.offset))
    return tokens


class _Lexer(Cursor[QueryError]):
    def skip(self) -> bool:
        """Skip white space and comments, and return whether anything comes after."""
        self.match(_SPACE)
        while self.starts("/*"):
            self._comment()
            self.match(_SPACE)
        return not self.at_end()

    def _comment(self) -> None:
        start = self.offset
        depth = 0
        while match := _COMMENT_SIGN.search(self.text, self.offset):
            self.offset = match.end()
            depth += 1 if match[0] == "/*" else -1
            if depth == 0:
                return
        raise self.error("the comment is not closed", Span(start, start + 2), "expected */")

    def token(self) -> Token[str]:
        start = self.offset
        char = self.peek()
        if char == '"':
            return Token("string", self._string(), start, self.offset)
        if char == "'":
            raise self.error("single quotes do not delimit a string in EQL", hint="write the string in double quotes")
        if char == "`":
            quoted = self.match(_QUOTED_NAME)
            if quoted is None:
                raise self.error("the quoted field name is not closed", hint="expected a closing backtick")
            return Token("quoted word", quoted[0][1:-1].replace("``", "`"), start, self.offset)
        if char == "?" and self.peek(2) in {'?"', "?'"}:
            raise self.error(
                f"{self.peek(2)} does not start a raw string", Span(start, start + 2), 'write """raw string"""'
            )
        for kind, pattern in (("tilde word", _TILDE_WORD), ("word", _WORD), ("integer", _NUMBER), ("symbol", _SYMBOL)):
            match = self.match(pattern)
            if match:
                return _classified(kind, match[0], start)
        hint = "write != for not equal" if char == "!" else ""
        raise self.error(f"the character {char!r} has no meaning here", hint=hint)

    def _string(self) -> str:
        start = self.offset
        raw = self.match(_RAW_STRING)
        if raw:
            return raw[0][3:-3]
        pieces: list[str] = []
        self.offset += 1
        while not self.at_end():
            if plain := self.match(_PLAIN_CHARS):
                pieces.append(plain[0])
            elif self.take('"'):
                return "".join(pieces)
            elif self.starts("\\"):
                pieces.append(self._escape())
            else:
                break
        hint = 'expected a closing "; write a line break as \\n'
        raise self.error("the string is not closed on its line", Span(start, start + 1), hint)

    def _escape(self) -> str:
        """Read the escape sequence that begins at a backslash, and return the character that it stands for."""
        start = self.offset
        letter = self.text[start + 1 : start + 2]
        self.offset += 2
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter != "u":
            hint = 'the escapes are \\" \\\\ \\n \\r \\t \\b \\f \\u{...}'
            raise self.error(f"\\{letter} is not an escape sequence", Span(start, start + 2), hint)
        match = self.match(_HEX_DIGITS)
        if match is None:
            hint = "write \\u{2 to 8 hex digits} or \\uXXXX"
            raise self.error("the unicode escape is not complete", Span(start, start + 2), hint)
        digits = match[1] or match[2]
        span = self.span(start)
        if not 2 <= len(digits) <= 8:  # noqa: PLR2004 - the vendor's limits, named in the message
            raise self.error(f"\\u{{{digits}}} has {len(digits)} hex digits", span, "write 2 to 8 hex digits")
        code = int(digits, 16)
        if code == 0 or code > _MAX_CODE_POINT or code in _SURROGATES:
            raise self.error(f"\\u{{{digits}}} is not a character that a string can hold", span)
        return chr(code)


def _classified(kind: str, lexeme: str, start: int) -> Token[str]:
    end = start + len(lexeme)
    if kind == "symbol" or lexeme in KEYWORDS or lexeme in _TILDE_KEYWORDS:
        return Token(lexeme, lexeme, start, end)
    if kind == "tilde word":
        return Token(kind, lexeme[:-1], start, end)
    if kind == "integer" and not lexeme.isdigit():
        return Token("decimal", lexeme, start, end)
    return Token(kind, lexeme, start, end)
