"""YAML from strangers: parsed with positions, within limits, or an error that shows the place.

    bytes ──decode──> text ──compose──> node trees ──limits──> Document: data + place(path)

PyYAML resolves an alias to the same node, so a bomb costs nothing until it is walked; sizes are therefore counted
with memory of nodes already seen, before anything is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from converter.errors import Place, RuleError
from converter.readers.invisible import INVISIBLE
from converter.readers.limits import current, raises
from converter.readers.source import Source, Span
from converter.readers.yaml_errors import place_of_mark, yaml_error
from converter.readers.yaml_versions import MERGE, TEXT, Difference, difference, is_text, old_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from converter.errors import SourceError

MAX_DEPTH = 64
MAX_NODES = 200_000
# Before a scalar, after it, or after a colon.
_BESIDE = re.compile(rf"^({INVISIBLE.pattern})|({INVISIBLE.pattern})$|^[^\s:'\"]+:({INVISIBLE.pattern})")
_LONG_NUMBER = re.compile(r"[0-9_]{4000,}")  # longer than Python converts
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What Python raises where PyYAML trusts that a value is of the type of its tag: `!!timestamp est`, `!!int ""`.
_CONSTRUCTION = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError)
# YAML 1.1 ends a line at each of these; YAML 1.2 does so only at `\n`, `\r` and `\r\n`.
_OLD_BREAK = re.compile("[\x85\u2028\u2029]")
_BREAK_NAMES = {"\x85": "U+0085", "\u2028": "U+2028", "\u2029": "U+2029"}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data, and where each part of it stands.

    `merges` are the places of its merge keys (`<<`), which only YAML 1.1 has.
    """

    name: str
    text: str
    data: Any
    node: yaml.Node = field(repr=False, compare=False)
    kind: type[SourceError] = field(default=RuleError, repr=False, compare=False)
    merges: tuple[Place, ...] = field(default=(), repr=False, compare=False)
    # Children of mappings by key, once they are asked for; by identity of the mapping.
    _children: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def mapping(self) -> str:
        """What YAML calls a mapping."""
        return "a mapping"

    @property
    def example(self) -> str:
        """How YAML writes an entry of a mapping."""
        return "key: value"

    def place(self, *path: str | int, key: bool = False, inner: Span | None = None) -> Place:
        """Return the place of the value at `path` (of its key with `key`), or of the nearest parent that exists.

        Args:
            path: keys of mappings and indexes of lists.
            key: the key rather than the value; only for mappings.
            inner: a part of the scalar that stands there.
        """
        node, label = self.node, self.node
        exact = True
        for step in path:
            child = self._child(node, step)
            if child is None:
                exact = False
                break
            label, node = child
        target = label if key else node
        mark = target.start_mark
        length = max(1, target.end_mark.column - mark.column) if target.end_mark.line == mark.line else 1
        if not isinstance(target, yaml.ScalarNode) and not key:
            length = 1
        if inner is not None and exact and isinstance(target, yaml.ScalarNode) and not key:
            return self._inside(target, inner)
        return place_of_mark(self.text, mark, self.name, length)

    def _child(self, node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
        """Return the key and the value of a step from a node; in a list both are the item."""
        if isinstance(node, yaml.MappingNode):
            known = self._children.get(id(node))
            if known is None:
                known = {}
                for label, value in node.value:
                    if isinstance(label, yaml.ScalarNode):
                        known[label.value] = (label, value)  # merged entries come first, and give way
                        if label.tag != TEXT:  # the key may be asked for as Python has it: `yes` is True
                            known.setdefault(str(old_reading(label)), (label, value))
                self._children[id(node)] = known
            return known.get(str(step))
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
            return node.value[step], node.value[step]
        return None

    def source(self, text: str, *path: str | int, shift: int = 0) -> Source[RuleError]:
        """Return a text for a parser: that of the scalar at `path`, with `shift` more characters before it."""

        def locate(span: Span) -> Place:
            return self.place(*path, inner=Span(max(0, span.start - shift), max(0, span.end - shift)))

        return Source(text, RuleError, locate)

    def _inside(self, node: yaml.ScalarNode, inner: Span) -> Place:
        """Return the place of a part of a scalar.

        YAML folds lines and drops indents, but keeps every other character: those are counted.
        """
        offset = inner.start
        value = str(node.value)
        lines = self.text.split("\n")[: node.start_mark.line]
        at = sum(len(line) + 1 for line in lines) + node.start_mark.column
        if node.style in {"|", ">"}:
            at = self.text.find("\n", at)  # past the indicator, and perhaps a comment
        elif node.style:
            at += 1
        left = sum(not character.isspace() for character in value[:offset])
        while left and at < len(self.text):
            left -= not self.text[at].isspace()
            at += 1
        while offset < len(value) and at < len(self.text) and self.text[at].isspace():
            at += 1
        return Place.at_offset(self.text, at, self.name, max(1, inner.end - inner.start))

    def ambiguous(self, key: str) -> Iterator[tuple[Difference, Place]]:
        """Yield what YAML 1.1 and 1.2 read differently in the plain scalars below a top-level key, with the places."""
        for node in self.scalars(key):
            if differs := difference(node):
                yield differs, self.place_of(node)

    def misplaced(self, *keys: str) -> Iterator[tuple[str, Place]]:
        """Yield each invisible character that stands beside a key or value where YAML takes a space, with its place.

        Args:
            keys: the top-level keys below which to look; they are looked at themselves as well.
        """
        if not INVISIBLE.search(self.text):
            return
        labels = [label for label, _ in self.node.value] if isinstance(self.node, yaml.MappingNode) else []
        for nodes in (labels, *map(self.scalars, keys)):
            for node in nodes:
                if not node.style and (match := _BESIDE.search(self.written(node))):
                    group = match.lastindex or 0
                    yield match[group], self.place_at(node.start_mark.index + match.start(group))

    def scalars(self, key: str) -> Iterator[yaml.ScalarNode]:
        """Yield the scalars below a top-level key, in order, keys of mappings included; each once."""
        child = self._child(self.node, key)
        stack = [child[1]] if child else []
        seen: set[int] = set()
        while stack:
            node = stack.pop()
            if id(node) in seen:  # an alias
                continue
            seen.add(id(node))
            if isinstance(node, yaml.ScalarNode):
                yield node
            else:
                stack.extend(reversed(list(_children(node))))

    def place_of(self, node: yaml.Node) -> Place:
        """Return the place of a node, as far as it stands in its first line."""
        start, end = node.start_mark, node.end_mark
        return place_of_mark(self.text, start, self.name, end.column - start.column if end.line == start.line else 1)

    def place_at(self, offset: int, length: int = 1) -> Place:
        """Return the place of a 0-based offset in the file."""
        return Place.at_offset(self.text, offset, self.name, length)

    def written(self, node: yaml.ScalarNode) -> str:
        """Return a scalar as the file has it, quotes and escapes included."""
        return self.text[node.start_mark.index : node.end_mark.index]

    def scalar(self, *path: str | int) -> str | None:
        """Return the source text of the scalar at `path` as YAML reads it, or None."""
        node: yaml.Node = self.node
        for step in path:
            child = self._child(node, step)
            if child is None:
                return None
            node = child[1]
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def parse_documents(
    raw: bytes, name: str, error: type[SourceError] = RuleError, *, loader: type[Any] = SafeLoader
) -> list[Document]:
    """Parse every document of a YAML file; empty documents are left out.

    Args:
        raw: the file.
        name: what it is called in errors.
        error: the class of the errors.
        loader: how nodes become data.

    Raises:
        error: not UTF-8, not YAML, too large, nested too deeply, or an alias bomb.
    """
    limit = current().file_bytes
    if len(raw) > limit:
        raise error(f"the file has more than {limit:,} bytes", Place(name, 1, 1, ""), raises("file-bytes"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as caught:
        before = raw[: caught.start].decode("utf-8", "replace")
        place = Place.at_offset(before, len(before), name)
        raise error("this byte is not UTF-8", place, "save the file as UTF-8") from None
    documents = []
    try:
        _check_breaks(text, name, error)
        _check_depth(text, name, error)
        reader = loader(text)
        try:
            while reader.check_node():
                node = reader.get_node()
                merges = _check_size(node, text, name, error)
                try:
                    data = reader.construct_document(node)
                except _CONSTRUCTION as caught:
                    raise _not_constructed(node, caught, text, name, error) from None
                if data is not None:
                    documents.append(Document(name, text, data, node, error, merges))
        finally:
            reader.dispose()
    except yaml.YAMLError as caught:
        raise yaml_error(caught, text, name, error) from None
    except RecursionError:
        raise error("the file nests too deep", Place(name, 1, 1, text.split("\n", 1)[0]), "simplify it") from None
    return documents


def _not_constructed(root: yaml.Node, caught: Exception, text: str, name: str, error: type[SourceError]) -> SourceError:
    """Return the error of a document whose nodes PyYAML could not make data of; the place is that of the node."""
    stack, seen = [root], set[int]()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if not isinstance(node, yaml.ScalarNode):
            stack.extend(reversed(list(_children(node))))
            continue
        try:
            yaml.SafeLoader("").construct_document(node)
        except _CONSTRUCTION:
            place = place_of_mark(text, node.start_mark, name)
            if _LONG_NUMBER.search(str(node.value)):
                return error("a number has too many digits", place, "put quotes around it if it is text")
            kind = str(node.tag).rpartition(":")[2]
            message = f"this is not a value of the type {kind}, which YAML takes it for"
            return error(message, place, "put quotes around it, without a type, if it is text")
        except yaml.YAMLError:  # of a tag that only another loader knows
            continue
    return error(f"not valid YAML: {caught}", Place(name, 1, 1, text.split("\n", 1)[0]))


def _check_breaks(text: str, name: str, error: type[SourceError]) -> None:
    """Refuse a line break of YAML 1.1 that is a character to YAML 1.2, unless it is in quotes."""
    if not _OLD_BREAK.search(text):
        return
    quoted: list[tuple[int, int]] = []
    loader = SafeLoader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.ScalarEvent) and event.style in {"'", '"'}:
                start, end = event.start_mark, event.end_mark
                quoted += [(start.index, end.index)] if start is not None and end is not None else []
    except yaml.YAMLError:
        pass  # the break may be the reason
    finally:
        loader.dispose()
    for match in _OLD_BREAK.finditer(text):
        if not any(start <= match.start() < end for start, end in quoted):
            character = _BREAK_NAMES[match[0]]
            message = f"YAML 1.1 ends the line at this character ({character}), YAML 1.2 does not"
            place = Place.at_offset(text, match.start(), name)
            raise error(message, place, "remove it, or put quotes around the value")


def _check_depth(text: str, name: str, error: type[SourceError]) -> None:
    """Refuse deep nesting while reading the stream of events, which needs no stack; the composer would overflow it."""
    loader = SafeLoader(text)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    mark = event.start_mark
                    place = place_of_mark(text, mark, name) if mark else None
                    raise error(f"values nest deeper than {MAX_DEPTH}", place, "simplify it")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.scanner.ScannerError as caught:
        # The scanner of 6.0.4 reads ahead up to a limit of its own; what is before it says where ours is.
        if "nesting depth" in str(caught.problem) and caught.problem_mark is not None:
            _check_depth(text[: caught.problem_mark.index], name, error)
        raise
    finally:
        loader.dispose()


def _check_size(root: yaml.Node, text: str, name: str, error: type[SourceError]) -> tuple[Place, ...]:
    """Refuse a tree that is too deep, that contains itself, or that is too large once its aliases are expanded.

    Returns:
        The places of its merge keys, which are gone once the data is built.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    merges: list[Place] = []

    def place(node: yaml.Node) -> Place:
        return place_of_mark(text, node.start_mark, name)

    def size(node: yaml.Node, depth: int) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if depth > MAX_DEPTH:  # only through aliases: plain nesting was refused before
            raise error(f"values nest deeper than {MAX_DEPTH}", place(node), "simplify it")
        if id(node) in open_nodes:
            raise error("an alias refers to a value that contains it", place(node), "write the value out")
        open_nodes.add(id(node))
        _check_keys(node, place, error)
        merges.extend(replace(place(label), length=2) for label in _merge_keys(node))
        _keep_as_text(node)
        total = 1
        for child in _children(node):
            total += size(child, depth + 1)
            if total > MAX_NODES:
                raise error(f"the document expands to more than {MAX_NODES} values", place(node), "split it")
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    size(root, 0)
    return tuple(merges)


def _check_keys(node: yaml.Node, place: Callable[[yaml.Node], Place], error: type[SourceError]) -> None:
    """Refuse a key given twice: YAML readers keep the last one, and half of a rule would be lost without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for label, _ in node.value:
            if isinstance(label, yaml.ScalarNode):
                if label.value in seen and label.tag != MERGE:
                    raise error(f"the key {label.value!r} is given twice", place(label), "merge the two, or rename one")
                seen.add(label.value)


def _merge_keys(node: yaml.Node) -> Iterator[yaml.Node]:
    return (label for label, _ in node.value if label.tag == MERGE) if isinstance(node, yaml.MappingNode) else iter(())


def _keep_as_text(node: yaml.Node) -> None:
    """Take the children of a node for text that look like something else and are not: PyYAML would refuse the file."""
    merges = {id(label) for label in _merge_keys(node)}
    for child in _children(node):
        if isinstance(child, yaml.ScalarNode) and is_text(child, key=id(child) in merges):
            child.tag = TEXT


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for label, value in node.value:
            yield label
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
