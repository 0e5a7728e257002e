"""Load Sigma rules: files to documents with positions, to pySigma rules, to plans.

    paths ──> parse_documents ──> check structure (positions) ──> pySigma ──lower──> Rules.plans
                                   └──bad rule──> examine: every error of every part, in the order of the files

pySigma parses the rules; what it cannot place in the file, `examine` finds again by trying the parts one by one.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import Place, RuleError, RuleWarning, SourceError, UnreadableError
from converter.plan.metadata import generates
from converter.readers.yaml_document import Document, parse_documents
from converter.rules.collection import Rules, rule_key
from converter.rules.filters import Assigned, add_filters, assign, is_filter
from converter.rules.pysigma import link, parse_rule
from converter.rules.references import (
    chain_errors,
    check_references,
    identifiers_of,
    names_of,
    needed,
    reference_warnings,
    references,
)
from converter.rules.validate import document_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from converter.plan import nodes as ir

_RULE_SUFFIXES = (".yml", ".yaml")
MAX_ERRORS = 100
"""How many errors of one rule are looked for in each of the two passes; whoever has more has not written a rule."""


def load_rules(
    paths: Iterable[str | Path],
    on_error: Callable[[SourceError], None] | None = None,
    on_warning: Callable[[RuleWarning], None] | None = None,
) -> Rules:
    """Load rules from files, folders (every `*.yml` below) or `-` (standard input).

    Args:
        paths: what to load.
        on_error: called with every error of every rule, in the order of the files; rules with errors are left out.
            Without it the first error is raised.
        on_warning: called with every warning about the rules that are left, in the order of the files.

    Raises:
        RuleError: with a place, when something is not a valid rule.
        RefusedError: when a rule uses what is not supported yet.
    """
    loading = _Loading()
    for name, read in _files(paths, loading.fail):
        loading.file(name, read)
    return loading.finish(on_error, on_warning)


def parse_rules(
    text: str,
    name: str = "<rule>",
    on_error: Callable[[SourceError], None] | None = None,
    on_warning: Callable[[RuleWarning], None] | None = None,
) -> Rules:
    """Load rules from YAML text; for the rest see `load_rules`."""
    loading = _Loading()
    loading.file(name, text.encode)
    return loading.finish(on_error, on_warning)


class _Loading:
    """Rules on their way from files to plans, and every error on that way."""

    def __init__(self) -> None:
        self.errors: list[SourceError] = []
        self.names: dict[str, int] = {}
        self.documents: list[Document] = []
        self.bad: list[Document] = []
        self.parsed: dict[int, Any] = {}
        self.plans: dict[int, ir.Plan] = {}
        self.identifiers: dict[str, Document] = {}

    def fail(self, error: SourceError) -> None:
        self.errors.append(error)

    def file(self, name: str, read: Callable[[], bytes]) -> None:
        """Read and check the documents of a file."""
        self.names.setdefault(name, len(self.names))
        try:
            raw = read()
            found = parse_documents(raw, name)
        except OSError as bad:
            self.fail(UnreadableError(f"cannot read {name}: {bad.strerror or bad}"))
            return
        except SourceError as error:
            self.fail(error)
            return
        if not found:
            place = Place.at_line(raw.decode("utf-8-sig"), 1, 1, name)
            self.fail(RuleError("there is no rule in this file", place, "begin with `title: ...`"))
        for document in found:
            errors = list(islice(document_errors(document), MAX_ERRORS))
            if errors:
                self.reject(document, errors)
            else:
                self.documents.append(document)

    def reject(self, document: Document, errors: list[SourceError]) -> None:
        """Note the errors of a document, and whatever else is wrong with it."""
        from converter.rules.diagnose import rule_errors  # noqa: PLC0415  only rules that are bad

        known = {_position(error) for error in errors}
        more = islice(rule_errors(document, known), MAX_ERRORS) if _is_detection(document) or not errors else ()
        self.bad.append(document)
        places: set[tuple[int, int]] = set()
        for error in [*errors, *more]:
            if _position(error) not in places:  # the first one of a place says it best
                places.add(_position(error))
                self.fail(error)

    def finish(
        self, on_error: Callable[[SourceError], None] | None, on_warning: Callable[[RuleWarning], None] | None
    ) -> Rules:
        """Return the rules, after every error and warning."""
        rules = self.resolve()
        found: list[SourceError] = [*self.errors]
        if on_warning is not None:
            from converter.lint.warnings import warnings_of  # noqa: PLC0415  only who asks

            found += [*rules.warnings, *warnings_of(rules.documents, rules.upstream_rule)]
        for one in sorted(found, key=self.position):
            if isinstance(one, RuleWarning):
                if on_warning is not None:
                    on_warning(one)
            elif on_error is None:
                raise one
            else:
                on_error(one)
        return rules

    def position(self, error: SourceError) -> tuple[int, int, int]:
        """Return where an error comes in the order of the files; those without a place come first."""
        return self.names.get(error.place.name, -1) if error.place is not None else -1, *_position(error)

    def resolve(self) -> Rules:
        """Check references, build pySigma rules and lower them; drop what fails, and what refers to it."""
        parsed = [document for document in self._unique() if self.parse(document)]
        good = [document for document in parsed if not is_filter(document)]
        names = names_of(good)
        self.identifiers = names
        chains = chain_errors(good, names)
        rejected = list(self.bad)
        while True:  # a rule that refers to a bad rule is bad as well, and so on
            bad = names_of(self.bad)
            failed = {id(document): document for document in good if not self._refers_to_good(document, chains, bad)}
            if not failed:
                break
            good = [document for document in good if id(document) not in failed]
            self.bad += failed.values()
            self.identifiers = {key: one for key, one in self.identifiers.items() if id(one) not in failed}
        for document in rejected:  # what else is wrong with them has been said
            if not _is_detection(document):
                self.errors += check_references(_bare(document), self.identifiers, bad)
        filters = self.filter(good, [document for document in parsed if is_filter(document)])
        kept = self.lower_correlations(good)
        swallowed = _swallowed(kept, self.bad, self.identifiers)
        plans = (self.plans[id(document)] for document in kept if id(document) not in swallowed)
        doubts = [doubt for document in kept for doubt in reference_warnings(document, self.identifiers)]
        warnings = sorted([*doubts, *filters.warnings], key=self.position)
        return Rules(tuple(kept), tuple(plans), filters.filters, tuple(warnings), self.parsed)

    def filter(self, good: Sequence[Document], filters: Sequence[Document]) -> Assigned:
        """Add filters to the rules that they are for."""
        from converter.plan.lower import lower  # noqa: PLC0415

        assigned = assign(filters, good, self.identifiers)
        self.errors += assigned.errors
        for document in good:
            if found := assigned.filters.get(id(document)):
                rule = self.parsed[id(document)]
                add_filters(rule, [(one, parse_rule(one)) for one in found])
                self.plans[id(document)] = lower(rule, document)
        return assigned

    def _unique(self) -> Iterator[Document]:
        """Yield the documents that can be told apart, and note their names."""
        called: dict[str, Document] = {}
        for document in self.documents:
            try:
                _check_unique(document, self.identifiers, called)
            except SourceError as error:
                self.bad.append(document)
                self.fail(error)
                continue
            called[rule_key(document.data)] = document
            yield document

    def parse(self, document: Document) -> bool:
        """Parse a rule with pySigma, and lower it if it stands for itself; return whether both went well."""
        from converter.plan.lower import lower  # noqa: PLC0415  pySigma is slow to import
        from converter.rules.diagnose import pysigma_errors, whole_error  # noqa: PLC0415

        try:
            rule = parse_rule(document)
            if _is_detection(document):
                self.plans[id(document)] = lower(rule, document)
        except SourceError as error:
            return self._examine(document, error)
        except pysigma_errors() as bad:
            return self._examine(document, whole_error(document, bad))
        self.parsed[id(document)] = rule
        self.identifiers.update(identifiers_of([document]))
        return True

    def _examine(self, document: Document, error: SourceError) -> bool:
        """Note every error of a rule; if its parts are all fine, the error that is known."""
        before = len(self.errors)
        self.reject(document, [])
        if len(self.errors) == before:
            self.fail(error)
        return False

    def _refers_to_good(
        self, document: Document, chains: Mapping[int, SourceError], bad: Mapping[str, Document]
    ) -> bool:
        errors = list(check_references(document, self.identifiers, bad))
        if id(document) in chains and not errors:
            errors = [chains[id(document)]]
        self.errors += errors
        return not errors

    def lower_correlations(self, documents: Sequence[Document]) -> list[Document]:
        """Lower the rules that refer to others, now that they are known; return the rules without errors."""
        from converter.plan.lower import lower  # noqa: PLC0415

        correlations = [document for document in documents if not _is_detection(document)]
        below = {id(other): other for document in correlations for other in needed(document, self.identifiers)}
        copies = copy.deepcopy([self.parsed[key] for key in below])  # linking changes what is linked
        link(copies)
        linked = dict(zip(below, copies, strict=True))
        done = {id(linked[key]): self.plans[key] for key in below if key in self.plans}
        failed: set[int] = set()
        for document in correlations:
            try:
                self.plans[id(document)] = lower(linked[id(document)], document, self.identifiers, done)
            except SourceError as error:
                failed.add(id(document))
                self.bad.append(document)
                self.fail(error)
        return [document for document in documents if id(document) not in failed]


def _position(error: SourceError) -> tuple[int, int]:
    return (error.place.line, error.place.column) if error.place is not None else (0, 0)


def _bare(document: Document) -> Document:
    """Return a bad rule with nothing but its references, which can be read whatever the rest is."""
    correlation = document.data.get("correlation") if isinstance(document.data, dict) else None
    rules = correlation.get("rules") if isinstance(correlation, dict) else None
    return replace(document, data={"correlation": {"rules": rules if rules is not None else []}})


def _is_detection(document: Document) -> bool:
    return isinstance(document.data, dict) and "correlation" not in document.data


def _check_unique(document: Document, identifiers: Mapping[str, Document], called: Mapping[str, Document]) -> None:
    """Refuse a rule that could not be told from another one."""
    data = document.data
    clash = next((key for key in identifiers_of([document]) if key in identifiers), None)
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


def _swallowed(documents: Sequence[Document], bad: Sequence[Document], identifiers: Mapping[str, Document]) -> set[int]:
    """Return which documents only serve a correlation: referenced, and none of those says `generate: true`.

    A correlation with an error still means its rules to serve it: alone they would flood whoever gets them.
    By identity of the document: two rules may share a title.
    """
    used: dict[int, bool] = {}
    for document in (*documents, *bad):
        for _, name in references(document):
            found = identifiers.get(name)
            if found is not None:
                generate = generates(document)
                used[id(found)] = used.get(id(found), False) or generate
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
                fail(UnreadableError(f"no rule (*.yml) in {path}"))
        elif path.exists():
            below = [path]
        else:
            fail(UnreadableError(f"no such file or folder: {path}"))
            continue
        for file in below:
            if file.resolve() not in seen:  # `a.yml dir/` may name a file twice
                seen.add(file.resolve())
                yield str(file), file.read_bytes
