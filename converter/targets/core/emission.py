"""Helpers shared by all emitters.

Emission gathers assumptions while an emitter writes; `query` puts them into the verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from typing import TYPE_CHECKING, assert_never

from converter.errors import ConfigurationError, RefusedError, suggest
from converter.plan import nodes as ir
from converter.targets.core.target import Query
from converter.verdicts.event_assumptions import single_value
from converter.verdicts.predicates import leaf_fields, unique
from converter.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from ipaddress import IPv4Network

    from converter.errors import Place
    from converter.targets.core.target import Context
    from converter.verdicts.verdict import Assumption, Bound

_PLAIN_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_]*(\.[A-Za-z_@][A-Za-z0-9_]*)*", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONG = 2**63
CHAIN = 60
_ELSEWHERE = "convert to splunk"
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")


@dataclass(slots=True)
class Emission:
    """One query being written: what is known of its fields, and what must be assumed of the log."""

    context: Context
    assumptions: list[Assumption] = field(default_factory=list)

    def assume(self, assumption: Assumption | None) -> None:
        """Note an assumption, if there is one."""
        if assumption is not None:
            self.assumptions.append(assumption)

    def single(self, name: str) -> None:
        """Assume that a field has at most one value, unless that is known."""
        fact = self.context.facts.field(name)
        if fact is None or not fact.single:
            self.assumptions.append(single_value(name))

    def query(self, plan: ir.Plan, target: str, language: str, text: str) -> Query:
        """Return the query, with the verdict of what has been assumed."""
        correlation = plan if isinstance(plan, ir.Correlation) else None
        return Query(
            rule=plan.meta.key,
            target=target,
            language=language,
            text=text,
            verdict=verdict(self.assumptions),
            group_by=correlation.group_by if correlation is not None else None,
            timespan=correlation.timespan if correlation is not None else None,
            warnings=ir.notes_of(plan),
        )


def condition_of(plan: ir.Plan) -> ir.Expr:
    """Return what an event must meet: the detection, or any of the rules that a correlation counts."""
    if isinstance(plan, ir.Correlation):
        return plan.rules[0].expr if len(plan.rules) == 1 else ir.Or(tuple(rule.expr for rule in plan.rules))
    return plan.expr


def correlation_type(measure: ir.Measure) -> str:
    """Return the `type` of the correlations that have this measure."""
    match measure:
        case ir.EventCount():
            return "event_count"
        case ir.ValueCount():
            return "value_count"
        case ir.ValueSum():
            return "value_sum"
        case ir.ValueAvg():
            return "value_avg"
        case ir.ValueMedian():
            return "value_median"
        case ir.ValuePercentile():
            return "value_percentile"
        case ir.Temporal():
            return "temporal"
        case ir.TemporalOrdered():
            return "temporal_ordered"
        case _:
            assert_never(measure)


def _unsupported_type(plan: ir.Correlation) -> RefusedError:
    """Return the error for a correlation whose type an emitter does not convert, with its place in the rule."""
    kind = correlation_type(plan.measure)
    return refused(f"correlations of type {kind} are not converted yet", kind, plan.places.get("type"), _ELSEWHERE)


def _check_one_count(plan: ir.Correlation) -> None:
    """Refuse a correlation that is not one operator on a count of events that match detections.

    For emitters that write no other count of events.

    Raises:
        RefusedError: names the construct, with its place in the rule.
    """
    places = plan.places
    if plan.is_range:
        raise refused(
            "a range is about whole episodes, and the language cannot follow one from window to window",
            "range condition",
            places.get("condition"),
            _ELSEWHERE,
        )
    if len(plan.limits) != 1:
        raise refused(
            "a condition of several operators is not converted yet",
            "range condition",
            places.get("condition"),
            _ELSEWHERE,
        )
    if any(isinstance(rule.plan, ir.Correlation) for rule in plan.rules):
        raise refused(
            "a correlation of a correlation is not converted yet",
            "chained correlation",
            places.get("rules"),
            _ELSEWHERE,
        )
    if any(rule.group_by != plan.group_by for rule in plan.rules):
        message = "its rules have a group-by field under different names (aliases), which is not converted yet"
        raise refused(message, "aliases", places.get("aliases") or next(iter(plan.group_places), None), _ELSEWHERE)


def check_counts_events(plan: ir.Plan) -> None:
    """Refuse a correlation that does not count events of detections by one operator, for languages that have no more.

    Raises:
        RefusedError: names the construct, with its place in the rule.
    """
    if isinstance(plan, ir.Detection):
        return
    match plan.measure:
        case ir.EventCount():
            _check_one_count(plan)
        case (
            ir.ValueCount()
            | ir.ValueSum()
            | ir.ValueAvg()
            | ir.ValueMedian()
            | ir.ValuePercentile()
            | ir.Temporal()
            | ir.TemporalOrdered()
        ):
            raise _unsupported_type(plan)
        case _:
            assert_never(plan.measure)


def check_columns(plan: ir.Plan, context: Context, language: str) -> None:
    """Refuse keys inside an object of the field type flattened, for languages that know a field by its column.

    Elasticsearch names no such field when it is asked for the fields of an index (`_field_caps`).

    Raises:
        RefusedError: names the field, with its place in the rule.
    """
    leaves = ((name, leaf.place) for leaf in ir.leaves_of(condition_of(plan)) for name in leaf_fields(leaf))
    groups = placed_groups(plan) if isinstance(plan, ir.Correlation) else []
    for name, place in (*leaves, *groups):
        fact = context.facts.field(name)
        if fact is not None and fact.type == "flattened":
            raise refused(
                f"{language} has no column for {name}, a key in an object of the field type flattened",
                "flattened field",
                place,
                "convert to kql or splunk",
            )


def placed_groups(plan: ir.Correlation) -> list[tuple[str, Place | None]]:
    """Return the group-by fields, each with its place in the rule."""
    places = plan.group_places or (None,) * len(plan.group_by)
    return list(zip(plan.group_by, places, strict=True))


def backquoted(name: str, reserved: Container[str], place: Place | None) -> str:
    """Return a field name between backticks, doubled inside, unless it is plain and no word of the language.

    Raises:
        RefusedError: a control character in the name.
    """
    if _PLAIN_NAME.fullmatch(name) and not any(part.lower() in reserved for part in name.split(".")):
        return name
    if not name.isprintable():
        raise refused(f"the field name {name!r} has a control character", "field name", place, "map it with a pipeline")
    return "`" + name.replace("`", "``") + "`"


def chained(texts: Sequence[str], word: str, between: str = " ") -> str:
    """Return conditions joined by AND or OR, long chains in groups: to Elastic's parsers each operator is a level."""
    while len(texts) > CHAIN:
        groups = [texts[at : at + CHAIN] for at in range(0, len(texts), CHAIN)]
        texts = [f"({f'{between}{word} '.join(group)})" if len(group) > 1 else group[0] for group in groups]
    return f"{between}{word} ".join(texts)


def check_context(target: str, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> None:
    """Refuse a format or an option that the target does not have.

    Raises:
        ConfigurationError: with a suggestion.
    """
    if context.format not in formats:
        hint = suggest(context.format, formats) or f"known: {', '.join(formats)}"
        raise ConfigurationError(f"the target {target} has no format {context.format!r}", hint=hint)
    for option in context.options:
        if option not in options:
            known = f"known: {', '.join(options)}" if options else "it has none"
            raise ConfigurationError(
                f"the target {target} has no option {option!r}", hint=suggest(option, options) or known
            )


def seconds(text: str, what: str) -> int:
    """Return a duration such as `5m` in seconds.

    Raises:
        ConfigurationError: not a positive whole number and one of s, m, h, d.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{what} is {text!r}, which is not a duration", hint="for example 90s, 5m, 1h, 7d")
    return int(match[1]) * _UNITS[match[2]]


def duration(length: int) -> str:
    """Return seconds in the largest unit that needs no fraction: 360 is `6m`."""
    for unit, size in reversed(_UNITS.items()):
        if length % size == 0 and length:
            return f"{length // size}{unit}"
    return f"{length}s"


def verdict(assumptions: Iterable[Assumption], bound: Bound | None = None) -> Verdict:
    """Return the verdict of a query with these assumptions and this bound."""
    gathered = unique(assumptions)
    if bound is not None:
        return Verdict("bounded", gathered, bound)
    return Verdict("assuming" if gathered else "exact", gathered)


def check_whole(number: float, limit: int, language: str, place: Place | None) -> None:
    """Refuse a number that a language does not hold exactly.

    Raises:
        RefusedError: its magnitude is not below `limit`.
    """
    if abs(number) >= limit:
        raise refused(
            f"{language} does not hold {number} exactly", "number beyond the language", place, "compare it as text"
        )


def check_block(network: IPv4Network | IPv6Network, place: Place | None) -> None:
    """Refuse a block of addresses that Elasticsearch takes in none of its languages.

    Raises:
        RefusedError: of IPv4 addresses mapped into IPv6: its length could be meant in either family.
    """
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise refused(
            f"Elasticsearch takes no block of IPv4 addresses mapped into IPv6: {network}",
            "cidr of mapped addresses",
            place,
            "write the block in IPv4, such as 10.0.0.0/8",
        )


def refused(message: str, construct: str, place: Place | None, hint: str = "") -> RefusedError:
    """Return the error for a construct that a language cannot say."""
    return RefusedError(message, construct, place, hint)
