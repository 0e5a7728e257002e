"""The names of files: safe whatever a rule is called, and no two that any file system takes for one."""

from __future__ import annotations

import re
from pathlib import Path
from unicodedata import normalize

import pytest

from converter.errors import ConfigurationError
from converter.report.file_names import file_names, safe_name
from tests.support.hostile import STRINGS

HOSTILE = [
    "../../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "...",
    ".hidden",
    "con",
    "LPT1.txt",
    "COM\N{SUPERSCRIPT TWO}",
    "aux.",
    "a\x00b\x1b[2J\n",
    "C:\\windows\\system32",
    "x:stream",
    "x" * 5000,
    "ü" * 500,
    "規則 “quoted” | & ; $(reboot)",
    "\u202e\u200b",
    "\u2066rtl\u2069",
    "-rf",
    "--output=x",
    ".-rf",
    "-",
    "\N{FULLWIDTH HYPHEN-MINUS}rf",
    "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH SOLIDUS}x",
    "\N{TWO DOT LEADER}/x",
    "~root",
    "name. ",
    "name ",
    "\ud800",
    "\N{HANGUL FILLER}\N{HANGUL CHOSEONG FILLER}",
    "*?<>|\"'",
    "",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_any_title_is_a_safe_name(title: str) -> None:
    stem = safe_name(title)
    name = f"{stem}.spl"
    assert Path(name).name == name
    assert all(char.isalnum() or char in "-_." for char in name)
    assert not re.match(r"[-.~]|(con|prn|aux|nul|com\d|lpt\d)\.", name, re.IGNORECASE)
    assert stem[-1] not in ". "
    assert len(stem.encode()) <= 150


def test_every_hostile_string_is_a_name_with_a_target() -> None:
    for text in STRINGS:
        names = file_names([(text, target, ".q") for target in ("a", f"b:{text}")])
        assert all(len(name.encode()) <= 255 and name[0] not in "-." for name in names), text


def test_what_is_seen_only_by_machines_is_not_part_of_a_name() -> None:
    for number in range(0x110000):
        char = chr(number)
        if not char.isprintable() or char in "\u115f\u1160\u3164\uffa0":
            assert safe_name(f"a{char}b") in {"a_b", "a__b"}, hex(number)


@pytest.mark.parametrize(
    ("queries", "names"),
    [
        ([("a", "x", ".q"), ("b", "x", ".q")], ["a.q", "b.q"]),
        ([("a", "x", ".q"), ("a", "y", ".r")], ["a.q", "a.r"]),
        ([("a", "x", ".q"), ("a", "pysigma:x", ".q")], ["a.x.q", "a.pysigma_x.q"]),
        ([("sigma-convert", "x", ".toml"), ("PyProject", "x", ".toml")], ["_sigma-convert.toml", "_PyProject.toml"]),
        ([("inputs", "x", ".conf"), ("inputs", "x", ".spl")], ["_inputs.conf", "inputs.spl"]),
    ],
    ids=str,
)
def test_a_file_is_named_after_its_rule(queries: list[tuple[str, str, str]], names: list[str]) -> None:
    assert file_names(queries) == names


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a/b", "a_b"),
        ("a", "a"),
        ("abc", "ABC"),
        ("straße", "STRASSE"),
        ("ς", "Σ"),
        ("é", "É"),
        (normalize("NFC", "각"), normalize("NFD", "각")),
        ("Å", "\N{ANGSTROM SIGN}"),
        ("ﬁle", "file"),
        ("k", "\N{KELVIN SIGN}"),
        ("\u202ea", "/a"),
    ],
)
def test_two_files_of_one_name_are_an_error(first: str, second: str) -> None:
    with pytest.raises(ConfigurationError, match="two queries would be written to one file") as caught:
        file_names([(first, "x", ".q"), ("other", "x", ".q"), (second, "x", ".q")])
    assert repr(first) in caught.value.message
    assert repr(second) in caught.value.message


def test_long_names_that_begin_alike_are_two() -> None:
    assert len(set(file_names([("x" * 300 + end, "t", ".q") for end in "ab"]))) == 2
