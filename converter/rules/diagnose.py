"""Find everything that is wrong with a rule of which something is wrong.

    rule that does not parse or lower ──part by part──> every error, each with the place of its part

pySigma and the plan stop at the first error, and pySigma cannot place it. So each value, each condition and the rest
of the rule is tried by itself. This is slow, and only done for rules that are bad.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleError, SourceError
from converter.readers.source import Source
from converter.rules.pysigma import Origin, parse_rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from converter.errors import Place
    from converter.plan import nodes as ir
    from converter.readers.source import Span
    from converter.readers.yaml_document import Document

Path = tuple[str | int, ...]

# What pySigma says when a modifier does not fit the type of a value, and what modifiers take.
_MISMATCH = re.compile(r"Modifier (\w+) incompatible to value type of '(.*)'", re.DOTALL)
_NUMERIC = ("lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year")
_TAKES = dict.fromkeys(_NUMERIC, "it takes a number, without quotes") | {
    "exists": "it takes true or false, without quotes",
    "i": "it comes after re",
    "m": "it comes after re",
    "s": "it comes after re",
}
# How messages of pySigma call parts of a rule, where that is not their key.
_WORDS = {"id": "identifier", "logsource": "log ?source"}
_MAX_UNKNOWN = 20
_MAX_TRIALS = 2000


def pysigma_errors() -> tuple[type[Exception], ...]:
    """Return what pySigma raises for a rule that it does not accept: it does not check everything that it reads."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    return (SigmaError, ValueError, TypeError, AttributeError, LookupError, RecursionError, ArithmeticError)


def rule_errors(document: Document, known: Collection[tuple[int, int]] = ()) -> Iterator[SourceError]:
    """Yield what pySigma and the plan do not accept of a rule, part by part; nothing if all parts are fine.

    Args:
        document: a rule, perhaps with errors of structure.
        known: line and column of errors that are known; the items that have them are not tried.
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


def whole_error(document: Document, bad: Exception) -> RuleError:
    """Return what pySigma raised for a rule, placed at the key that it speaks of, or at the rule."""
    message, hint = _explained(bad)
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
    except pysigma_errors() as bad:
        yield whole_error(document, bad)


def _rest_errors(document: Document, known: Collection[tuple[int, int]]) -> Iterator[SourceError]:
    """Yield errors of everything but the detection; only of the log source if others are known."""
    fine = {"selection": {"field": "value"}, "condition": "selection"}
    source = document.data.get("logsource", {"category": "any"})
    rest = {"title": "rest", "logsource": source} if known else document.data
    yield from _whole(replace(document, data={**rest, "detection": fine}))


class _Parts:
    """Tries the items of a detection one by one."""

    def __init__(self, document: Document, known: Collection[tuple[int, int]]) -> None:
        self.document = document
        self.known = known
        self.left = _MAX_TRIALS

    def errors(self, path: Path, definition: Any) -> Iterator[SourceError]:
        """Yield errors of each value below `path`, tried as the only one of a rule."""
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
        """Yield errors of each value of a field."""
        if self.left <= 0:
            return
        place_of = self.document.place
        label = place_of(*path, key, key=True)
        if any(line == label.line and 0 <= column - label.column <= label.length for line, column in self.known):
            return
        label = replace(label, length=max(1, len(key.partition("|")[0])))
        found = False
        for index, one in enumerate(value if isinstance(value, list) else ()):
            if not isinstance(one, dict | list):
                for error in self.tried({key: one}, Origin(path, index), label, place_of(*path, key, index)):
                    found = True
                    yield error
        if not found:  # one plain value; or what no value of a list shows alone
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
                error.place = place  # the plan places at the item what is about its value
            yield error
        except pysigma_errors() as bad:
            message, hint = _explained(bad)
            yield RuleError(message, place, hint)


def _condition_errors(document: Document, names: list[str], written: Any) -> Iterator[SourceError]:
    for index, text in enumerate(written) if isinstance(written, list) else [(None, written)]:
        if isinstance(text, str):
            path: Path = ("detection", "condition") if index is None else ("detection", "condition", index)
            yield from _one_condition(document, names, text, path)


def _one_condition(document: Document, names: list[str], text: str, path: Path) -> Iterator[SourceError]:
    """Yield the errors of a condition; each word that is no search identifier is then taken for one."""
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
            parse_condition(Source(text, RuleError, locate), known)
        except SourceError as error:
            yield error
            word = text[spans[-1].start : spans[-1].end] if spans else ""
            if not word or word in known:
                return
            known[word] = anything
        else:
            return


def _explained(bad: Exception) -> tuple[str, str]:
    """Return the message of pySigma in words of the rule, and a hint."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    message = str(bad.args[0]) if bad.args else str(bad)
    if not isinstance(bad, SigmaError):
        return f"pySigma does not accept this: {message}", ""
    mismatch = _MISMATCH.fullmatch(message)
    if mismatch is None:
        return message, ""
    from sigma.modifiers import reverse_modifier_mapping  # noqa: PLC0415  slow to import

    modifier = reverse_modifier_mapping.get(mismatch[1], mismatch[1])
    hint = _TAKES.get(modifier, "it takes text: put quotes around the value")
    return f"the modifier {modifier} does not take the value {mismatch[2]}", hint
