"""What rules refer to: correlations to rules, by id, name or title, at any depth and in any order of files.

documents ──names──> what references may call them ──check_references──> every error
└── chain_errors, needed: chains of correlations
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleError, RuleWarning, suggest
from converter.plan.metadata import reference_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from converter.errors import Place, SourceError
    from converter.readers.source import Span
    from converter.readers.yaml_document import Document

MAX_CHAIN = 16
"""How deep correlations count correlations; a deeper one is refused."""


def identifiers_of(documents: Iterable[Document]) -> dict[str, Document]:
    """Return documents by name and by id, which are to be unique."""
    return {
        reference_key(str(one.data[key])): one
        for one in documents
        if isinstance(one.data, dict)
        for key in ("id", "name")
        if one.data.get(key)
    }


def names_of(documents: Iterable[Document]) -> dict[str, Document]:
    """Return documents by all that a reference may call them: name and id, and the title where only one has it."""
    documents = list(documents)
    titles: dict[str, list[Document]] = {}
    for document in documents:
        if isinstance(document.data, dict) and document.data.get("title"):
            titles.setdefault(str(document.data["title"]), []).append(document)
    unique = {title: found[0] for title, found in titles.items() if len(found) == 1}
    return unique | identifiers_of(documents)


def references(document: Document) -> list[tuple[Place, str]]:
    """Return the rules that a correlation refers to, each with its place, in order; without a list its condition's."""
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
    document: Document, names: Mapping[str, Document], bad: Mapping[str, Document]
) -> Iterator[SourceError]:
    """Yield an error for each rule that a correlation, or an alias of it, refers to and that is not there.

    Args:
        document: any rule; only correlations refer to others.
        names: rules without errors, by what references may call them.
        bad: the same of rules with errors.
    """
    found = references(document)
    for place, reference in found:
        if reference in names:
            continue
        if reference in bad:
            where = bad[reference].place("title")
            yield RuleError(
                f"the rule {reference!r} has an error itself", place, f"it is in {where.name}, line {where.line}"
            )
            continue
        hint = suggest(reference, names) or "is the file of that rule among the given ones?"
        yield RuleError(f"no rule has the name or id {reference!r}", place, hint)
    counted = {id(names[reference]) for _, reference in found if reference in names}
    for alias, mapping in _aliases(document).items():
        for rule in mapping:
            if (rule in names and id(names[rule]) in counted) or any(rule == reference for _, reference in found):
                continue
            yield RuleError(
                f"the alias {alias!r} is for a rule {rule!r} that the correlation does not count",
                document.place("correlation", "aliases", alias, rule, key=True),
                suggest(rule, [reference for _, reference in found]) or "drop it, or add the rule to `rules`",
            )


def _aliases(document: Document) -> Mapping[str, Mapping[str, str]]:
    correlation: Any = document.data.get("correlation")
    aliases: Mapping[str, Mapping[str, str]] = (correlation or {}).get("aliases") or {}
    return aliases


def chain_errors(documents: Iterable[Document], names: Mapping[str, Document]) -> dict[int, SourceError]:
    """Return an error for each correlation that counts itself, or is the first of too long a chain, by its identity."""
    documents = list(documents)
    below = {
        id(document): [(place, names[name]) for place, name in references(document) if name in names]
        for document in documents
    }
    errors: dict[int, SourceError] = {}
    for document in documents:
        for place, found in below[id(document)]:
            path = _path(found, document, below)
            if path is not None:
                titles = " -> ".join(_called(one) for one in (document, *path))
                errors[id(document)] = RuleError(f"the correlation counts itself: {titles}", place, "break the circle")
                break
    if not errors:
        depths: dict[int, int] = {}
        for document in documents:
            for one in needed(document, names):
                depth = max((depths[id(found)] + 1 for _, found in below[id(one)]), default=0)
                depths[id(one)] = depth
                if depth > MAX_CHAIN:
                    errors[id(one)] = RefusedError(
                        f"correlations of correlations are nested deeper than {MAX_CHAIN}",
                        "chained correlation",
                        one.place("correlation", "rules"),
                        "count fewer steps in one chain",
                    )
    return errors


def _path(start: Document, end: Document, below: Mapping[int, list[tuple[Place, Document]]]) -> list[Document] | None:
    """Return a way from one document to another along references, both included, or None."""
    came: dict[int, Document | None] = {id(start): None}
    stack = [start]
    while stack:
        one = stack.pop()
        if one is end:
            path: list[Document] = []
            at: Document | None = one
            while at is not None:
                path.append(at)
                at = came[id(at)]
            return path[::-1]
        for _, found in below.get(id(one), ()):
            if id(found) not in came:
                came[id(found)] = one
                stack.append(found)
    return None


def _called(document: Document) -> str:
    return str(document.data.get("name") or document.data.get("id") or document.data.get("title"))


def needed(document: Document, names: Mapping[str, Document]) -> list[Document]:
    """Return a document and all that it refers to, at any depth; each after what it refers to, each once."""
    found: dict[int, Document] = {}
    stack: list[tuple[Document, bool]] = [(document, False)]
    entered: set[int] = set()
    while stack:
        one, done = stack.pop()
        if done:
            found.setdefault(id(one), one)
        elif id(one) not in entered:
            entered.add(id(one))
            stack.append((one, True))
            stack.extend((names[name], False) for _, name in reversed(references(one)) if name in names)
    return list(found.values())


def reference_warnings(document: Document, names: Mapping[str, Document]) -> Iterator[RuleWarning]:
    """Yield what is doubtful about the references and aliases of a correlation."""
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
    """Return what to call a rule in place of its title."""
    known = data.get("name") or data.get("id")
    return repr(known) if known else "a name, and give it to the rule"
