"""Harmless twins of hostile texts, and the shape of what was emitted, for SPL and the files that hold it.

    rule with hostile text ──convert──> text ──parse──> tree ──shape──┐
    rule with a twin       ──convert──> text ──parse──> tree ──shape──┴──> equal; texts differ only where they should

A twin is a text of the same class, since a few classes are said in another way, as documented in `emitter.search`:
letters outside ASCII, control characters, a literal `*` and a backtick go to `where` with a weaker term in the
search; so do numbers and networks, the empty text, and `?`. All else of a text (quotes, brackets, pipes, words) may not
matter.
"""

from __future__ import annotations

import dataclasses
import re
from ast import literal_eval
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, RefusedError, RuleError
from converter.readers.source import Span
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from converter.targets.splunk.engine.commands.filter import Search
from converter.targets.splunk.engine.language.syntax import (
    Comparison,
    Keyword,
    Membership,
    Pattern,
    SearchAnd,
    SearchNot,
    SearchOr,
    Unsupported,
)
from converter.targets.splunk.engine.parse import parse
from converter.targets.splunk.saved_search.conf import parse as parse_conf
from tests.support.hostile import STRINGS
from tests.support.hostile import escaped as escaped  # noqa: PLC0414  for the tests that share this module
from tests.support.rule_text import rule_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.rules.collection import Rules
    from converter.targets.core.target import Query

HOSTILE = STRINGS
FORMATS = ("default", "savedsearches", "es", "contentctl")

# Texts of the tree that are of the language, not of the rule.
_OF_THE_LANGUAGE = {
    "Call": {"function"},
    "Unary": {"operator"},
    "Binary": {"operator"},
    "Logical": {"operator"},
    "Comparison": {"operator"},
    "Aggregate": {"function"},
    "SortKey": {"kind"},
    "TimeSpan": {"unit"},
    "TimeBound": {"edge"},
    "SetOperation": {"operation"},
    "Chart": {"command"},
}
_ESCAPED = frozenset("<>&'\"+=")
_CASED, _CASELESS = "\u0101", "\u3042"
_KEPT = re.compile(r"[0-9a-fA-F.:]+/[0-9]+|(?=.*[0-9]|$)\s*[+-]?(0x[0-9a-fA-F]+|[0-9]*\.?[0-9]*([eE][+-]?[0-9]+)?)\s*")


class Refused:
    """A rule that is refused, with its error; equal to any other refusal."""

    def __init__(self, error: RuleError | RefusedError | ConfigurationError) -> None:
        self.error = error


def twins(text: str, kept: str = "") -> tuple[str, str]:
    """Return a twin for each of what the first search may take for plain.

    Letters without case, and what JSON may write as an escape, are in `where` or not.
    """
    plain = twin(text, kept)
    wide = (
        text
        if plain == text
        else "".join(
            char if char in kept else _CASED if not char.isascii() or char in _ESCAPED else _twin(char) for char in text
        )
    )
    return plain, wide


def twin(text: str, kept: str = "") -> str:
    """Return a harmless text of the same class as a value; numbers and networks are harmless as they are.

    Args:
        text: the value.
        kept: characters that stay: wildcards, where they are not escaped.
    """
    if _KEPT.fullmatch(text):
        return text
    return "".join(char if char in kept else _twin(char) for char in text)


def _twin(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    if char in "*`" or not char.isprintable():
        return _CASED
    if char.isascii():
        return "w"
    same = {char, char.lower(), char.upper(), char.title(), char.casefold(), char.swapcase()}
    return _CASELESS if len(same) == 1 else _CASED


def rules_of(documents: Sequence[Mapping[str, Any]]) -> Rules:
    """Return rules, by way of YAML. Raises RuleError, RefusedError."""
    return _rules_of(repr(documents))


@lru_cache(maxsize=4)  # the same ones are converted, and then evaluated
def _rules_of(text: str) -> Rules:
    return parse_rules(rule_text(*literal_eval(text)))


def converted(
    documents: Sequence[Mapping[str, Any]],
    form: str = "default",
    pipelines: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
) -> Query | Refused:
    """Return the query of the only rule that is not counted by another, or its refusal, which must have a place."""
    try:
        found = convert_rules(
            rules_of(documents),
            get_target("splunk"),
            pipelines=pipelines,
            without_pipeline=not pipelines,
            format=form,
            options=options,
        )
    except (RuleError, RefusedError, ConfigurationError) as error:
        if error.place is None and not isinstance(error, ConfigurationError):
            raise AssertionError from error
        return Refused(error)
    (query,) = found
    return query


def emitted(documents: Sequence[Mapping[str, Any]], form: str = "default", pipelines: Sequence[str] = ()) -> Query:
    """Return the query of rules that are not refused."""
    query = converted(documents, form, pipelines)
    assert not isinstance(query, Refused)
    return query


def searched(query: Query) -> str:
    """Return the search of a query: the query, or what its file holds."""
    match query.format:
        case "savedsearches" | "es":
            (stanza,) = parse_conf(query.text)
            return stanza.search
        case "contentctl":
            return str(yaml.safe_load(query.text)["search"])
        case _:
            return query.text


def tree_of(query: Query) -> Any:
    """Return the tree of the search of a query, without the call of a filter that contentctl wants at its end."""
    search = searched(query)
    if query.format == "contentctl":
        search, _, call = search.rpartition("\n| ")
        assert re.fullmatch(r"`[a-z0-9_-]+_filter`", call), call
    assert "`" not in search
    return parse(search)


def shape(node: Any) -> Any:
    """Return the tree with the texts and numbers of the rule blanked: nodes, how many, and words of the language."""
    match node:
        case Unsupported():
            raise AssertionError(node)
        case bool() | None:
            return node
        case str():
            return "text"
        case int() | float():
            return "number"
        case tuple():
            return tuple(map(shape, node))
        case _:
            kind = type(node).__name__
            if kind == "Pattern":  # wildcards are of the text
                return (kind, node.cased)
            kept = _OF_THE_LANGUAGE.get(kind, set())
            return (
                kind,
                *(
                    getattr(node, field.name) if field.name in kept else shape(getattr(node, field.name))
                    for field in _fields(node)
                ),
            )


def rest(tree: Any) -> Any:
    """Return the commands behind the first search."""
    return tree.commands[1:]


def check_first(tree: Any, names: set[str]) -> None:
    """Check that the first command holds nothing but comparisons with these fields, plain words, and `*`."""
    first = tree.commands[0]
    assert isinstance(first, Search), first
    waiting = [first.expression]
    while waiting:
        match waiting.pop():
            case SearchAnd(items) | SearchOr(items):
                waiting += items
            case SearchNot(item):
                waiting.append(item)
            case Comparison(name, "=") | Membership(name):
                assert name in names, name
            case Keyword(pattern):
                assert pattern.parts == ("", "") or re.fullmatch("[A-Za-z0-9]+", "".join(pattern.parts)), pattern
            case other:
                raise AssertionError(other)


def texts(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield every text of the rule in the tree, in order, with the kind of its node; a pattern as its pieces."""
    yield from _texts(node, "")


def _texts(node: Any, kind: str) -> Iterator[tuple[str, Any]]:
    match node:
        case str():
            yield kind, node
        case tuple():
            for item in node:
                yield from _texts(item, kind)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            inner = type(node).__name__
            if isinstance(node, Pattern):
                yield inner, node.parts
                return
            for field in _fields(node):
                if field.name not in _OF_THE_LANGUAGE.get(inner, set()):
                    yield from _texts(getattr(node, field.name), inner)
        case _:
            pass


def _fields(node: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(node) if not isinstance(getattr(node, field.name), Span)]


def differences(mine: Any, other: Any) -> list[tuple[str, Any, Any]]:
    """Return where the texts of two trees of one shape differ: the kind of node, the text of each."""
    pairs = zip(texts(mine), texts(other), strict=True)
    return [(kind, text, instead) for (kind, text), (_, instead) in pairs if text != instead]
