"""Commands that rewrite texts: `strcat`, `replace`, `rex mode=sed`, `fieldformat`.

command ──> rows -> rows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.functions.evaluate import compile_expression
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.regexes import clean, finder, wildcard_groups
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import String
from converter.targets.splunk.engine.language.values import put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.targets.splunk.engine.language.syntax import FieldFormat, Replace, Sed, StrCat, Transliterate
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"


def sed(command: Sed, text: str) -> Stage:
    """Replace the first match, every match, or the one of a number, in each value of a field.

    Raises:
        QueryError: the pattern is no regular expression; when run: the replacement has a group that it has not.
    """
    find = finder(command.pattern, lambda message: error_at(text, command.span, message))

    def replaced(value: str) -> str:
        pieces: list[str] = []
        end = 0
        for number, match in enumerate(find(value), 1):
            if command.occurrence not in (0, number):
                continue
            pieces.append(value[end : match.start()])
            pieces += [part if isinstance(part, str) else _group(match, part) for part in command.replacement]
            end = match.end()
        return "".join((*pieces, value[end:]))

    def _group(match: Any, number: int) -> str:
        try:
            return match.group(number) or ""
        except (IndexError, KeyError):
            raise error_at(
                text, command.span, rf"the replacement has \{number}, and the expression no such group"
            ) from None

    return _rewriting(command.field, lambda value: replaced(clean(value)))


def _rewriting(name: str, function: Callable[[str], str]) -> Stage:
    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if name in row:
                put(row, name, [function(text_of(value)) for value in values_of(row[name])])
            yield row

    return run


def transliterate(command: Transliterate) -> Stage:
    """Replace characters of a field by others, one for one."""
    characters = str.maketrans(dict(reversed(list(zip(command.source, command.target, strict=True)))))
    return _rewriting(command.field, lambda value: value.translate(characters))


def strcat(command: StrCat, text: str) -> Stage:
    """Write fields and texts one after the other into a field; a missing field is an empty text.

    Raises:
        QueryError: when run: a field has several values.
    """

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
                    raise error_at(text, part.span, f"strcat of the multivalue field {part.name!r}", "use nomv first")
                whole = whole and value is not None
                pieces.append("" if value is None else text_of(value))
            if whole or not command.all_required:
                row[command.target] = "".join(pieces)
            yield row

    return run


def replace(command: Replace, text: str) -> Stage:
    """Replace whole values of fields; of several pairs for one value the last counts.

    Raises:
        QueryError: no field is named, or several pairs have wildcards; when run: a value differs in case only.
    """
    if not command.names:
        raise error_at(
            text,
            command.span,
            "replace without fields is not supported",
            "it leaves out fields by a rule that is not documented",
        )
    if len(command.pairs) > 1 and any("*" in old for old, _ in command.pairs):
        raise error_at(
            text,
            command.span,
            "replace of several values, one with a wildcard",
            "use a replace for each, as Splunk advises",
        )
    if any("*" in name for name in command.names):
        raise error_at(text, command.span, "a wildcard in the fields of replace is not supported", "name the fields")
    pairs = [
        (wildcard_groups(old), wildcard_groups(old, cased=False), new.split("*"))
        for old, new in reversed(command.pairs)
    ]

    def replaced(value: Any) -> Any:
        shown = text_of(value)
        for exact, loose, pieces in pairs:
            found = exact(shown)
            if found is not None:
                return pieces[0] + "".join(part + after for part, after in zip(found, pieces[1:], strict=False))
            if loose(shown) is not None:
                raise error_at(
                    text,
                    command.span,
                    f"replace of a value that differs in case only: {shown[:80]!r}",
                    "whether Splunk minds case here is not documented",
                )
        return value

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name in command.names:
                if name in row:
                    put(row, name, [replaced(value) for value in values_of(row[name])])
            yield row

    return run


def fieldformat(command: FieldFormat, text: str) -> Stage:
    """Leave the rows as they are: the command changes only how a field is shown.

    Raises:
        QueryError: the expression does not compile.
    """
    compile_expression(command.assignment.expression, text)

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        current().note(f"fieldformat changes how {command.assignment.name} is shown; the rows have its value")
        return rows

    return run
