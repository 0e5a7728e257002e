"""Parse an EQL query into its tree: statements, the options of sequences, pipes.

    text ──lex──> tokens ──parse──> Query

After the vendor's grammar (EqlBase.g4, Elasticsearch 8 and 9). What the grammar has but Elasticsearch refuses (join,
process relationships, array indexes, most pipes) is refused here by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import QueryError, suggest
from converter.readers.source import Source
from converter.targets.eql.engine import pipes
from converter.targets.eql.engine.language import syntax as tree
from converter.targets.eql.engine.language.lex import tokens
from converter.targets.eql.engine.language.parse_expression import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_RUNS = 100
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse(text: str) -> tree.Query:
    """Return the tree of an EQL query.

    Raises:
        QueryError: the text is not EQL, or holds what Elasticsearch's EQL does not support.
    """
    source = Source(text, QueryError)
    cursor = Cursor(source, tokens(source))
    token = cursor.token
    if token.kind in REFUSED_STATEMENTS:
        message, hint = REFUSED_STATEMENTS[token.kind]
        raise cursor.error(message, token, hint)
    body = STATEMENTS.get(token.kind, _event_filter)(cursor)
    piped: list[tree.Pipe] = []
    while cursor.take("|"):
        piped.append(_pipe(cursor))
    if cursor.token.kind != "end":
        raise cursor.unexpected("the end of the query, a pipe, or an operator")
    return tree.Query(body, tuple(piped))


def _event_filter(cursor: Cursor) -> tree.EventFilter:
    start = cursor.token.start
    category = cursor.take("any", "word", "string")
    if category is None:
        raise cursor.unexpected('an event category, "a category in quotes", or any')
    cursor.expect("where", "where")
    condition = cursor.expression()
    return tree.EventFilter(None if category.kind == "any" else category.value, condition, cursor.span(start))


def _pipe(cursor: Cursor) -> tree.Pipe:
    known = " and ".join(pipes.PIPES)
    name = cursor.expect("word", f"the name of a pipe: {' or '.join(pipes.PIPES)}")
    if name.value in pipes.UNSUPPORTED:
        raise cursor.refused(f"the pipe {name.value} is", name, f"the pipes are {known}")
    if name.value not in pipes.PIPES:
        raise cursor.error(
            f"there is no pipe {name.value}", name, suggest(name.value, pipes.PIPES) or f"the pipes are {known}"
        )
    count = cursor.take("integer")
    if count is None:
        raise cursor.unexpected(f"a positive whole number after {name.value}")
    if cursor.token.kind == ",":
        raise cursor.error(f"the pipe {name.value} takes one argument", cursor.token)
    return tree.Pipe(name.value, int(count.value), cursor.span(name.start))


# --- sequences ------------------------------------------------------------------------------------------------------


def _sequence(cursor: Cursor) -> tree.Sequence:
    opening = cursor.advance()
    keys = _keys(cursor)
    maxspan = None
    if cursor.take("with"):
        maxspan = SEQUENCE_OPTIONS[cursor.expect("maxspan", "maxspan").value](cursor)
        if cursor.token.kind == "by":
            raise cursor.error(
                "by comes before with in a sequence", cursor.token, "write: sequence by field with maxspan=5m"
            )
    stages: list[tree.Stage] = []
    while cursor.token.kind in {"[", "!["}:
        stages.append(_stage(cursor, keys))
    if not stages:
        raise cursor.unexpected("[ event_category where condition ]")
    until = None
    if cursor.take("until"):
        if cursor.token.kind != "[":
            raise cursor.unexpected("[ event_category where condition ] after until")
        until = _stage(cursor, keys)
    sequence = tree.Sequence(tuple(stages), maxspan, until, cursor.span(opening.start))
    _check_sequence(cursor, sequence, len(keys))
    return sequence


def _check_sequence(cursor: Cursor, sequence: tree.Sequence, shared: int) -> None:
    stages = sequence.stages
    for stage in stages if sequence.until is None else (*stages, sequence.until):
        if len(stage.keys) != len(stages[0].keys):
            expected, actual = len(stages[0].keys) - shared, len(stage.keys) - shared
            message = f"each stage needs the same number of join keys: {expected} expected, {actual} found"
            raise cursor.error(message, stage.span)
    missing = [stage for stage in stages if stage.missing]
    if missing and sequence.maxspan is None:
        raise cursor.error(
            "a missing event needs a sequence with maxspan", missing[0].span, "sequence with maxspan=5m ..."
        )
    if len(missing) == len(stages):
        raise cursor.error("a sequence needs at least one stage that is not a missing event", sequence.span)
    if sum(stage.runs for stage in stages) < 2:  # noqa: PLR2004 - said in the message
        raise cursor.error("a sequence needs at least two stages", sequence.span, "add a stage, or: with runs=2")
    if sequence.until is not None and sequence.until.runs != 1:
        raise cursor.error("until takes no runs", sequence.until.span)


def _keys(cursor: Cursor) -> tuple[tree.Field, ...]:
    if not cursor.take("by"):
        return ()
    keys = [_key(cursor)]
    while cursor.take(","):
        keys.append(_key(cursor))
    return tuple(keys)


def _key(cursor: Cursor) -> tree.Field:
    start = cursor.token
    expression = cursor.operand()
    if not isinstance(expression, tree.Field):
        hint = "functions and arithmetic are not supported here"
        raise cursor.error("a join key must be a field", cursor.span(start.start), hint)
    return expression


def _stage(cursor: Cursor, shared: tuple[tree.Field, ...]) -> tree.Stage:
    opening = cursor.advance()
    event_filter = _event_filter(cursor)
    cursor.expect("]", "] or an operator")
    keys = _keys(cursor)
    runs = _stage_option(cursor) if cursor.take("with") else 1
    return tree.Stage(event_filter, shared + keys, runs, opening.kind == "![", cursor.span(opening.start))


def _stage_option(cursor: Cursor) -> int:
    option = cursor.expect("word", "runs=N")
    if option.value not in STAGE_OPTIONS:
        raise cursor.error(f"a stage has no option {option.value}", option, f"the option is {', '.join(STAGE_OPTIONS)}")
    return STAGE_OPTIONS[option.value](cursor)


def _runs(cursor: Cursor) -> int:
    cursor.expect("=", "=")
    if cursor.token.kind == "-":
        raise cursor.error("runs must be at least 1", cursor.token)
    count = cursor.take("integer")
    if count is None:
        raise cursor.unexpected(f"a whole number from 1 to {MAX_RUNS}")
    runs = int(count.value) if len(count.value) < len(str(MAX_RUNS)) + 1 else MAX_RUNS + 1
    if not 1 <= runs <= MAX_RUNS:
        raise cursor.error(f"runs={count.value} is outside 1 to {MAX_RUNS}", count)
    return runs


def _maxspan(cursor: Cursor) -> int:
    cursor.expect("=", "=")
    count = cursor.take("integer", "decimal")
    if count is None:
        raise cursor.unexpected("a duration such as 6m")
    if count.kind == "decimal":
        raise cursor.error("maxspan must be a whole number of its unit", count, "1.5h is 90m")
    amount = int(count.value)
    if amount == 0:
        raise cursor.error("maxspan must be greater than zero", count)
    unit = cursor.take("word")
    if unit is None:
        raise cursor.error("maxspan has no unit", count, f"did you mean {count.value}s? The units are ms, s, m, h, d")
    if unit.value not in _UNITS:
        raise cursor.error(f"{unit.value} is not a unit of time", unit, "the units are ms, s, m, h, d")
    return amount * _UNITS[unit.value]


SEQUENCE_OPTIONS: Mapping[str, Callable[[Cursor], int]] = {"maxspan": _maxspan}
"""What may follow `with` in a sequence, by its name."""

STAGE_OPTIONS: Mapping[str, Callable[[Cursor], int]] = {"runs": _runs}
"""What may follow `with` in a stage of a sequence, by its name."""

STATEMENTS: Mapping[str, Callable[[Cursor], tree.EventFilter | tree.Sequence]] = {"sequence": _sequence}
"""The statements that begin with a keyword of their own; any other query is an event query."""

REFUSED_STATEMENTS = {
    "join": ("join is not supported by Elasticsearch", "use sequence"),
    "sample": ("sample queries are not supported", "a sequence is, where order in time matters"),
}
"""The message and the hint for the statements of the grammar that the engine has not."""
