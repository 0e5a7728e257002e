"""Check the structure of a rule with positions: what pySigma would report without one, or not at all.

Document ──document_errors──> every error
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from converter.errors import Place, RefusedError, RuleError
from converter.readers.field_names import ARRAY_SELECTOR
from converter.readers.invisible import name_of
from converter.readers.schema import STRING, Either, Keys, errors, list_of, missing, unknown
from converter.readers.source import Span
from converter.rules.aggregations import equivalent
from converter.rules.filters import structure_errors
from converter.rules.other_words import OTHER_MODIFIERS
from converter.rules.validate_correlation import correlation_errors
from converter.rules.validate_metadata import LOG_SOURCE, metadata_errors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from converter.errors import SourceError
    from converter.readers.yaml_document import Document


SECTIONS = ("logsource", "detection", "correlation", "filter")
"""The keys below which the values of a rule decide what it means."""

_VERSIONS = (1, 2)
_EXAMPLE = "for example `condition: selection`"
_RULE = Keys(
    {
        "logsource": LOG_SOURCE,
        "detection": Keys(
            {"condition": Either((STRING, list_of(STRING, "strings", least=1)), _EXAMPLE)},
            {"condition": _EXAMPLE},
            others=True,
            hint="search identifiers and a condition",
        ),
    },
    {"logsource": "for example `logsource: {product: aws}`"},
    others=True,
    hint="begin with `title: ...`",
)


def document_errors(document: Document) -> Iterator[SourceError]:
    """Yield what is wrong with the structure of a rule: keys, kinds of values, modifiers; each with its place."""
    data = document.data
    if not isinstance(data, dict):
        listed = "write each rule as a document of its own, after a line `---`" if isinstance(data, list) else ""
        yield from errors(document, replace(_RULE, hint=listed or _RULE.hint))
        return
    yield from _version_errors(document)
    yield from metadata_errors(document)
    if "detection" in data and "correlation" in data:
        hint = "put the other into a document of its own, after a line `---`"
        yield RuleError("a rule has detection or correlation, not both", document.place("correlation", key=True), hint)
        return
    for character, place in document.misplaced(*SECTIONS):
        yield RuleError(f"this is not a space, but {name_of(character)}", place, "write a space, or remove it")
    for place in document.merges:
        message = "YAML 1.1 and 1.2 read '<<' differently: 1.1 as a merge of mappings, 1.2 as a key"
        yield RuleError(message, place, "write the keys of the other mapping here")
    for key in SECTIONS:
        for differs, place in document.ambiguous(key):
            if not differs.padded:
                yield RuleError(differs.message, place, differs.hint)
    if "filter" in data:
        yield from structure_errors(document)
        yield from _search_errors(document, "filter", ("condition", "rules"))
        return
    if "correlation" in data:
        yield from correlation_errors(document)
        return
    yield from _detection_errors(document)


def _version_errors(document: Document) -> Iterator[SourceError]:
    """Yield an error about a version of Sigma that this program does not read; a rule without one is of version 2."""
    if "sigma-version" not in document.data:
        return
    place = document.place("sigma-version")
    written = document.scalar("sigma-version") or ""
    match = re.fullmatch(r"(\d{1,3})(\.\d+)*", written)
    if match is None:
        yield RuleError("sigma-version must be a version", place, "for example `sigma-version: 2`")
    elif int(match[1]) not in _VERSIONS:
        yield RefusedError(
            f"version {written} of Sigma is not published: `sigma-version` is a proposal (SEP-213)",
            "sigma-version",
            place,
            "write the rule in Sigma 2, and leave out the key",
        )


def _detection_errors(document: Document) -> Iterator[SourceError]:
    data = document.data
    yield from errors(document, _RULE)
    if "detection" not in data:
        hint = missing("detection", data, "")
        yield RuleError("the rule has neither `detection` nor `correlation`", document.place(), hint)
        return
    detection = data["detection"]
    if not isinstance(detection, dict):
        return
    condition = detection.get("condition")
    yield from _aggregation_errors(document, condition)
    if "timeframe" in detection and "|" not in str(condition):
        yield RefusedError(
            "`timeframe` was removed in Sigma version 2",
            "timeframe",
            document.place("detection", "timeframe", key=True),
            equivalent(data, str(condition)) or "write a correlation rule with a timespan",
        )
    yield from _search_errors(document, "detection", ("condition", "timeframe"))


def _search_errors(document: Document, section: str, others: Collection[str]) -> Iterator[SourceError]:
    """Yield errors of the search identifiers of a section, which are all but the other keys."""
    searches = document.data[section]
    for name, definition in searches.items() if isinstance(searches, dict) else ():
        if not isinstance(name, str):
            place = document.place(section, str(name), key=True)
            yield RuleError(f"the search identifier {name} is not text", place, "put quotes around it")
        elif name not in others:
            yield from _definition_errors(document, (section, name), definition)


def _aggregation_errors(document: Document, condition: Any) -> Iterator[SourceError]:
    path: tuple[str | int, ...] = ("detection", "condition")
    for index, item in enumerate(condition) if isinstance(condition, list) else [(None, condition)]:
        if isinstance(item, str) and "|" in item:
            where = path if index is None else (*path, index)
            yield RefusedError(
                "aggregation expressions (everything after `|`) were removed in Sigma version 2",
                "aggregation expression",
                document.place(*where, inner=Span(item.index("|"), len(item))),
                equivalent(document.data, item)
                or "write a correlation rule: type event_count or value_count, group-by, timespan, condition",
            )


def _definition_errors(document: Document, path: tuple[str | int, ...], definition: Any) -> Iterator[SourceError]:
    """Yield errors of a search identifier: fields, modifiers, and the kinds of values."""
    if isinstance(definition, dict):
        if not definition:
            yield RuleError("this search identifier is empty", document.place(*path), "give it a field and a value")
        for key, value in definition.items():
            if not isinstance(key, str):
                place = document.place(*path, str(key), key=True)
                yield RuleError(f"the field name {key!r} is not text", place, "put quotes around it")
                continue
            yield from _modifier_errors(document, path, key)
            if isinstance(value, dict | list) and ARRAY_SELECTOR.search(key) and _nests(value):
                yield RefusedError(
                    "a condition on the elements of an array is a proposal (SEP-212) for a later version of Sigma",
                    "array selector",
                    document.place(*path, key, key=True),
                    "Sigma 2 can ask only whether any element has a value: name its path, as in `connections.ip`",
                )
            elif _nests(value):
                yield RuleError(
                    "the value of a field is plain, or a list of plain values", document.place(*path, key), "no nesting"
                )
            elif value == []:
                yield RuleError("an empty list matches nothing", document.place(*path, key), "give it a value, or null")
            else:
                yield from _value_errors(document, (*path, key), value, key.split("|")[1:])
    elif isinstance(definition, list):
        if not definition:
            yield RuleError("this search identifier is empty", document.place(*path), "give it a value")
        for index, item in enumerate(definition):
            if isinstance(item, dict | list):
                yield from _definition_errors(document, (*path, index), item)


def _nests(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value))


def _modifier_errors(document: Document, path: tuple[str | int, ...], key: str) -> Iterator[SourceError]:
    from converter.plan.modifiers import KNOWN_MODIFIERS  # noqa: PLC0415  slow to import

    for modifier, at in modifier_places(document, path, key):
        if modifier not in KNOWN_MODIFIERS:
            hint = OTHER_MODIFIERS.get(modifier.lower()) or unknown(modifier, sorted(KNOWN_MODIFIERS))
            yield RuleError(f"unknown modifier {modifier!r}", at, hint)


def modifier_places(document: Document, path: tuple[str | int, ...], key: str) -> Iterator[tuple[str, Place]]:
    """Yield the modifiers of a field, each with its place."""
    place = document.place(*path, key, key=True)
    quoted = place.source_line[place.column - 1 : place.column] in {"'", '"'}
    _, *modifiers = key.split("|")
    offset = key.find("|") + 1
    for modifier in modifiers:
        yield (
            modifier,
            Place(place.name, place.line, place.column + offset + quoted, place.source_line, max(1, len(modifier))),
        )
        offset += len(modifier) + 1


def _value_errors(
    document: Document, path: tuple[str | int, ...], value: Any, modifiers: Sequence[str]
) -> Iterator[SourceError]:
    """Yield errors of values that pySigma takes for something they are not."""
    for index, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
        where = path if index is None else (*path, index)
        if item is None and index is not None and len(value) > 1:
            yield RuleError(
                "null cannot be one value of a list",
                document.place(*where),
                "give it a search identifier of its own, and join the two in the condition",
            )
        elif "re" in modifiers and not isinstance(item, str):
            kind = "null" if item is None else "a boolean" if isinstance(item, bool) else "a number"
            yield RuleError(
                f"a regular expression is text, not {kind}", document.place(*where), "put quotes around the value"
            )
