"""What all parsers rely on: places of errors, positions that do not run away, a limit on nesting."""

from __future__ import annotations

import re

import pytest

from converter.errors import Place, QueryError
from converter.readers.source import Cursor, Source, Span, Token, Tokens

WORD = re.compile("[a-z]+")


def cursor(text: str) -> Cursor[QueryError]:
    return Cursor(Source(text, QueryError))


def test_an_error_has_line_column_and_caret() -> None:
    error = Source("a |\n bad | c", QueryError).error("unknown command", Span(5, 8), "did you mean 'bar'?")
    assert error.render() == (
        "<query>:2:2: query error: unknown command\n   bad | c\n   ^^^\n  hint: did you mean 'bar'?"
    )


def test_an_empty_span_is_shown_as_one_character() -> None:
    error = cursor("ab").error("expected more")
    assert error.place == Place("<query>", 1, 1, "ab", 1)


def test_a_text_inside_a_file_has_its_places_in_the_file() -> None:
    source = Source("a or b", QueryError, lambda span: Place("rule.yml", 7, 10 + span.start, "", span.end - span.start))
    assert source.error("wrong", Span(2, 4)).place == Place("rule.yml", 7, 12, "", 2)


def test_a_cursor_reads_or_stays() -> None:
    reader = cursor("abc=1")
    assert not reader.take("x")
    assert reader.offset == 0
    match = reader.match(WORD)
    assert match is not None
    assert (match[0], reader.span(0), reader.peek(), reader.peek(9)) == ("abc", Span(0, 3), "=", "=1")
    assert reader.match(WORD) is None
    assert reader.take("=1")
    assert reader.at_end()
    assert reader.peek() == ""


def test_the_last_token_is_never_passed() -> None:
    tokens = [Token("word", "a", 1, 2), Token("end", "", 2, 2)]
    reader = Tokens(Source(" a", QueryError), tokens)
    assert reader.previous_end == 0
    assert [reader.advance().kind for _ in range(3)] == ["word", "end", "end"]
    assert reader.following == reader.token == tokens[-1]
    assert reader.span(1) == Span(1, 2)


def test_nesting_has_a_limit_that_siblings_do_not_use_up() -> None:
    reader = cursor("((()))")
    for _ in range(3):
        with reader.nested(1):
            pass
    with pytest.raises(QueryError, match="nested deeper than 1 levels"), reader.nested(1), reader.nested(1):
        pass
    with reader.nested(1):
        pass
