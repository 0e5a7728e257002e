"""Load Sigma rules: from files to documents with positions, to pySigma's rules, to plans.

    paths ──> parse_documents ──> document_errors (structure) ──> pySigma ──lower──> Rules.plans
                                   └──invalid rule──> diagnose: every error of every part, in the order of the files

pySigma parses the rules, but cannot place its errors in the file; `rules/diagnose.py` finds their places by trying the
parts of a rule one by one.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from converter.errors import (
    InternalError,
    LeftOutError,
    Place,
    RuleError,
    RuleWarning,
    SourceError,
    UnreadableError,
)
from converter.isolation import isolated
from converter.lint.fields import field_warnings
from converter.lint.misreadings import misreadings
from converter.plan.metadata import generates
from converter.readers.yaml_document import Document, parse_documents
from converter.rules.actions import expanded
from converter.rules.collection import Rules, rule_key
from converter.rules.files import RuleFile, looks_like_a_rule, may_hold_rules, rule_files
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
from converter.rules.validate_metadata import metadata_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from converter.plan import nodes as ir

_BEGINNING = "a rule has `title`, `logsource` and `detection`"
MAX_ERRORS = 100
"""The most errors of one rule that each of the two passes looks for; a document with more is hardly a rule."""


def load_rules(
    paths: Iterable[str | Path],
    on_error: Callable[[SourceError], None] | None = None,
    on_warning: Callable[[RuleWarning], None] | None = None,
    *,
    exclude: Sequence[str] = (),
) -> Rules:
    """Load rules from files, folders (every `*.yml` below) or `-` (standard input).

    Args:
        paths: files and folders.
        on_error: called with every error of every rule, in the order of the files; rules with errors are left out.
            Without it, the first error is raised.
        on_warning: called with every warning about the rules without errors, in the order of the files.
        exclude: patterns of files and folders that are left out in folders.

    Raises:
        RuleError: a rule is not valid; has a place.
        RefusedError: a rule uses a construct that is not supported yet.
    """
    loading = _Loading()
    for file in rule_files(paths, exclude, loading.fail):
        with isolated(loading.fail, about=f"reading {file.name}"):
            loading.file(file)
    return loading.finish(on_error, on_warning)


def parse_rules(
    text: str,
    name: str = "<rule>",
    on_error: Callable[[SourceError], None] | None = None,
    on_warning: Callable[[RuleWarning], None] | None = None,
) -> Rules:
    """Load rules from YAML text; otherwise like `load_rules`."""
    loading = _Loading()
    with isolated(loading.fail, about=f"reading {name}"):
        loading.file(RuleFile(name, text.encode))
    return loading.finish(on_error, on_warning)


class _Loading:
    """The loading of rules from files to plans; gathers every error."""

    def __init__(self) -> None:
        self.errors: list[SourceError] = []
        self.warnings: list[RuleWarning] = []
        self._told: set[tuple[str, Place | None]] = set()
        self.names: dict[str, int] = {}
        self.documents: list[Document] = []
        self.invalid: list[Document] = []
        self.causes: dict[int, SourceError] = {}
        self.parsed: dict[int, Any] = {}
        self.plans: dict[int, ir.Plan] = {}
        self.identifiers: dict[str, Document] = {}

    def fail(self, error: SourceError) -> None:
        """Record an error; rules of a collection share parts, whose errors are told once."""
        told = (error.message, error.place)
        if error.place is None or told not in self._told:
            self._told.add(told)
            self.errors.append(error)

    def file(self, file: RuleFile) -> None:
        """Read and check the documents of a file."""
        name = file.name
        self.names.setdefault(name, len(self.names))
        try:
            raw = file.read()
        except OSError as error:
            self.fail(UnreadableError(f"cannot read {name}: {error.strerror or error}"))
            return
        try:
            documents = parse_documents(raw, name)
        except SourceError as error:
            if file.listed and not may_hold_rules(raw):
                self.leave_out(error.place)
            else:
                self.fail(error)
            return
        if not any(looks_like_a_rule(document.data) for document in documents):
            first = documents[0].place() if documents else Place.at_line(raw.decode("utf-8-sig"), 1, 1, name)
            if file.listed:
                self.leave_out(first)
                return
            if not documents:
                self.fail(RuleError("there is no rule in this file", first, "begin with `title: ...`"))
        try:
            documents = expanded(documents, self.warnings.append)
        except SourceError as error:
            self.fail(error)
            return
        for document in documents:
            with self.isolated(document, "checking the rule"):
                self.document(document)

    def document(self, document: Document) -> None:
        """Check the structure of a document."""
        if isinstance(document.data, dict) and not looks_like_a_rule(document.data):
            message = "this is not a Sigma rule: it has neither `detection` nor `correlation`"
            self.reject(document, [RuleError(message, document.place(), _BEGINNING)])
            return
        errors = list(islice(document_errors(document), MAX_ERRORS))
        if errors:
            self.reject(document, errors)
        else:
            self.documents.append(document)

    def isolated(self, document: Document, about: str) -> AbstractContextManager[None]:
        """Return a context in which an error makes a document invalid, and ends nothing else."""

        def fail(error: SourceError) -> None:
            self.drop(document, error)
            self.fail(error)

        return isolated(fail, document.place(), about)

    def drop(self, document: Document, cause: SourceError) -> None:
        """Record that a document is invalid, and the first error that makes it so."""
        if id(document) not in self.causes:
            self.causes[id(document)] = cause
            self.invalid.append(document)

    def leave_out(self, place: Place | None) -> None:
        """Record a file of a folder that is not about rules."""
        message = "this file is not a Sigma rule, and is left out"
        self.warnings.append(RuleWarning(message, "not-a-rule", place, "name it with --exclude to say so"))

    def reject(self, document: Document, errors: list[SourceError]) -> None:
        """Record the errors of a document, and any other errors in it."""
        from converter.rules.diagnose import rule_errors  # noqa: PLC0415  only for invalid rules

        known = {_position(error) for error in errors}
        more: list[SourceError] = []
        if _is_detection(document) or not errors:
            with isolated(more.append, document.place(), "looking for every error of the rule"):
                more.extend(islice(rule_errors(document, known), MAX_ERRORS))
        places: set[tuple[int, int]] = set()
        for error in [*errors, *more]:
            self.drop(document, error)
            # Of several errors at one place, the first is the most precise.
            if _position(error) not in places or isinstance(error, InternalError):
                places.add(_position(error))
                self.fail(error)

    def finish(
        self, on_error: Callable[[SourceError], None] | None, on_warning: Callable[[RuleWarning], None] | None
    ) -> Rules:
        """Report every error and warning, and return the rules."""
        rules = self.resolve()
        reports: list[SourceError] = [*self.errors]
        if on_warning is not None:
            from converter.lint.warnings import warnings_of  # noqa: PLC0415  only if warnings are wanted

            reports += rules.warnings
            reports += warnings_of(rules.documents, rules.upstream_rule, reports.append, rules.warnings)
        for report in sorted(reports, key=self.position):
            if isinstance(report, RuleWarning):
                told = (report.message, report.place)  # rules of a collection share parts
                if on_warning is not None and (report.place is None or told not in self._told):
                    self._told.add(told)
                    on_warning(report)
            elif on_error is None:
                raise report.cause or report if isinstance(report, LeftOutError) else report
            else:
                on_error(report)
        return rules

    def position(self, error: SourceError) -> tuple[int, int, int]:
        """Return the position of an error in the order of the files; errors without a place come first."""
        return self.names.get(error.place.name, -1) if error.place is not None else -1, *_position(error)

    def resolve(self) -> Rules:
        """Parse and lower the rules, and check their references; drop rules that fail, and rules that refer to them."""
        parsed = [document for document in self._unique() if self._parses(document)]
        valid = [document for document in parsed if not is_filter(document)]
        names = names_of(valid)
        self.identifiers = names
        chains = chain_errors(valid, names)
        rejected = list(self.invalid)
        while True:  # a rule that refers to an invalid rule is invalid as well, and so on
            invalid = names_of(self.invalid)
            failed = {id(item): item for item in valid if not self._refers_to_valid(item, chains, invalid)}
            if not failed:
                break
            valid = [document for document in valid if id(document) not in failed]
            self.identifiers = {key: target for key, target in self.identifiers.items() if id(target) not in failed}
        for document in rejected:  # their other errors are recorded already
            if not _is_detection(document):
                self.errors += _own(check_references(_bare(document), self.identifiers, invalid, self.causes))
        filters = self.filter(valid, [document for document in parsed if is_filter(document)])
        lowered = self.lower_correlations(valid)
        swallowed = _swallowed(lowered, self.invalid, self.identifiers)
        plans = (self.plans[id(document)] for document in lowered if id(document) not in swallowed)
        doubts: list[RuleWarning] = []
        for document in lowered:
            with isolated(self.fail, document.place(), "warning of the rule"):
                doubts.extend(reference_warnings(document, self.identifiers))
        for document in parsed:
            with isolated(self.fail, document.place(), "warning of the rule"):
                for kind in (metadata_warnings, misreadings, field_warnings):
                    doubts.extend(kind(document))
        warnings = sorted([*self.warnings, *filters.warnings, *doubts], key=self.position)
        return Rules(tuple(lowered), tuple(plans), filters.filters, tuple(warnings), self.parsed)

    def filter(self, documents: Sequence[Document], filters: Sequence[Document]) -> Assigned:
        """Add filters to the rules that they are for."""
        from converter.plan.lower import lower  # noqa: PLC0415

        assigned = assign(filters, documents, self.identifiers, names_of(self.invalid), self.causes)
        self.errors += assigned.errors
        for document in documents:
            if own := assigned.filters.get(id(document)):
                with self.isolated(document, "adding filters to the rule"):
                    rule = self.parsed[id(document)]
                    add_filters(rule, [(item, parse_rule(item)) for item in own])
                    self.plans[id(document)] = lower(rule, document)
        return assigned

    def _unique(self) -> Iterator[Document]:
        """Yield the documents that have a key, name and id of their own; record errors for the others."""
        called: dict[str, Document] = {}
        for document in self.documents:
            try:
                _check_unique(document, self.identifiers, called)
            except SourceError as error:
                self.drop(document, error)
                self.fail(error)
                continue
            called[rule_key(document.data)] = document
            yield document

    def _parses(self, document: Document) -> bool:
        with self.isolated(document, "reading the rule"):
            return self.parse(document)
        return False

    def parse(self, document: Document) -> bool:
        """Parse a rule with pySigma, and lower it if it is a detection; return whether both succeed."""
        from converter.plan.lower import lower  # noqa: PLC0415  pySigma is slow to import
        from converter.rules.diagnose import is_pysigmas, pysigma_errors, whole_error  # noqa: PLC0415

        try:
            rule = parse_rule(document)
            if _is_detection(document):
                self.plans[id(document)] = lower(rule, document)
        except SourceError as error:
            return self._diagnose(document, error)
        except pysigma_errors() as error:
            if not is_pysigmas(error):
                raise
            return self._diagnose(document, whole_error(document, error))
        self.parsed[id(document)] = rule
        self.identifiers.update(identifiers_of([document]))
        return True

    def _diagnose(self, document: Document, error: SourceError) -> bool:
        """Record every error of a rule; if all its parts are valid, the given error. Return False."""
        before = len(self.errors)
        self.reject(document, [])
        if len(self.errors) == before:
            self.drop(document, error)
            self.fail(error)
        return False

    def _refers_to_valid(
        self, document: Document, chains: Mapping[int, SourceError], invalid: Mapping[str, Document]
    ) -> bool:
        errors = list(check_references(document, self.identifiers, invalid, self.causes))
        errors = _own(errors) or errors
        if id(document) in chains and not errors:
            errors = [chains[id(document)]]
        for error in errors:
            self.drop(document, error)
        self.errors += errors
        return not errors

    def lower_correlations(self, documents: Sequence[Document]) -> list[Document]:
        """Lower the correlations, now that their rules are known; return all documents that have no error."""
        from converter.plan.lower import lower  # noqa: PLC0415

        correlations = [document for document in documents if not _is_detection(document)]
        below = {id(other): other for document in correlations for other in needed(document, self.identifiers)}
        linked: dict[int, Any] = {}
        failures: list[SourceError] = []
        with isolated(failures.append, about="linking the rules that correlations count"):
            copies = copy.deepcopy([self.parsed[key] for key in below])  # linking changes the rules
            link(copies)
            linked = dict(zip(below, copies, strict=True))
        for error in failures:
            self.fail(error)
        done = {id(linked[key]): self.plans[key] for key in linked if key in self.plans}
        failed = {id(document) for document in correlations} if failures else set[int]()
        for document in correlations if not failures else ():

            def fail(error: SourceError, document: Document = document) -> None:
                failed.add(id(document))
                self.drop(document, error)
                self.fail(error)

            with isolated(fail, document.place(), "reading the rule"):
                self.plans[id(document)] = lower(linked[id(document)], document, self.identifiers, done)
        return [document for document in documents if id(document) not in failed]


def _position(error: SourceError) -> tuple[int, int]:
    return (error.place.line, error.place.column) if error.place is not None else (0, 0)


def _own(errors: Iterable[SourceError]) -> list[SourceError]:
    """Return the errors that are not consequences of another rule's; a rule that has any is named by them already."""
    return [error for error in errors if not isinstance(error, LeftOutError)]


def _bare(document: Document) -> Document:
    """Return an invalid rule with only its references, which can be read even if the rest cannot."""
    correlation = document.data.get("correlation") if isinstance(document.data, dict) else None
    rules = correlation.get("rules") if isinstance(correlation, dict) else None
    return replace(document, data={"correlation": {"rules": rules if rules is not None else []}})


def _is_detection(document: Document) -> bool:
    return isinstance(document.data, dict) and "correlation" not in document.data


def _check_unique(document: Document, identifiers: Mapping[str, Document], called: Mapping[str, Document]) -> None:
    """Refuse a rule that has the name, id or key of another one."""
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


def _swallowed(
    documents: Sequence[Document], invalid: Sequence[Document], identifiers: Mapping[str, Document]
) -> set[int]:
    """Return the documents, by identity, that only serve correlations: they are referenced without `generate: true`.

    The rules of a correlation with an error are not reported on their own either: they would raise far too many alerts.
    """
    used: dict[int, bool] = {}
    for document in (*documents, *invalid):
        for _, name in references(document):
            referenced = identifiers.get(name)
            if referenced is not None:
                generate = generates(document)
                used[id(referenced)] = used.get(id(referenced), False) or generate
    return {key for key, generate in used.items() if not generate}
