"""Read the fields that EVAL, ROW and STATS make, and the names that KEEP, DROP and RENAME take.

tokens ──read_fields──> (Named, ...)
tokens ──read_patterns──> (NamePattern, ...)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.lex import Kind

if TYPE_CHECKING:
    from converter.targets.esql.engine.language.parse_expression import Cursor

_PIECE = re.compile(r"`(?:[^`]|``)+`|[^`]+")


def read_fields(cursor: Cursor, *, groups: bool = False) -> tuple[syntax.Named, ...]:
    """Read fields with commas between them; `groups` as in `read_field`."""
    fields = [read_field(cursor, groups=groups)]
    while cursor.take_symbol(","):
        fields.append(read_field(cursor, groups=groups))
    return tuple(fields)


def read_field(cursor: Cursor, *, groups: bool = False) -> syntax.Named:
    """Read a field. Without an alias it is called as it is written, brackets and backticks included, but for groups."""
    start = cursor.token.start
    value = cursor.expression()
    name = cursor.text[start : cursor.previous_end]
    if groups and isinstance(value, syntax.Column):
        name = value.name
    if cursor.at_symbol("="):
        if not isinstance(value, syntax.Column):
            raise cursor.error("the left side of '=' is not a name", cursor.token, "two values are compared with ==")
        name = value.name
        cursor.advance()
        value = cursor.expression()
        if cursor.at_symbol("="):
            raise cursor.error("a second '=' in one field", cursor.token, "two values are compared with ==")
    return syntax.Named(name, value, cursor.span(start))


def read_patterns(cursor: Cursor) -> tuple[syntax.NamePattern, ...]:
    """Read names, in which a star stands for any text, with commas between them."""
    patterns = [read_pattern(cursor)]
    while cursor.take_symbol(","):
        patterns.append(read_pattern(cursor))
    return tuple(patterns)


def read_pattern(cursor: Cursor) -> syntax.NamePattern:
    """Read a name, in which a star stands for any text."""
    start = cursor.token.start
    parts = [""]
    while True:
        if cursor.token.kind is not Kind.PATTERN:
            raise cursor.unexpected("a column name")
        for piece in _PIECE.findall(cursor.advance().value):
            if piece[0] == "`":
                parts[-1] += piece[1:-1].replace("``", "`")  # a star between backticks is a letter
            else:
                first, *rest = piece.split("*")
                parts[-1] += first
                parts.extend(rest)
        if not cursor.take_symbol("."):
            return syntax.NamePattern(tuple(parts), cursor.span(start))
        parts[-1] += "."
