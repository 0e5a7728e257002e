"""Lists of fields, as many commands have them: reading one, and testing a field against one with wildcards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.search_parser import pattern_of
from converter.targets.splunk.engine.language.search_predicate import wildcard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.language.lex import Scanner


def read_names(scanner: Scanner) -> tuple[str, ...]:
    """Read fields, with commas or blanks between them, up to the end of the command.

    Raises:
        QueryError: something else stands there.
    """
    names: list[str] = []
    while not scanner.at_command_end():
        names.append(scanner.name("a field"))
        scanner.accept(",")
    return tuple(names)


def read_some_names(scanner: Scanner, span: Span, command: str) -> tuple[str, ...]:
    """Read at least one field; else as `read_names`.

    Raises:
        QueryError: nothing stands there, or something else.
    """
    names = read_names(scanner)
    if not names:
        raise scanner.error(f"{command} without a field", span)
    return names


def read_name(scanner: Scanner, span: Span, command: str) -> str:
    """Read the one field of a command.

    Raises:
        QueryError: nothing stands there, or something else.
    """
    if scanner.at_command_end():
        raise scanner.error(f"{command} without a field", span)
    return scanner.name("a field")


def read_plain_name(scanner: Scanner, what: str) -> str:
    """Read a field that is not a wildcard; `what` it is a field of, for the error.

    Raises:
        QueryError: it is, or something else stands there.
    """
    scanner.skip()
    start = scanner.offset
    name = scanner.name("a field")
    if "*" in name:
        raise scanner.error(f"a wildcard in the fields of {what}", scanner.span(start))
    return name


def matcher(names: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of a field name against names that may hold wildcards."""
    plain = frozenset(name for name in names if "*" not in name)
    patterns = [wildcard(pattern_of(name).parts, cased=True) for name in names if "*" in name]
    if not patterns:
        return plain.__contains__
    return lambda name: name in plain or any(matches(name) for matches in patterns)
