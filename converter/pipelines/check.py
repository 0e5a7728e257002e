"""Check a pipeline's file before pySigma sees it: every item, parameter, condition, template and regular expression.

Document ──check_pipeline──> the first error, with its place and a hint; without one, the file is data (or trusted)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, Place, suggest
from converter.pipelines.parameters import (
    COMMON,
    CONDITIONS,
    KINDS,
    NEEDS_FUNCTION,
    ONLY_USER,
    PIPELINE,
    UNTRUSTED,
)
from converter.pipelines.regexes import check_regex
from converter.pipelines.templates.budget import TemplateError
from converter.readers.schema import Keys, errors, unknown, value_at
from converter.readers.source import Span
from converter.readers.whole_file import SMALL, read_small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from converter.errors import SourceError
    from converter.pipelines.templates.interpreter import Template
    from converter.pipelines.templates.simple import SimpleTemplate
    from converter.readers.schema import KeyPath
    from converter.readers.yaml_document import Document

_TRUST = "read the pipeline; if you trust it, give --trust-pipelines"
_MOST_EXPRESSION = 1000
_MOST_ITEMS = 5000
_TEMPLATE_SUFFIXES = (".j2", ".jinja", ".jinja2", ".tmpl")
_INNER: Mapping[str, tuple[str, str]] = {
    "transformations": ("nest", "items"),
    "postprocessing": ("nest", "items"),
    "finalizers": ("nested", "finalizers"),
}
# The parameters that are regular expressions, with those that replace what they match.
_REGEXES: Mapping[str, tuple[str, str]] = {
    "extract_fields": ("regex", ""),
    "replace_string": ("regex", "replacement"),
    "replace": ("pattern", "replacement"),
    "match_string": ("pattern", ""),
    **dict.fromkeys(UNTRUSTED, ("filter", "")),
}


def check_pipeline(document: Document, *, trusted: bool) -> None:
    """Raise the first error in a pipeline's file.

    Args:
        document: the file.
        trusted: whether the user lets the pipeline run code, read files and open connections.

    Raises:
        ConfigurationError: with a place and a hint.
    """
    for error in _Checker(document, trusted).errors():
        raise error


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A template's text, and where its lines stand."""

    text: str
    locate: Callable[[int], Place]


def template_text(document: Document, path: KeyPath) -> TemplateText:
    """Return the template of an item, from the pipeline's file or from one in its folder.

    Raises:
        ConfigurationError: the template is in a file that the pipeline may not read, or that is not there.
    """
    item = value_at(document, path)
    if item.get("path") is None:
        text = str(item["template"])
        return TemplateText(text, lambda line: _place_of_line(document, (*path, "template"), text, line))
    file = _template_file(document, path, item)
    try:
        template = read_small(file)
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"the template {item['template']!r} cannot be read", document.place(*path, "template"), "it must be UTF-8"
        ) from None
    if template is None:
        message = f"the template {item['template']!r} has more than {SMALL:,} bytes"
        raise ConfigurationError(message, document.place(*path, "template"), "split it")
    return TemplateText(template, lambda line: Place.at_line(template, max(line, 1), 1, str(file)))


def parse(text: str, item: Mapping[str, Any]) -> Template | SimpleTemplate:
    """Return the template of an item. Raises TemplateError."""
    from converter.pipelines.templates.interpreter import parse_template  # noqa: PLC0415  Jinja is slow to import
    from converter.pipelines.templates.simple import parse_simple  # noqa: PLC0415

    if item["type"] == "simple_template":
        return parse_simple(text)
    return parse_template(text, autoescape=item.get("autoescape", False))


def _template_file(document: Document, path: KeyPath, item: Mapping[str, Any]) -> Path:
    """Return the file of a template, which must be a template in the folder of the pipeline, links resolved."""
    home = Path(document.name).resolve().parent
    relative = Path(item["path"], item["template"])
    place = document.place(*path, "path")
    try:
        # As pySigma has it, a path begins in the current folder; what is beside the pipeline is found from anywhere.
        candidates = [base / relative for base in (Path(), home)]
        file = next((candidate for candidate in candidates if candidate.is_file()), candidates[-1]).resolve()
    except (OSError, RuntimeError, ValueError):  # a zero byte, a loop of links, a deleted folder
        raise ConfigurationError(f"there is no template {item['template']!r}", place) from None
    if not file.is_relative_to(home) or any(part.startswith(".") for part in file.relative_to(home).parts):
        message = f"a pipeline may not read the template {item['template']!r}: it is outside the pipeline's folder"
        raise ConfigurationError(message, place, f"move it beside the pipeline; or {_TRUST}")
    if file.suffix not in _TEMPLATE_SUFFIXES:
        message = f"a pipeline may not read {item['template']!r}: its name does not say that it is a template"
        raise ConfigurationError(message, document.place(*path, "template"), f"end it in {_TEMPLATE_SUFFIXES[0]}")
    if not file.is_file():
        raise ConfigurationError(f"there is no template {item['template']!r}", document.place(*path, "template"))
    return file


def _place_of_line(document: Document, path: KeyPath, text: str, line: int) -> Place:
    lines = text.split("\n")
    if not 0 < line <= len(lines):
        return document.place(*path)
    start = sum(len(before) + 1 for before in lines[: line - 1])
    return document.place(*path, inner=Span(start, start + max(1, len(lines[line - 1]))))


def _count(section: str, items: Any) -> int:
    """Return how many items a section has, those inside others included."""
    count = 0
    stack = [items]
    while stack:
        listed = stack.pop()
        if isinstance(listed, list):
            count += len(listed)
            stack += [item.get(_INNER[section][1]) for item in listed if isinstance(item, dict)]
    return count


def _wrong_expression(expression: str, conditions: Mapping[str, Any]) -> str:
    """Return what is wrong with an expression of named conditions; an empty string if nothing is."""
    from sigma.processing.condition_expressions import parse_condition_expression  # noqa: PLC0415  slow to import

    if len(expression) > _MOST_EXPRESSION:
        return f"more than {_MOST_EXPRESSION} characters"
    given: Any = dict.fromkeys(conditions)
    try:
        named = parse_condition_expression(expression).resolve(given)
    except Exception as error:  # noqa: BLE001  pySigma raises anything
        return str(error.args[0] if error.args else error) or type(error).__name__
    unused = [name for name in conditions if name not in named]
    return f"it does not name {', '.join(unused)}" if unused else ""


@dataclass(frozen=True, slots=True)
class _Checker:
    document: Document
    trusted: bool

    def errors(self) -> Iterator[SourceError]:
        """Yield every error of the file, those of the whole first."""
        yield from errors(self.document, Keys(PIPELINE, hint=f"keys: {', '.join(KINDS)}", hints=ONLY_USER))
        for section in KINDS:
            if (count := _count(section, self.document.data.get(section, ()))) > _MOST_ITEMS:
                message = f"{section} has {count:,} items, more than {_MOST_ITEMS:,}"
                yield self.error(message, (section,), "each of them is applied to every rule", key=True)
            for index in range(len(self.document.data.get(section, ()))):
                yield from self.item(section, (section, index))

    def error(self, message: str, path: KeyPath, hint: str = "", *, key: bool = False) -> SourceError:
        return ConfigurationError(message, self.document.place(*path, key=key), hint)

    def item(self, section: str, path: KeyPath) -> Iterator[SourceError]:
        """Yield the errors of an item, and of those inside it."""
        item = value_at(self.document, path)
        if not isinstance(item, dict):
            yield self.error(f"not a valid item of {section}: not a mapping", path, "an item is a mapping with a type")
            return
        kind = item.get("type")
        shape = KINDS[section].get(kind) if isinstance(kind, str) else None
        if shape is None or not isinstance(kind, str):
            yield self.unknown_kind(section, kind, path)
            return
        known = {**COMMON[section], **shape.known}
        yield from errors(self.document, Keys(known, shape.required, inside=True, hints=ONLY_USER), *path)
        yield from self.conditions(section, item, path)
        yield from self.parameters(section, kind, item, path)
        outer, inner = _INNER[section]
        if kind == outer:
            for index in range(len(item[inner])):
                yield from self.item(section, (*path, inner, index))

    def unknown_kind(self, section: str, kind: Any, path: KeyPath) -> SourceError:
        invalid = f"not a valid item of {section}"
        if kind is None:
            return self.error(f"{invalid}: 'type' is missing", path, f"known: {', '.join(sorted(KINDS[section]))}")
        if kind == NEEDS_FUNCTION and section == "transformations":
            message = f"{kind} needs a function of Python, which a file cannot hold"
            return self.error(message, path, "write a field_name_mapping, a field_name_prefix or a field_name_suffix")
        hint = suggest(str(kind), KINDS[section]) or unknown(kind, sorted(KINDS[section]))
        return self.error(f"{invalid}: unknown type {kind!r}", (*path, "type"), hint)

    # ----------------------------------------------------------------------------------------------------- conditions

    def conditions(self, section: str, item: Mapping[str, Any], path: KeyPath) -> Iterator[SourceError]:
        for prefix, kinds in CONDITIONS.items():
            name, expression = f"{prefix}_conditions", f"{prefix}_cond_expr"
            if name not in COMMON[section]:
                continue
            given = item.get(name, ())
            for step in given if isinstance(given, dict) else range(len(given)):
                yield from self.condition(kinds, prefix, (*path, name, step))
            if expression in item:
                if not isinstance(given, dict):
                    hint = f"{name}: {{a: {{type: {next(iter(kinds))}, ...}}}}"
                    yield self.error(f"{expression} needs named conditions", (*path, expression), hint, key=True)
                if f"{prefix}_cond_op" in item:
                    yield self.error(
                        f"{expression} and {prefix}_cond_op exclude each other", (*path, expression), "", key=True
                    )
                if message := _wrong_expression(item[expression], given):
                    yield self.error(f"{expression}: {message}", (*path, expression), "for example: a and not (b or c)")

    def condition(self, kinds: Mapping[str, Keys], prefix: str, path: KeyPath) -> Iterator[SourceError]:
        condition = value_at(self.document, path)
        kind = condition.get("type")
        shape = kinds.get(kind) if isinstance(kind, str) else None
        if shape is None:
            known = ", ".join(sorted(kinds))
            if kind is None:
                yield self.error(f"a condition of {prefix}_conditions has no type", path, f"known: {known}")
            else:
                hint = suggest(str(kind), kinds) or f"known: {known}"
                yield self.error(f"{prefix}_conditions: unknown type {kind!r}", (*path, "type"), hint)
            return
        known_keys = {"type": COMMON["finalizers"]["type"], **shape.known}
        yield from errors(self.document, Keys(known_keys, shape.required, inside=True), *path)
        if kind == "logsource" and len(condition) == 1:
            yield self.error("the condition logsource names none", path, "product: windows")
        yield from self.regexes(str(kind), condition, path)
        if condition.get("mode") == "re":
            for index, pattern in enumerate(condition["fields"]):
                if message := check_regex(pattern):
                    yield self.error(message, (*path, "fields", index))

    # ----------------------------------------------------------------------------------------------------- parameters

    def parameters(self, section: str, kind: str, item: Mapping[str, Any], path: KeyPath) -> Iterator[SourceError]:
        """Yield the errors of parameters whose types are right."""
        if kind in UNTRUSTED and not self.trusted:
            yield self.error(f"{kind} {UNTRUSTED[kind]}, which a pipeline may not do", (*path, "type"), _TRUST)
        yield from self.regexes(kind, item, path)
        if "include" in item and "exclude" in item:
            yield self.error("include and exclude exclude each other", (*path, "exclude"), "remove one", key=True)
        match section, kind:
            case "transformations", "change_logsource" if not {"category", "product", "service"} & item.keys():
                yield self.error("change_logsource names no log source", path, "product: windows")
            case "transformations", "extract_fields" if "(?P<" not in item["regex"]:
                yield self.error("the regular expression has no named group", (*path, "regex"), "(?P<name>...)")
            case "transformations", "set_value":
                yield from self.forced_value(item, path)
            case "postprocessing", "json":
                yield from self.json_template(item, path)
            case (("postprocessing" | "finalizers"), ("template" | "simple_template")):
                yield from self.template(item, path)

    def regexes(self, kind: str, item: Mapping[str, Any], path: KeyPath) -> Iterator[SourceError]:
        name, replacement = _REGEXES.get(kind, ("", ""))
        if isinstance(item.get(name), str) and (message := check_regex(item[name], item.get(replacement))):
            yield self.error(message, (*path, replacement if "replacement" in message else name))

    def forced_value(self, item: Mapping[str, Any], path: KeyPath) -> Iterator[SourceError]:
        forced, value = item.get("force_type"), item["value"]
        if forced is not None and (value is None or isinstance(value, bool)):
            yield self.error("force_type needs a string or a number", (*path, "value"))
        elif forced == "num":
            try:
                float(value)
            except ValueError:
                yield self.error(f"{value!r} is not a number", (*path, "value"), "write a number, or no force_type")

    def json_template(self, item: Mapping[str, Any], path: KeyPath) -> Iterator[SourceError]:
        here = (*path, "json_template")
        try:
            json.loads(item["json_template"])
        except (ValueError, RecursionError) as error:
            yield self.error(f"json_template is not JSON: {error}", here, """for example '{"query": "%QUERY%"}'""")

    def template(self, item: Mapping[str, Any], path: KeyPath) -> Iterator[SourceError]:
        if self.trusted:
            return
        if item.get("vars") is not None:
            message = "vars runs a file of Python, which a pipeline may not do"
            yield self.error(message, (*path, "vars"), _TRUST, key=True)
            return
        try:
            source = template_text(self.document, path)
        except ConfigurationError as error:
            yield error
            return
        try:
            parse(source.text, item)
        except TemplateError as error:
            hint = error.hint or (_TRUST if item["type"] == "simple_template" else "")
            yield ConfigurationError(error.message, source.locate(error.line), hint)
