r"""Read the literals, operators and signs of KQL from a text.

    text + offset ──> Scanner ──> Text | Constant | Wildcard, or/and/not, signs

KQL has no tokens apart from its grammar: whether `or` is an operator or a word depends on the blanks around it and
on what was read before. So this is a cursor that the parser asks for what may come next, after the vendor's PEG
grammar (elastic/kibana, kbn-es-query, src/kuery/grammar/grammar.peggy).
"""

from __future__ import annotations

import re

from converter.errors import QueryError
from converter.readers.source import Cursor, Span
from converter.targets.kql.engine import syntax

_BLANK = " \t\r\n\u00a0"
_SPECIAL = '\\():<>"*{}'
# What String.prototype.trim of JavaScript takes off; str.strip() differs by a few characters.
_TRIMMED = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_BLANKS = re.compile(f"[{_BLANK}]*")
_OPERATOR = {
    "or": re.compile(f"[{_BLANK}]+or[{_BLANK}]+", re.IGNORECASE | re.ASCII),
    "and": re.compile(f"[{_BLANK}]+and[{_BLANK}]+", re.IGNORECASE | re.ASCII),
    "not": re.compile(f"not[{_BLANK}]+", re.IGNORECASE | re.ASCII),
}
# Ends an unquoted literal. `not` needs no blank before it: "cannot go" ends after "can", as it does in Kibana.
_KEYWORD = re.compile(f"[{_BLANK}](?:or|and)[{_BLANK}]|not[{_BLANK}]", re.IGNORECASE | re.ASCII)
_PLAIN = re.compile(r'[^\\():<>"*{}nN \t\r\n\u00a0]+')
_UNICODE = re.compile(r"u([0-9a-fA-F]{4})")
_ESCAPED_KEYWORD = re.compile("or|and|not", re.IGNORECASE | re.ASCII)
_BLANK_ESCAPES = {"t": "\t", "r": "\r", "n": "\n"}


class Scanner(Cursor[QueryError]):
    """A cursor over the text of a query. Each method reads one thing at `offset`, or leaves `offset` alone."""

    def blanks(self) -> None:
        """Skip blanks."""
        self.match(_BLANKS)

    def operator(self, name: str) -> bool:
        """Read `or`, `and` or `not` with the blanks that it needs around it, in any case."""
        return self.match(_OPERATOR[name]) is not None

    def literal(self) -> syntax.Value | None:
        """Read a quoted or an unquoted literal, or return None if none begins here."""
        return self._quoted() if self.peek() == '"' else self._unquoted()

    def _quoted(self) -> syntax.Text:
        text = self.text
        start = self.offset
        at = start + 1
        out: list[str] = []
        while True:
            stop = _next_of(text, at)
            if stop < 0:
                raise self.error("this quoted value has no closing quote", Span(start, start + 1))
            out.append(text[at:stop])
            if text[stop] == '"':
                break
            escape = text[stop + 1 : stop + 2]
            unicode = _UNICODE.match(text, stop + 1)
            if escape in _BLANK_ESCAPES:
                out.append(_BLANK_ESCAPES[escape])
                at = stop + 2
            elif unicode is not None:
                out.append(chr(int(unicode.group(1), 16)))
                at = unicode.end()
            elif escape in {"\\", '"'} and escape:
                out.append(escape)
                at = stop + 2
            else:  # a backslash before anything else stands for itself
                out.append("\\")
                at = stop + 1
        self.offset = stop + 1
        return syntax.Text(_join_surrogates("".join(out)), quoted=True, start=start, end=self.offset)

    def _unquoted(self) -> syntax.Value | None:
        text = self.text
        start = at = self.offset
        parts: list[str] = []
        current: list[str] = []
        while at < len(text):
            run = _PLAIN.match(text, at)
            if run is not None:
                current.append(run.group())
                at = run.end()
                continue
            char = text[at]
            if char == "\\":
                resolved, at = self._escape(at)
                current.append(resolved)
            elif char == "*":
                parts.append("".join(current))
                current = []
                at += 1
            elif char in _SPECIAL or _KEYWORD.match(text, at) is not None:
                break
            else:
                current.append(char)
                at += 1
        if at == start:
            return None
        self.offset = at
        parts.append("".join(current))
        parts[0] = parts[0].lstrip(_TRIMMED)
        parts[-1] = parts[-1].rstrip(_TRIMMED)
        end = start + len(text[start:at].rstrip(_TRIMMED))
        if len(parts) > 1:
            return syntax.Wildcard(tuple(_join_surrogates(part) for part in parts), start=start, end=end)
        word = _join_surrogates(parts[0])
        match word:
            case "null":
                return syntax.Constant(value=None, start=start, end=end)
            case "true" | "false":
                return syntax.Constant(value=word == "true", start=start, end=end)
            case _:
                return syntax.Text(word, start=start, end=end)

    def _escape(self, at: int) -> tuple[str, int]:
        """Return what the escape at the backslash `at` of an unquoted literal stands for, and where it ends."""
        text = self.text
        char = text[at + 1 : at + 2]
        # The vendor tries the blanks first: `\not` is a line feed and "ot".
        if char in _BLANK_ESCAPES:
            return _BLANK_ESCAPES[char], at + 2
        if char and char in _SPECIAL:
            return char, at + 2
        unicode = _UNICODE.match(text, at + 1)
        if unicode is not None:
            return chr(int(unicode.group(1), 16)), unicode.end()
        keyword = _ESCAPED_KEYWORD.match(text, at + 1)
        if keyword is None:
            hint = r"write \\ for a backslash, or put the value in quotes"
            raise self.error("this backslash escapes nothing", Span(at, at + 1), hint)
        return keyword.group(), keyword.end()


def _next_of(text: str, at: int) -> int:
    """Return the offset of the next quote or backslash, or -1."""
    quote = text.find('"', at)
    if quote < 0:
        return -1
    slash = text.find("\\", at, quote)
    return quote if slash < 0 else slash


def _join_surrogates(text: str) -> str:
    r"""Join pairs such as `\ud83d\ude00`: JavaScript strings are UTF-16, ours are not."""
    if not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
