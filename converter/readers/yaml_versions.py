"""Tell which plain scalars YAML 1.1 and YAML 1.2 read differently, and what each version reads.

    plain scalar ──resolve──> what PyYAML (YAML 1.1) reads ──┐
                 ──core schema──> what YAML 1.2 reads ───────┴──> None, or a Difference

Sigma is written in YAML 1.2. PyYAML, which sigma-cli uses as well, reads YAML 1.1: to it `no` is false, `0777` is 511,
`12:30` is 750, and `1e3` is a string. Sources: chapter 10.3.2 of the specification of YAML 1.2.2 (core schema); the
types of YAML 1.1 at yaml.org/type; PyYAML's resolver.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

TIMESTAMP = "tag:yaml.org,2002:timestamp"
MERGE = "tag:yaml.org,2002:merge"
_DEFAULT = "tag:yaml.org,2002:value"
TEXT = "tag:yaml.org,2002:str"
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_RESOLVER: Any = yaml.resolver.Resolver()
_PLAIN = (True, False)
_LONGEST = 200  # no number that people write is longer; Python converts at most 4,300 digits

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_DECIMAL = re.compile(r"[-+]?[0-9]+", re.ASCII)
_PADDED = re.compile(r"0[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INFINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")
_IMPOSSIBLE = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """What the two versions read, in words, and what to write instead.

    `padded`: a whole number with leading zeros, which 1.1 reads as a string because it has an 8 or a 9. It is an
    identifier more often than a number, and public rules have it; so it stays a string, with a warning.
    """

    message: str
    hint: str
    padded: bool = False


def difference(node: yaml.ScalarNode) -> Difference | None:
    """Return the difference between the two versions, or None if they read the same value.

    Args:
        node: any scalar; both versions read one in quotes or with a tag alike.
    """
    string = str(node.value)
    if node.style or len(string) > _LONGEST:
        return None
    tag = _RESOLVER.resolve(yaml.ScalarNode, string, _PLAIN)
    if node.tag not in {tag, TEXT} or (node.tag == TEXT != tag and tag not in {TIMESTAMP, _DEFAULT, MERGE}):
        return None  # the rule gives a tag of its own
    old, new = old_reading(yaml.ScalarNode(tag, string)), _new(string)
    if type(old) is type(new) and repr(old) == repr(new):  # repr: not-a-number does not equal itself
        return None
    numbers = [_number(value) for value in (old, new) if _number(value)]
    words = [str(value).lower() for value in (old, new) if isinstance(value, bool)]
    hint = f"put quotes around it if it is a string: '{string}'"
    if numbers:
        hint += f"; for the number, write {' or '.join(dict.fromkeys(numbers))}"
    if words:
        hint += f"; for the boolean, write {words[0]}"
    message = f"YAML 1.1 and 1.2 read {string!r} differently: 1.1 as {_words(old, tag)}, 1.2 as {_words(new, TEXT)}"
    return Difference(message, hint, padded=isinstance(old, str) and _PADDED.fullmatch(string) is not None)


def is_text(node: yaml.ScalarNode, *, key: bool) -> bool:
    """Return whether a scalar is a string although PyYAML takes it for something that it cannot read.

    That is a date that does not exist, an equals sign, and a merge key that is not a key.
    """
    if node.tag == TIMESTAMP:
        return old_reading(node) is _IMPOSSIBLE
    return node.tag == _DEFAULT or (node.tag == MERGE and not key)


def old_reading(node: yaml.ScalarNode) -> Any:
    """Return what YAML 1.1 reads of a scalar that has a tag."""
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return _CONSTRUCTOR.construct_yaml_bool(node)
        case "int":
            return _CONSTRUCTOR.construct_yaml_int(node)
        case "float":
            return _CONSTRUCTOR.construct_yaml_float(node)
        case "timestamp":
            try:
                return _CONSTRUCTOR.construct_yaml_timestamp(node)
            except (ValueError, OverflowError):
                return _IMPOSSIBLE
            except AttributeError:  # the file gives it this tag, and it does not look like a date at all
                return node.value
        case "value" | "merge":
            return _IMPOSSIBLE
        case _:
            return node.value


def _new(string: str) -> Any:
    """Return what YAML 1.2 reads by its core schema."""
    if _NULL.fullmatch(string):
        return None
    if _BOOLEAN.fullmatch(string):
        return string.lower() == "true"
    if _DECIMAL.fullmatch(string):
        return int(string)
    if _OCTAL.fullmatch(string):
        return int(string, 0)
    if _HEXADECIMAL.fullmatch(string):
        return int(string, 16)
    if _INFINITE.fullmatch(string):
        return _CONSTRUCTOR.construct_yaml_float(yaml.ScalarNode(TEXT, string))
    return float(string) if _FLOAT.fullmatch(string) else string


def _number(value: Any) -> str:
    """Return a number as both versions read it, or an empty string for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    digits, exponent, power = str(value).partition("e")
    return f"{digits}{'' if '.' in digits or not exponent else '.0'}{exponent}{power}"


def _words(value: Any, tag: str) -> str:
    if number := _number(value):
        return f"the number {number}"
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case date():  # a datetime is one as well
            return "a date"
        case str():
            return "a string"
        case _:
            return {TIMESTAMP: "a date that does not exist", MERGE: "the sign of a merge"}.get(tag, "a default value")
