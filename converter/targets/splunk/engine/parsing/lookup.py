"""The arguments of `lookup` and `inputlookup`.

lookup users uid as user OUTPUT name as full  ──>  Lookup("users", (("uid", "user"),), (("name", "full"),))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.syntax import InputLookup, Lookup, SearchExpression, Span

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_CLAUSES = ("output", "outputnew")


def lookup(scanner: Scanner, span: Span) -> Lookup:
    """Read the arguments of `lookup`.

    Raises:
        QueryError: they are none, or hold what Splunk does not know.
    """
    table = ""
    matches: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] | None = None
    overwrite = True
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "local" | "update" as option:
                scanner.boolean(option)
            case "":
                if not table:
                    table = scanner.value("the name of a table")
                elif matches and outputs is None and (word := scanner.word().lower()) in _CLAUSES:
                    scanner.pos += len(word)
                    outputs, overwrite = [], word == "output"
                else:
                    (matches if outputs is None else outputs).append(_pair(scanner))
                    scanner.accept(",")
            case option:
                raise scanner.unknown_option("lookup", option, start)
    if not matches:
        raise scanner.error("lookup without a table and a field", span, "for example: lookup users uid OUTPUT name")
    if outputs == []:
        raise scanner.error("OUTPUT without a field", span)
    return Lookup(table, tuple(matches), None if outputs is None else tuple(outputs), overwrite, span)


def _pair(scanner: Scanner) -> tuple[str, str]:
    column = scanner.name("a field")
    return (column, scanner.name("a field") if scanner.accept_word("as") else column)


def inputlookup(scanner: Scanner, span: Span) -> InputLookup:
    """Read the arguments of `inputlookup`; options may stand on either side of the table.

    Raises:
        QueryError: they are none, or hold what Splunk does not know.
    """
    table = ""
    append = False
    start_row = 0
    maximum: int | None = None
    condition: SearchExpression | None = None
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "append":
                append = scanner.boolean("append")
            case "strict":
                # Strict or not, a table that is not there is an error here.
                scanner.boolean("strict")
            case "start":
                start_row = scanner.integer("a number of rows")
            case "max":
                maximum = scanner.integer("a number of rows")
            case "" if not table:
                table = scanner.value("the name of a table")
            case "" if scanner.accept_word("where"):
                condition = parse_search(scanner)
                break
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in inputlookup", hint="it takes one table")
            case option:
                raise scanner.unknown_option("inputlookup", option, start)
    if not table:
        raise scanner.error("inputlookup without a table", span)
    return InputLookup(table, append, start_row, maximum, condition, span)
