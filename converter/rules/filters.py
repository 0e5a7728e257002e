"""Apply Sigma filters: documents that exclude events from other rules.

    filter documents ──assign──> the detections that each is for, errors and warnings
    pySigma's rule + filters ──add_filters──> the rule with their conditions added, before any pipeline

An event matches a filtered rule if it meets the rule's condition and the condition of each filter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.errors import Place, RuleError, RuleWarning, suggest
from converter.plan import nodes as ir
from converter.plan.condition import parse_condition
from converter.readers.schema import Either, Keys, errors, list_of, string
from converter.readers.source import Source
from converter.rules.references import because_of, better_reference, identifiers_of, needed
from converter.rules.validate_metadata import LOG_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.errors import SourceError
    from converter.readers.yaml_document import Document

_SOURCE = ("product", "category", "service")
_NOT_SEARCHES = frozenset({"condition", "rules"})


_RULES = "a name or id, a list of them, or `any` for every rule of the log source"
_NAME = string(accepts=bool, hint=_RULES)
_FILTER = Keys(
    {
        "logsource": LOG_SOURCE,
        "filter": Keys(
            {
                "rules": Either((_NAME, list_of(_NAME, "rules", least=1)), _RULES),
                "condition": string(hint="for example `not selection`"),
            },
            {"rules": _RULES, "condition": "for example `condition: not selection`"},
            others=True,
            hint="rules, search identifiers and a condition",
        ),
    },
    {"logsource": "for example `logsource: {product: aws}`; a filter is for rules of its log source"},
    others=True,
)


def is_filter(document: Document) -> bool:
    """Return whether a document is a filter."""
    return isinstance(document.data, dict) and "filter" in document.data


def searches_of(data: Mapping[str, Any]) -> list[Any]:
    """Return the search identifiers of a filter."""
    return [name for name in data["filter"] if name not in _NOT_SEARCHES]


def as_detection(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a filter as a detection rule, which matches the events that the filter keeps."""
    detection = {name: value for name, value in data["filter"].items() if name != "rules"}
    return {**{key: value for key, value in data.items() if key != "filter"}, "detection": detection}


def structure_errors(document: Document) -> Iterator[SourceError]:
    """Yield the errors of the section `filter`, except those of its search identifiers."""
    data = document.data
    yield from errors(document, _FILTER)
    section = data["filter"]
    if not isinstance(section, dict):
        return
    for other in ("detection", "correlation"):
        if other in data:
            yield RuleError(
                f"a filter has no {other}", document.place(other, key=True), "give it a document of its own"
            )
    if not searches_of(data):
        yield RuleError(
            "the filter has no search identifier", document.place("filter", key=True), "selection: {field: value}"
        )


# ------------------------------------------------------------------------------------------------------- assigning


@dataclass(slots=True)
class Assigned:
    """Filters, assigned to detections.

    Attributes:
        filters: the filters of each detection, in order, by the identity of its document.
        errors: of filters that do not fit; these filters are left out.
        warnings: about the other filters.
    """

    filters: dict[int, tuple[Document, ...]] = field(default_factory=dict)
    errors: list[SourceError] = field(default_factory=list)
    warnings: list[RuleWarning] = field(default_factory=list)


def assign(
    filters: Iterable[Document],
    documents: Sequence[Document],
    names: Mapping[str, Document],
    invalid: Mapping[str, Document],
    causes: Mapping[int, SourceError],
) -> Assigned:
    """Assign filters to detections.

    Args:
        filters: the filters, without errors.
        documents: the rules, without errors.
        names: the rules by the names that references may use.
        invalid: the rules with errors, likewise.
        causes: the first error of each rule with errors, by the identity of its document.
    """
    assigned = Assigned()
    for item in filters:
        targets, errors, warnings = _targets(item, documents, names, invalid, causes)
        assigned.warnings += [*warnings, *_condition_warnings(item)]
        if errors:
            assigned.errors += errors
            continue
        for document in targets:
            assigned.filters[id(document)] = (*assigned.filters.get(id(document), ()), item)
    return assigned


def _targets(
    item: Document,
    documents: Sequence[Document],
    names: Mapping[str, Document],
    invalid: Mapping[str, Document],
    causes: Mapping[int, SourceError],
) -> tuple[list[Document], list[SourceError], list[RuleWarning]]:
    """Return the detections that a filter is for, with the errors and warnings about its references."""
    rules = item.data["filter"]["rules"]
    place = item.place("filter", "rules")
    if isinstance(rules, str) and rules.lower() == "any":
        covered = [document for document in documents if "detection" in document.data and _covers(item, document)]
        hint = f"the filter is for {_shown(item)}"
        nothing = RuleWarning("no rule has the log source of the filter", "filter-without-rule", place, hint)
        return covered, [], [] if covered else [nothing]
    named = [(place, rules)] if isinstance(rules, str) else _listed(item, rules)
    targets: dict[int, Document] = {}
    errors: list[SourceError] = []
    warnings: list[RuleWarning] = []
    missing: list[tuple[Place, str]] = []
    for where, name in named:
        if name not in names:
            missing.append((where, name))
            continue
        if name not in identifiers_of([names[name]]):
            hint = f"Sigma has references by name and id; use {better_reference(names[name].data)}"
            warnings.append(
                RuleWarning(f"the reference {name!r} is the title of a rule", "reference-by-title", where, hint)
            )
        below = [document for document in needed(names[name], names) if "detection" in document.data]
        other = [document for document in below if not _covers(item, document)]
        targets.update((id(document), document) for document in below if document not in other)
        if other:
            sources = " and ".join(dict.fromkeys(map(_shown, other)))
            hint = f"the filter is for {_shown(item)}, the rule for {sources}"
            if len(other) == len(below):
                errors.append(RuleError(f"the filter does not fit the log source of {name!r}", where, hint))
            else:
                message = f"the filter fits only some of the rules that {name!r} counts"
                warnings.append(RuleWarning(message, "filter-partly", where, hint))
    for where, name in missing:
        if name in invalid:
            error = because_of(name, invalid[name], causes, where)
            if len(missing) == len(named):
                errors.append(error)
            else:
                warnings.append(RuleWarning(error.message, "filter-without-rule", where, error.hint))
            continue
        hint = suggest(name, names) or "is the file of that rule among the given ones?"
        message = f"no rule has the name or id {name!r}"
        if len(missing) == len(named):
            errors.append(RuleError(message, where, hint))
        else:
            warnings.append(RuleWarning(f"{message}, so the filter is not for it", "filter-without-rule", where, hint))
    return list(targets.values()), errors, warnings


def _listed(item: Document, rules: Sequence[str]) -> list[tuple[Place, str]]:
    return [(item.place("filter", "rules", index), name) for index, name in enumerate(rules)]


def _covers(item: Document, document: Document) -> bool:
    """Return whether a filter's log source covers a rule's: each of its keys has the rule's value."""
    wide, narrow = item.data["logsource"], document.data["logsource"]
    return all(wide.get(key) is None or wide.get(key) == narrow.get(key) for key in _SOURCE)


def _shown(document: Document) -> str:
    source = document.data["logsource"]
    return "{" + ", ".join(f"{key}: {source[key]}" for key in _SOURCE if source.get(key) is not None) + "}"


def _condition_warnings(item: Document) -> Iterator[RuleWarning]:
    condition = item.data["filter"]["condition"]
    if not _negates(_parsed(condition, searches_of(item.data))):
        yield RuleWarning(
            "the filter keeps only events that it selects",
            "filter-without-not",
            item.place("filter", "condition"),
            f"to leave them out, write `condition: not {condition if condition.isidentifier() else f'({condition})'}`",
        )


def _negates(expr: ir.Expr) -> bool:
    match expr:
        case ir.And(items) | ir.Or(items):
            return any(map(_negates, items))
        case ir.Not():
            return True
        case _:
            return False


# -------------------------------------------------------------------------------------------------------- applying


def add_filters(rule: Any, filters: Sequence[tuple[Document, Any]]) -> None:
    """Add filters to one of pySigma's detection rules.

    Args:
        rule: the rule, which is changed.
        filters: each filter with pySigma's rule for its `as_detection`, made for this rule alone.
    """
    if not filters:
        return
    detections, conditions = rule.detection.detections, list(rule.detection.condition)
    names = list(detections)
    # A selector for names with an underscore would select the names of filters as well, so selectors are written out.
    conditions = [
        _written(_parsed(condition, names)) if "_" in condition and "*" in condition else condition
        for condition in conditions
    ]
    for number, (document, parsed) in enumerate(filters, 1):
        prefix = f"_filter{number}_"
        while any(name.startswith(prefix) for name in names):
            prefix = f"_{prefix}"
        for name, detection in parsed.detection.detections.items():
            _place(detection, document)
            detections[prefix + name] = detection
        added = _written(_parsed(document.data["filter"]["condition"], list(parsed.detection.detections)), prefix)
        conditions = [f"({condition}) and {added}" for condition in conditions]
    rule.detection.condition = conditions
    rule.detection.__post_init__()


def _parsed(condition: str, names: Sequence[str]) -> ir.Expr:
    return parse_condition(Source(condition, RuleError), {name: ir.Exists(name) for name in names})


def _written(expr: ir.Expr, prefix: str = "") -> str:
    """Return a parsed condition as Sigma writes it, without selectors, and with a prefix on each name."""
    match expr:
        case ir.And(items):
            return f"({' and '.join(_written(item, prefix) for item in items)})"
        case ir.Or(items):
            return f"({' or '.join(_written(item, prefix) for item in items)})"
        case ir.Not(item):
            return f"not {_written(item, prefix)}"
        case ir.Exists(name):
            return prefix + name
        case _:
            raise TypeError(f"not a condition over names: {expr!r}")


def _place(detection: Any, document: Document) -> None:
    """Note in each item of a filter its place, which is not in the rule's file."""
    for item in detection.detection_items:
        if hasattr(item, "detection_items"):
            _place(item, document)
        elif item.source is not None:
            length = len(item.field) if item.field else 1
            line, column = item.source.line or 1, item.source.char or 1
            item.source.place = Place.at_line(document.text, line, column, document.name, length)
