"""Read a field of an Elasticsearch document by its dotted path.

    document, "a.b.c" ──getter──> the scalars at every way of writing that path, null left out
    document ──leaves──> (path, scalar) of everything in it

A document may write a path nested ({"a": {"b": 1}}), dotted ({"a.b": 1}) or mixed, and may hold arrays at any level; an
index takes all of these alike, so a field is a list of values, and one without a value an empty list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Scalar: TypeAlias = str | int | float | bool
Getter: TypeAlias = Callable[[Document], list[Scalar]]

METADATA = frozenset(
    {"_id", "_ignored", "_index", "_index_mode", "_routing", "_score", "_seq_no", "_source", "_type", "_version"}
)
"""Keys of an event that say something of its document and are not fields of it; other names may begin with `_`."""

_OBJECT = (dict, Mapping)  # dict first: the abstract class is slow to ask
_ARRAY = (list, tuple)
_Steps: TypeAlias = list[list[tuple[str, int]]]


@lru_cache(maxsize=4096)
def getter(name: str) -> Getter:
    """Return the function that lists the values of the field `name` in a document."""
    steps = _steps(name)
    if len(steps) == 1:  # every level less counts here
        return lambda document: _values(document.get(name))

    def read(document: Document) -> list[Scalar]:
        values: list[Scalar] = []
        for key, position in steps[0]:
            inner = document.get(key)
            if inner is not None:
                _collect(inner, position, steps, values)
        return values

    return read


def objects(name: str) -> Callable[[Document], list[Document]]:
    """Return the function that lists the objects of a document at the path `name`."""
    steps = _steps(name)

    def read(document: Document) -> list[Document]:
        documents: list[Document] = []
        _collect_objects(document, 0, steps, documents)
        return documents

    return read


def leaves(document: Document) -> Iterator[tuple[str, Scalar]]:
    """Yield every (path, scalar) of a document in its order; null and what is empty are not there."""
    stack: list[tuple[str, Any]] = [
        (str(key), value) for key, value in reversed(list(document.items())) if key not in METADATA
    ]
    while stack:
        path, value = stack.pop()
        if isinstance(value, _OBJECT):
            stack.extend((f"{path}.{key}", inner) for key, inner in reversed(list(value.items())))
        elif isinstance(value, _ARRAY):
            stack.extend((path, inner) for inner in reversed(value))
        elif value is not None:
            yield path, value


def field_names(documents: Iterable[Document]) -> list[str]:
    """Return the paths of all leaves of documents, sorted."""
    names: set[str] = set()
    for document in documents:
        stack: list[tuple[str, Any]] = [(key, value) for key, value in document.items() if key not in METADATA]
        while stack:
            path, value = stack.pop()
            if isinstance(value, str):
                names.add(path)
            elif isinstance(value, _OBJECT):
                stack += [(f"{path}.{key}", inner) for key, inner in value.items()]
            elif isinstance(value, _ARRAY):
                stack += [(path, inner) for inner in value]
            elif value is not None:
                names.add(path)
    return sorted(names)


def expanded(document: Document) -> dict[str, Any]:
    """Return the document with dotted keys opened into objects, as an index with nested fields reads it.

    Each dotted key makes an object of its own: `{"u.a": 1, "u.b": 2}` has two objects in a nested field `u`.
    """
    out: dict[str, Any] = {}
    for key, value in document.items():
        first, *rest = key.split(".")
        opened = _expanded_value(value)
        for part in reversed(rest):
            opened = {part: opened}
        out[first] = [*_listed(out[first]), *_listed(opened)] if first in out else opened
    return out


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, _ARRAY) else [value]


def _expanded_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return expanded(value)
    if isinstance(value, _ARRAY):
        return [_expanded_value(inner) for inner in value]
    return value


def _steps(name: str) -> _Steps:
    """Return, for each position in the dotted path, the keys that may come next and the position after each."""
    parts = name.split(".")
    return [
        [(".".join(parts[start:end]), end) for end in range(start + 1, len(parts) + 1)] for start in range(len(parts))
    ]


def _collect(value: Any, position: int, steps: _Steps, values: list[Scalar]) -> None:
    """Add the scalars that lie at the end of the path, seen from a value that is not null at a position of it."""
    if position == len(steps):
        values.extend(_values(value))
    elif isinstance(value, _OBJECT):
        for key, after in steps[position]:
            inner = value.get(key)
            if inner is None:
                continue
            if after == len(steps) and isinstance(inner, str):  # what is found most
                values.append(inner)
            else:
                _collect(inner, after, steps, values)
    elif isinstance(value, _ARRAY):
        for item in value:
            _collect(item, position, steps, values)


def _values(value: Any) -> list[Scalar]:
    """Return the scalars of a value of a field: an object has none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, _ARRAY):
        return [scalar for item in value for scalar in _values(item)]
    return [] if value is None or isinstance(value, _OBJECT) else [value]


def _collect_objects(value: Any, position: int, steps: _Steps, documents: list[Document]) -> None:
    if isinstance(value, Mapping):
        if position == len(steps):
            documents.append(value)
            return
        for key, after in steps[position]:
            if key in value:
                _collect_objects(value[key], after, steps, documents)
    elif isinstance(value, _ARRAY):
        for item in value:
            _collect_objects(item, position, steps, documents)
