"""Searches in square brackets: what stands between the brackets is read by whoever handed the scanner its commands.

[search a | stats count]  ──Scanner.pipelines──>  Pipeline
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.lex import MAX_DEPTH
from converter.targets.splunk.engine.language.syntax import Subsearch

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import PipelineKind, Scanner
    from converter.targets.splunk.engine.language.syntax import Pipeline


def bracketed(scanner: Scanner, kind: PipelineKind = "search") -> Pipeline:
    """Read a search in square brackets, beginning at its opening bracket.

    Raises:
        QueryError: the text is not such a search, the bracket is not closed, or no search can stand in this text.
    """
    if scanner.pipelines is None:
        raise scanner.error("a subsearch is not supported here")
    scanner.expect("[", "before a search")
    # A level of searches costs more of the stack than a level of round brackets.
    with scanner.nested(MAX_DEPTH), scanner.nested(MAX_DEPTH):
        inner = scanner.pipelines.pipeline(scanner, kind)
    scanner.expect("]", "to close the search")
    return inner


def subsearch(scanner: Scanner) -> Subsearch:
    """Read a search in square brackets that stands in an expression.

    Raises:
        QueryError: as `bracketed`.
    """
    start = scanner.offset
    inner = bracketed(scanner)
    return Subsearch(inner, scanner.span(start))
