"""Check what a person wrote in a file of mappings and lists against what it may hold.

    Document: data, and the place of each part ─┐
    Shape: what a value may be ─────────────────┴─errors──> every error, each with its place, a caret and a hint

Rules, facts about fields, the settings, case files and Elastic's rule files are each described by a shape. What depends
on more than one value is checked beside the shape of its file, after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, assert_never

from converter.errors import SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from converter.errors import Place

KeyPath: TypeAlias = tuple[str | int, ...]
_SHOWN = 60


class Document(Protocol):
    """A file whose parts have places: `readers.yaml_document`, `readers.toml`."""

    @property
    def data(self) -> Any:
        """What the file holds."""

    @property
    def mapping(self) -> str:
        """What the format calls a mapping, with its article."""

    @property
    def example(self) -> str:
        """How the format writes an entry of a mapping."""

    @property
    def kind(self) -> type[SourceError]:
        """The class of the errors in this file."""

    def place(self, *path: str | int, key: bool = False) -> Place:
        """Return the place of a value, or of its key; of the nearest part around it if it is not there."""

    def scalar(self, *path: str | int) -> str | None:
        """Return a scalar as it is written, if that is known."""


# -------------------------------------------------------------------------------------------------------------- shapes


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts.

    Attributes:
        expected: what it is, after "must be": `true or false`.
        accepts: whether a value is one.
        hint: how to write it; shown with an error.
        words: what it can be, if that is a list of words; the nearest is suggested.
        hints: hints about other words, as `word_of` writes them.
        string: whether it is a string, so that quotes may help.
    """

    expected: str
    accepts: Callable[[Any], bool]
    hint: str = ""
    words: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)
    string: bool = False


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of `least` to `most` items."""

    expected: str
    item: Shape
    least: int = 0
    most: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping from keys that the person chooses.

    Attributes:
        value: what each value is.
        key: what each key is.
        least: how many entries there must be.
        nulls: whether a key may have no value.
        hint: how to write it.
    """

    value: Shape
    key: Scalar | None = None
    least: int = 0
    nulls: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping with known keys.

    Attributes:
        known: what the value of each key is.
        required: the keys that must be there, each with the hint for when it is not; if empty, what it must be.
        others: whether it may have other keys.
        nulls: whether a key without a value counts as left out.
        least: how many keys there must be.
        inside: a missing key is shown where the mapping begins rather than at the key of the mapping.
        hint: how to write it.
        hints: hints about other keys, as `word_of` writes them.
    """

    known: Mapping[str, Shape]
    required: Mapping[str, str] = field(default_factory=dict)
    others: bool = False
    nulls: bool = False
    least: int = 0
    inside: bool = False
    hint: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Either:
    """One of several shapes that differ in kind: a string, or a list."""

    options: tuple[Shape, ...]
    hint: str = ""


Shape: TypeAlias = Scalar | ListOf | Entries | Keys | Either


def string(expected: str = "a string", accepts: Callable[[str], bool] = lambda _: True, hint: str = "") -> Scalar:
    """Return the shape of a string."""
    return Scalar(expected, lambda value: isinstance(value, str) and accepts(value), hint, string=True)


def matching(pattern: str, expected: str, hint: str = "") -> Scalar:
    """Return the shape of a string that a regular expression matches."""
    compiled = re.compile(pattern)
    return string(expected, lambda value: compiled.fullmatch(value) is not None, hint)


def one_of(*words: str, hint: str = "", fold: bool = False, hints: Mapping[str, str] | None = None) -> Scalar:
    """Return the shape of one of some words; with `fold`, in any case. `hints` are about other words."""
    expected = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]

    def accepts(value: Any) -> bool:
        return isinstance(value, str) and (value.lower() if fold else value) in words

    return Scalar(expected, accepts, hint, words, hints or {})


def whole(least: int, most: int | None = None, hint: str = "") -> Scalar:
    """Return the shape of a whole number within limits."""

    def accepts(value: Any) -> bool:
        return type(value) is int and least <= value and (most is None or value <= most)

    limits = f"of at least {least}" if most is None else f"from {least} to {most:,}"
    return Scalar(f"a whole number {limits}", accepts, hint)


def list_of(item: Shape, plural: str, least: int = 0, hint: str = "") -> ListOf:
    """Return the shape of a list; `plural` says of what."""
    return ListOf(f"a list of {plural}", item, least, hint=hint)


ANYTHING = Scalar("anything", lambda _: True)
NULL = Scalar("", lambda value: value is None)  # in `Either`: the value may be left out
FLAG = Scalar("true or false", lambda value: isinstance(value, bool), "without quotes")
STRING = string()
FILLED = string(accepts=lambda value: value.strip() != "")
STRINGS = list_of(STRING, "strings")
MAPPING = Entries(ANYTHING)
STRING_OR_STRINGS = Either((STRING, STRINGS))


# ------------------------------------------------------------------------------------------------------------ checking


def errors(document: Document, shape: Shape, *path: str | int) -> Iterator[SourceError]:
    """Yield every error in the value at `path`, in the order of the file; keys that are missing come last."""
    yield from _Check(document).value(shape, value_at(document, path), path)


def check(document: Document, shape: Shape, *path: str | int) -> None:
    """Raise the first error in the value at `path`, if there is one."""
    for error in errors(document, shape, *path):
        raise error


def value_at(document: Document, path: KeyPath) -> Any:
    """Return the value at `path`, which must be there."""
    value = document.data
    for step in path:
        value = value[step]
    return value


def error_at(document: Document, message: str, path: KeyPath, hint: str = "", *, key: bool = False) -> SourceError:
    """Return an error at a value, or at its key."""
    return document.kind(message, document.place(*path, key=key), hint)


def missing(key: str, others: Iterable[Any], hint: str) -> str:
    """Return the hint for a key that is missing: one of other keys that may be meant, or `hint`."""
    return suggest(key, map(str, others)).replace("did you mean", "found the key") or hint


def unknown(key: object, known: Collection[str]) -> str:
    """Return the hint for a key that is not known: the nearest that is, or all of them."""
    return suggest(str(key), known) or f"known: {', '.join(known)}"


def word_of(key: object) -> str:
    """Return a key or word in lower case, with underscores, as tables of hints have it."""
    return str(key).lower().replace("-", "_").replace(" ", "_")


def _accepts(shape: Shape, value: Any) -> bool:
    """Return whether a value is of a shape, whatever is inside it."""
    match shape:
        case Scalar():
            return shape.accepts(value)
        case ListOf():
            return isinstance(value, list) and shape.least <= len(value) <= (
                len(value) if shape.most is None else shape.most
            )
        case Entries() | Keys():
            return isinstance(value, dict) and len(value) >= shape.least
        case Either():
            return any(_accepts(option, value) for option in shape.options)
        case _:
            assert_never(shape)


@dataclass(frozen=True, slots=True)
class _Check:
    document: Document

    def value(self, shape: Shape, value: Any, path: KeyPath) -> Iterator[SourceError]:
        if not _accepts(shape, value):
            yield self.wrong(shape, value, path)
            return
        match shape:
            case Scalar():
                pass
            case ListOf():
                for index, item in enumerate(value):
                    yield from self.value(shape.item, item, (*path, index))
            case Entries():
                yield from self.entries(shape, value, path)
            case Keys():
                yield from self.keys(shape, value, path)
            case Either():
                option = next(option for option in shape.options if _accepts(option, value))
                yield from self.value(option, value, path)
            case _:
                assert_never(shape)

    def entries(self, shape: Entries, mapping: Mapping[Any, Any], path: KeyPath) -> Iterator[SourceError]:
        for key, value in mapping.items():
            here = (*path, str(key))
            if shape.key is not None and not shape.key.accepts(key):
                message = f"a key of {_name(path)} must be {shape.key.expected}, not {self.shown(key, ())}"
                yield error_at(self.document, message, here, shape.key.hint or _quotes(str(key)), key=True)
            if value is not None or not shape.nulls:
                yield from self.value(shape.value, value, here)

    def keys(self, shape: Keys, mapping: Mapping[Any, Any], path: KeyPath) -> Iterator[SourceError]:
        where = f" in {_name(path)}" if path else ""
        for key, value in mapping.items():
            here = (*path, str(key))
            if key not in shape.known:
                if not shape.others:
                    message = f"unknown key {key!r}{where}"
                    hint = shape.hints.get(word_of(key)) or unknown(key, shape.known)
                    yield error_at(self.document, message, here, hint, key=True)
            elif value is not None or not shape.nulls:
                yield from self.value(shape.known[key], value, here)
        for key, example in shape.required.items():
            if key not in mapping or (mapping[key] is None and shape.nulls):
                others = [other for other in mapping if other not in shape.known]
                if any(repr(key) in shape.hints.get(word_of(other), "") for other in others):
                    continue  # the error about that key says so
                hint = missing(key, others, example or f"expected {self.expected(shape.known[key])}")
                at_key = bool(path) and isinstance(path[-1], str) and not shape.inside
                yield error_at(self.document, f"{key!r} is missing{where}", path, hint, key=at_key)

    def wrong(self, shape: Shape, value: Any, path: KeyPath) -> SourceError:
        expected = self.expected(shape)
        if _is_empty(value):
            return error_at(self.document, f"{_name(path)} is empty", path, shape.hint or f"expected {expected}")
        shown = self.shown(value, path) + (
            f" of {len(value)}" if isinstance(shape, ListOf) and type(value) is list else ""
        )
        message = f"{_name(path)} must be {expected}, not {shown}"
        match shape:
            case Scalar(hints=hints) if near := hints.get(word_of(value)):
                hint = near
            case Scalar(words=words) if words and (near := suggest(str(value).lower(), words)):
                hint = near
            case Scalar(string=True, hint="") if isinstance(value, list | dict):
                hint = "write one string"
            case Scalar(string=True, hint="") if not isinstance(value, str):
                hint = _quotes(self.document.scalar(*path) or str(value))
            case ListOf(hint=""):
                hint = "for example [item, item]"
            case Entries(hint="") | Keys(hint=""):
                hint = f"for example {self.document.example}"
            case _:
                hint = shape.hint
        return error_at(self.document, message, path, hint)

    def expected(self, shape: Shape) -> str:
        match shape:
            case Scalar() | ListOf():
                return shape.expected
            case Entries() | Keys():
                return self.document.mapping
            case Either():
                expected = " or ".join(self.expected(option) for option in shape.options if option is not NULL)
                return expected.replace(" or ", ", ", expected.count(" or ") - 1)
            case _:
                assert_never(shape)

    def shown(self, value: Any, path: KeyPath) -> str:
        match value:
            case dict():
                return self.document.mapping
            case list():
                return "a list"
            case bool():
                return str(value).lower()
            case str():
                return repr(value if len(value) <= _SHOWN else f"{value[: _SHOWN - 3]}...")
            case _:
                return self.document.scalar(*path) or str(value)


def _name(path: KeyPath) -> str:
    """Return what a value is called in a message: its keys, as far as lists leave them distinct."""
    keys = ".".join(repr(step) if "." in step else step for step in path if isinstance(step, str))
    if not keys:
        return "an item" if path else "the document"
    return f"an item of {keys}" if isinstance(path[-1], int) else keys


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _quotes(written: str) -> str:
    return f"put quotes around it: '{written}'"
