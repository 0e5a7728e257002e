"""Trees of searches: every node knows its place in the user's text, and no text crashes the parser."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import QueryError
from converter.readers.source import Span
from converter.targets.splunk.engine.commands import SUPPORTED
from converter.targets.splunk.engine.commands.aggregates import Aggregate
from converter.targets.splunk.engine.commands.filter import Where
from converter.targets.splunk.engine.commands.format import Return
from converter.targets.splunk.engine.language import syntax
from converter.targets.splunk.engine.macros import MAX_SIZE, expand, read_macros
from converter.targets.splunk.engine.parse import parse
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.splunk.engine.commands.base import Command

DATA = SHARED / "spl/security_content_searches.jsonl.gz"
MACROS = """
[one]
definition = a=1 OR b="x"
[calls(1)]
args = f
definition = stats count($f$) as n, `more` by c
[more]
definition = sum(eval(if(d>1, 1, 0))) as m
"""
SEARCHES = [
    'a=1 b!="x y" NOT c IN (1, "2*") "some phrase" CASE(X) earliest=0 [search d=1 | return e]',
    '* | eval a=if(b=="c", -1.5, lower(d)."e"), \'f g\'=h IN (1, 2) | where NOT a LIKE "x%" AND b>[search x | return $y]',  # noqa: E501
    "`one` | `calls(z)` | where n > 5 | `calls(y)`",
    "`one` | join type=left x [search `one` | `calls(x)`] | append [search y=1] | rest /x | table x",
    '| union [search a=1] [search b=1] | set x | appendpipe [stats count] | rex "(?<n>x)" | regex a="b" | dedup a',
]


def nodes(tree: object) -> Iterator[object]:
    if isinstance(tree, tuple):
        for item in tree:
            yield from nodes(item)
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        yield tree
        for field in dataclasses.fields(tree):
            yield from nodes(getattr(tree, field.name))


@pytest.mark.parametrize("text", [*SEARCHES[:4], "| union [search a=1] [search b=1] | appendpipe [stats count]"])
def test_every_span_lies_in_the_text(text: str) -> None:
    spans = [node for node in nodes(parse(text, MACROS)) if isinstance(node, Span)]
    assert spans
    for span in spans:
        assert span.start >= 0, span
        assert span.end > span.start, span
        assert span.end <= len(text), span


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (syntax.Comparison, ["a=1", 'b!="x y"', "d=1"]),
        (syntax.Membership, ['c IN (1, "2*")']),
        (syntax.Keyword, ['"some phrase"', "CASE(X)"]),
        (syntax.TimeBound, ["earliest=0"]),
        (syntax.Subsearch, ["[search d=1 | return e]"]),
        (Return, ["return"]),
    ],
)
def test_a_span_is_what_the_node_was_read_from(kind: type, expected: list[str]) -> None:
    text = SEARCHES[0]
    found = [node.span for node in nodes(parse(text)) if isinstance(node, kind)]  # type: ignore[attr-defined]
    assert [text[span.start : span.end] for span in found] == expected


def test_what_comes_from_a_macro_is_at_its_call_and_the_rest_where_it_was() -> None:
    text = "`one` c=3 | `calls(z)` | where n > 5"
    tree = parse(text, MACROS)

    def at(kind: type) -> list[str]:
        spans = [node.span for node in nodes(tree) if isinstance(node, kind)]  # type: ignore[attr-defined]
        return [text[span.start : span.end] for span in spans]

    assert at(syntax.Comparison) == ["`one`", "`one`", "c=3"]
    assert at(Aggregate) == ["`calls(z)`", "`calls(z)`"]
    assert at(Where) == ["where"]
    assert at(syntax.Number)[-1] == "5"


def test_an_expansion_equals_the_text_written_out() -> None:
    written = 'a=1 OR b="x" | stats count(z) as n, sum(eval(if(d>1, 1, 0))) as m by c'
    assert parse("`one` | `calls(z)`", MACROS) == parse(written)


def test_spacing_and_comments_make_no_other_tree() -> None:
    assert parse("a=1   b=2```x```|\n\thead  5") == parse("a=1 b=2 | head 5")


def test_texts_from_a_search_cut_anywhere_never_crash_the_parser() -> None:
    for text in SEARCHES:
        for end in range(len(text)):
            for piece in (text[:end], text[end:]):
                try:
                    parse(piece, MACROS)
                except QueryError as error:
                    assert error.place is not None  # noqa: PT017  the loop is the test


def test_shuffled_searches_never_crash_the_parser() -> None:
    chance = random.Random(7)  # noqa: S311  the same texts in each run
    pieces = [
        "[",
        "]",
        "(",
        ")",
        "|",
        "`",
        "```",
        '"',
        "'",
        "\\",
        ",",
        "=",
        "a",
        " ",
        "search",
        "NOT",
        "`one`",
        "stats ",
    ]
    for _ in range(4000):
        text = "".join(chance.choices(pieces, k=chance.randrange(1, 30)))
        try:
            parse(text, MACROS)
        except QueryError as error:
            assert error.place is not None  # noqa: PT017  the loop is the test


@pytest.mark.skipif(not DATA.exists(), reason=f"needs the real searches at {DATA}")
def test_real_searches_with_a_character_changed_never_crash_the_parser() -> None:
    chance = random.Random(11)  # noqa: S311  the same texts in each run
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        searches = [json.loads(line)["search"].replace("`", '"') for line in lines][::8]
    for search in searches:
        for _ in range(5):
            at = chance.randrange(len(search))
            changed = search[:at] + chance.choice("[]()|`\"'\\,=<> *") + search[at + chance.randrange(2) :]
            try:
                parse(changed)
            except QueryError as error:
                assert error.place is not None  # noqa: PT017  the loop is the test


@pytest.mark.parametrize(
    "text",
    [
        "a [search " * 5000,
        "(" * 5000,
        "NOT " * 5000 + "a",
        "a | appendpipe [" * 5000,
        "* | where " + "(" * 5000,
        "* | where " + "-" * 5000 + "1",
        "* | outputcsv " + "[" * 100_000,
        "a" + "`" * 9999,
        "`m(" * 5000,
        '`m("' + "\\" * 9999,
    ],
    ids=lambda text: text[:12],
)
def test_deep_and_endless_searches_are_errors(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text, MACROS)


@pytest.mark.parametrize(
    "conf",
    [
        "",
        "[",
        "[]",
        "[m",
        "[m]\ndefinition",
        "[m]\ndefinition = \\",
        "x = 1",
        "[m(99999999999999999999)]\ndefinition = a",
        "[m(-1)]\ndefinition = a",
        "[m(1)]\nargs = $x$\ndefinition = $x$",
        "[m]\ndefinition = `m`" * 2,
        "[m]\niseval = true\ndefinition = " + "(" * 5000,
        "[m]\niseval = true\ndefinition = " + "[search a]",
        "[m]\nvalidation = )\ndefinition = a",
        "[m]\ndefinition = `" + "x" * 100_000,
        "[m]\ndefinition = " + "`m`" * 10_000,
        "\0[m]\ndefinition = a",
        "[m]\ndefinition = \ud800",
    ],
    ids=range(18),
)
def test_a_hostile_file_of_macros_is_an_error_or_harmless(conf: str) -> None:
    with pytest.raises(QueryError):
        parse("a=1 | `m`", conf)


def test_a_bomb_of_macros_is_cut_early() -> None:
    wide = "\n".join(f"[m{n}]\ndefinition = `m{n + 1}` `m{n + 1}`" for n in range(90))
    with pytest.raises(QueryError, match="stand for more than"):
        parse("`m0`", wide + "\n[m90]\ndefinition = x")
    long = f"[m(1)]\nargs = a\ndefinition = {'$a$' * 30_000}"
    with pytest.raises(QueryError, match="stand for more than"):
        parse(f'`m("{"x" * 30_000}")`', long)


def test_macros_that_stand_for_nothing_end() -> None:
    text = "\n".join(f"[m{n}]\ndefinition = `m{n + 1}``m{n + 1}`" for n in range(40)) + "\n[m40]\ndefinition ="
    with pytest.raises(QueryError, match="stand for more than"):
        parse("a `m0`", text)


def test_later_files_of_macros_win() -> None:
    files = {"a.conf": "[m]\ndefinition = a=1\n[n]\ndefinition = n=1", "b.conf": "[m]\ndefinition = b=1"}
    assert parse("`m` `n`", files) == parse("b=1 n=1")
    with pytest.raises(QueryError) as caught:
        read_macros({"a.conf": "[m]\ndefinition = a", "b.conf": "\n[m"})
    assert caught.value.place is not None
    assert (caught.value.place.name, caught.value.place.line) == ("b.conf", 2)


def test_the_largest_expansion_fits() -> None:
    expanded = expand("`m`", read_macros(f"[m]\ndefinition = {'x' * (MAX_SIZE - 10)}"))
    assert expanded is not None
    assert len(expanded.text) == MAX_SIZE - 10


@pytest.mark.parametrize(
    ("command", "option"), [(command, option) for command in SUPPORTED for option in command.options]
)
def test_each_option_of_a_command_is_read(command: Command[Any], option: str) -> None:
    first = "" if command.only_first else "* "
    name = {"xyseries": "x x x", "delta": "x", "autoregress": "x"}.get(command.name, "")
    text = f"{first}| {command.name} {name} {option}=|"
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert "the option" not in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.column == len(text), "its value is what is missing"


def test_a_misspelled_option_is_suggested() -> None:
    with pytest.raises(QueryError) as caught:
        parse("* | transaction maxspam=5m user")
    assert (caught.value.message, caught.value.hint) == (
        "the option maxspam of transaction is not supported",
        "did you mean 'maxspan'?",
    )
