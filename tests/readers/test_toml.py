"""Where the keys of a TOML file stand, and the places of its errors."""

from __future__ import annotations

import pytest

from converter.errors import QueryError
from converter.readers.toml import parse_toml

TEXT = '''\
# a comment with a = 1
top = "a # no comment"
"quoted key" = [1, # a comment ]
  2]
a.b = """
first
"""
[table]   # a header
inline = { x = 1, y = [ "]" ] }
[table.below]
z = 'C:\\temp'
[[many]]
k = 1
[[many]]
k = 2
[many.part]
k = 3
'''


@pytest.mark.parametrize(
    ("path", "line", "column", "length"),
    [
        (("top",), 2, 1, 3),
        (("quoted key",), 3, 1, 12),
        (("a",), 5, 1, 3),
        (("a", "b"), 5, 1, 3),
        (("table",), 8, 1, 7),
        (("table", "inline"), 9, 1, 6),
        (("table", "inline", "y", 0), 9, 1, 6),
        (("table", "below", "z"), 11, 1, 1),
        (("many", 0, "k"), 13, 1, 1),
        (("many", 1, "k"), 15, 1, 1),
        (("many", 1, "part", "k"), 17, 1, 1),
        (("nowhere",), 1, 1, 1),
        (("table", "nowhere"), 8, 1, 7),
    ],
)
def test_the_place_of_a_key(path: tuple[str | int, ...], line: int, column: int, length: int) -> None:
    place = parse_toml(TEXT, "file.toml", QueryError).place(*path)
    assert (place.name, place.line, place.column, place.length) == ("file.toml", line, column, length)


def test_a_string_is_found_where_it_is_written() -> None:
    document = parse_toml("a = 'x y'\nb = \"x\\u0020y\"\n", "file.toml", QueryError)
    assert document.offset_of("x y", "a") == len("a = '")
    assert document.offset_of("x y", "b") is None


@pytest.mark.parametrize(("text", "line", "column"), [("a = \n", 1, 5), ("a = 1\nb = '''\nc", 3, 2), ("a = [", 1, 6)])
def test_what_is_not_toml_has_a_place(text: str, line: int, column: int) -> None:
    with pytest.raises(QueryError, match="not valid TOML") as caught:
        parse_toml(text, "file.toml", QueryError)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (line, column)
