"""The function `lookup`: columns of the rows of a table that match, as a JSON object.

    lookup("t.csv", json_object("column", field), json_array("output"))  ──>  {"output":"value"}

What the function matches with is the default of a table in a file: whole texts, with regard to case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.functions.base import Function, literal, text_argument
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.json_values import dumps
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import Call, String
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.targets.splunk.engine.language.expression_code import Compiler, Run
    from converter.targets.splunk.engine.language.values import Row


def _lookup(compiler: Compiler, call: Call) -> Compiled:
    name = literal(call, 0, compiler, "the name of a table")
    inputs = _inputs(compiler, call)
    outputs = _outputs(compiler, call)

    def run(row: Row) -> str | None:
        keys = {column: get(row) for column, get in inputs.items()}
        if None in keys.values():
            return None
        matching = [
            cells
            for cells in _table(compiler, call, name)
            if all(any(text_of(cell) == text for cell in values_of(cells.get(column))) for column, text in keys.items())
        ]
        cells_of: dict[str, Any] = {}
        for column in outputs:
            values = [text_of(cell) for cells in matching for cell in values_of(cells.get(column)) if cell != ""]
            if values:
                cells_of[column] = values if len(values) > 1 else values[0]
        return dumps(cells_of) if cells_of else None

    return Compiled(run, "string")


def _table(compiler: Compiler, call: Call, name: str) -> Sequence[Mapping[str, Any]]:
    tables = current().tables
    for candidate in (name, name.removesuffix(".csv"), f"{name}.csv"):
        if candidate in tables:
            return tables[candidate]
    raise compiler.error(f"the table {name!r} was not given", call.arguments[0].span, "give its rows to the run")


def _inputs(compiler: Compiler, call: Call) -> dict[str, Run]:
    argument = call.arguments[1]
    if not isinstance(argument, Call) or argument.function.lower() != "json_object" or not argument.arguments:
        raise compiler.error("lookup() needs json_object(column, value, ...) here", argument.span)
    if len(argument.arguments) % 2:
        raise compiler.error("json_object() takes pairs of a key and a value", argument.span)
    return {
        literal(argument, index, compiler, "a column"): text_argument(
            compiler, call, compiler.compile(argument.arguments[index + 1])
        )
        for index in range(0, len(argument.arguments), 2)
    }


def _outputs(compiler: Compiler, call: Call) -> list[str]:
    argument = call.arguments[2]
    written = argument.arguments if isinstance(argument, Call) and argument.function.lower() == "json_array" else ()
    columns = [column.value for column in written if isinstance(column, String)]
    if not columns or len(columns) < len(written):
        raise compiler.error('lookup() needs json_array("column", ...) here', argument.span)
    return columns


FUNCTIONS: dict[str, Function] = {"lookup": Function(3, 3, _lookup)}
