"""What is known of a product's fields: type, number of values, case, and where they depart from the raw event.

    <product>/mappings/<vendor>/<service>_<product>.facts.yml ──load_facts──> Facts.field() ──> FieldFact

Emitters read the facts to say what a query assumes; nothing here changes an event or a query. A log source without a
file of facts has none, and then nothing is assumed to be known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast, get_args

from converter.errors import ConfigurationError, suggest
from converter.products.core import get_product

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from converter.readers.log_source import LogSource
    from converter.readers.yaml_document import Document

FieldType = Literal["keyword", "text", "wildcard", "ip", "date", "long", "double", "boolean", "flattened"]

_TYPES: tuple[str, ...] = get_args(FieldType)
_FIELD_KEYS = ("type", "single", "canonical_case", "nulls", "longest", "drops", "assumptions")
_ASSUMPTION_KEYS = ("says", "broken_when", "raw")
_PART = "{raw}"


@dataclass(frozen=True, slots=True)
class FieldAssumption:
    """Something that must hold of the events for the field to say what the raw field says.

    Attributes:
        message: the assumption in words.
        broken_when: a Sigma detection (a mapping, or a list of mappings of which one suffices) over raw field names
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
    """

    name: str
    type: FieldType = "keyword"
    single: bool = True
    canonical_case: bool = False
    nulls: bool = True
    longest: int | None = None
    drops: frozenset[str] = frozenset()
    assumptions: tuple[FieldAssumption, ...] = ()


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
        prefix = next((one for one in self.prefixes if name.startswith(one) and len(name) > len(one)), None)
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
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise ConfigurationError(f"{name}: a file of facts is one mapping", None, "defaults, fields, prefixes")
    return _Reader(documents[0]).facts()


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


class _Reader:
    """Reads one document of facts, and says where it is wrong."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._defaults: dict[str, Any] = {}

    def facts(self) -> Facts:
        data = self._document.data
        self._only(data, ("defaults", "fields", "prefixes"))
        self._defaults = self._mapping(data.get("defaults"), "defaults")
        self._only(self._defaults, _FIELD_KEYS[:-1], "defaults")
        fields: dict[str, FieldFact] = {}
        for name, value in self._mapping(data.get("fields"), "fields").items():
            fields[str(name)] = self._fact(str(name), value, "fields", str(name))
        below: dict[str, FieldFact] = {}
        raw_prefixes: dict[str, str] = {}
        prefixes = self._mapping(data.get("prefixes"), "prefixes")
        for name, value in prefixes.items():
            given = dict(self._mapping(value, "prefixes", str(name)))
            raw = given.pop("raw", name)
            if not isinstance(raw, str) or not str(name).endswith(".") or not raw.endswith("."):
                self._fail("a prefix, and the raw one, end in a dot", "prefixes", str(name))
            raw_prefixes[str(name)] = raw
            below[str(name)] = self._fact(str(name), given, "prefixes", str(name))
        return Facts(frozenset(fields), tuple(sorted(below, key=len, reverse=True)), fields, below, raw_prefixes)

    def _fact(self, name: str, value: Any, *path: str) -> FieldFact:
        given = self._mapping(value, *path)
        self._only(given, _FIELD_KEYS, *path)
        merged = {**self._defaults, **given}
        kind = merged.get("type", "keyword")
        if kind not in _TYPES:
            self._fail(f"{kind!r} is not a type", *path, "type", hint=suggest(str(kind), _TYPES) or ", ".join(_TYPES))
        for key in ("single", "canonical_case", "nulls"):
            if not isinstance(merged.get(key, True), bool):
                self._fail(f"{key} is true or false", *path, key)
        longest = merged.get("longest")
        if longest is not None and (not isinstance(longest, int) or isinstance(longest, bool) or longest < 1):
            self._fail("longest is a number of characters", *path, "longest")
        drops = merged.get("drops") or []
        if not isinstance(drops, list) or not all(one is None or isinstance(one, str) for one in drops):
            self._fail("drops is a list of null, empty and texts", *path, "drops")
        assumptions = given.get("assumptions") or []
        if not isinstance(assumptions, list):
            self._fail("assumptions is a list", *path, "assumptions")
        return FieldFact(
            name,
            cast("FieldType", kind),
            merged.get("single", True),
            merged.get("canonical_case", False),
            merged.get("nulls", True),
            longest,
            frozenset("null" if one is None else one for one in drops),
            tuple(self._assumption(one, *path, "assumptions", index) for index, one in enumerate(assumptions)),
        )

    def _assumption(self, value: Any, *path: str | int) -> FieldAssumption:
        given = self._mapping(value, *path)
        self._only(given, _ASSUMPTION_KEYS, *path)
        says = given.get("says", "")
        if not isinstance(says, str) or not says.strip():
            self._fail("an assumption says what it is, in words", *path)
        broken_when = given.get("broken_when", ())
        alternatives = broken_when if isinstance(broken_when, (list, tuple)) else [broken_when]
        if not all(isinstance(one, dict) and one for one in alternatives):
            self._fail("broken_when is a Sigma detection: a mapping, or a list of mappings", *path, "broken_when")
        raw = given.get("raw", "")
        if not isinstance(raw, str):
            self._fail("raw is the name of a raw field", *path, "raw")
        return FieldAssumption(says, broken_when, raw)

    def _mapping(self, value: Any, *path: str | int) -> dict[str, Any]:
        if value is not None and not isinstance(value, dict):
            self._fail("this must be a mapping", *path)
        return dict(value or {})

    def _only(self, given: Mapping[str, Any], known: Sequence[str], *path: str | int) -> None:
        for key in given:
            if key not in known:
                hint = suggest(str(key), known) or f"known: {', '.join(known)}"
                self._fail(f"unknown key {key!r}", *path, str(key), key=True, hint=hint)

    def _fail(self, message: str, *path: str | int, key: bool = False, hint: str = "") -> NoReturn:
        raise ConfigurationError(message, self._document.place(*path, key=key), hint)
