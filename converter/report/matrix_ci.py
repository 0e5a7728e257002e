"""The matrix of `test` for continuous integration: JUnit XML, and annotations of GitHub Actions.

Matrix ──> a test case for each cell, and for the expectation of each case ──> JUnit XML
       ──> a line for each failure, alike ones together ──> `::error file=...::...`
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from converter.report.console import printable
from converter.report.difference_text import alike_cells, cell_details, head_of
from converter.report.layout import message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from converter.errors import Place, SourceError
    from converter.harness.matrix import CaseResult, Matrix, SuiteResult
    from converter.harness.outcome import Cell
    from converter.plan.nodes import Plan
    from converter.report.layout import Item


def junit(matrix: Matrix) -> str:
    """Return the matrix as JUnit XML: a suite for each case file, a test case for each case and target.

    A refusal that does not fail is `skipped`, a result `error` that fails an `error`, any other one that fails a
    `failure`.
    """
    root = Element("testsuites", name="sigma-convert test")
    for suite in matrix.suites:
        cases = [case for result in suite.cases for case in _test_cases(suite, result)]
        counts = {name: sum(case.find(tag) is not None for case in cases) for name, tag in _COUNTS.items()}
        attributes = {"name": printable(str(suite.suite.path)), "tests": str(len(cases))}
        attributes |= {name: str(count) for name, count in counts.items()}
        SubElement(root, "testsuite", attributes).extend(cases)
    if matrix.errors:
        cases = [_unread(error) for error in matrix.errors]
        count = str(len(cases))
        unread = {"name": "not replayed", "tests": count, "failures": "0", "errors": count, "skipped": "0"}
        SubElement(root, "testsuite", unread).extend(cases)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _test_cases(suite: SuiteResult, result: CaseResult) -> Iterator[Element]:
    place, name = result.case.place, printable(result.case.name)
    where = {"classname": printable(str(suite.suite.path)), "file": printable(place.name), "line": str(place.line)}
    reference = Element("testcase", where, name=f"{name} [reference]")
    if result.error is not None:
        SubElement(reference, "error", message=printable(result.error.message)).text = _text(
            message(result.error.render())
        )
    elif result.unmet is not None:
        SubElement(reference, "failure", message=printable(result.unmet))
    yield reference
    plans = {plan.meta.key: plan for plan in suite.plans}
    for cell in result.cells:
        element = Element("testcase", where, name=f"{name} [{cell.target}]", time=f"{cell.seconds:.3f}")
        if cell.failed:
            tag = "error" if cell.kind == "error" else "failure"
            SubElement(element, tag, message=cell.kind).text = _text(cell_details(cell, plans))
        elif cell.kind == "refused":
            SubElement(element, "skipped", message="refused")
        yield element


def _unread(error: SourceError) -> Element:
    """Return the test case of an error because of which cases were not replayed."""
    where = {"classname": "not replayed"}
    if error.place is not None:
        name = printable(error.place.name)
        where = {"classname": name, "file": name, "line": str(error.place.line)}
    element = Element("testcase", where, name=printable(error.message))
    SubElement(element, "error", message=printable(error.message)).text = _text(message(error.render()))
    return element


def github(matrix: Matrix) -> Iterator[str]:
    """Yield a workflow command for each failure, at the line of its case; targets that fail alike share one."""
    for error in matrix.errors:
        yield _command(error.place, "ERROR: not replayed", _text(message(error.render())))
    for suite in matrix.suites:
        plans = {plan.meta.key: plan for plan in suite.plans}
        for result in suite.cases:
            if result.error is not None:
                yield _annotation(result, "ERROR: reference", _text(message(result.error.render())))
                continue
            if result.unmet is not None:
                yield _annotation(result, "UNEXPECTED: reference", result.unmet)
            for cells in alike_cells(result.cells, plans):
                if cells[0].failed:
                    targets = ", ".join(cell.target for cell in cells)
                    yield _annotation(result, f"{head_of(cells[0])}: {targets}", _details(cells[0], plans))


def _details(cell: Cell, plans: Mapping[str, Plan]) -> str:
    return _text(cell_details(cell, plans)) or cell.kind


def _annotation(result: CaseResult, title: str, text: str) -> str:
    return _command(result.case.place, f"{title}: {result.case.name}", text)


def _command(place: Place | None, title: str, text: str) -> str:
    where = f"file={_escaped(place.name, ':,')},line={place.line}," if place is not None else ""
    return f"::error {where}title={_escaped(printable(title), ':,')}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    """Return a text as a workflow command takes it; `more`: characters that end an attribute."""
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{more}" else char for char in text)


def _text(items: Iterable[Item]) -> str:
    return "\n".join(line.removeprefix("  ") for item in items for line in item.plain())
