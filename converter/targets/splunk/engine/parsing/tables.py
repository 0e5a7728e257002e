"""The arguments of commands that turn a table round or sum it up.

untable _time host count  ──>  Untable("_time", "host", "count")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.syntax import AddTotals, Span, Transpose, Untable, XySeries

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_TRANSPOSED_ROWS = 5
_LEAST_SERIES = 3


def addtotals(scanner: Scanner, span: Span) -> AddTotals:
    """Read the arguments of `addtotals`: sums of each row, and of each column if asked for."""
    return _totals(scanner, span, "addtotals", rows=True, columns=False)


def addcoltotals(scanner: Scanner, span: Span) -> AddTotals:
    """Read the arguments of `addcoltotals`: sums of each column."""
    return _totals(scanner, span, "addcoltotals", rows=False, columns=True)


def _totals(scanner: Scanner, span: Span, command: str, *, rows: bool, columns: bool) -> AddTotals:
    names: list[str] = []
    target, label = "Total", "Total"
    label_field: str | None = None
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                names.append(scanner.name("a field"))
                scanner.accept(",")
            case "row" if command == "addtotals":
                rows = scanner.boolean("row")
            case "col" if command == "addtotals":
                columns = scanner.boolean("col")
            case "fieldname" if command == "addtotals":
                target = scanner.value("a name")
            case "labelfield":
                label_field = scanner.value("a name")
            case "label":
                label = scanner.value("a text")
            case option:
                raise scanner.unknown_option(command, option, start)
    return AddTotals(rows, columns, tuple(names), target, label_field, label, span)


def xyseries(scanner: Scanner, span: Span) -> XySeries:
    """Read `xyseries x name value ...`."""
    names: list[str] = []
    separator = ": "
    form: str | None = None
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                names.append(scanner.name("a field"))
                scanner.accept(",")
            case "sep":
                separator = scanner.value("a separator")
            case "format":
                form = scanner.value("a form")
            case "grouped":
                # It is a promise that the rows are sorted, which the engine does not need.
                scanner.boolean("grouped")
            case option:
                raise scanner.unknown_option("xyseries", option, start)
    if len(names) < _LEAST_SERIES:
        raise scanner.error("xyseries without three fields", span, "xyseries x name value")
    return XySeries(names[0], names[1], tuple(names[2:]), separator, form, span)


def untable(scanner: Scanner, span: Span) -> Untable:
    """Read `untable x name value`."""
    names: list[str] = []
    while not scanner.at_command_end():
        names.append(scanner.name("a field"))
        scanner.accept(",")
    if len(names) != _LEAST_SERIES:
        raise scanner.error("untable without three fields", span, "untable x name value")
    x, name, value = names
    return Untable(x, name, value)


def transpose(scanner: Scanner, span: Span) -> Transpose:
    """Read `transpose N column_name=... header_field=... include_empty=...`."""
    number = scanner.leading_number()
    limit = _TRANSPOSED_ROWS if number is None else number
    column = "column"
    header: str | None = None
    include_empty = True
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in transpose")
            case "column_name":
                column = scanner.value("a name")
            case "header_field":
                header = scanner.value("a field")
            case "include_empty":
                include_empty = scanner.boolean("include_empty")
            case option:
                raise scanner.unknown_option("transpose", option, start)
    return Transpose(limit, column, header, include_empty, span)
