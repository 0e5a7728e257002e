"""What is known of a product's fields: type, number of values, case, and where they depart from the raw event.

    <product>/mappings/<vendor>/<service>_<product>.facts.yml ──load_facts──> Facts.field() ──> FieldFact

Emitters read the facts to say what a query assumes; nothing here changes an event or a query. A log source without a
file of facts has none, and then nothing is assumed to be known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from converter.errors import ConfigurationError
from converter.products.core import get_product
from converter.readers.schema import (
    ANYTHING,
    FILLED,
    FLAG,
    STRING,
    Either,
    Entries,
    Keys,
    Scalar,
    check,
    list_of,
    one_of,
    string,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from converter.readers.log_source import LogSource
    from converter.readers.schema import Shape
    from converter.readers.yaml_document import Document

FieldType = Literal["keyword", "text", "wildcard", "ip", "date", "long", "double", "boolean", "flattened"]

_TYPES: tuple[str, ...] = get_args(FieldType)
_PART = "{raw}"


@dataclass(frozen=True, slots=True)
class FieldAssumption:
    """Something that must hold of the events for the field to say what the raw field says.

    Attributes:
        message: the assumption in words.
        broken_when: a Sigma detection (a mapping, or a list of alternative mappings) over raw field names
            that is true of an event for which it does not hold. Empty where one event cannot tell.
        raw: the raw field that the rule must name for the assumption to matter; empty when any will do.
    """

    message: str
    broken_when: Mapping[str, Any] | Sequence[Any] = ()
    raw: str = ""


@dataclass(frozen=True, slots=True)
class FieldFact:
    """What is known of one field of a product.

    Attributes:
        name: the product's name of the field.
        type: how it is mapped; `flattened` is a key inside an object of the field type flattened.
        single: whether a document has at most one value of it.
        canonical_case: whether a given value is always written in one case.
        nulls: whether the raw field may be JSON null; false where what writes the events leaves it out instead.
        longest: the most characters of a text that the product keeps; None: the source writes no text that it drops.
        drops: values that never reach the field: `null`, `empty` (the empty text), or a text such as `-`.
        assumptions: where it departs from the raw event.
        ip: the product's field of type ip that has the value as well, if it is an address.
    """

    name: str
    type: FieldType = "keyword"
    single: bool = True
    canonical_case: bool = False
    nulls: bool = True
    longest: int | None = None
    drops: frozenset[str] = frozenset()
    assumptions: tuple[FieldAssumption, ...] = ()
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a product's fields for one log source.

    Attributes:
        known: the names of all fields with facts of their own; names below a prefix come on top (see `field`).
        prefixes: the prefixes below which every name is known, longest first.
    """

    known: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    _fields: Mapping[str, FieldFact] = field(default_factory=dict, repr=False)
    _below: Mapping[str, FieldFact] = field(default_factory=dict, repr=False)
    _raw_prefixes: Mapping[str, str] = field(default_factory=dict, repr=False)

    def field(self, name: str) -> FieldFact | None:
        """Return what is known of a field, or None: the fact of that name, else of the longest prefix of it."""
        fact = self._fields.get(name)
        if fact is not None:
            return fact
        prefix = next((known for known in self.prefixes if name.startswith(known) and len(name) > len(known)), None)
        if prefix is None:
            return None
        fact = self._below[prefix]
        raw = self._raw_prefixes.get(prefix, prefix) + name.removeprefix(prefix)
        return FieldFact(
            name,
            fact.type,
            fact.single,
            fact.canonical_case,
            fact.nulls,
            fact.longest,
            fact.drops,
            tuple(_with_raw(assumption, raw) for assumption in fact.assumptions),
        )

    def __bool__(self) -> bool:
        return bool(self._fields or self._below)


def load_facts(product: str, logsource: LogSource) -> Facts:
    """Return the facts for the fields of a log source in a product; empty ones when there is no file of them.

    Args:
        product: its name.
        logsource: where the events come from.

    Raises:
        ConfigurationError: the file is not valid; with a place.
    """
    path = get_product(product).facts_file(logsource)
    return _load(path) if path is not None else Facts()


def parse_facts(raw: bytes, name: str) -> Facts:
    """Read a file of facts.

    Raises:
        ConfigurationError: it is not valid; with a place.
    """
    from converter.readers.yaml_document import parse_documents  # noqa: PLC0415 - YAML is slow to import

    documents = parse_documents(raw, name, ConfigurationError)
    if len(documents) != 1:
        raise ConfigurationError(f"{name}: a file of facts is one mapping", None, "defaults, fields, prefixes")
    return _facts(documents[0])


@lru_cache(maxsize=64)
def _load(path: Path) -> Facts:
    return parse_facts(path.read_bytes(), str(path))


def _with_raw(assumption: FieldAssumption, raw: str) -> FieldAssumption:
    """Return the assumption of a prefix for one raw field below it."""
    return FieldAssumption(
        assumption.message.replace(_PART, raw),
        cast("Mapping[str, Any] | Sequence[Any]", _substitute(assumption.broken_when, raw)),
        assumption.raw.replace(_PART, raw),
    )


def _substitute(value: Any, raw: str) -> Any:
    if isinstance(value, dict):
        return {key.replace(_PART, raw): _substitute(item, raw) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_substitute(item, raw) for item in value)
    return value


# What is known of a field, without its assumptions: what `defaults` may say.
_KNOWN: Mapping[str, Shape] = {
    "type": one_of(*_TYPES),
    "single": FLAG,
    "canonical_case": FLAG,
    "nulls": FLAG,
    "longest": whole(1),
    "drops": list_of(
        Scalar("null, empty or a string", lambda value: value is None or isinstance(value, str)),
        "null, empty and strings",
    ),
}
_DETECTION = Entries(ANYTHING, least=1)
_ASSUMPTION = Keys(
    {"says": FILLED, "broken_when": Either((_DETECTION, list_of(_DETECTION, "mappings"))), "raw": STRING}, {"says": ""}
)
_FIELD: Mapping[str, Shape] = {**_KNOWN, "assumptions": list_of(_ASSUMPTION, "mappings"), "ip": STRING}
_PREFIX = string("a string that ends in a dot", lambda prefix: prefix.endswith("."), "for example user.")
_FILE = Keys(
    {
        "defaults": Keys(_KNOWN, nulls=True),
        "fields": Entries(Keys(_FIELD, nulls=True), nulls=True),
        "prefixes": Entries(Keys({**_FIELD, "raw": _PREFIX}, nulls=True), key=_PREFIX, nulls=True),
    },
    nulls=True,
)


def _facts(document: Document) -> Facts:
    check(document, _FILE)
    data = document.data
    defaults = _given(data.get("defaults"))
    fields = {str(name): _fact(str(name), defaults, given) for name, given in (data.get("fields") or {}).items()}
    prefixes = {name: _given(given) for name, given in (data.get("prefixes") or {}).items()}
    below = {name: _fact(name, defaults, given) for name, given in prefixes.items()}
    raw_prefixes = {name: given.get("raw", name) for name, given in prefixes.items()}
    return Facts(frozenset(fields), tuple(sorted(below, key=len, reverse=True)), fields, below, raw_prefixes)


def _given(mapping: Mapping[Any, Any] | None) -> dict[Any, Any]:
    """Return a mapping without the keys that have no value."""
    return {key: value for key, value in (mapping or {}).items() if value is not None}


def _fact(name: str, defaults: Mapping[str, Any], mapping: Mapping[str, Any] | None) -> FieldFact:
    known = {**defaults, **_given(mapping)}
    drops = known.pop("drops", ())
    assumptions = known.pop("assumptions", ())
    known.pop("raw", None)
    return FieldFact(
        name,
        **known,
        drops=frozenset("null" if value is None else value for value in drops),
        assumptions=tuple(
            FieldAssumption(given["says"], given.get("broken_when", ()), given.get("raw", "")) for given in assumptions
        ),
    )
