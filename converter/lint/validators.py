"""Run pySigma's own validators on rules, and give each issue its place.

    documents ──upstream──> pySigma's rules, with its own modifiers ──validators──> issues ──_place──> RuleWarning

An issue has no place, but holds the item, value, tag or name that it is about, which is looked up in the document.
Validators that would download something, and those that our own checks replace, are left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleWarning
from converter.isolation import isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from converter.errors import Place, SourceError
    from converter.readers.yaml_document import Document

Path = tuple[str | int, ...]

_TYPOS = {"doesn't matches": "does not match", "namaspace": "namespace"}

# Validators that are left out, and why; docs/cli.md lists them.
NEED_NETWORK = frozenset({"ATTACKTagValidator", "D3FENDTagValidator"})
REPLACED = frozenset(
    {
        "DanglingDetectionValidator",  # unused-identifier; pySigma 1.5 reads the identifier `notsel` as `not sel`
        "DanglingConditionValidator",  # an error
        "CustomAttributesValidator",  # unknown-key
        "FieldnameLogsourceValidator",  # unknown-logsource-key
        "IdentifierUniquenessValidator",  # an error
        "TLPv1TagValidator",  # TLPTagValidator allows both versions
        "TLPv2TagValidator",
        "FilenameLengthValidator",  # not about the rule
    }
)


def pysigma_warnings(
    documents: Iterable[Document], upstream: Callable[[Document], Any], fail: Callable[[SourceError], None]
) -> list[RuleWarning]:
    """Return the issues of pySigma's validators in rules without errors, in no particular order.

    Args:
        documents: the rules.
        upstream: returns a rule as pySigma itself reads it, or raises RefusedError.
        fail: called with the error of a rule on which a validator fails.

    A rule that pySigma itself does not accept gets a warning about that.
    """
    from sigma.validators.core import validators  # noqa: PLC0415  slow to import

    left_out = NEED_NETWORK | REPLACED
    chosen = [kind() for kind in dict.fromkeys(validators.values()) if kind.__name__ not in left_out]
    by_rule: dict[int, Document] = {}
    issues: list[Any] = []
    warnings: list[RuleWarning] = []
    alive: list[Any] = []  # keeps the rules alive, so that ids stay unique
    for document in documents:
        with isolated(fail, document.place(), "warning of the rule, as pySigma does"):
            try:
                rule = upstream(document)
            except RefusedError as error:
                warnings.append(
                    RuleWarning(error.message, "pysigma", document.place(), "pySigma's backends refuse it as well")
                )
                continue
            by_rule[id(rule)] = document
            alive.append(rule)
            for validator in chosen:
                issues += validator.validate(rule)
    for validator in chosen:
        with isolated(fail, about="warning of rules, as pySigma does"):
            issues += validator.finalize()
    for issue in issues:
        for rule in issue.rules:
            document = by_rule[id(rule)]
            with isolated(fail, document.place(), "placing a warning of pySigma's"):
                place = _place(issue, rule, document)
                warnings.append(RuleWarning(_message(issue), f"pysigma/{_code(issue)}", place))
    return warnings


def _code(issue: Any) -> str:
    name = type(issue).__name__.removesuffix("Issue")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _message(issue: Any) -> str:
    message = str(issue.description).rstrip(".")
    for wrong, right in _TYPOS.items():
        message = message.replace(wrong, right)
    return f"{message[:1].lower()}{message[1:]}" if message[1:2].islower() else message


def _place(issue: Any, rule: Any, document: Document) -> Place:
    """Return the place of the item, value, tag or key that an issue is about, or else of the rule."""
    about: Mapping[str, Any] = vars(issue)
    if "detection_item" in about:
        for item, path in _items(rule, document):
            if item is about["detection_item"]:
                return document.place(*path, key=isinstance(path[-1], str))
    if "string" in about:
        for item, path in _items(rule, document):
            for index, value in enumerate(item.value):
                if value is about["string"]:
                    listed = document.place(*path, index)
                    written = item.original_value or ()
                    return listed if len(written) == len(item.value) > 1 else document.place(*path)
    if "tag" in about:
        tags = [str(tag) for tag in document.data.get("tags") or ()]
        name = str(about["tag"])
        if name in tags:  # if a tag appears twice, the second is redundant
            return document.place("tags", len(tags) - 1 - tags[::-1].index(name))
    if "reference" in about:
        references = list(document.data.get("references") or ())
        if about["reference"] in references:
            last = len(references) - 1 - references[::-1].index(about["reference"])
            return document.place("references", last)
    if "event_id" in about or "logsource" in about:
        return document.place("logsource", key=True)
    if "Condition" in type(issue).__name__:
        return document.place("detection", "condition")
    return document.place("title")


def _items(rule: Any, document: Document) -> Iterator[tuple[Any, Path]]:
    """Yield the detection items of a rule, each with its path in the document."""
    detections = rule.detection.detections if hasattr(rule, "detection") else {}
    written = document.data.get("detection", {})
    for name, detection in detections.items():
        if name not in written:  # of a filter
            continue
        yield from _below(detection, ("detection", name), document.data["detection"][name])


def _below(detection: Any, path: Path, written: Any) -> Iterator[tuple[Any, Path]]:
    if isinstance(written, dict):
        for key, item in zip(written, detection.detection_items, strict=False):
            yield item, (*path, key)
        return
    for index, item in enumerate(detection.detection_items):
        if hasattr(item, "detection_items"):
            yield from _below(item, (*path, index), written[index])
        else:
            yield item, path
