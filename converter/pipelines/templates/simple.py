"""Render simple templates of pipelines: the syntax of Python's format strings, with plain data.

`{rule.title}: {query}` ──parse──> literal texts and fields ──render(plain data)──> text
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from converter.pipelines.templates.budget import TemplateError
from converter.pipelines.templates.filters import MOST_WIDTH, call_method, part_of, text
from converter.pipelines.templates.values import Part, Undefined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.pipelines.templates.budget import Budget

_NUMBER = re.compile(r"\d+")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>[^\]]+)\]")
_FIELD = re.compile(r"(?P<first>\w+)(?P<rest>(?:\.[^.\[\]]+|\[[^\]]+\])*)")


@dataclass(frozen=True, slots=True)
class SimpleTemplate:
    """A simple template that has been checked."""

    text: str

    def render(self, values: Mapping[str, Any], budget: Budget) -> str:
        """Return the text that the template makes of plain data. Raises TemplateError, with its line."""
        made: list[str] = []
        size = 0
        line = 1
        for literal, name, form, conversion in Formatter().parse(self.text):
            line += literal.count("\n")
            made.append(literal)
            if name is not None:
                try:
                    made.append(_formatted(_value(name, values), form or "", conversion, budget))
                except TemplateError as error:
                    error.line = line
                    raise
                except (TypeError, ValueError) as error:
                    raise TemplateError(str(error), line) from None
            size += sum(map(len, made[-2:]))
            budget.allow(size)
        return "".join(made)


def parse_simple(template: str) -> SimpleTemplate:
    """Return a template. Raises TemplateError: not a format string, or more than plain data needs; with the line."""
    at = 1
    try:
        for literal, name, form, conversion in Formatter().parse(template):
            at += literal.count("\n")
            if name is not None:
                _check_field(name, form or "", conversion, at)
    except ValueError as error:
        raise TemplateError(str(error), at, "a brace is written twice: {{ and }}") from None
    return SimpleTemplate(template)


def _check_field(name: str, form: str, conversion: str | None, line: int) -> None:
    field = _FIELD.fullmatch(name)
    if field is None or field["first"] not in {"query", "rule", "pipeline"}:
        shown = f"{{{name}}}"
        hint = "a field begins with query, rule or pipeline; a brace is written twice: {{ and }}"
        raise TemplateError(f"{shown} is not a field of a simple template", line, hint)
    for step in _STEP.finditer(field["rest"]):
        if (step["name"] or step["index"]).startswith("_"):
            message = f"a template cannot look at {step[0].strip('.[]')}: it begins with an underscore"
            raise TemplateError(message, line, "only data of the rule and the pipeline has names here")
    if "{" in form:
        raise TemplateError("a format of a simple template cannot hold a field", line, "write the width as a number")
    if any(len(number) > len(str(MOST_WIDTH)) or int(number) > MOST_WIDTH for number in _NUMBER.findall(form)):
        raise TemplateError(f"the format {form[:40]!r} pads to more than {MOST_WIDTH} characters", line)
    if conversion not in {None, "s", "r", "a"}:
        raise TemplateError(f"!{conversion} is not a conversion", line, "known: !s, !r, !a")


def _value(name: str, values: Mapping[str, Any]) -> Any:
    field = _FIELD.fullmatch(name)
    assert field is not None  # noqa: S101  it has been checked
    value = values[field["first"]]
    for step in _STEP.finditer(field["rest"]):
        key = step["name"] or step["index"]
        value = part_of(value, int(key) if step["index"] and key.isdigit() else key)
        if isinstance(value, Undefined):
            raise TemplateError(f"{{{name}}} is not there")
    return value


def _formatted(value: Any, form: str, conversion: str | None, budget: Budget) -> str:
    if conversion is None and form and isinstance(value, Part) and "%" in form:
        return str(call_method(budget, value, "strftime", [form], {}))
    if conversion is None and isinstance(value, int | float | bool | dt.date):
        return format(value, form)
    shown = text(budget, value)
    if conversion in {"r", "a"}:
        shown = repr(value) if conversion == "r" else ascii(value)
    return format(str(shown), form)
