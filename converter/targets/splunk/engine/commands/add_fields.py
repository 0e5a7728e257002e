"""Commands that compute fields: `eval`, `fieldformat`, `strcat`, `addinfo`.

eval a=1, b=a+1  ──>  Eval((Assignment("a", 1), Assignment("b", a+1)))
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from converter.readers.query_budget import made
from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.functions.evaluate import compile_expression
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import unescape
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode, Field, String
from converter.targets.splunk.engine.language.values import put, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression
    from converter.targets.splunk.engine.language.values import Row

_NAME_OF_VALUES = "a field name that is made from values"
_NO_TIME_RANGE = "this run has no time range"


@dataclass(frozen=True, slots=True)
class Assignment:
    """`field=expression` of an eval."""

    name: str
    expression: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Eval(CommandNode):
    """`eval a=..., b=...`: from left to right, each seeing the ones before it."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class FieldFormat(CommandNode):
    """`fieldformat name=expression`: how a field is shown; its value stays."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class StrCat(CommandNode):
    """`strcat parts target`: fields and texts one after the other."""

    parts: tuple[String | Field, ...]
    target: str
    all_required: bool


@dataclass(frozen=True, slots=True)
class AddInfo(CommandNode):
    """`addinfo`: the time range of the search in each row."""

    span: Span


def _read_eval(scanner: Scanner, span: Span) -> Eval:
    """Read `eval a=..., b=...`."""
    if scanner.at_command_end():
        raise scanner.error("eval without an assignment", span)
    assignments: list[Assignment] = []
    while True:
        scanner.skip()
        start = scanner.offset
        name = unescape(scanner.quoted("'"), "'") if scanner.peek() == "'" else scanner.name("the field to assign to")
        target = scanner.span(start)
        if not name or "*" in name:
            raise scanner.error(f"a field name with a wildcard or without letters: {name!r}", target)
        scanner.expect("=", "after the field to assign to")
        if scanner.text.startswith("=", scanner.offset):
            raise scanner.error("== where a value is assigned", scanner.offset - 1, "write =")
        assignments.append(Assignment(name, parse_expression(scanner), target))
        if not scanner.accept(","):
            return Eval(tuple(assignments))


def _compile_eval(command: Eval, context: SearchContext) -> Stage:
    """Set fields; a null removes the field.

    Raises:
        QueryError: an assignment gives a condition, which no field can hold.
    """
    assignments = []
    for assignment in command.assignments:
        if "{" in assignment.name or "}" in assignment.name:
            raise context.error(f"{_NAME_OF_VALUES}: {assignment.name!r}", assignment.span)
        compiled = compile_expression(assignment.expression, context.source)
        if compiled.kind == "bool":
            raise context.error(
                f"the field {assignment.name!r} cannot hold a condition",
                assignment.span,
                'use if(condition, "true", "false")',
            )
        assignments.append((assignment.name, compiled.run))

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name, get in assignments:
                put(row, name, get(row))
            yield row

    return run


def _read_fieldformat(scanner: Scanner, span: Span) -> FieldFormat:
    """Read `fieldformat name=expression`."""
    if scanner.at_command_end():
        raise scanner.error("fieldformat without a field", span)
    start = scanner.offset
    name = unescape(scanner.quoted("'"), "'") if scanner.peek() == "'" else scanner.name("a field")
    target = scanner.span(start)
    scanner.expect("=", "after the field to format")
    return FieldFormat(Assignment(name, parse_expression(scanner), target))


def _compile_fieldformat(command: FieldFormat, context: SearchContext) -> Stage:
    """Leave the rows as they are: the command changes only how a field is shown.

    Raises:
        QueryError: the expression does not compile.
    """
    compile_expression(command.assignment.expression, context.source)

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        current().note(f"fieldformat changes how {command.assignment.name} is shown; the rows have its value")
        return rows

    return run


def _read_strcat(scanner: Scanner, span: Span) -> StrCat:
    """Read `strcat allrequired=... parts target`: texts in quotes, fields without."""
    parts: list[String | Field] = []
    all_required = False
    while not scanner.at_command_end():
        start = scanner.offset
        match STRCAT.option(scanner):
            case "" if scanner.peek() == '"':
                start = scanner.offset
                parts.append(String(unescape(scanner.quoted()), scanner.span(start)))
            case "":
                parts.append(Field(scanner.name("a field"), scanner.span(start)))
            case "allrequired":
                all_required = scanner.boolean("allrequired")
        scanner.accept(",")
    if len(parts) < 2 or not isinstance(parts[-1], Field):  # noqa: PLR2004
        raise scanner.error("strcat without a part and the name of the result", span, 'strcat host ":" port address')
    return StrCat(tuple(parts[:-1]), parts[-1].name, all_required)


def _compile_strcat(command: StrCat, context: SearchContext) -> Stage:
    """Write fields and texts one after the other into a field; a missing field is an empty text.

    Raises:
        QueryError: when run: a field has several values.
    """
    fail = partial(context.error, span=command.parts[0].span)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            pieces = []
            whole = True
            for part in command.parts:
                if isinstance(part, String):
                    pieces.append(part.value)
                    continue
                value = row.get(part.name)
                if type(value) is list:
                    raise context.error(f"strcat of the multivalue field {part.name!r}", part.span, "use nomv first")
                whole = whole and value is not None
                pieces.append("" if value is None else text_of(value))
            if whole or not command.all_required:
                row[command.target] = made("".join(pieces), fail)
            yield row

    return run


def _read_addinfo(_scanner: Scanner, span: Span) -> AddInfo:
    return AddInfo(span)


def _compile_addinfo(command: AddInfo, context: SearchContext) -> Stage:
    """Add the time range of the run: its bounds and when it ran, in seconds since the epoch.

    Raises:
        QueryError: when run: over no time range.

    Source: Search Reference, addinfo.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        environment = current()
        if environment.window is None:
            raise context.error(f"addinfo: {_NO_TIME_RANGE}, only a scheduled one has", command.span)
        earliest, latest = environment.window
        for row in rows:
            row["info_min_time"] = earliest
            row["info_max_time"] = latest
            if environment.now is not None:
                row["info_search_time"] = environment.now
            row["info_sid"] = "scheduler"
            yield row

    return run


EVAL = Command(
    "eval",
    _read_eval,
    _compile_eval,
    (Eval,),
    arguments="fields such as `name=expression`",
    refuses=(_NAME_OF_VALUES,),
    streaming=True,
    row_by_row=True,
)
FIELDFORMAT = Command(
    "fieldformat",
    _read_fieldformat,
    _compile_fieldformat,
    (FieldFormat,),
    arguments="a field such as `name=expression`",
    streaming=True,
)
STRCAT = Command(
    "strcat",
    _read_strcat,
    _compile_strcat,
    (StrCat,),
    arguments="fields and quoted texts, and the field of the result",
    options=("allrequired",),
    streaming=True,
    row_by_row=True,
)
ADDINFO = Command("addinfo", _read_addinfo, _compile_addinfo, (AddInfo,), refuses=(_NO_TIME_RANGE,))

COMMANDS: tuple[Command[Any], ...] = (EVAL, FIELDFORMAT, STRCAT, ADDINFO)
