"""What a rule file asks of an ES|QL query beyond the language: alerts must be identifiable.

    query ──commands──> names and words of each command ──check_esql──> nothing, or a QueryError

A query without an aggregation must fetch `_id`, `_version` and `_index`, and every query must `keep` columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.errors import QueryError
from converter.readers.source import NOWHERE, Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_IDENTITY = frozenset({"_id", "_version", "_index"})
_TOKEN = re.compile(
    r'(?P<skip>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"""(?:.*?)"{3,5}|"(?:[^"\\]|\\.)*")|(?P<name>`(?:[^`]|``)*`|[\w.@*]+)'
    r"|(?P<sign>.)",
    re.DOTALL,
)


def check_esql(query: str) -> None:
    """Refuse an ES|QL query that detection-rules refuses in a rule file.

    Raises:
        QueryError: the metadata fields or `keep` are missing.

    Source: elastic/detection-rules, ESQLRuleData.validates_esql_data.
    """
    source = Source(query, QueryError)
    commands = list(_commands(query))
    names = [words[0][0].lower() if words else "" for words in commands]
    aggregates = any(
        "stats" in {word.lower() for word, _ in words[:2]} and "by" in {word.lower() for word, _ in words}
        for words in commands
    )
    first = [word.lower() for word, _ in commands[0]] if commands else []
    fetched = set(first[first.index("metadata") + 1 :]) if "metadata" in first else set()
    if not aggregates and not fetched >= _IDENTITY:
        raise source.error(
            "a query without an aggregation needs the metadata fields _id, _version and _index",
            NOWHERE,
            "write: from ... metadata _id, _version, _index",
        )
    keeps = [words for words, name in zip(commands, names, strict=True) if name == "keep"]
    if not keeps:
        raise source.error("an ES|QL rule needs a keep command", NOWHERE, "add: | keep ...")
    if "stats" in names:
        return
    for words in keeps:
        columns = {word for word, _ in words[1:]}
        if "*" not in columns and not columns >= _IDENTITY:
            message = "this keep drops the metadata fields _id, _version or _index"
            raise source.error(message, words[0][1], "add _id, _version, _index to it")


def _commands(query: str) -> Iterator[list[tuple[str, Span]]]:
    """Yield the names in each command between pipes, each with its place; strings and comments are left out."""
    words: list[tuple[str, Span]] = []
    for match in _TOKEN.finditer(query):
        if match["name"] is not None:
            words.append((match["name"].strip("`"), Span(*match.span())))
        elif match["sign"] == "|":
            yield words
            words = []
    yield words
