"""Load Sigma rules: files to documents with positions, to pySigma rules, to plans.

    paths ──> parse_documents ──> check structure (positions) ──> pySigma ──lower──> Rules.plans

pySigma parses the rules; what it cannot place in the file, `_blame` finds again by parsing the parts one by one.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.document import Document, parse_documents
from converter.errors import Place, RefusedError, RuleError, SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sigma.collection import SigmaCollection

    from converter.plan.nodes import Plan

_TIMESPAN = re.compile(r"[1-9][0-9]*[smhdwMy]")
_OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
_CORRELATION_TYPES = (
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
)
_CORRELATION_KEYS = ("type", "rules", "generate", "group-by", "timespan", "aliases", "condition")
# What pySigma says when a modifier does not fit the type of a value, and what modifiers take.
_MISMATCH = re.compile(r"Modifier (\w+) incompatible to value type of '(.*)'", re.DOTALL)
_NUMERIC = ("lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year")
_TAKES = dict.fromkeys(_NUMERIC, "it takes a number, without quotes") | {
    "exists": "it takes true or false, without quotes",
    "i": "it comes after re",
    "m": "it comes after re",
    "s": "it comes after re",
}
# How messages of pySigma call parts of a rule, where that is not their key.
_WORDS = {"id": "identifier", "logsource": "log ?source"}
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
        return _collection(self.documents)

    def __len__(self) -> int:
        return len(self.documents)

    def only(self, plan: Plan) -> Rules:
        """Return the rule of a plan and the rules that it refers to."""
        document = self._index[plan.meta.key]
        needed = {id(one): one for one in (self._index[name] for _, name in _references(document))}
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
                _check_document(document)
            except SourceError as error:
                fail(error)
            else:
                documents.append(document)
    return _resolve(documents, fail)


def parse_rules(text: str, name: str = "<rule>") -> Rules:
    """Load rules from YAML text. Raises as `load_rules`."""
    documents = parse_documents(text.encode(), name)
    for document in documents:
        _check_document(document)

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
            rule = _parse_alone(document)
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
                _check_references(document, identifiers)
            except SourceError as error:
                bad = document
                fail(error)
                break
        if bad is None:
            break
        good.remove(bad)
        identifiers = {key: document for key, document in identifiers.items() if document is not bad}
    _link([parsed[id(document)] for document in good])
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
        for _, reference in _references(document):
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


# ------------------------------------------------------------------------------------------------------- structure


def _check_document(document: Document) -> None:
    """Check, with positions, what pySigma would report without one or not at all."""
    data = document.data
    if not isinstance(data, dict):
        raise RuleError("a rule is a mapping", document.place(), "begin with `title: ...`")
    if "action" in data:
        raise RefusedError(
            "collections with `action` left Sigma with version 2",
            "action",
            document.place("action", key=True),
            "write each rule out",
        )
    if "filter" in data:
        raise RefusedError("Sigma filters are not supported yet", "filter", document.place("filter", key=True))
    for key in ("title", "id", "name"):
        if key in data and not isinstance(data[key], str):
            raise RuleError(f"{key} is text", document.place(key), f"put quotes around it: {key}: '{data[key]}'")
    for key in ("detection", "correlation"):
        ambiguous = document.ambiguous(key)
        if ambiguous is not None:
            text, place = ambiguous
            raise RuleError(f"YAML 1.1 and 1.2 read {text!r} differently", place, f"put quotes around it: '{text}'")
    if "correlation" in data:
        _check_correlation(document)
        return
    if "detection" not in data:
        hint = suggest("detection", [str(key) for key in data]).replace("did you mean", "found the key")
        raise RuleError("the rule has neither `detection` nor `correlation`", document.place(), hint)
    detection = data["detection"]
    if not isinstance(detection, dict):
        raise RuleError("detection is a mapping", document.place("detection"), "search identifiers and a condition")
    if "condition" not in detection:
        raise RuleError(
            "the detection has no condition",
            document.place("detection", key=True),
            suggest("condition", [str(key) for key in detection]).replace("did you mean", "found the key")
            or "for example `condition: selection`",
        )
    _check_condition(document, detection["condition"])
    if "timeframe" in detection:
        raise RefusedError(
            "`timeframe` left Sigma with version 2",
            "timeframe",
            document.place("detection", "timeframe", key=True),
            "write a correlation rule with a timespan",
        )
    if "logsource" not in data:
        raise RuleError("the rule has no logsource", document.place(), "for example `logsource: {product: aws}`")


def _check_condition(document: Document, condition: Any) -> None:
    path: tuple[str | int, ...] = ("detection", "condition")
    if condition == []:
        raise RuleError("the list of conditions is empty", document.place(*path), "for example `condition: selection`")
    for index, one in enumerate(condition) if isinstance(condition, list) else [(None, condition)]:
        if not isinstance(one, str):
            place = document.place(*path) if index is None else document.place(*path, index)
            raise RuleError("a condition is text, or a list of texts", place, "for example `condition: selection`")


def _check_correlation(document: Document) -> None:
    correlation = document.data["correlation"]
    if not isinstance(correlation, dict):
        raise RuleError("correlation is a mapping", document.place("correlation"), "type, rules, timespan, condition")
    for key in correlation:
        if key not in _CORRELATION_KEYS:
            raise RuleError(
                f"unknown key {key!r} in the correlation",
                document.place("correlation", str(key), key=True),
                suggest(str(key), _CORRELATION_KEYS) or f"known: {', '.join(_CORRELATION_KEYS)}",
            )
    kind = correlation.get("type")
    if kind not in _CORRELATION_TYPES:
        raise RuleError(
            f"{kind!r} is not a correlation type" if kind else "the correlation has no type",
            document.place("correlation", "type"),
            suggest(str(kind), _CORRELATION_TYPES) or f"known: {', '.join(_CORRELATION_TYPES)}",
        )
    if kind != "event_count":
        raise RefusedError(
            f"correlations of type {kind} are not supported yet", kind, document.place("correlation", "type")
        )
    if correlation.get("aliases"):
        raise RefusedError(
            "field aliases of correlations are not supported yet",
            "aliases",
            document.place("correlation", "aliases", key=True),
        )
    if not isinstance(correlation.get("generate", False), bool):
        raise RuleError("generate is true or false", document.place("correlation", "generate"), "without quotes")
    _check_reference_list(document)
    timespan = correlation.get("timespan")
    if not isinstance(timespan, str) or not _TIMESPAN.fullmatch(timespan):
        raise RuleError(
            f"{timespan!r} is not a timespan" if timespan is not None else "the correlation has no timespan",
            document.place("correlation", "timespan"),
            "a positive whole number and a unit: s, m, h, d, w, M (months), y; for example 6m",
        )
    _check_count(document, correlation.get("condition"))
    group_by = correlation.get("group-by", [])
    fields = [group_by] if isinstance(group_by, str) else group_by
    if not isinstance(fields, list) or not all(isinstance(name, str) and name for name in fields):
        raise RuleError("group-by is a list of fields", document.place("correlation", "group-by"), "[field, field]")
    for index, name in enumerate(fields):
        if name in fields[:index]:
            raise RuleError(
                f"group-by names the field {name!r} twice", document.place("correlation", "group-by", index), "drop one"
            )


def _check_reference_list(document: Document) -> None:
    rules = document.data["correlation"].get("rules")
    if not rules or not (
        isinstance(rules, str) or (isinstance(rules, list) and all(isinstance(r, str) for r in rules))
    ):
        raise RuleError(
            "rules names the rules that the correlation counts", document.place("correlation", "rules"), "[name, name]"
        )


def _check_count(document: Document, condition: object) -> None:
    if not isinstance(condition, dict):
        raise RuleError(
            "an event_count needs a condition", document.place("correlation", "condition"), "for example {gte: 25}"
        )
    operators = [key for key in condition if key in _OPERATORS]
    for key in condition:
        if key not in _OPERATORS:
            raise RuleError(
                f"unknown key {key!r} in the condition of an event_count",
                document.place("correlation", "condition", str(key), key=True),
                suggest(str(key), _OPERATORS) or f"known: {', '.join(_OPERATORS)}",
            )
    if len(operators) > 1:
        raise RefusedError(
            "a range of two operators is not supported yet",
            "range condition",
            document.place("correlation", "condition", operators[1], key=True),
        )
    if not operators:
        raise RuleError("the condition has no operator", document.place("correlation", "condition"), "{gte: 25}")
    count = condition[operators[0]]
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise RuleError(
            f"{count!r} is not a count",
            document.place("correlation", "condition", operators[0]),
            "a whole number, 0 or more",
        )


def _references(document: Document) -> list[tuple[int | None, str]]:
    if "correlation" not in document.data:
        return []
    rules = document.data["correlation"]["rules"]
    return [(None, rules)] if isinstance(rules, str) else list(enumerate(rules))


def _check_references(document: Document, identifiers: Mapping[str, Document]) -> None:
    for index, reference in _references(document):
        path = ("correlation", "rules") if index is None else ("correlation", "rules", index)
        found = identifiers.get(reference)
        if found is None:
            hint = (
                suggest(reference, identifiers) or "is the file of that rule among the given ones, and free of errors?"
            )
            raise RuleError(f"no rule has the name or id {reference!r}", document.place(*path), hint)
        if "correlation" in found.data:
            raise RefusedError(
                "a correlation of a correlation is not supported yet", "chained correlation", document.place(*path)
            )


# --------------------------------------------------------------------------------------------------------- pySigma


def _collection(documents: Sequence[Document]) -> SigmaCollection:
    return _link(_parsed(documents))


def _link(rules: list[Any]) -> SigmaCollection:
    """Return the rules as a collection, which lets correlations refer to them."""
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import

    return SigmaCollection(rules)


def _parsed(documents: Sequence[Document]) -> list[Any]:
    return [_pysigma_rule(document) for document in documents]


def _pysigma_rule(document: Document) -> Any:
    """Parse one document with pySigma and leave in each detection item the place it came from."""
    from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaRuleLocation  # noqa: PLC0415
    from sigma.rule import SigmaRule  # noqa: PLC0415

    source = SigmaRuleLocation(Path(document.name), document.node.start_mark.line + 1, 1)
    if "correlation" in document.data:
        return SigmaCorrelationRule.from_dict(document.data, source=source)
    rule = SigmaRule.from_dict(document.data, source=source)
    for name, detection in rule.detection.detections.items():
        _stamp(detection, document, ("detection", name))
    return rule


def _stamp(detection: Any, document: Document, path: tuple[str | int, ...]) -> None:
    from sigma.exceptions import SigmaRuleLocation  # noqa: PLC0415
    from sigma.rule import SigmaDetection  # noqa: PLC0415

    value: Any = document.data
    for step in path:
        value = value[step]
    if isinstance(value, dict):
        for key, item in zip(value, detection.detection_items, strict=True):
            place = document.place(*path, str(key), key=True)
            item.source = SigmaRuleLocation(Path(document.name), place.line, place.column)
            _restore_integers(item, value[key])
        return
    for index, item in enumerate(detection.detection_items):
        if isinstance(item, SigmaDetection):
            _stamp(item, document, (*path, index))
        else:
            place = document.place(*path)
            item.source = SigmaRuleLocation(Path(document.name), place.line, place.column)


def _restore_integers(item: Any, written: Any) -> None:
    """Put back whole numbers that pySigma rounded: it keeps those beyond the precision of a float as floats."""
    from sigma.types import SigmaCompareExpression, SigmaNumber  # noqa: PLC0415  slow to import

    values = written if isinstance(written, list) else [written]
    if len(values) != len(item.value):
        return
    for value, one in zip(item.value, values, strict=True):
        number = value.number if isinstance(value, SigmaCompareExpression) else value
        if isinstance(number, SigmaNumber) and isinstance(one, int) and not isinstance(one, bool):
            number.number = one


def _parse_alone(document: Document) -> Any:
    """Parse one rule with pySigma; blame the part that it does not accept."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415

    if "detection" in document.data and "correlation" not in document.data:
        for name, definition in document.data["detection"].items():
            if not isinstance(name, str):
                place = document.place("detection", str(name), key=True)
                raise RuleError(f"the search identifier {name} is not text", place, "put quotes around it")
            if name not in {"condition", "timeframe"}:
                _check_definition(document, ("detection", name), definition)
    try:
        return _pysigma_rule(document)
    except SigmaError as bad:
        raise _blame(document, bad) from None
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, ArithmeticError) as bad:
        # pySigma does not check everything that it reads; what then breaks says little to the author of the rule.
        raise _blame(document, ValueError(f"pySigma does not accept this: {bad}")) from None


def _check_definition(document: Document, path: tuple[str | int, ...], definition: Any) -> None:
    """Check the keys of a search identifier: a field, and modifiers that exist."""
    from sigma.modifiers import modifier_mapping  # noqa: PLC0415

    if isinstance(definition, dict):
        if not definition:
            raise RuleError("this search identifier is empty", document.place(*path), "give it a field and a value")
        for key, value in definition.items():
            place = document.place(*path, str(key), key=True)
            if not isinstance(key, str):
                raise RuleError(f"the field name {key!r} is not text", place, "put quotes around it")
            _, *modifiers = key.split("|")
            offset = key.find("|") + 1
            for modifier in modifiers:
                if modifier not in modifier_mapping:
                    quoted = place.source_line[place.column - 1 : place.column] in {"'", '"'}
                    at = Place(
                        place.name, place.line, place.column + offset + quoted, place.source_line, max(1, len(modifier))
                    )
                    if modifier == "utf16le":  # the one modifier of the specification that pySigma does not know
                        raise RefusedError(
                            "the modifier utf16le is not supported yet",
                            "utf16le",
                            at,
                            "write `wide`, which is the same",
                        )
                    raise RuleError(
                        f"unknown modifier {modifier!r}",
                        at,
                        suggest(modifier, modifier_mapping) or f"known: {', '.join(sorted(modifier_mapping))}",
                    )
                offset += len(modifier) + 1
            if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value)):
                raise RuleError(
                    "the value of a field is plain, or a list of plain values", document.place(*path, key), "no nesting"
                )
            if isinstance(value, list) and not value:
                raise RuleError("an empty list matches nothing", document.place(*path, key), "give it a value, or null")
            _check_values(document, (*path, key), value, modifiers)
    elif isinstance(definition, list):
        if not definition:
            raise RuleError("this search identifier is empty", document.place(*path), "give it a value")
        for index, item in enumerate(definition):
            if isinstance(item, dict | list):
                _check_definition(document, (*path, index), item)


def _check_values(document: Document, path: tuple[str | int, ...], value: Any, modifiers: Sequence[str]) -> None:
    """Check the values of a field that pySigma takes for something they are not."""
    for index, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
        where = path if index is None else (*path, index)
        if one is None and index is not None and len(value) > 1:
            raise RuleError(
                "null cannot be one value of a list",
                document.place(*where),
                "give it a search identifier of its own, and join the two in the condition",
            )
        if "re" in modifiers and not isinstance(one, str):
            kind = "null" if one is None else "a boolean" if isinstance(one, bool) else "a number"
            raise RuleError(
                f"a regular expression is text, not {kind}", document.place(*where), "put quotes around the value"
            )


def _blame(document: Document, bad: Exception) -> RuleError:
    """Return the error of pySigma with the place of the part that causes it."""
    message = str(bad.args[0]) if bad.args else str(bad)
    hint = ""
    if mismatch := _MISMATCH.fullmatch(message):
        from sigma.modifiers import reverse_modifier_mapping  # noqa: PLC0415  slow to import

        modifier = reverse_modifier_mapping.get(mismatch[1], mismatch[1])
        message = f"the modifier {modifier} does not take the value {mismatch[2]}"
        hint = _TAKES.get(modifier, "it takes text: put quotes around the value")
    if "correlation" not in document.data and "detection" in document.data:
        for name, definition in document.data["detection"].items():
            if name == "condition":
                continue
            place = _blamed_item(document, ("detection", str(name)), definition)
            if place is not None:
                return RuleError(message, place, hint)
    for key in sorted(map(str, document.data), key=len, reverse=True):
        words = _WORDS.get(key, re.escape(key))
        if re.search(rf"\b{words}\b", message, re.IGNORECASE):
            return RuleError(message, document.place(key))
    return RuleError(message, document.place())


def _blamed_item(document: Document, path: tuple[str | int, ...], definition: Any) -> Place | None:
    from sigma.rule import SigmaDetection, SigmaDetectionItem  # noqa: PLC0415

    if isinstance(definition, dict):
        for key, value in definition.items():
            for index, one in enumerate(value if isinstance(value, list) else [value]):
                try:
                    SigmaDetectionItem.from_mapping(key, one)
                except Exception:  # noqa: BLE001  whatever it is, it is this item's
                    where = (*path, key, index) if isinstance(value, list) else (*path, key)
                    return document.place(*where)
        return None
    if isinstance(definition, list):
        for index, item in enumerate(definition):
            if (place := _blamed_item(document, (*path, index), item)) is not None:
                return place
        return None
    try:
        SigmaDetection.from_definition(definition)
    except Exception:  # noqa: BLE001
        return document.place(*path)
    return None
