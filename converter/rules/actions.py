"""Read collections: documents of a file that share parts by the key `action`, as version 1 of Sigma has them.

    action: global     a template: what it has is added to each detection rule after it, and wins
    action: reset      the template ends
    action: repeat     the rule before it once more, with the changes of this document
    documents ──expanded──> one document for each rule, whose parts keep their places

pySigma reads collections in the same way (`SigmaCollection.from_dicts`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import yaml

from converter.errors import RuleError, RuleWarning, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from converter.readers.yaml_document import Document

_ACTIONS = ("global", "repeat", "reset")


def expanded(documents: Sequence[Document], warn: Callable[[RuleWarning], None]) -> list[Document]:
    """Return the rules of a file with the parts that they share.

    Args:
        documents: of one file.
        warn: called with each warning about the collection.

    Raises:
        RuleError: an action that Sigma does not have, or one that applies to nothing.
    """
    items = [item for document in documents for item in _items(document)]
    if not any(_has_action(item) for item in items):
        return list(documents)
    first = next(item for item in items if _has_action(item))
    warn(
        RuleWarning(
            "`action` is from version 1 of Sigma",
            "old-collection",
            first.place("action", key=True),
            "write each rule out",
        )
    )
    return list(_Expansion(warn).rules(items))


class _Expansion:
    """The reading of one file."""

    def __init__(self, warn: Callable[[RuleWarning], None]) -> None:
        self.warn = warn
        self.template: Document | None = None
        self.before: Document | None = None
        self.used = False
        self.called: dict[str, int] = {}

    def rules(self, items: Sequence[Document]) -> Iterator[Document]:
        for item in items:
            if not _has_action(item):
                yield self.plain(item)
                continue
            own = _without_action(item)
            match item.data["action"]:
                case "global":
                    self.check_used()
                    self.template = self.before = own
                    self.used = False
                case "reset":
                    self.check_used()
                    if own.data:
                        key = str(next(iter(own.data)))
                        message = "`action: reset` ends the template, and has nothing else"
                        raise RuleError(message, item.place(key, key=True), "begin the rule after a line `---`")
                    self.template = None
                case "repeat":
                    if self.before is None:
                        message = "there is no rule before this one that it could repeat"
                        raise RuleError(message, item.place("action"), "leave out `action`")
                    self.used = True
                    self.before = _merged(self.before, own)
                    yield self.named(self.before, own)
                case action:
                    hint = suggest(str(action), _ACTIONS) or f"known: {', '.join(_ACTIONS)}"
                    if action == "correlation":  # as in drafts of the specification
                        hint = (
                            "a correlation rule has a section `correlation`, with type, rules, timespan and condition"
                        )
                    raise RuleError(f"Sigma has no action {action!r}", item.place("action"), hint)
        self.check_used()

    def plain(self, item: Document) -> Document:
        """Return a document without an action, with what the template has; only detections take that."""
        if not isinstance(item.data, dict) or "correlation" in item.data or "filter" in item.data:
            return item
        self.before = item if self.template is None else _merged(item, self.template)
        self.used = True
        return self.named(self.before, item)

    def check_used(self) -> None:
        """Refuse a template that no rule uses."""
        if self.template is not None and not self.used:
            place = self.template.place()
            raise RuleError("no rule follows this template", place, "leave out `action: global`, or add a rule")

    def named(self, rule: Document, own: Document) -> Document:
        """Return a rule with an id or title of its own, if it has that of an earlier rule of the file."""
        key = next((key for key in ("name", "id", "title") if rule.data.get(key)), "title")
        written = str(rule.data.get(key))
        number = self.called[written] = self.called.get(written, 0) + 1
        if number == 1 or key == "name" or key in own.data:
            return rule
        if key == "title":
            return replace(rule, data={**rule.data, "title": f"{written} ({number})"})
        derived = _derived(written, number)
        message = f"several rules of this collection have the id {written!r}; number {number} gets {derived}"
        self.warn(RuleWarning(message, "repeated-id", rule.place("id"), "give each rule an id of its own"))
        return replace(rule, data={**rule.data, "id": derived})


def _derived(written: str, number: int) -> str:
    try:
        UUID(written)
    except ValueError:
        return f"{written}-{number}"
    return str(uuid5(NAMESPACE_URL, f"sigma:{written.lower()}:{number}"))


def _items(document: Document) -> Iterator[Document]:
    """Yield the items of a list that is a collection; any other document is its only item."""
    node = document.node
    if not isinstance(node, yaml.SequenceNode) or not any(
        isinstance(item, dict) and "action" in item for item in document.data
    ):
        yield document
        return
    for child, data in zip(node.value, document.data, strict=True):
        yield replace(document, node=child, data=data, _children={})


def _has_action(document: Document) -> bool:
    return isinstance(document.data, dict) and "action" in document.data


def _without_action(document: Document) -> Document:
    return replace(document, data={key: value for key, value in document.data.items() if key != "action"})


def _merged(below: Document, above: Document) -> Document:
    """Return a document with the keys of both, at any depth; those of `above` win."""
    node = _merged_nodes(below.node, above.node)
    merges = tuple(dict.fromkeys((*below.merges, *above.merges)))
    return replace(below, data=_merged_data(below.data, above.data), node=node, merges=merges, _children={})


def _merged_data(below: dict[Any, Any], above: dict[Any, Any]) -> dict[Any, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged_data(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return merged


def _merged_nodes(below: yaml.Node, above: yaml.Node) -> yaml.Node:
    if not isinstance(below, yaml.MappingNode) or not isinstance(above, yaml.MappingNode):
        return above
    entries = {str(label.value): (label, value) for label, value in below.value}
    for label, value in above.value:
        key = str(label.value)
        entries[key] = (label, _merged_nodes(entries[key][1], value) if key in entries else value)
    return yaml.MappingNode(below.tag, list(entries.values()), below.start_mark, below.end_mark)
