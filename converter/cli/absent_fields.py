"""Say which fields that rules read no event of a log has: such rules find nothing, whatever the log holds.

plans ──> fields;   events ──see──> those that are there;   report ──> warnings, with the nearest names of the log
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

from converter.logsources import sigma_view
from converter.plan import nodes as ir
from converter.readers.envelopes import looks_like_a_document
from converter.reference.values import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MOST_FIELDS = 200
"""With more fields than these, only whether an event has any of them is looked for: it costs less."""
_SAMPLE, _MOST_NAMES = 100, 2_000
_SHOWN = 5


class AbsentFields:
    """Remembers the fields that events have, of those that rules read."""

    def __init__(self, plans: Sequence[ir.Plan]) -> None:
        self._plans = plans
        detections = [detection for plan in plans for detection in ir.detections_of(plan)]
        self._fields = frozenset(name for detection in detections for name in ir.fields_of(detection.expr))
        # A keyword is looked for in every value, so a rule with one reads whatever there is.
        self._keywords = any(isinstance(leaf, _KEYWORDS) for rule in detections for leaf in ir.leaves_of(rule.expr))
        self._each = len(self._fields) <= _MOST_FIELDS
        self._absent = set(self._fields)
        self._by_key = _by_key(self._fields)
        self._below = {key: set(names) for key, names in self._by_key.items()}
        self._events = 0
        self._names: dict[str, None] = {}
        self._document = False

    def see(self, event: Mapping[str, Any]) -> None:
        """Remember an event, which has Sigma's names."""
        if self._absent and (self._each or len(self._absent) == len(self._fields)):
            for key in [key for key in event if key in self._below]:
                present = {name for name in self._below[key] if find(event, name)}
                self._absent -= present
                self._below[key] -= present
                if not self._below[key]:
                    del self._below[key]
        if self._events < _SAMPLE:
            self._names.update(dict.fromkeys(islice(_names(event), _MOST_NAMES)))
            self._document = self._document or looks_like_a_document(event)
        self._events += 1

    def are_in_document(self, document: Mapping[str, Any], original: Mapping[str, Any]) -> bool:
        """Return whether rules read a product's document rather than the event in it: it alone has fields of theirs."""
        return not self._has_any(original) and self._has_any(document)

    def _has_any(self, event: Mapping[str, Any]) -> bool:
        viewed = sigma_view(event)
        return any(find(viewed, name) for key in viewed for name in self._by_key.get(key, ()))

    def report(self) -> Iterator[tuple[str, str]]:
        """Yield what to warn of, and a hint, if no rule has found anything."""
        if not self._events or not self._fields:
            return
        if len(self._absent) == len(self._fields):
            if not self._keywords:
                listed = _listed(sorted(self._fields))
                yield f"no event has a field that the rules read: {listed}", self._advice(sorted(self._fields))
            return
        if not self._each:
            return
        lacking = [(plan, missing) for plan in self._plans if (missing := sorted(self._absent & _needed(plan)))]
        for plan, missing in lacking[:_SHOWN]:
            yield f"{plan.meta.key} cannot match: no event has {_listed(missing)}", self._nearest(missing)
        if len(lacking) > _SHOWN:
            yield f"{len(lacking) - _SHOWN} more rules need fields that no event has", ""

    def _advice(self, fields: Sequence[str]) -> str:
        nearest = self._nearest(fields)
        if self._document:
            advice = (
                "these are documents of Elasticsearch without the original event (event.original): give the raw log"
            )
            return f"{advice}; {nearest}" if nearest else advice
        return nearest or f"the log has: {_listed(list(self._names))}"

    def _nearest(self, fields: Sequence[str]) -> str:
        """Return the names of the log that are nearest to some fields."""
        last = {name.rsplit(".", 1)[-1].lower(): name for name in reversed(self._names)}
        lowered = {name.lower(): name for name in self._names}
        pairs = []
        for field in fields:
            end = field.rsplit(".", 1)[-1].lower()
            close = get_close_matches(field.lower(), lowered, n=1, cutoff=0.7)
            near = last.get(end) or (lowered[close[0]] if close else None)
            if near is not None:
                pairs.append(f"{near} for {field}")
        return f"the log has {_listed(pairs)}" if pairs else ""


def _by_key(fields: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return fields by the keys of an event below which they may be."""
    by_key: dict[str, list[str]] = {}
    for name in fields:
        steps = name.split(".")
        for end in range(1, len(steps) + 1):
            by_key.setdefault(".".join(steps[:end]), []).append(name)
    return {key: tuple(names) for key, names in by_key.items()}


_KEYWORDS = (ir.Keyword, ir.KeywordRegex)


def _needed(plan: ir.Plan) -> frozenset[str]:
    """Return the fields without which a rule matches nothing; of a correlation, those of every rule that it counts."""
    if isinstance(plan, ir.Detection):
        return _needed_by(plan.expr)
    return frozenset.intersection(*(_needed_by(detection.expr) for detection in ir.detections_of(plan)))


def _needed_by(expr: ir.Expr) -> frozenset[str]:
    match expr:
        case ir.And(items):
            return frozenset[str]().union(*map(_needed_by, items))
        case ir.Or(items):
            return frozenset.intersection(*map(_needed_by, items)) if items else frozenset()
        case ir.Not() | ir.IsNull() | ir.Exists():
            return frozenset()
        case _:
            return frozenset(ir.fields_of(expr))


def _names(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of the fields of an event."""
    stack: list[tuple[str, Any]] = [("", event)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, list):
            stack.extend((path, item) for item in value[:1])
        elif isinstance(value, dict) and value:
            stack.extend((f"{path}.{key}" if path else str(key), item) for key, item in reversed(value.items()))
        elif path:
            yield path


def _listed(names: Sequence[str]) -> str:
    """Return the first names, with how many more there are."""
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest
