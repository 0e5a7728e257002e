"""What is checked of every file of mappings: each kind of error, with its place, what was expected, and a hint."""

from __future__ import annotations

import pytest

from converter.errors import ConfigurationError
from converter.readers.schema import (
    FILLED,
    FLAG,
    MAPPING,
    NULL,
    STRING,
    STRING_OR_STRINGS,
    Either,
    Entries,
    Keys,
    ListOf,
    Shape,
    check,
    errors,
    list_of,
    matching,
    one_of,
    string,
    whole,
)
from converter.readers.toml import TomlDocument, parse_toml
from converter.readers.yaml_document import Document, parse_documents

COLOUR = one_of("red", "green", "blue")
SHAPE = Keys(
    {
        "name": FILLED,
        "count": whole(1, 1000),
        "flag": FLAG,
        "colour": COLOUR,
        "tags": list_of(matching("[a-z]+", "small letters"), "tags", hint="each after `- `"),
        "pair": ListOf("a list of two", STRING, 2, 2),
        "target": STRING_OR_STRINGS,
        "limit": Either((NULL, whole(0))),
        "inner": Keys({"a": STRING, "b": MAPPING}, {"a": ""}),
        "rules": list_of(Keys({"id": STRING}, {"id": "made with `uuidgen`"}), "rules"),
        "names": Entries(STRING, string("a name", str.isidentifier, "letters"), least=1),
    },
    {"name": "for example `name: x`"},
)


def yaml(text: str) -> Document:
    return parse_documents(text.encode(), "file", ConfigurationError)[0]


def toml(text: str) -> TomlDocument:
    return parse_toml(text, "file", ConfigurationError)


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("- 1", (1, 1), "the document must be a mapping, not a list", "for example key: value"),
        ("count: 1", (1, 1), "'name' is missing", "for example `name: x`"),
        ("nmae: x", (1, 1), "unknown key 'nmae'", "did you mean 'name'?"),
        ("name: x\n5: y", (2, 1), "unknown key 5", "known: name, count"),
        ("name:", (1, 6), "name is empty", "expected a string"),
        ("name: ' '", (1, 7), "name is empty", "expected a string"),
        ("name: 5", (1, 7), "name must be a string, not 5", "put quotes around it: '5'"),
        ("name: yes", (1, 7), "name must be a string, not true", "put quotes around it: 'yes'"),
        ("name: [a]", (1, 7), "name must be a string, not a list", "write one string"),
        ("name: x\ncount: 0", (2, 8), "count must be a whole number from 1 to 1,000, not 0", ""),
        ("name: x\ncount: '7'", (2, 8), "count must be a whole number from 1 to 1,000, not '7'", ""),
        ("name: x\ncount: true", (2, 8), "count must be a whole number from 1 to 1,000, not true", ""),
        ("name: x\nflag: 'no'", (2, 7), "flag must be true or false, not 'no'", "without quotes"),
        ("name: x\ncolour: gren", (2, 9), "colour must be red, green or blue, not 'gren'", "did you mean 'green'?"),
        ("name: x\ntags: a", (2, 7), "tags must be a list of tags, not 'a'", "each after `- `"),
        ("name: x\ntags: [a, B]", (2, 11), "an item of tags must be small letters, not 'B'", ""),
        ("name: x\npair: [a, b, c]", (2, 7), "pair must be a list of two, not a list of 3", "for example [item, item]"),
        ("name: x\ntarget: {}", (2, 9), "target is empty", "expected a string or a list of strings"),
        ("name: x\ntarget: [1]", (2, 10), "an item of target must be a string, not 1", "put quotes around it: '1'"),
        ("name: x\nlimit: -1", (2, 8), "limit must be a whole number of at least 0, not -1", ""),
        ("name: x\ninner: {b: {}}", (2, 1), "'a' is missing in inner", "expected a string"),
        ("name: x\ninner: {b: {}, aa: y}", (2, 16), "unknown key 'aa' in inner", "did you mean 'a'?"),
        ("name: x\nrules:\n  - idd: x", (3, 5), "unknown key 'idd' in an item of rules", "did you mean 'id'?"),
        ("name: x\nrules:\n  - {}", (3, 5), "'id' is missing in an item of rules", "made with `uuidgen`"),
        ("name: x\nnames: {a b: c}", (2, 9), "a key of names must be a name, not 'a b'", "letters"),
        ("name: x\nnames: {a.b: 5}", (2, 9), "a key of names must be a name, not 'a.b'", "letters"),
        ("name: x\nnames: 5", (2, 8), "names must be a mapping, not 5", "for example key: value"),
    ],
)
def test_errors_in_yaml(text: str, place: tuple[int, int], message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(yaml(text), SHAPE)
    error = caught.value
    assert error.place is not None
    assert (error.message, (error.place.line, error.place.column)) == (message, place)
    assert error.hint == hint or (hint and error.hint.startswith(hint))


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("name = 'x'\n[inner]\nb = 5\n", (2, 1), "'a' is missing in inner", "expected a string"),
        ("name = 'x'\ninner = 5", (2, 1), "inner must be a table, not 5", "for example key = value"),
        (
            "name = 'x'\n[[rules]]\nid = 'y'\n[[rules]]\nid = 1",
            (5, 1),
            "rules.id must be a string, not 1",
            "put quotes",
        ),
    ],
)
def test_errors_in_toml(text: str, place: tuple[int, int], message: str, hint: str) -> None:
    error = {found.message: found for found in errors(toml(text), SHAPE)}[message]
    assert error.place is not None
    assert (error.place.line, error.place.column) == place
    assert error.hint.startswith(hint)


def test_every_error_is_found_in_the_order_of_the_file() -> None:
    text = "colour: pink\nrules: [{id: 1}, {}, {id: x, ie: y}]\ncount: many\n"
    assert [error.message for error in errors(yaml(text), SHAPE)] == [
        "colour must be red, green or blue, not 'pink'",
        "rules.id must be a string, not 1",
        "'id' is missing in an item of rules",
        "unknown key 'ie' in an item of rules",
        "count must be a whole number from 1 to 1,000, not 'many'",
        "'name' is missing",
    ]


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (SHAPE, "{name: x, limit: , target: [a, b], names: {a: b}, inner: {a: y, b: {c: [d]}}}"),
        (Keys({"a": STRING}, {"a": ""}, others=True), "{a: b, c: d}"),
        (Keys({"a": STRING, "b": FLAG}, nulls=True), "{a: , b: false}"),
        (Entries(STRING, nulls=True), "{a: , b: c}"),
        (Keys({"a": one_of("low", "high", fold=True)}), "{a: HIGH}"),
    ],
)
def test_what_is_right_has_no_error(shape: Shape, text: str) -> None:
    assert list(errors(yaml(text), shape)) == []


def test_a_part_of_a_file_is_checked_alone() -> None:
    assert [error.message for error in errors(yaml("a: {b: [{c: 1}]}"), Keys({}), "a", "b", 0)] == [
        "unknown key 'c' in an item of a.b"
    ]


def test_a_key_that_is_missing_is_found_under_another_name() -> None:
    (error,) = errors(
        yaml("{conditon: a, b: c}"), Keys({"condition": STRING, "b": STRING}, {"condition": ""}, others=True)
    )
    assert (error.message, error.hint) == ("'condition' is missing", "found the key 'conditon'?")
