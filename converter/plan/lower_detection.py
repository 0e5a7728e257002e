"""Lower pySigma's detection rules to plans: every modifier, list and selector is resolved here, once.

SigmaRule ──items, values──> Expr ──condition──> Detection
"""

from __future__ import annotations

import re
from copy import copy
from typing import TYPE_CHECKING, Any

from sigma.conditions import ConditionAND
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaQueryExpression,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from converter.errors import Place, RefusedError, RuleError
from converter.plan import nodes as ir
from converter.plan.condition import parse_condition
from converter.plan.metadata import metadata_of
from converter.plan.modifiers import apply_chain, has_placeholder, refuse_modifiers
from converter.plan.modify_value import Chain
from converter.plan.regex_parse import RegexError, parse
from converter.readers.log_source import LogSource
from converter.readers.source import Source

if TYPE_CHECKING:
    from converter.readers.yaml_document import Document

_COMPARISONS: dict[CompareOperators, ir.Comparison] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_PARTS: dict[TimestampPart, ir.TimePartName] = {
    TimestampPart.MINUTE: "minute",
    TimestampPart.HOUR: "hour",
    TimestampPart.DAY: "day",
    TimestampPart.WEEK: "week",
    TimestampPart.MONTH: "month",
    TimestampPart.YEAR: "year",
}
_RELATIONS: dict[tuple[bool, bool], ir.FieldRelation] = {
    (False, False): "equals",
    (True, False): "startswith",
    (False, True): "endswith",
    (True, True): "contains",
}


def lower_detection(rule: SigmaRule, document: Document | None) -> ir.Detection:
    """Return the plan of a detection rule. Raises as `lower`."""
    return _Lowering(rule, document).detection()


def lower_search(rule: SigmaRule, name: str, document: Document | None) -> ir.Expr:
    """Return the expression of one search identifier of a detection rule. Raises as `lower`."""
    return _Lowering(rule, document).search(rule.detection.detections[name])


class _Lowering:
    """Lowers one detection rule."""

    def __init__(self, rule: SigmaRule, document: Document | None) -> None:
        self.rule = rule
        self.document = document

    def detection(self) -> ir.Detection:
        identifiers = {name: self.search(search) for name, search in self.rule.detection.detections.items()}
        conditions = [
            parse_condition(self.condition_source(index, condition.condition), identifiers)
            for index, condition in enumerate(self.rule.detection.parsed_condition)
        ]
        source = self.rule.logsource
        return ir.Detection(
            meta=metadata_of(self.rule, self.document),
            logsource=LogSource(source.product, source.category, source.service),
            expr=without_dropped(conditions[0] if len(conditions) == 1 else ir.Or(tuple(conditions))) or DROPPED,
            place=self.document.place("detection", key=True) if self.document else None,
        )

    def condition_source(self, index: int, condition: str) -> Source[RuleError]:
        """Return a condition as a source for the parser; a pipeline may have wrapped it."""
        if self.document is None:
            return Source(condition, RuleError, lambda _span: None)
        section = "filter" if "filter" in self.document.data else "detection"
        written = self.document.data[section]["condition"]
        path: tuple[str | int, ...] = (section, "condition")
        if isinstance(written, list):
            path = (*path, index)
            written = written[index] if index < len(written) else ""
        return self.document.source(condition, *path, shift=max(0, condition.find(str(written))))

    def search(self, detection: SigmaDetection) -> ir.Expr:
        """Return the expression of a search identifier; `DROPPED` if a pipeline left nothing in it."""
        items = tuple(
            self.search(item) if isinstance(item, SigmaDetection) else self.item(item)
            for item in detection.detection_items
        )
        if len(items) == 1:
            return items[0]
        return ir.And(items) if detection.item_linking is ConditionAND else ir.Or(items)

    def item(self, item: SigmaDetectionItem) -> ir.Expr:
        place = self.place(item)
        values: list[Any] = list(item.value)
        cased = False
        if isinstance(item.modifiers, Chain):
            cased = "cased" in item.modifiers.names
            if item.modifiers.waiting:
                values = self.awaited(item, item.modifiers, place)
        else:  # a pipeline added the item
            refuse_modifiers(item, place)
        nodes = tuple(self.value(item.field, value, place, cased=cased) for value in values or [SigmaNull()])
        joined: ir.Expr = ir.And(nodes) if item.value_linking is ConditionAND else ir.Or(nodes)
        node = nodes[0] if len(nodes) == 1 else joined
        # pySigma before 1.2 has neither `neq` nor this attribute.
        return ir.Not(node) if getattr(item, "negated", False) else node

    def awaited(self, item: SigmaDetectionItem, chain: Chain, place: Place | None) -> list[Any]:
        """Return the values of an item whose modifiers waited for placeholders; those that still have one wait on."""
        values: list[Any] = []
        for value in item.value:
            if has_placeholder(value):
                values.append(value)
                continue
            keyword = item.field is None
            values += apply_chain(
                copy(chain), [value], keyword=keyword, value_place=lambda _index: place, expanded=True
            )
        return values

    def place(self, item: SigmaDetectionItem) -> Place | None:
        source = item.source
        if self.document is None or source is None or source.line is None:
            return None
        if isinstance(placed := getattr(source, "place", None), Place):  # the item comes from a filter
            return placed
        length = len(item.field) if item.field else 1
        return Place.at_line(self.document.text, source.line, source.char or 1, self.document.name, length)

    def value(self, field: str | None, value: Any, place: Place | None, *, cased: bool) -> ir.Expr:
        """Return the node for one value of a field, or of a keyword search if there is no field."""
        if isinstance(value, SigmaExpansion):
            return ir.Or(tuple(self.value(field, alternative, place, cased=cased) for alternative in value.values))
        if has_placeholder(value):
            parts = value.s if isinstance(value, SigmaString) else value.regexp.s
            return ir.Unexpanded(field, next(part.name for part in parts if isinstance(part, Placeholder)), place)
        if isinstance(value, SigmaQueryExpression):
            return ir.Unexpanded(field, value.id, place, value.expr)
        if field is None:
            return self.keyword(value, place, cased=cased)
        match value:
            case SigmaString():
                cased = cased or isinstance(value, SigmaCasedString)
                return ir.StringMatch(field, pattern_of(value), cased, place)
            case SigmaTimestampPart():
                return ir.TimePart(field, _PARTS[value.timestamp_part], "eq", value.number, place)
            case SigmaBool():
                return ir.BoolMatch(field, value.boolean, place)
            case SigmaNumber():
                return ir.NumberMatch(field, value.number, place)
            case SigmaNull():
                return ir.IsNull(field, place)
            case SigmaExists():
                return ir.Exists(field, place) if value.exists else ir.Not(ir.Exists(field, place))
            case SigmaCompareExpression():
                if value.op not in _COMPARISONS:
                    return ir.Not(ir.NumberMatch(field, value.number.number, place))
                if isinstance(value.number, SigmaTimestampPart):
                    part = _PARTS[value.number.timestamp_part]
                    return ir.TimePart(field, part, _COMPARISONS[value.op], value.number.number, place)
                return ir.NumberCompare(field, _COMPARISONS[value.op], value.number.number, place)
            case SigmaRegularExpression():
                return ir.Regex(field, *self.regex(value, place), place)
            case SigmaCIDRExpression():
                return ir.Cidr(field, value.network, place)
            case SigmaFieldReference():
                relation = _RELATIONS[value.starts_with, value.ends_with]
                # pySigma escapes wildcards in the name; a field name has none.
                return ir.FieldRef(field, re.sub(r"\\([*?])", r"\1", value.field), relation, cased, place)
            case _:
                name = type(value).__name__
                kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("Sigma")).lower()
                raise RefusedError(f"values of this type are not supported: {kind}", kind, place)

    def keyword(self, value: Any, place: Place | None, *, cased: bool) -> ir.Expr:
        match value:
            case SigmaString():
                return ir.Keyword(pattern_of(value), cased or isinstance(value, SigmaCasedString), place)
            case SigmaNumber() if not isinstance(value, SigmaTimestampPart):
                return ir.Keyword(ir.Pattern((str(value.number),)), place=place)
            case SigmaBool():
                return ir.Keyword(ir.Pattern((str(value.boolean).lower(),)), place=place)
            case SigmaRegularExpression():
                return ir.KeywordRegex(*self.regex(value, place), place)
            case _:
                name = type(value).__name__.removeprefix("Sigma")
                raise RuleError(f"a search without a field cannot be a {name}", place, "give it a field")

    def regex(self, value: SigmaRegularExpression, place: Place | None) -> tuple[str, frozenset[str]]:
        string = value.regexp
        # The parts are joined as they are written: a regular expression has no Sigma wildcards.
        pattern = "".join(part if isinstance(part, str) else _SPECIAL[part] for part in string.s)
        flags = {_FLAGS[flag] for flag in value.flags}
        if inline := _INLINE_FLAGS.match(pattern):  # many rules write `(?i)...`; targets need the flags separately
            flags.update(inline[1])
            pattern = pattern[inline.end() :]
        try:
            parse(pattern, frozenset(flags))
        except RegexError as error:
            if error.construct:
                raise RefusedError(error.message, error.construct, place, error.hint) from None
            raise RuleError(error.message, place, error.hint) from None
        return pattern, frozenset(flags)


DROPPED = ir.And(())
"""The expression of a search identifier, or of a rule, in which a pipeline left no detection item."""


def without_dropped(expr: ir.Expr) -> ir.Expr | None:
    """Return the expression without what a pipeline dropped; None if nothing is left.

    As in pySigma's backends, an operand that was dropped leaves its `and`, `or` or `not`: it is neither true nor false.
    """
    match expr:
        case ir.And(items) | ir.Or(items):
            left = tuple(item for item in map(without_dropped, items) if item is not None)
            if len(left) == len(items) > 0:
                return type(expr)(left)
            return None if not left else left[0] if len(left) == 1 else type(expr)(left)
        case ir.Not(item):
            inner = without_dropped(item)
            return None if inner is None else ir.Not(inner)
        case _:
            return expr


def pattern_of(value: SigmaString) -> ir.Pattern:
    """Return pySigma's string, which holds no placeholder, as a pattern."""
    parts: list[str | ir.Wildcard] = []
    for part in value.s:
        match part:
            case str():
                if parts and isinstance(parts[-1], str):
                    parts[-1] += part
                elif part:
                    parts.append(part)
            case SpecialChars.WILDCARD_MULTI:
                if not parts or parts[-1] is not ir.Wildcard.ANY:
                    parts.append(ir.Wildcard.ANY)
            case SpecialChars.WILDCARD_SINGLE:
                parts.append(ir.Wildcard.ONE)
            case _:
                raise AssertionError(part)  # a placeholder: such a value is lowered to `Unexpanded`
    return ir.Pattern(tuple(parts))


_INLINE_FLAGS = re.compile(r"\(\?([ims]+)\)")
_SPECIAL: dict[Any, str] = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
