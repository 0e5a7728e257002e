"""Resolve references of correlations to rules, by id, name or title, at any depth and in any order of files.

documents ──names_of──> documents by name ──check_references──> every error
└── chain_errors, needed: chains of correlations
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import LeftOutError, RefusedError, RuleError, RuleWarning, suggest
from converter.plan.metadata import reference_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from converter.errors import Place, SourceError
    from converter.readers.source import Span
    from converter.readers.yaml_document import Document

MAX_CHAIN = 16
"""The deepest chain of correlations that count correlations; deeper ones are refused."""


def identifiers_of(documents: Iterable[Document]) -> dict[str, Document]:
    """Return documents by name and by id, which must be unique."""
    return {
        reference_key(str(document.data[key])): document
        for document in documents
        if isinstance(document.data, dict)
        for key in ("id", "name")
        if document.data.get(key) not in (None, "")
    }


def names_of(documents: Iterable[Document]) -> dict[str, Document]:
    """Return documents by every name that references may use: name, id, and a title that only one document has."""
    documents = list(documents)
    titles: dict[str, list[Document]] = {}
    for document in documents:
        if isinstance(document.data, dict) and document.data.get("title"):
            titles.setdefault(str(document.data["title"]), []).append(document)
    unique = {title: same[0] for title, same in titles.items() if len(same) == 1}
    return unique | identifiers_of(documents)


def references(document: Document) -> list[tuple[Place, str]]:
    """Return the references of a correlation with their places, in order: of `rules`, or else of its condition."""
    data = document.data
    correlation = data.get("correlation") if isinstance(data, dict) else None
    if not isinstance(correlation, dict):
        return []
    rules, condition = correlation.get("rules"), correlation.get("condition")
    if isinstance(rules, str):
        return [(document.place("correlation", "rules"), reference_key(rules))]
    if isinstance(rules, list):
        names = [(index, reference_key(name)) for index, name in enumerate(rules) if isinstance(name, str)]
        return [(document.place("correlation", "rules", index), name) for index, name in names]
    if rules is None and isinstance(condition, str):
        return [
            (document.place("correlation", "condition", inner=span), word)
            for word, span in dict(reversed(_words(condition))).items()
        ]
    return []


def _words(condition: str) -> list[tuple[str, Span]]:
    from converter.plan.temporal_condition import words_of  # noqa: PLC0415  few rules need it

    return words_of(condition)


def check_references(
    document: Document,
    names: Mapping[str, Document],
    invalid: Mapping[str, Document],
    causes: Mapping[int, SourceError],
) -> Iterator[SourceError]:
    """Yield an error for each unknown rule to which a correlation or one of its aliases refers.

    References to rules with errors are one error together: the correlation is left out because of the first of them.

    Args:
        document: any rule; only correlations refer to others.
        names: the rules without errors, by the names that references may use.
        invalid: the rules with errors, likewise.
        causes: the first error of each rule with errors, by the identity of its document.
    """
    referred = references(document)
    left_out = False
    for place, reference in referred:
        if reference in names:
            continue
        if reference in invalid:
            if not left_out:
                yield because_of(reference, invalid[reference], causes, place)
            left_out = True
            continue
        hint = suggest(reference, names) or "is the file of that rule among the given ones?"
        yield RuleError(f"no rule has the name or id {reference!r}", place, hint)
    counted = {id(names[reference]) for _, reference in referred if reference in names}
    for alias, mapping in _aliases(document).items():
        for rule in mapping:
            if (rule in names and id(names[rule]) in counted) or any(rule == reference for _, reference in referred):
                continue
            yield RuleError(
                f"the alias {alias!r} is for a rule {rule!r} that the correlation does not count",
                document.place("correlation", "aliases", alias, rule, key=True),
                suggest(rule, [reference for _, reference in referred]) or "drop it, or add the rule to `rules`",
            )


def because_of(
    reference: str, invalid: Document, causes: Mapping[int, SourceError], place: Place | None
) -> LeftOutError:
    """Return the error of a rule that refers to one with an error, which it names with the error that it begins with.

    Args:
        reference: the reference.
        invalid: the document of the rule with an error.
        causes: as of `check_references`; a cause that is a consequence itself has a cause of its own.
        place: of the reference.
    """
    cause = causes[id(invalid)]
    while isinstance(cause, LeftOutError) and cause.cause is not None:
        cause = cause.cause
    where = cause.place or invalid.place("title")
    hint = f"correct {where.name}, line {where.line}"
    return LeftOutError(f"the rule {reference!r} has an error: {cause.message}", place, hint, cause)


def _aliases(document: Document) -> Mapping[str, Mapping[str, str]]:
    correlation: Any = document.data.get("correlation")
    aliases: Mapping[str, Mapping[str, str]] = (correlation or {}).get("aliases") or {}
    return aliases


def chain_errors(documents: Iterable[Document], names: Mapping[str, Document]) -> dict[int, SourceError]:
    """Return an error, by the document's identity, for each correlation that counts itself or starts a long chain."""
    documents = list(documents)
    below = {
        id(document): [(place, names[name]) for place, name in references(document) if name in names]
        for document in documents
    }
    errors: dict[int, SourceError] = {}
    for document in documents:
        for place, counted in below[id(document)]:
            path = _path(counted, document, below)
            if path is not None:
                titles = " -> ".join(_called(step) for step in (document, *path))
                hint = "remove one of these references"
                errors[id(document)] = RuleError(f"the correlation counts itself: {titles}", place, hint)
                break
    if not errors:
        depths: dict[int, int] = {}
        for document in documents:
            for rule in needed(document, names):
                depth = max((depths[id(counted)] + 1 for _, counted in below[id(rule)]), default=0)
                depths[id(rule)] = depth
                if depth > MAX_CHAIN:
                    errors[id(rule)] = RefusedError(
                        f"correlations of correlations are nested deeper than {MAX_CHAIN}",
                        "chained correlation",
                        rule.place("correlation", "rules"),
                        "use a shorter chain",
                    )
    return errors


def _path(start: Document, end: Document, below: Mapping[int, list[tuple[Place, Document]]]) -> list[Document] | None:
    """Return a path from one document to another along references, both included; None if there is none."""
    came: dict[int, Document | None] = {id(start): None}
    stack = [start]
    while stack:
        document = stack.pop()
        if document is end:
            path: list[Document] = []
            at: Document | None = document
            while at is not None:
                path.append(at)
                at = came[id(at)]
            return path[::-1]
        for _, referenced in below.get(id(document), ()):
            if id(referenced) not in came:
                came[id(referenced)] = document
                stack.append(referenced)
    return None


def _called(document: Document) -> str:
    return str(document.data.get("name") or document.data.get("id") or document.data.get("title"))


def needed(document: Document, names: Mapping[str, Document]) -> list[Document]:
    """Return a document and all that it refers to at any depth, each once, and after those it refers to itself."""
    sorted_documents: dict[int, Document] = {}
    stack: list[tuple[Document, bool]] = [(document, False)]
    entered: set[int] = set()
    while stack:
        current, done = stack.pop()
        if done:
            sorted_documents.setdefault(id(current), current)
        elif id(current) not in entered:
            entered.add(id(current))
            stack.append((current, True))
            stack.extend((names[name], False) for _, name in reversed(references(current)) if name in names)
    return list(sorted_documents.values())


def reference_warnings(document: Document, names: Mapping[str, Document]) -> Iterator[RuleWarning]:
    """Yield the warnings about the references and aliases of a correlation."""
    for place, reference in references(document):
        data = names[reference].data
        if reference not in {reference_key(str(data[key])) for key in ("name", "id") if data.get(key)}:
            yield RuleWarning(
                f"the reference {reference!r} is the title of a rule",
                "reference-by-title",
                place,
                f"Sigma has references by name and id; use {better_reference(data)}",
            )
    aliases = _aliases(document)
    if aliases:
        correlation = document.data["correlation"]
        condition = correlation.get("condition")
        used = [correlation.get("group-by"), condition.get("field") if isinstance(condition, dict) else None]
        flat = {name for names_ in used for name in (names_ if isinstance(names_, list) else [names_])}
        for alias in aliases:
            if alias not in flat:
                yield RuleWarning(
                    f"nothing uses the alias {alias!r}",
                    "unused-alias",
                    document.place("correlation", "aliases", alias, key=True),
                    "name it in group-by, or as the field of the condition",
                )


def better_reference(data: Mapping[str, Any]) -> str:
    """Return the reference to use instead of a rule's title."""
    known = data.get("name") or data.get("id")
    return repr(known) if known else "a name, and give it to the rule"
