"""Write a rule file as elastic/detection-rules does: [metadata], then [rule].

Scalars and flat lists in alphabetical order, then the query, then tables in alphabetical order. tomlkit does the
escaping, so no value can leave its string.
"""

from __future__ import annotations

import re
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import combining, normalize

import tomlkit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomlkit.items import Array, Item, Table

_WIDTH = 120
_SPECIAL = re.compile(r'"""|[\\\x00-\x09\x0b-\x1f\x7f]')
_LINE = 100
_MARKDOWN = frozenset({"note", "setup"})
_PROSE = frozenset({"description", "false_positives", "min_stack_comments"})
_NAME = re.compile(r"[a-zA-Z0-9].+?[a-zA-Z0-9\[\]()]")
_BRACKETED = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_LEADING = re.compile(r"[^a-zA-Z0-9]+")
_TRAILING = re.compile(r"[^a-zA-Z0-9\[\]()]+$")


def write_rule(metadata: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Return the text of a rule file."""
    document = tomlkit.document()
    document.add("metadata", _flat_table(metadata))
    document.add(tomlkit.nl())
    table = _flat_table({key: value for key, value in rule.items() if not _is_table(value) and key != "query"})
    table.add("query", _query(str(rule["query"])))
    document.add("rule", table)
    text = tomlkit.dumps(document)
    for key in sorted(rule):
        if _is_table(rule[key]):
            text += "\n" + _tables(f"rule.{key}", rule[key])
    return text.rstrip("\n") + "\n"


def rule_name(title: str, rule_id: str) -> str:
    """Return a name that the format takes: an ASCII letter or digit first, one or a bracket last, three characters.

    A title that is so stays as it is. Of any other, accents and what stands around the words go; where too little is
    left, a name is made around the title.

    Args:
        title: of the Sigma rule.
        rule_id: makes a name that has to be made up a name of its own.
    """
    flat = " ".join(title.split())
    if _NAME.fullmatch(flat):
        return flat
    plain = "".join(char for char in normalize("NFKD", flat) if not combining(char))
    bracketed = _BRACKETED.match(plain)
    if bracketed is not None:  # "[Test] rule": the second bracket goes with the first
        plain = bracketed[1] + plain[bracketed.end() :]
    leading = _LEADING.match(plain)
    # Words in another script are the title; only signs may go from its ends.
    if leading is None or not any(char.isalnum() for char in leading[0]):
        plain = plain[leading.end() if leading is not None else 0 :]
        trailing = _TRAILING.search(plain)
        if trailing is None or not any(char.isalnum() for char in trailing[0]):
            plain = plain[: trailing.start() if trailing is not None else None]
    return plain if _NAME.fullmatch(plain) else f"Sigma rule {flat} ({rule_id[:8]})"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _flat_table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key in sorted(values):
        value = values[key]
        if isinstance(value, list):
            table.add(key, _array(value, prose=key in _PROSE))
        elif isinstance(value, str):
            table.add(key, _block(value) if key in _MARKDOWN else _text(value, prose=key in _PROSE))
        else:
            table.add(key, value)
    return table


def _array(values: list[Any], *, prose: bool) -> Array:
    array = tomlkit.array()
    for value in values:
        array.append(_text(value, prose=prose, indent=4) if isinstance(value, str) else value)
    return array.multiline(sum(len(str(value)) + 3 for value in values) > _LINE)


def _text(value: str, *, prose: bool, indent: int = 0) -> Item:
    """Return a string as it is; prose on one line if it fits, else wrapped between triple quotes."""
    if not prose:
        return tomlkit.string(value)
    flat = " ".join(value.split())
    if len(flat) + indent <= _WIDTH - 20:
        return tomlkit.string(flat)
    pad = " " * indent
    lines = textwrap.wrap(
        flat,
        _WIDTH,
        initial_indent=pad,
        subsequent_indent=pad,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if len(lines) == 1:
        return tomlkit.string(flat)
    return _block("\n".join(lines) + "\n" + pad)


def _query(text: str) -> Item:
    """Return a literal string, as the rules of the repository have, unless something in the text cannot be in one."""
    literal = "'''" not in text and all(char.isprintable() or char in "\n\t" for char in text)
    return _block(f"{text}\n", literal=literal)


def _block(text: str, *, literal: bool = False) -> Item:
    """Return a string between triple quotes that begins on the line after them; TOML drops that line break."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if literal:
        written = tomlkit.string(lines, literal=True, multiline=True).as_string()
        # tomlkit has doubled a line break at the beginning, so that TOML drops one of the two.
        return tomlkit.value(written if lines.startswith("\n") else f"{written[:3]}\n{written[3:]}")
    return tomlkit.value(f'"""\n{_SPECIAL.sub(lambda match: _escaped(match[0]), lines)}"""')


@cache
def _escaped(special: str) -> str:
    """Return what stands for a character, or three quotes, between triple quotes; tomlkit is slow with long strings."""
    return tomlkit.string(special, multiline=True).as_string()[3:-3]


def _tables(path: str, value: Any) -> str:
    """Return a table, or tables, with the tables inside, as the format's own writer nests them."""
    if isinstance(value, list):
        return "\n".join(_table(f"[[{path}]]", path, item) for item in value)
    return _table(f"[{path}]", path, value)


def _table(header: str, path: str, values: Mapping[str, Any]) -> str:
    flat = {key: value for key, value in values.items() if not _is_table(value)}
    document = tomlkit.document()
    for key, item in _flat_table(flat).items():
        document.add(key, item)
    text = f"{header}\n{tomlkit.dumps(document)}"
    nested = {key: value for key, value in values.items() if _is_table(value)}
    # Lists of tables come before single tables, as in the rules of the repository.
    for key in sorted(nested, key=lambda key: (isinstance(nested[key], dict), key)):
        text += "\n" + _tables(f"{path}.{key}", nested[key])
    return text
