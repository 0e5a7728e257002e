"""Load Sigma rules: files to documents with positions, to pySigma rules, to plans.

    paths ──> parse_documents ──> check structure (positions) ──> pySigma ──lower──> Rules.plans

pySigma parses the rules; what it cannot place in the file, `parsing` finds again by parsing the parts one by one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.document import Document, parse_documents
from converter.errors import RuleError, SourceError
from converter.parsing import collection_of, link, parse_rule
from converter.structure import check_document
from converter.structure_correlation import check_references, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sigma.collection import SigmaCollection

    from converter.plan.nodes import Plan

_RULE_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class Rules:
    """Loaded rules.

    Attributes:
        documents: one for each rule, in the order of the files.
        plans: what is to be converted or evaluated: every rule that no correlation swallows, without any pipeline.
    """

    documents: tuple[Document, ...]
    plans: tuple[Plan, ...] = ()
    _index: dict[str, Document] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {rule_key(document.data): document for document in self.documents}
        index.update(_identifiers(self.documents))
        object.__setattr__(self, "_index", index)

    def collection(self) -> SigmaCollection:
        """Return the rules as fresh pySigma objects; pipelines and backends of pySigma change what they are given."""
        return collection_of(self.documents)

    def __len__(self) -> int:
        return len(self.documents)

    def only(self, plan: Plan) -> Rules:
        """Return the rule of a plan and the rules that it refers to."""
        document = self._index[plan.meta.key]
        needed = {id(one): one for one in (self._index[name] for _, name in references(document))}
        return Rules((*needed.values(), document), (plan,))

    def lowered(self, rule: Any) -> Plan:
        """Return the plan of a pySigma rule made from one of these documents, perhaps changed by a pipeline since."""
        from converter.plan.lower import lower  # noqa: PLC0415  slow to import

        return lower(rule, self._index.get(str(rule.name or rule.id or rule.title)), self._index)


def _identifiers(documents: Iterable[Document]) -> dict[str, Document]:
    """Return documents by name and by id."""
    return {str(one.data[key]): one for one in documents for key in ("id", "name") if one.data.get(key)}


def rule_key(data: Mapping[str, Any]) -> str:
    """Return what a rule is called in output: its name, else its id, else its title."""
    return str(data.get("name") or data.get("id") or data.get("title") or "<untitled>")


def load_rules(paths: Iterable[str | Path], on_error: Callable[[SourceError], None] | None = None) -> Rules:
    """Load rules from files, folders (every `*.yml` below) or `-` (standard input).

    Args:
        paths: what to load.
        on_error: called with each error, and loading goes on without the rule it is about; without it the first
            error is raised.

    Raises:
        RuleError: with a place, when something is not a valid rule.
        RefusedError: when a rule uses what is not supported yet.
    """

    def fail(error: SourceError) -> None:
        if on_error is None:
            raise error
        on_error(error)

    documents: list[Document] = []
    for name, read in _files(paths, fail):
        try:
            found = parse_documents(read(), name)
        except OSError as bad:
            fail(RuleError(f"cannot read {name}: {bad.strerror or bad}"))
            continue
        except SourceError as error:
            fail(error)
            continue
        for document in found:
            try:
                check_document(document)
            except SourceError as error:
                fail(error)
            else:
                documents.append(document)
    return _resolve(documents, fail)


def parse_rules(text: str, name: str = "<rule>") -> Rules:
    """Load rules from YAML text. Raises as `load_rules`."""
    documents = parse_documents(text.encode(), name)
    for document in documents:
        check_document(document)

    def fail(error: SourceError) -> None:
        raise error

    return _resolve(documents, fail)


def _resolve(documents: list[Document], fail: Callable[[SourceError], None]) -> Rules:
    """Check references, build pySigma rules and lower them; drop what fails, and what refers to it."""
    from converter.plan.lower import lower  # noqa: PLC0415  pySigma is slow to import

    good: list[Document] = []
    parsed: dict[int, Any] = {}
    plans: dict[int, Plan] = {}
    identifiers: dict[str, Document] = {}
    called: dict[str, Document] = {}
    for document in documents:
        try:
            _check_unique(document, identifiers, called)
            called[rule_key(document.data)] = document
            rule = parse_rule(document)
            if "correlation" not in document.data:
                plans[id(document)] = lower(rule, document)
        except SourceError as error:
            fail(error)
            continue
        parsed[id(document)] = rule
        identifiers.update(_identifiers([document]))
        good.append(document)
    while True:  # a rule that refers to a bad rule is bad as well, and so on
        bad = None
        for document in good:
            try:
                check_references(document, identifiers)
            except SourceError as error:
                bad = document
                fail(error)
                break
        if bad is None:
            break
        good.remove(bad)
        identifiers = {key: document for key, document in identifiers.items() if document is not bad}
    link([parsed[id(document)] for document in good])
    kept: list[Document] = []
    for document in good:
        if "correlation" in document.data:
            try:
                plans[id(document)] = lower(parsed[id(document)], document, identifiers)
            except SourceError as error:
                fail(error)
                continue
        kept.append(document)
    swallowed = _swallowed(kept, identifiers)
    return Rules(tuple(kept), tuple(plans[id(document)] for document in kept if id(document) not in swallowed))


def _check_unique(document: Document, identifiers: Mapping[str, Document], called: Mapping[str, Document]) -> None:
    """Refuse a rule that could not be told from another one."""
    data = document.data
    clash = next((key for key in _identifiers([document]) if key in identifiers), None)
    if clash is not None:
        message, hint, other = f"another rule has the name or id {clash!r} as well", "", identifiers[clash]
        source = "name" if data.get("name") == clash else "id"
    elif rule_key(data) in called:
        message, other = f"another rule is called {rule_key(data)!r} as well", called[rule_key(data)]
        hint = "give it a name or an id, so that their alerts can be told apart; "
        source = next((name for name in ("name", "id", "title") if data.get(name)), "title")
    else:
        return
    raise RuleError(message, document.place(source), f"{hint}it is in {other.name}, line {other.place('title').line}")


def _swallowed(documents: Sequence[Document], identifiers: Mapping[str, Document]) -> set[int]:
    """Return which documents only serve a correlation: referenced, and none of those says `generate: true`.

    By identity of the document: two rules may share a title.
    """
    used: dict[int, bool] = {}
    for document in documents:
        for _, reference in references(document):
            key = id(identifiers[reference])
            used[key] = used.get(key, False) or bool(document.data["correlation"].get("generate"))
    return {key for key, generate in used.items() if not generate}


def _files(
    paths: Iterable[str | Path], fail: Callable[[SourceError], None]
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    seen: set[Path] = set()
    for given in paths:
        if str(given) == "-":
            yield "<stdin>", sys.stdin.buffer.read
            continue
        path = Path(given)
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix in _RULE_SUFFIXES and p.is_file())
            if not below:
                fail(RuleError(f"no rule (*.yml) in {path}"))
        elif path.exists():
            below = [path]
        else:
            fail(RuleError(f"no such file or folder: {path}"))
            continue
        for file in below:
            if file.resolve() not in seen:  # `a.yml dir/` may name a file twice
                seen.add(file.resolve())
                yield str(file), file.read_bytes
