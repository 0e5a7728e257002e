"""What an expression holds that is known only when a search runs: subsearches, and bounds of time.

    command ──parts_of──> Subsearch, TimeBound
    a run:  Subsearch ──rows──format──> text ──parse──> expression      TimeBound ──clock──> comparison of _time
    command ──settle──> the command with those in their places, which is then compiled as any other

Splunk does the same: a subsearch runs first, and its text is put into the search around it.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from converter.errors import QueryError
from converter.readers.source import Source, Span
from converter.targets.splunk.engine.commands.filter import Search, Where
from converter.targets.splunk.engine.commands.format import Format, format_rows
from converter.targets.splunk.engine.commands.inner_searches import limited
from converter.targets.splunk.engine.commands.tstats_fields import Tstats
from converter.targets.splunk.engine.functions.time import shifted
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.search_parser import parse_search_text
from converter.targets.splunk.engine.language.syntax import (
    Comparison,
    Pattern,
    Pipeline,
    SearchAnd,
    SearchNot,
    Subsearch,
    TimeBound,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from converter.targets.splunk.engine.commands.base import Stage
    from converter.targets.splunk.engine.language.syntax import CommandNode, Expression, SearchExpression

Part: TypeAlias = Subsearch | TimeBound
_Node = TypeVar("_Node")

_EPOCH = re.compile(r"-?[0-9]{1,11}(?:\.[0-9]{1,9})?")
_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}):([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")
_SIGNS = re.compile(r"[\[`]|(?:earliest|latest)\s*=")
_NOW = frozenset({"now", "now()"})


def parts_of(node: object) -> list[Part]:
    """Return the parts of a command, or of a tree, that are known only when it runs, but for those of its searches."""
    return list(_parts(node))


def _parts(node: object) -> Iterator[Part]:
    match node:
        case Subsearch() | TimeBound():
            yield node
        case Pipeline():
            return
        case tuple():
            for item in node:
                yield from _parts(item)
        case _ if dataclasses.is_dataclass(node):
            for field in dataclasses.fields(node):
                yield from _parts(getattr(node, field.name))


def pipelines_of(node: object) -> Iterator[Pipeline]:
    """Yield the pipelines that a command holds itself."""
    for field in dataclasses.fields(node) if dataclasses.is_dataclass(node) else ():
        match getattr(node, field.name):
            case Pipeline() as pipeline:
                yield pipeline
            case tuple() as items:
                yield from (item for item in items if isinstance(item, Pipeline))


@lru_cache(maxsize=1)  # each command of a search asks
def may_have_parts(text: str) -> bool:
    """Tell whether a search may hold such parts, from its text: looking for them in its tree takes longer."""
    return _SIGNS.search(text) is not None


def check(command: CommandNode, source: Source[QueryError], *, first: bool) -> None:
    """Refuse bounds of time where they are not those of the events that a search reads.

    Raises:
        QueryError: there is one in a later command, below a NOT, or no time.
    """
    for part in parts_of(command):
        if isinstance(part, TimeBound):
            if not first or not isinstance(command, Search | Tstats):
                raise source.error(
                    f"{part.edge}= after the first search", part.span, "a time range belongs to the first command"
                )
            check_time(part, source)
    expression = command.expression if isinstance(command, Search) else getattr(command, "where", None)
    if negated := _negated(expression):
        raise source.error(f"NOT over {negated.edge}=", negated.span, "use the opposite time range")


def _negated(expression: object) -> TimeBound | None:
    """Return a bound of time below a NOT."""
    match expression:
        case SearchNot(item=item):
            return next((part for part in _parts(item) if isinstance(part, TimeBound)), None)
        case _ if items := getattr(expression, "items", None):
            return next((bound for item in items if (bound := _negated(item))), None) if type(items) is tuple else None
    return None


def check_time(bound: TimeBound, source: Source[QueryError]) -> None:
    """Refuse what is not a time. Raises QueryError."""
    if not _EPOCH.fullmatch(bound.modifier) and bound.modifier not in _NOW and not _DATE.fullmatch(bound.modifier):
        if bound.modifier.startswith("rt"):
            raise source.error("a time range of a real-time search", bound.span)
        shifted(bound.modifier, 0, lambda message, hint: source.error(message, bound.span, hint))
    if match := _DATE.fullmatch(bound.modifier):
        _date(match, bound, source)


def settle(command: _Node, stages: Mapping[int, Stage], source: Source[QueryError]) -> _Node:
    """Return a command with its parts settled for the run that is going on.

    Args:
        command: the command.
        stages: the stage of the search of each subsearch, by its identity.
        source: the search, for errors.

    Raises:
        QueryError: a time without a clock, or a result that is not an expression.
    """
    parts = parts_of(command)
    settled = _settled(command, stages, source, hasattr(command, "where"))
    edges = {part.edge for part in parts if isinstance(part, TimeBound)}
    if edges == {"earliest"} and (now := current().now) is not None:
        # Without a latest, a search ends at the time it runs.
        bound = Comparison("_time", "<", Pattern((_shown(now),)))
        if isinstance(settled, Search):
            settled = dataclasses.replace(settled, expression=SearchAnd((settled.expression, bound)))
        elif isinstance(settled, Tstats) and settled.where is not None:
            settled = dataclasses.replace(settled, where=SearchAnd((settled.where, bound)))
    return settled  # type: ignore[return-value]


def _settled(node: object, stages: Mapping[int, Stage], source: Source[QueryError], in_search: bool) -> object:  # noqa: FBT001
    match node:
        case Search():
            in_search = True
        case Where():
            in_search = False
        case _:
            pass
    match node:
        case Subsearch():
            return _result(node, stages[id(node)], source, in_search=in_search)
        case TimeBound():
            value = Pattern((_shown(_time(node, source)),))
            return Comparison("_time", ">=" if node.edge == "earliest" else "<", value, node.span)
        case Pipeline() | Span():
            return node
        case tuple():
            return tuple(_settled(item, stages, source, in_search) for item in node)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            values = {
                field.name: _settled(getattr(node, field.name), stages, source, in_search)
                for field in dataclasses.fields(node)
            }
            return dataclasses.replace(node, **values)
    return node


def _result(
    part: Subsearch, stage: Stage, source: Source[QueryError], *, in_search: bool
) -> SearchExpression | Expression:
    """Return what the results of a subsearch are as an expression."""
    rows = limited(stage(current().events()), current().limits.subsearch, "a subsearch", "maxout of [subsearch]")
    result = format_rows(Format(), list(rows), lambda message, hint: source.error(message, part.span, hint))
    try:
        return _placed(parse_search_text(result) if in_search else _expression(result), part.span)
    except QueryError as error:
        message = f"the results of this subsearch are no expression: {error.message}"
        raise source.error(message, part.span, _shortened(result)) from None


def _expression(result: str) -> Expression:
    scanner = Scanner(Source(result, QueryError))
    expression = parse_expression(scanner)
    if scanner.peek():
        raise scanner.error(f"unexpected {scanner.describe()}")
    return expression


def _shortened(result: str) -> str:
    return f"they are: {result[:120]}" + ("..." if len(result) > 120 else "")  # noqa: PLR2004  a line


def _placed(node: _Node, span: Span) -> _Node:
    """Return a tree that was read from a result, all of it at the subsearch."""
    if isinstance(node, Span):
        return span  # type: ignore[return-value]
    if isinstance(node, tuple):
        return tuple(_placed(item, span) for item in node)  # type: ignore[return-value]
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        values = {field.name: _placed(getattr(node, field.name), span) for field in dataclasses.fields(node)}
        return dataclasses.replace(node, **values)
    return node


def _time(bound: TimeBound, source: Source[QueryError]) -> float:
    """Return the seconds since the epoch that a bound stands for in the run that is going on."""
    modifier = bound.modifier
    if _EPOCH.fullmatch(modifier):
        return float(modifier)
    if match := _DATE.fullmatch(modifier):
        return _date(match, bound, source)
    now = current().now
    if now is None:
        raise source.error(
            f"{bound.edge}={modifier} is relative to the time of the search", bound.span, "give it with --now"
        )
    if modifier in _NOW:
        return now
    return shifted(modifier, now, lambda message, hint: source.error(message, bound.span, hint))


def _date(match: re.Match[str], bound: TimeBound, source: Source[QueryError]) -> float:
    month, day, year, hour, minute, second = map(int, match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        raise source.error(f"{bound.modifier} is not a date", bound.span, "month/day/year:hour:minute:second") from None


def _shown(seconds: float) -> str:
    """Return a time as a search has it: a number without an exponent."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def stages_of(command: CommandNode, compile_pipeline: Callable[[Pipeline], Any]) -> dict[int, Stage]:
    """Compile the searches of a command's subsearches, by the identity of each."""
    return {id(part): compile_pipeline(part.pipeline) for part in parts_of(command) if isinstance(part, Subsearch)}
