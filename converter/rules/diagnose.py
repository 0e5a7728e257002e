"""Collect every error in an invalid rule, not just the first.

    rule that does not parse or lower ──part by part──> every error, with the place of its part

pySigma and the plan stop at the first error, and pySigma does not know its place. So each value, each condition and
the rest of the rule is tried on its own. This is slow, and done only for invalid rules.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleError, SourceError
from converter.isolation import raised_by
from converter.readers.schema import errors
from converter.readers.source import Source
from converter.rules.pysigma import Origin, parse_rule
from converter.rules.validate_metadata import LOG_SOURCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from converter.errors import Place
    from converter.plan import nodes as ir
    from converter.readers.source import Span
    from converter.readers.yaml_document import Document

Path = tuple[str | int, ...]

# pySigma's message if a modifier does not fit the type of a value, and the values that modifiers take.
_MISMATCH = re.compile(r"Modifier (\w+) incompatible to value type of '(.*)'", re.DOTALL)
_NUMERIC = ("lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year")
_TAKES = dict.fromkeys(_NUMERIC, "it takes a number, without quotes") | {
    "exists": "it takes true or false, without quotes",
    "i": "it comes after re",
    "m": "it comes after re",
    "s": "it comes after re",
}
# The words for parts of a rule in pySigma's messages, where they are not the keys.
_WORDS = {"id": "identifier", "logsource": "log ?source"}
_MAX_UNKNOWN = 20
_MAX_TRIALS = 2000


def pysigma_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that pySigma raises for an invalid rule; not all are its own, as it checks only a part."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    return (SigmaError, ValueError, TypeError, AttributeError, LookupError, RecursionError, ArithmeticError)


def is_pysigmas(error: Exception) -> bool:
    """Return whether an exception says that pySigma does not accept a rule, and not that we have a bug."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    return isinstance(error, SigmaError) or raised_by(error, "sigma")


def rule_errors(document: Document, known: Collection[tuple[int, int]] = ()) -> Iterator[SourceError]:
    """Yield the errors of pySigma and the plan in a rule, part by part; nothing if all parts are valid.

    Args:
        document: a rule, whose structure may be invalid.
        known: line and column of known errors; items with such errors are not tried.
    """
    data = document.data
    if not isinstance(data, dict):
        return
    if "correlation" in data:
        yield from _whole(document)
        return
    detection = data.get("detection")
    if not isinstance(detection, dict):
        return
    yield from _rest_errors(document, known)
    names = [name for name in detection if isinstance(name, str) and name not in {"condition", "timeframe"}]
    parts = _Parts(document, known)
    for name in names:
        yield from parts.errors(("detection", name), detection[name])
    yield from _condition_errors(document, names, detection.get("condition"))


def whole_error(document: Document, error: Exception) -> RuleError:
    """Return pySigma's error for a rule, placed at the key that its message names, or else at the rule."""
    message, hint = _explained(error)
    for key in sorted(map(str, document.data), key=len, reverse=True):
        words = _WORDS.get(key, re.escape(key))
        if re.search(rf"\b{words}\b", message, re.IGNORECASE):
            return RuleError(message, document.place(key), hint)
    return RuleError(message, document.place(), hint)


def _whole(document: Document) -> Iterator[SourceError]:
    try:
        parse_rule(document)
    except SourceError as error:
        yield error
    except pysigma_errors() as error:
        if not is_pysigmas(error):
            raise
        yield whole_error(document, error)


def _rest_errors(document: Document, known: Collection[tuple[int, int]]) -> Iterator[SourceError]:
    """Yield the errors outside the detection; only those of the log source, if there are known errors."""
    fine = {"selection": {"field": "value"}, "condition": "selection"}
    source = document.data.get("logsource", {"category": "any"})
    if "logsource" in document.data and any(errors(document, LOG_SOURCE, "logsource")):
        source = {"category": "any"}  # which has its own error
    rest = {"title": "rest", "logsource": source} if known else document.data
    yield from _whole(replace(document, data={**rest, "detection": fine}))


class _Parts:
    """Tries the items of a detection one by one."""

    def __init__(self, document: Document, known: Collection[tuple[int, int]]) -> None:
        self.document = document
        self.known = known
        self.left = _MAX_TRIALS

    def errors(self, path: Path, definition: Any) -> Iterator[SourceError]:
        """Yield the errors of each value below `path`, tried as the only value of a rule."""
        document = self.document
        if isinstance(definition, dict):
            for key, value in definition.items():
                if isinstance(key, str) and not isinstance(value, dict) and value != []:
                    yield from self.item(path, key, value)
        elif isinstance(definition, list):
            for index, item in enumerate(definition):
                yield from self.errors((*path, index), item)
        else:
            place = document.place(*path)
            yield from self.tried(definition, None, place, place)

    def item(self, path: Path, key: str, value: Any) -> Iterator[SourceError]:
        """Yield the errors of each value of a field."""
        if self.left <= 0:
            return
        place_of = self.document.place
        label = place_of(*path, key, key=True)
        if any(line == label.line and 0 <= column - label.column <= label.length for line, column in self.known):
            return
        label = replace(label, length=max(1, len(key.partition("|")[0])))
        failed = False
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if not isinstance(item, dict | list):
                for error in self.tried({key: item}, Origin(path, index), label, place_of(*path, key, index)):
                    failed = True
                    yield error
        if not failed:  # a single value; or an error that no value of the list has alone
            yield from self.tried({key: value}, Origin(path), label, place_of(*path, key))

    def tried(self, definition: Any, origin: Origin | None, label: Place, place: Place) -> Iterator[SourceError]:
        """Yield the error of a rule with only this item, whose key is at `label` and whose value is at `place`."""
        from converter.plan.lower import lower  # noqa: PLC0415  slow to import

        self.left -= 1
        if self.left < 0:
            return
        detection = {"part": definition, "condition": "part"}
        data = {"title": "part", "logsource": {"category": "any"}, "detection": detection}
        part = replace(self.document, data=data)
        try:
            lower(parse_rule(part, origin), part)
        except SourceError as error:
            at = error.place
            if origin is None or at is None:
                error.place = place
            elif (at.line, at.column) == (label.line, label.column) and not isinstance(error, RefusedError):
                error.place = place  # the plan places errors about a value at the item's key
            yield error
        except pysigma_errors() as error:
            if not is_pysigmas(error):
                raise
            message, hint = _explained(error)
            yield RuleError(message, place, hint)


def _condition_errors(document: Document, names: list[str], written: Any) -> Iterator[SourceError]:
    for index, condition in enumerate(written) if isinstance(written, list) else [(None, written)]:
        if isinstance(condition, str):
            path: Path = ("detection", "condition") if index is None else ("detection", "condition", index)
            yield from _one_condition(document, names, condition, path)


def _one_condition(document: Document, names: list[str], condition: str, path: Path) -> Iterator[SourceError]:
    """Yield the errors of a condition; after its error, an unknown search identifier is taken as known."""
    from converter.plan import nodes as ir  # noqa: PLC0415
    from converter.plan.condition import parse_condition  # noqa: PLC0415  slow to import

    anything: ir.Expr = ir.Exists("anything")
    known: dict[str, ir.Expr] = dict.fromkeys(names, anything)
    spans: list[Span] = []

    def locate(span: Span) -> Place:
        spans.append(span)
        return document.place(*path, inner=span)

    for _ in range(_MAX_UNKNOWN):
        spans.clear()
        try:
            parse_condition(Source(condition, RuleError, locate), known)
        except SourceError as error:
            yield error
            word = condition[spans[-1].start : spans[-1].end] if spans else ""
            if not word or word in known:
                return
            known[word] = anything
        else:
            return


def _explained(error: Exception) -> tuple[str, str]:
    """Return pySigma's message in terms of the rule, and a hint."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    message = str(error.args[0]) if error.args else str(error)
    if not isinstance(error, SigmaError):
        return f"pySigma does not accept this: {message}", ""
    mismatch = _MISMATCH.fullmatch(message)
    if mismatch is None:
        return message, ""
    from sigma.modifiers import reverse_modifier_mapping  # noqa: PLC0415  slow to import

    modifier = reverse_modifier_mapping.get(mismatch[1], mismatch[1])
    hint = _TAKES.get(modifier, "it takes text: put quotes around the value")
    return f"the modifier {modifier} does not take the value {mismatch[2]}", hint
