"""The data sets of data models, and which events are in one.

    data_models.toml ──data_models──> DataSet(names, constraint) ──reader──> event -> its fields there, or None

Splunk's add-ons tag events and give them the fields of the Common Information Model when a search reads them. The
events of a run are taken to be like that already. One is in a data set if it meets its constraint and those of its
parents, mostly tags (`tag`, one value or several), or if it names a field of the root data set in full
(`Processes.process`). What a data model itself does to fields, such as "unknown" for one that is missing, is done here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.errors import QueryError, suggest
from converter.readers.source import Source
from converter.targets.splunk.engine.language.search_parser import parse_search_text
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from converter.targets.splunk.engine.language.values import Row

Predicate: TypeAlias = "Callable[[Row], bool]"
Value: TypeAlias = "Callable[[Row], Any]"
Reader: TypeAlias = "Callable[[Row], Row | None]"

# What every data set has, and what the index knows of an event.
BASE_FIELDS = ("_time", "host", "source", "sourcetype", "index", "splunk_server", "_indextime")
NODENAME = "nodename"
_KINDS = ("unknown", "dash", "zero", "number", "lower", "computed")


class UncomputedError(Exception):
    """An event lacks a field that the data model works out of others; the argument is its name."""


@dataclass(frozen=True, slots=True)
class DataModelField:
    """A field of a data set: its plain name, and what the model does to it (see data_models.toml)."""

    name: str
    kinds: frozenset[str]


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes:
        model: the name of its data model.
        name: its own name.
        path: the names from the root data set down to it: what stands before a field, and in `nodename`.
        constraint: what an event must meet, beside the constraints of its parents; a search.
        fields: its own fields.
    """

    model: str
    name: str
    path: tuple[str, ...]
    constraint: str
    fields: tuple[DataModelField, ...]

    @property
    def prefix(self) -> str:
        """What stands before the names of its own fields, with the dot."""
        return ".".join(self.path) + "."

    @cached_property
    def meets(self) -> Predicate:
        """Whether an event meets the constraint of this data set itself."""
        return compile_search(parse_search_text(self.constraint), Source(self.constraint, QueryError))


@dataclass(frozen=True)
class Tree:
    """A root data set with all below it: what one search can name."""

    root: DataSet
    sets: tuple[DataSet, ...]

    @cached_property
    def fields(self) -> Mapping[str, tuple[DataSet, DataModelField]]:
        """Every field by its full name, such as `Processes.process`."""
        return {data_set.prefix + field.name: (data_set, field) for data_set in self.sets for field in data_set.fields}

    def knows(self, name: str) -> bool:
        """Whether a search over this tree can name a field."""
        return name in self.fields or name in BASE_FIELDS or name == NODENAME

    def hint(self, name: str) -> str:
        """Suggest what an unknown name may have meant."""
        for full in self.fields:
            if full.lower() == name.lower() or full.rpartition(".")[2] == name:
                return f"did you mean {full!r}?"
        return suggest(name, self.fields) or f"its fields begin with {self.root.prefix}"

    def reader(self, names: Collection[str], data_set: DataSet) -> Reader:
        """Return what reads these fields of an event, for events in a data set of this tree.

        Raises:
            UncomputedError: when run: see there.
        """
        values = [(name, self._value(name)) for name in names if name not in BASE_FIELDS and name != NODENAME]
        base = [name for name in names if name in BASE_FIELDS]
        nodes = NODENAME in names
        member = self._member(data_set)
        by_path = {other.path: other for other in self.sets}

        def read(event: Row) -> Row | None:
            plain = self._plain(event)
            if not member(plain):
                return None
            row = {name: event[name] for name in ("_time", *base) if name in event}
            for name, value in values:
                if (read_value := value(plain)) is not None:
                    row[name] = read_value
            if nodes:
                inside = [".".join(path) for path, other in by_path.items() if self._member(other)(plain)]
                row[NODENAME] = inside[0] if len(inside) == 1 else inside
            return row

        return read

    def _plain(self, event: Row) -> Row:
        """Return the event with plain names for fields that it names in full; `tag` may be among them."""
        fields = self.fields
        named = [(name, fields[name][1].name) for name in event if name in fields]
        if not named:
            return event
        return {**event, **{plain: event[name] for name, plain in named}, _NAMED: True}

    def _member(self, data_set: DataSet) -> Predicate:
        chain = [other for other in self.sets if data_set.path[: len(other.path)] == other.path]
        root, below = chain[0], chain[1:]

        def member(plain: Row) -> bool:
            return (_NAMED in plain or root.meets(plain)) and all(other.meets(plain) for other in below)

        return member

    def _value(self, name: str) -> Value:
        _, field = self.fields[name]
        plain, kinds = field.name, field.kinds
        if not kinds:
            return lambda row: row.get(plain)
        empty = {None, "", "-"} if "dash" in kinds else {None, ""}
        fills, lower = bool(kinds & {"unknown", "dash"}), "lower" in kinds

        def value(row: Row) -> Any:
            given = row.get(plain)
            if type(given) is list:
                return [text_of(item).lower() for item in given] if lower else given
            if "computed" in kinds and given in empty:
                raise UncomputedError(name)
            if fills and given in empty:
                return "unknown"
            if kinds & {"zero", "number"} and number_of(given) is None:
                return 0 if "zero" in kinds else None
            return text_of(given).lower() if lower and given is not None else given

        return value


_NAMED = "\0named"


@lru_cache(maxsize=1)
def data_models() -> Mapping[str, tuple[DataSet, ...]]:
    """Return the data sets of every data model that is known, by its name; a parent stands before its children."""
    models: dict[str, list[DataSet]] = {}
    text = files("converter.products.splunk").joinpath("data_models.toml").read_text(encoding="utf-8")
    for full, given in tomllib.loads(text).items():
        model, _, name = full.partition(".")
        sets = models.setdefault(model, [])
        parent = next((data_set.path for data_set in sets if data_set.name == given.get("parent")), ())
        kinds = {kind: frozenset(given.get(kind, "").split()) for kind in _KINDS}
        fields = tuple(
            DataModelField(field, frozenset(kind for kind, names in kinds.items() if field in names))
            for field in given.get("fields", "").split()
        )
        sets.append(DataSet(model, name, (*parent, name), given["constraint"], fields))
    return {model: tuple(sets) for model, sets in models.items()}


def tree_of(data_set: DataSet) -> Tree:
    """Return the tree that a data set is in."""
    sets = tuple(other for other in data_models()[data_set.model] if other.path[0] == data_set.path[0])
    return Tree(sets[0], sets)
