"""The arguments of a command that this engine does not run: their text, as far as the command goes.

outputlookup append=t [search x | fields y] "a | b"  ──>  Unsupported("outputlookup", 'append=t [...] "a | b"')

A pipe ends the command unless it stands in quotes, in a comment or in square brackets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.syntax import Span, Unsupported

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_PLAIN = re.compile(r"""(?:[^"`\[\]|\\]|\\.|\\$)+""", re.DOTALL)


def unsupported(scanner: Scanner, span: Span, name: str, construct: str = "") -> Unsupported:
    """Read the rest of the command `name`, whose name stood at `span`; `construct` is the part that is not supported.

    Raises:
        QueryError: a quote, a comment or a square bracket is not closed.
    """
    scanner.skip()
    start = scanner.pos
    _text(scanner)
    return Unsupported(name, scanner.text[start : scanner.pos].rstrip(), span, construct)


def _text(scanner: Scanner) -> None:
    """Move over text up to the end of the command."""
    open_brackets: list[int] = []
    text = scanner.text
    while True:
        scanner.skip()
        here = text[scanner.pos : scanner.pos + 1]
        if here == '"':
            scanner.quoted()
        elif here == "[":
            open_brackets.append(scanner.pos)
            scanner.pos += 1
        elif here == "]" and open_brackets:
            open_brackets.pop()
            scanner.pos += 1
        elif here == "|" and open_brackets:
            scanner.pos += 1
        elif here in ("", "|", "]"):
            break
        elif match := _PLAIN.match(text, scanner.pos):
            scanner.pos = match.end()
    if open_brackets:
        raise scanner.error("the square bracket is not closed", Span(open_brackets[-1]), "close it with ]")
