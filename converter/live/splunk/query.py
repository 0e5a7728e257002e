"""Restrict a search to our events, for a Splunk that holds other data too, and refuse commands that act.

    SPL ──parse──> tree ──live_search──> SPL with `index="..." source="..."` in its first search,
                     │                   and `sigma_convert_x` where it compares x, one of `OWN`
                     └── reads or writes elsewhere, or uses our marking fields: QueryError

The SPL is changed only at the places of the tree's nodes, and parsed again: the new tree must be the old one with
exactly these changes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from converter.errors import Place, QueryError
from converter.live.splunk.events import OWN, renamed
from converter.readers.source import NOWHERE, Source, Span
from converter.targets.splunk.engine.commands.add_fields import AddInfo
from converter.targets.splunk.engine.commands.append import AppendPipe
from converter.targets.splunk.engine.commands.filter import Search
from converter.targets.splunk.engine.commands.lookup import InputLookup, Lookup
from converter.targets.splunk.engine.language import syntax
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.splunk.engine.language.syntax import Pipeline, SearchExpression

_HINT = "run it with the local engine"


@dataclass(frozen=True, slots=True)
class LiveSearch:
    """A search that can be narrowed to the events of one run.

    Attributes:
        body: the SPL without the word `search` at the beginning.
        tree: the syntax tree of the body.
        named: the fields of `OWN` that it compares.
        keywords: whether it looks for words in the text of events.
    """

    body: str
    tree: Pipeline
    named: frozenset[str]
    keywords: bool

    @property
    def first(self) -> LiveSearch:
        """The first command alone, which selects the events that can matter to the others."""
        scanner = Scanner(Source(self.body, QueryError))
        parse_search(scanner)
        return replace(self, body=self.body[: scanner.offset], tree=syntax.Pipeline(self.tree.commands[:1]))

    @property
    def timed(self) -> bool:
        """Whether it reads the time range that it runs over."""
        return any(isinstance(command, AddInfo) for command in self.tree.commands)

    def narrowed(self, index: str, source: str) -> str:
        """Return the SPL for a job that finds only events of one source in one index.

        Raises:
            QueryError: the added terms are not parsed as intended.
        """
        search = f'search index="{index}" source="{source}" {self.body}'
        if _plain(parse(search)) != _plain(_with_marks(self.tree, index, source)):
            raise QueryError("the search cannot be narrowed to the events of the run", hint=_HINT)
        return search


def live_search(spl: str) -> LiveSearch:
    """Return a search, checked and with the names of our fields.

    Raises:
        QueryError: the engine does not know a construct, or the search uses something that a live run does not have.
    """
    tree = parse(spl)
    nodes = list(_nodes(tree))
    _check(tree, nodes, spl)
    compared = [
        node for node in nodes if isinstance(node, (syntax.Comparison, syntax.Membership)) and node.field in OWN
    ]
    changed = spl
    for node in sorted(compared, key=lambda node: node.span.start, reverse=True):
        at = node.span.start + (1 if spl.startswith('"', node.span.start) else 0)
        if not spl.startswith(node.field, at):
            raise _error(spl, node, f"{node.field} is written in a way that cannot be replaced")
        changed = changed[:at] + renamed(node.field) + changed[at + len(node.field) :]
    words = any(isinstance(node, syntax.Keyword) and any(node.pattern.parts) for node in nodes)
    return LiveSearch(
        changed[_begin(changed) :].lstrip(), _renamed(tree), frozenset(node.field for node in compared), words
    )


def _check(tree: Pipeline, nodes: list[Any], spl: str) -> None:
    if not isinstance(tree.commands[0], Search):
        name = type(tree.commands[0]).__name__.lower()
        raise QueryError(f"a search that begins with {name} is not run live", Place.at_offset(spl, 0), _HINT)
    allowed = {id(tree), *(id(node.pipeline) for node in nodes if isinstance(node, AppendPipe))}
    for node in nodes:
        match node:
            case syntax.Pipeline() if id(node) not in allowed:
                raise QueryError("a search inside a search is not run live", Place.at_offset(spl, 0), _HINT)
            case syntax.Unsupported(name=name):
                raise _error(spl, node, f"{node.construct or f'the command {name}'} is not run live")
            case Lookup() | InputLookup():
                raise _error(spl, node, f"the lookup {node.table} is not on the server")
            case syntax.TimeBound(edge=edge):
                raise _error(spl, node, f"{edge}= counts back from now, and the events are older")
            case syntax.Comparison() | syntax.Membership() | syntax.Pattern() | syntax.String() | syntax.Keyword():
                continue
            case _ if own := sorted(set(OWN) & set(_strings(node))):
                raise _error(spl, node, f"{own[0]} is set by Splunk for each run, and can only be compared in a search")


def _nodes(node: object) -> Iterator[Any]:
    if isinstance(node, tuple):
        for item in node:
            yield from _nodes(item)
    elif dataclasses.is_dataclass(node) and not isinstance(node, Span):
        yield node
        for field in dataclasses.fields(node):
            yield from _nodes(getattr(node, field.name))


def _strings(node: Any) -> Iterator[str]:
    """Yield the strings that a node holds itself: names of fields, among others."""
    todo = [getattr(node, field.name) for field in dataclasses.fields(node)]
    while todo:
        match todo.pop():
            case str() as string:
                yield string
            case tuple() as items:
                todo.extend(items)


def _begin(spl: str) -> int:
    """Return where the expression of the first search begins: after a bar and the word `search`."""
    scanner = Scanner(Source(spl, QueryError))
    barred = scanner.accept("|")
    word = scanner.word()
    start = scanner.offset
    is_command = word == "search" and (barred or not scanner.option())  # not the field of search=x
    return start + len(word) if is_command else start


def _renamed(tree: Pipeline) -> Pipeline:
    def change(node: Any) -> Any:
        if isinstance(node, (syntax.Comparison, syntax.Membership)) and node.field in OWN:
            return replace(node, field=renamed(node.field))
        return node

    changed: Pipeline = _mapped(tree, change)
    return changed


def _with_marks(tree: Pipeline, index: str, source: str) -> Pipeline:
    marks: tuple[SearchExpression, ...] = tuple(
        syntax.Comparison(name, "=", syntax.Pattern((value,))) for name, value in (("index", index), ("source", source))
    )
    first, *others = tree.commands
    match first:
        case Search(expression=expression):
            return syntax.Pipeline((Search(syntax.SearchAnd((*marks, expression))), *others))
        case _:
            return tree


def _plain(tree: Pipeline) -> Pipeline:
    """Return a tree without places and brackets, for comparison."""

    def change(node: Any) -> Any:
        match node:
            case Span():
                return NOWHERE
            case syntax.SearchAnd(items=items) if items:
                # The tree has no brackets, but those in the SPL make an And of their own.
                inner = (item.items if isinstance(item, syntax.SearchAnd) else (item,) for item in items)
                return syntax.SearchAnd(tuple(chain.from_iterable(inner)))
        return node

    plain: Pipeline = _mapped(tree, change)
    return plain


def _mapped(node: Any, change: Any) -> Any:
    if isinstance(node, tuple):
        return tuple(_mapped(item, change) for item in node)
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        fields = {field.name: _mapped(getattr(node, field.name), change) for field in dataclasses.fields(node)}
        return change(replace(node, **fields))
    return node


def _error(spl: str, node: Any, message: str) -> QueryError:
    span = getattr(node, "span", None) or NOWHERE
    return Source(spl, QueryError).error(message, span, _HINT)
