"""A search as it is run on a Splunk that holds other data too: on our events only, and nothing that acts.

    text ──parse──> tree ──live_search──> the text with `index="..." source="..."` at its first search
                      │                  and `sigma_convert_x` where it compares x, one of `OWN`
                      └── what reads or writes elsewhere, or cannot be told from our own marks: QueryError

The text is changed at the places of the tree's nodes only, and parsed again: the new tree must be the old one with
exactly these changes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
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
    """A search that is ready to be narrowed to the events of one run.

    Attributes:
        body: its text without the word `search` at the beginning.
        tree: of that text.
        named: which of `OWN` it compares.
        keywords: whether it looks for words in the text of events.
    """

    body: str
    tree: Pipeline
    named: frozenset[str]
    keywords: bool

    @property
    def first(self) -> LiveSearch:
        """The first command alone, which says which events can matter to the others."""
        scanner = Scanner(Source(self.body, QueryError))
        parse_search(scanner)
        return replace(self, body=self.body[: scanner.offset], tree=syntax.Pipeline(self.tree.commands[:1]))

    @property
    def timed(self) -> bool:
        """Whether it reads the time range that it runs over."""
        return any(isinstance(command, AddInfo) for command in self.tree.commands)

    def narrowed(self, index: str, source: str) -> str:
        """Return the text for a job that finds only events of one source in one index.

        Raises:
            QueryError: the words that were added are not read as they are meant.
        """
        text = f'search index="{index}" source="{source}" {self.body}'
        if _plain(parse(text)) != _plain(_with_marks(self.tree, index, source)):
            raise QueryError("the search cannot be narrowed to the events of the run", hint=_HINT)
        return text


def live_search(text: str) -> LiveSearch:
    """Return a search, checked and with the names of our fields.

    Raises:
        QueryError: the engine does not know a construct, or the search needs what a live run does not touch.
    """
    tree = parse(text)
    nodes = list(_nodes(tree))
    _check(tree, nodes, text)
    compared = [
        node for node in nodes if isinstance(node, (syntax.Comparison, syntax.Membership)) and node.field in OWN
    ]
    changed = text
    for node in sorted(compared, key=lambda node: node.span.start, reverse=True):
        at = node.span.start + (1 if text.startswith('"', node.span.start) else 0)
        if not text.startswith(node.field, at):
            raise _error(text, node, f"{node.field} is written in a way that cannot be replaced")
        changed = changed[:at] + renamed(node.field) + changed[at + len(node.field) :]
    words = any(isinstance(node, syntax.Keyword) and any(node.pattern.parts) for node in nodes)
    return LiveSearch(
        changed[_begin(changed) :].lstrip(), _renamed(tree), frozenset(node.field for node in compared), words
    )


def _check(tree: Pipeline, nodes: list[Any], text: str) -> None:
    if not isinstance(tree.commands[0], Search):
        name = type(tree.commands[0]).__name__.lower()
        raise QueryError(f"a search that begins with {name} is not run live", Place.at_offset(text, 0), _HINT)
    kept = {id(tree), *(id(node.pipeline) for node in nodes if isinstance(node, AppendPipe))}
    for node in nodes:
        match node:
            case syntax.Pipeline() if id(node) not in kept:
                raise QueryError("a search inside a search is not run live", Place.at_offset(text, 0), _HINT)
            case syntax.Unsupported(name=name):
                raise _error(text, node, f"{node.construct or f'the command {name}'} is not run live")
            case Lookup() | InputLookup():
                raise _error(text, node, f"the lookup {node.table} is not on the server")
            case syntax.TimeBound(edge=edge):
                raise _error(text, node, f"{edge}= counts back from now, and the events are older")
            case syntax.Comparison() | syntax.Membership() | syntax.Pattern() | syntax.String() | syntax.Keyword():
                continue
            case _ if found := sorted(set(OWN) & set(_texts(node))):
                raise _error(text, node, f"{found[0]} is the run's own in Splunk, and can only be compared in a search")


def _nodes(node: object) -> Iterator[Any]:
    if isinstance(node, tuple):
        for item in node:
            yield from _nodes(item)
    elif dataclasses.is_dataclass(node) and not isinstance(node, Span):
        yield node
        for field in dataclasses.fields(node):
            yield from _nodes(getattr(node, field.name))


def _texts(node: Any) -> Iterator[str]:
    """Yield the texts that a node holds itself: names of fields, among others."""
    todo = [getattr(node, field.name) for field in dataclasses.fields(node)]
    while todo:
        match todo.pop():
            case str() as text:
                yield text
            case tuple() as items:
                todo.extend(items)


def _begin(text: str) -> int:
    """Return where the expression of the first search begins: behind a bar and the word `search`."""
    scanner = Scanner(Source(text, QueryError))
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
    """Return a tree without places and brackets, for comparing."""

    def change(node: Any) -> Any:
        match node:
            case Span():
                return NOWHERE
            case syntax.SearchAnd(items=items) if (
                items
            ):  # round brackets are not in a tree, but make an And of their own
                flat = [
                    one for item in items for one in (item.items if isinstance(item, syntax.SearchAnd) else (item,))
                ]
                return syntax.SearchAnd(tuple(flat))
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


def _error(text: str, node: Any, message: str) -> QueryError:
    span = getattr(node, "span", None) or NOWHERE
    return Source(text, QueryError).error(message, span, _HINT)
