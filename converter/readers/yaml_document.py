"""YAML from strangers: parsed with positions, within limits, or an error that shows the place.

    bytes ──decode──> text ──compose──> node trees ──limits──> Document: data + place(path)

PyYAML resolves an alias to the same node, so a bomb costs nothing until it is walked; sizes are therefore counted
with memory of nodes already seen, before anything is built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from converter.errors import Place, RuleError
from converter.readers.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from converter.errors import SourceError

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000
_FOREIGN_TAG = re.compile(r"could not determine a constructor for the tag (.*)")
_LONG_NUMBER = re.compile(r"[0-9_]{4000,}")  # longer than Python converts
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVED = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_TEXT = "tag:yaml.org,2002:str"
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
# What both versions read as the same boolean or number.
_CORE_SCHEMA = re.compile(
    r"true|True|TRUE|false|False|FALSE|[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|(0|[1-9][0-9]*)\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its data, and where each part of it stands."""

    name: str
    text: str
    data: Any
    node: yaml.Node = field(repr=False, compare=False)
    kind: type[SourceError] = field(default=RuleError, repr=False, compare=False)
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
        line, column = mark.line + 1, mark.column + 1
        length = max(1, target.end_mark.column - mark.column) if target.end_mark.line == mark.line else 1
        if not isinstance(target, yaml.ScalarNode) and not key:
            length = 1
        if inner is not None and exact and isinstance(target, yaml.ScalarNode) and not key:
            return self._inside(target, inner)
        return Place.at_line(self.text, line, column, self.name, length)

    def _child(self, node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
        """Return the key and the value of a step from a node; in a list both are the item."""
        if isinstance(node, yaml.MappingNode):
            known = self._children.get(id(node))
            if known is None:
                known = {}
                for label, value in node.value:
                    if isinstance(label, yaml.ScalarNode):
                        known[label.value] = (label, value)  # merged entries come first, and give way
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

    def ambiguous(self, key: str) -> Iterator[tuple[str, Place]]:
        """Yield the plain scalars below a top-level key that YAML 1.1 and 1.2 read differently, each with its place.

        Sigma is written in YAML 1.2, and read by PyYAML, which is 1.1: to it `no` is false, `0777` is 511 and
        `12:30` is 750.
        """
        child = self._child(self.node, key)
        stack = [child[1]] if child else []
        while stack:
            node = stack.pop()
            if isinstance(node, yaml.ScalarNode):
                if not node.style and node.tag in _RESOLVED and not _CORE_SCHEMA.fullmatch(node.value):
                    mark = node.start_mark
                    place = Place.at_line(self.text, mark.line + 1, mark.column + 1, self.name, len(node.value))
                    yield node.value, place
            else:
                stack.extend(reversed(list(_children(node))))

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
    if len(raw) > MAX_BYTES:
        raise error(f"the file has {len(raw)} bytes, more than {MAX_BYTES}", Place(name, 1, 1, ""), "split it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        before = raw[: bad.start].decode("utf-8", "replace")
        place = Place.at_offset(before, len(before), name)
        raise error("this byte is not UTF-8", place, "save the file as UTF-8") from None
    documents = []
    try:
        _check_depth(text, name, error)
        reader = loader(text)
        try:
            while reader.check_node():
                node = reader.get_node()
                _check_size(node, text, name, error)
                data = reader.construct_document(node)
                if data is not None:
                    documents.append(Document(name, text, data, node, error))
        finally:
            reader.dispose()
    except yaml.YAMLError as bad:
        raise _yaml_error(bad, text, name, error) from None
    except (ValueError, TypeError, RecursionError, OverflowError) as bad:
        if digits := _LONG_NUMBER.search(text):
            place = Place.at_offset(text, digits.start(), name)
            raise error("a number has too many digits", place, "put quotes around it if it is text") from None
        raise error(f"not valid YAML: {bad}", Place(name, 1, 1, text.split("\n", 1)[0])) from None
    return documents


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
                    place = Place.at_line(text, mark.line + 1, mark.column + 1, name) if mark else None
                    raise error(f"values nest deeper than {MAX_DEPTH}", place, "simplify it")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.scanner.ScannerError as bad:
        # The scanner of 6.0.4 reads ahead up to a limit of its own; what is before it says where ours is.
        if "nesting depth" in str(bad.problem) and bad.problem_mark is not None:
            _check_depth(text[: bad.problem_mark.index], name, error)
        raise
    finally:
        loader.dispose()


def _check_size(root: yaml.Node, text: str, name: str, error: type[SourceError]) -> None:
    """Refuse a tree that is too deep, that contains itself, or that is too large once its aliases are expanded."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def place(node: yaml.Node) -> Place:
        return Place.at_line(text, node.start_mark.line + 1, node.start_mark.column + 1, name)

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


def _check_keys(node: yaml.Node, place: Callable[[yaml.Node], Place], error: type[SourceError]) -> None:
    """Refuse a key given twice: YAML readers keep the last one, and half of a rule would be lost without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for label, _ in node.value:
            if isinstance(label, yaml.ScalarNode):
                if label.value in seen and label.tag != "tag:yaml.org,2002:merge":
                    raise error(f"the key {label.value!r} is given twice", place(label), "merge the two, or rename one")
                seen.add(label.value)


def _keep_as_text(node: yaml.Node) -> None:
    """Take for text what looks like a date and is none: PyYAML would give up on the whole file because of it."""
    if isinstance(node, yaml.ScalarNode) and node.tag == _TIMESTAMP:
        try:
            _CONSTRUCTOR.construct_yaml_timestamp(node)
        except (ValueError, OverflowError):
            node.tag = _TEXT


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for label, value in node.value:
            yield label
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _yaml_error(yaml_error: yaml.YAMLError, text: str, name: str, error: type[SourceError]) -> SourceError:
    problem = (
        getattr(yaml_error, "problem", None) or getattr(yaml_error, "reason", None) or str(yaml_error).split("\n", 1)[0]
    )
    context = getattr(yaml_error, "context", None)
    mark = getattr(yaml_error, "problem_mark", None) or getattr(yaml_error, "context_mark", None)
    if "end of stream" in str(problem):  # where it began says more than where the file ends
        mark = getattr(yaml_error, "context_mark", None) or mark
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    hint = ""
    if foreign := _FOREIGN_TAG.fullmatch(str(problem)):
        message, hint = f"the tag {foreign[1]} is not supported", "write a plain value"
    if mark is not None:
        place = Place.at_line(text, mark.line + 1, mark.column + 1, name)
    else:
        place = Place.at_offset(text, int(getattr(yaml_error, "position", 0)), name)
    if place.source_line.lstrip(" ").startswith("\t"):
        hint = "a tab cannot indent; use spaces"
    elif "mapping values are not allowed" in str(problem):
        hint = "put quotes around a value that contains `: `"
    return error(message, place, hint)
