"""Items of a report: widths are in cells, lines wrap at a terminal only, and text is never markup."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from converter.report.console import printable, printable_json
from converter.report.layout import Choice, Grid, Item, Line, Pointer, as_text, message, write

TABLE = Grid(
    [
        (Line("name"), Line("verdict"), Line("meaning")),
        (Line("e\u0301e\u0301"), Line("exact", "green"), (Line("one"), Line("two", indent=2))),
        (Line("漢字"), Line("refused"), Line("")),
    ],
    indent=2,
)


def cells(line: str, word: str) -> int:
    """How many cells lie before a word."""
    return cell_len(line[: line.index(word)])


@pytest.mark.parametrize("width", [None, 80])
def test_columns_are_aligned_by_cells(width: int | None) -> None:
    head, first, second, third = as_text([TABLE], width).splitlines()
    assert cells(head, "verdict") == cells(first, "exact") == cells(third, "refused") == 2 + 4 + 2
    assert cells(head, "meaning") == cells(first, "one") == cells(second, "two") - 2
    assert not any(line.endswith(" ") for line in (head, first, second, third))


@pytest.mark.parametrize(
    ("item", "width", "lines"),
    [
        (Line("one two three four five", indent=2), None, ["  one two three four five"]),
        (Line("one two three four five", indent=2), 26, ["  one two three four five"]),
        (Line("one two three four five six", indent=2), 24, ["  one two three four", "    five six"]),
        (Line("one two three four five six", wraps=False), 20, ["one two three four five six"]),
        (Line("a\tb", wraps=False), 20, ["a\tb"]),
        (Line("漢字" * 6), 22, ["漢字" * 5, "  漢字"]),
        (Line("[red]not markup[/red] :smile:", "bold"), 80, ["[red]not markup[/red] :smile:"]),
        (Line("a\x1b[2Jb\u202ec\nd"), 80, ["a\\x1b[2Jb\\u202ec\\x0ad"]),
        (Line("a\x1b[2Jb\u202ec\nd"), None, ["a\\x1b[2Jb\\u202ec\\x0ad"]),
        (Grid([]), None, []),
        (Grid([]), 80, []),
    ],
)
def test_lines(item: Item, width: int | None, lines: list[str]) -> None:
    assert as_text([item], width).splitlines() == lines


def test_the_widest_column_wraps() -> None:
    table = Grid([(Line("splunk"), Line("exact"), Line("a sentence that is too long for the width"))])
    lines = as_text([table], 40).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("splunk  exact  a sentence")
    assert cells(lines[1], lines[1].strip()) == cells(lines[0], "a sentence")


@pytest.mark.parametrize(("width", "text"), [(40, "wide"), (None, "wide"), (20, "narrow")])
def test_a_choice_takes_what_fits(width: int | None, text: str) -> None:
    wide = Grid([(Line("wide"), Line("x" * 24))])
    assert as_text([Choice(wide, (Line("narrow"),))], width).split()[0] == text


@pytest.mark.parametrize(
    ("source", "column", "length", "width", "marked"),
    [
        ("key: value", 5, 5, None, "value"),
        ("key: value", 5, 5, 80, "value"),
        ("規則: value", 4, 5, 80, "value"),
        ("x" * 100 + "bad" + "y" * 100, 100, 3, 40, "bad"),
        ("x" * 100 + "bad" * 30, 100, 90, 40, "bad" * 6),
        ("漢" * 100 + "bad" + "y" * 100, 100, 3, 40, "bad"),
        ("at the end", 10, 1, 80, ""),
    ],
)
def test_carets_stand_below_what_they_mark(
    source: str, column: int, length: int, width: int | None, marked: str
) -> None:
    pointer = Pointer(source, " " * column + "^" * length, indent=2)
    shown, carets = as_text([pointer], width).splitlines()
    if width is None:
        assert (shown, carets) == (f"  {source}", f"  {' ' * column}{'^' * length}")
        return
    assert cell_len(shown) <= width
    assert cell_len(carets) <= width
    before = cell_len(carets) - len(carets.strip())
    rest = shown
    while rest and cell_len(shown) - cell_len(rest) < before:
        rest = rest[1:]
    assert rest.startswith(marked)
    assert len(carets.strip()) >= max(1, len(marked))


def test_a_rendered_error_has_its_carets_and_its_hint() -> None:
    text = "a.yml:1:6: rule error: nonsense\n  key: value\n       ^^^^^\n  hint: did you mean 'x'?"
    assert as_text(message(text)) == f"{text}\n"
    assert [type(item) for item in message(text, "red")] == [Line, Pointer, Line]
    assert as_text(message("two\nlines"), 80) == "two\n  lines\n"


@pytest.mark.parametrize(
    ("text", "shown", "in_json"),
    [
        ("plain ü 漢", "plain ü 漢", "plain ü 漢"),
        ("\x7f", "\\x7f", "\\u007f"),
        ("\u2028", "\\u2028", "\\u2028"),
        ("\U000e0001", "\\U000e0001", "\\udb40\\udc01"),
        ("\ud800", "\\ud800", "\\ud800"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, shown: str, in_json: str) -> None:
    assert printable(text) == shown
    assert printable_json(text) == in_json


def test_a_pipe_gets_plain_lines() -> None:
    stream = io.StringIO()
    write([Line("red", "bold red"), TABLE], stream)
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue() == as_text([Line("red"), TABLE])
