"""Processing pipelines of pySigma: choose them, apply them to copies of rules, say which fields nothing mapped.

    log sources, -p names ──select──> ProcessingPipeline ──apply(rules)──> Applied: mapped copies + state per rule
                                             │                                │
                                             └── finalize(queries) <── Applied.postprocess(rule, query) <── query text

A pipeline is chosen by the log source of the rules, from `mappings/`, unless names are given; then exactly those are
used, as sigma-cli understands them: a name of an installed pipeline, a YAML file, or a folder of YAML files. Nothing
here uses the network.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from converter.errors import ConfigurationError, RefusedError, SourceError, suggest
from converter.products.core import get_product, list_products
from converter.readers.log_source import LogSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sigma.collection import SigmaCollection
    from sigma.correlations import SigmaCorrelationRule
    from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
    from sigma.rule import SigmaRule

    from converter.errors import Place
    from converter.products.field_facts import Facts
    from converter.readers.yaml_document import Document

AnyRule: TypeAlias = "SigmaRule | SigmaCorrelationRule"

_SECTIONS = ("transformations", "postprocessing", "finalizers")
_PLAIN_KEYS: dict[str, tuple[type, str]] = {
    "name": (str, "text"),
    "priority": (int, "a whole number"),
    "vars": (dict, "a mapping"),
    "allowed_backends": (list, "a list"),
}
_SUFFIXES = (".yml", ".yaml")
_MISSING_ARGUMENT = re.compile(
    r"(?:Error in transformation: )?\w+\.__init__\(\) missing \d+ required positional arguments?: "
)


# -------------------------------------------------------------------------------------------------------- choosing


def select(
    product: str, logsources: Iterable[LogSource], *, names: Sequence[str] = (), without: bool = False
) -> ProcessingPipeline:
    """Return the pipeline for rules of some log sources in a product, a new object each time.

    Args:
        product: `splunk` or `elastic`.
        logsources: of the rules that it will be applied to; each one's built-in mapping is taken, if there is one.
        names: pipelines asked for by the user, instead of the built-in ones: an installed pipeline's name, the name of
            a built-in mapping (`cloudtrail_splunk`), a YAML file, or a folder of them.
        without: no pipeline at all.

    Several are chained by priority, lowest first, and by name where priorities are equal, as pySigma does.

    Raises:
        ConfigurationError: no such pipeline, a file that is not valid (with a place), or one for another product.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    if without:
        return ProcessingPipeline()
    if names:
        found = [pair for name in names for pair in _by_name(name)]
        for name, pipeline in found:
            _check_product(name, pipeline, product)
    else:
        paths = {get_product(product).mapping_file(logsource) for logsource in logsources}
        found = [(str(path), load_pipeline(path)) for path in sorted(path for path in paths if path is not None)]
    return _chained(found)


def placeholder_pipeline(names: Sequence[str]) -> ProcessingPipeline:
    """Return only what expands placeholders of the pipelines of these names: values and wildcards.

    This much of a pipeline is about the meaning of a rule, and may touch what the reference reads; the rest is about a
    product. Conditions of an item see the rule as it is written.

    Raises:
        ConfigurationError: as `select`.
    """
    from sigma.processing.transformations import (  # noqa: PLC0415  slow to import
        ValueListPlaceholderTransformation,
        WildcardPlaceholderTransformation,
    )

    kinds = (ValueListPlaceholderTransformation, WildcardPlaceholderTransformation)
    pipeline = _chained([pair for name in names for pair in _by_name(name)])
    pipeline.items = [item for item in pipeline.items if isinstance(item.transformation, kinds)]
    return pipeline


def load_pipeline(path: Path) -> ProcessingPipeline:
    """Read a pipeline from a YAML file.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or is no pipeline; with a place where there is one.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    from converter.readers.yaml_document import parse_documents  # noqa: PLC0415  YAML is slow to import

    try:
        raw = path.read_bytes()
    except OSError as bad:
        raise ConfigurationError(f"cannot read the pipeline {path}: {bad.strerror or bad}") from None
    documents = parse_documents(raw, str(path), ConfigurationError)
    if len(documents) != 1:
        raise ConfigurationError(
            f"{path} has {len(documents)} YAML documents", None, "a pipeline is one document: name, priority, ..."
        )
    (document,) = documents
    if not isinstance(document.data, dict):
        raise ConfigurationError("a pipeline is a mapping", document.place(), f"keys: {', '.join(_SECTIONS)}")
    for key, (kind, wanted) in _PLAIN_KEYS.items():  # pySigma takes anything here and stumbles over it later
        value = document.data.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ConfigurationError(f"{key} must be {wanted}", document.place(key))
    try:
        if not any(_is_nest(item) for item in document.data.get("postprocessing") or ()):
            return ProcessingPipeline.from_yaml(document.text, source_path=str(path))
        return ProcessingPipeline.from_dict(_with_nested(document.data, path))
    except _PIPELINE_ERRORS as bad:
        raise _blame(document, bad) from None


def _is_nest(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "nest"


def _with_nested(data: Mapping[str, Any], path: Path | None = None) -> dict[str, Any]:
    """Return a pipeline's data with the items inside `nest` built: pySigma 1.5 does not build them, and then fails."""
    from sigma.processing.pipeline import QueryPostprocessingItem  # noqa: PLC0415  slow to import

    folder = (str(path.resolve().parent),) if path is not None else None

    def built(item: Any) -> Any:
        if not _is_nest(item) or not isinstance(item.get("items"), list):
            return item
        inner = [QueryPostprocessingItem.from_dict(built(one), vars_allowed_paths=folder) for one in item["items"]]
        return {**item, "items": inner}

    copied = copy.deepcopy(dict(data))
    copied["postprocessing"] = [built(item) for item in copied.get("postprocessing") or ()]
    return copied


def installed_pipelines() -> Mapping[str, Callable[[], ProcessingPipeline]]:
    """Return the pipelines that installed packages of pySigma bring, by name."""
    from sigma.plugins import InstalledSigmaPlugins  # noqa: PLC0415  slow to import

    plugins = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False)
    return cast("Mapping[str, Callable[[], ProcessingPipeline]]", plugins.pipelines)


def builtin_mappings() -> Mapping[str, Path]:
    """Return the files of the built-in mappings by name, for example `cloudtrail_splunk`."""
    return {name: path for product in list_products().values() for name, path in product.mappings().items()}


def logsources_of(rules: Iterable[AnyRule]) -> list[LogSource]:
    """Return the log sources of detection rules, each once, in order; correlation rules have none of their own."""
    sources = [rule.logsource for rule in rules if hasattr(rule, "logsource")]
    return list(dict.fromkeys(LogSource(source.product, source.category, source.service) for source in sources))


def _by_name(name: str) -> Iterator[tuple[str, ProcessingPipeline]]:
    """Yield the pipelines that a name stands for: names first, then files and folders, as in sigma-cli."""
    path = Path(name.rstrip("/*") or "/")
    if not name.endswith(_SUFFIXES) and "/" not in name:
        builtin = builtin_mappings()
        if name in builtin:
            yield name, load_pipeline(builtin[name])
            return
        installed = installed_pipelines()
        if name in installed:
            made = installed[name]
            yield name, made() if callable(made) else made
            return
        if not path.exists():
            known = [*builtin, *installed]
            hint = suggest(name, known) or f"a file, a folder, or one of: {', '.join(sorted(known))}"
            raise ConfigurationError(f"no pipeline is called {name!r}, and there is no such file", None, hint)
    if path.is_dir():
        files = sorted(path.rglob("*.yml"))
        if not files:
            raise ConfigurationError(f"no pipeline (*.yml) in the folder {path}")
        for file in files:
            yield str(file), load_pipeline(file)
    elif path.exists():
        yield name, load_pipeline(path)
    else:
        raise ConfigurationError(f"there is no pipeline file {name}", None, _near_file(path))


def _near_file(path: Path) -> str:
    folder = path.parent
    return suggest(path.name, [one.name for one in folder.iterdir()]) if folder.is_dir() else ""


def _check_product(name: str, pipeline: ProcessingPipeline, product: str) -> None:
    allowed = frozenset(pipeline.allowed_backends)
    if allowed and not allowed & get_product(product).backends:
        raise ConfigurationError(
            f"the pipeline {name!r} is for {', '.join(sorted(allowed))}, not for {product}", None, "choose another one"
        )


def _chained(found: list[tuple[str, ProcessingPipeline]]) -> ProcessingPipeline:
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    chained = ProcessingPipeline()
    for _, pipeline in sorted(found, key=lambda pair: (pair[1].priority, pair[0])):
        chained += pipeline
    mapping = [pipeline for _, pipeline in found if any(map(_maps_fields, pipeline.items))]
    if all(pipeline.allowed_backends for pipeline in mapping):  # pySigma forgets these when it adds pipelines
        chained.allowed_backends = frozenset(name for pipeline in mapping for name in pipeline.allowed_backends)
    return chained


def _maps_fields(item: ProcessingItem) -> bool:
    from sigma.processing.transformations import FieldMappingTransformation  # noqa: PLC0415  slow to import

    return isinstance(item.transformation, FieldMappingTransformation)


# pySigma raises errors of its own (ValueErrors), and plain ones where an item has the wrong shape.
_PIPELINE_ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError)


def _blame(document: Document, bad: Exception) -> ConfigurationError:
    """Return the error with the place of the first item that cannot be built alone, or of the key that is unknown."""
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    known = (*_SECTIONS, *_PLAIN_KEYS)
    for key in document.data:
        if key not in known:
            hint = suggest(str(key), known) or f"known: {', '.join(known)}"
            return ConfigurationError(f"unknown key {key!r} in a pipeline", document.place(str(key), key=True), hint)
    for section in _SECTIONS:
        items = document.data.get(section)
        if items is not None and not isinstance(items, list):
            return ConfigurationError(f"{section} is a list", document.place(section), "begin each item with a hyphen")
        for index, item in enumerate(items or ()):
            try:
                ProcessingPipeline.from_dict(_with_nested({section: [item]}))
            except _PIPELINE_ERRORS as alone:
                place, hint = _place_of_item(document, section, index, item)
                return ConfigurationError(f"not a valid item of {section}: {_reason(alone)}", place, hint)
    return ConfigurationError(f"not a valid pipeline: {_reason(bad)}", document.place())


def _place_of_item(document: Document, section: str, index: int, item: object) -> tuple[Place, str]:
    """Return the place of an item, and a suggestion where its type is unknown."""
    if not isinstance(item, dict):
        return document.place(section, index), "an item is a mapping with a type"
    if section == "transformations" and "type" in item:
        from sigma.processing.transformations import transformations  # noqa: PLC0415  slow to import

        if item["type"] not in transformations:
            hint = suggest(str(item["type"]), transformations)
            return document.place(section, index, "type"), hint or f"known: {', '.join(sorted(transformations))}"
    return document.place(section, index), ""


def _reason(bad: Exception) -> str:
    if isinstance(bad, KeyError):
        return f"{bad} is missing"
    text = (str(bad) or type(bad).__name__).removeprefix("Error in processing rule 1: ")
    return _MISSING_ARGUMENT.sub("missing: ", text)


# -------------------------------------------------------------------------------------------------------- applying


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a pipeline left behind after one rule; postprocessing and emitters need it."""

    state: Mapping[str, Any]
    applied_ids: frozenset[str]
    mapped: frozenset[str]


@dataclass(frozen=True, slots=True)
class Applied:
    """Rules after a pipeline.

    Attributes:
        collection: copies of the rules, changed by the pipeline; a rule stands behind every rule that it refers to.
        pipeline: the pipeline that changed them.
        failed: for each rule that the pipeline refused, what it is called and the error; such a rule, and a correlation
            that refers to it, is not in the collection.
    """

    collection: SigmaCollection
    pipeline: ProcessingPipeline
    failed: Mapping[str, SourceError] = field(default_factory=dict)
    _outcomes: Mapping[int, _Outcome] = field(default_factory=dict, repr=False)

    def state(self, rule: AnyRule) -> Mapping[str, Any]:
        """Return what the pipeline noted for a rule of the collection: `index`, a data model, and so on."""
        return self._outcomes[id(rule)].state

    def mapped(self, rule: AnyRule) -> frozenset[str]:
        """Return the fields that a mapping named, even if it gave them the name they had, or left as they are."""
        return self._outcomes[id(rule)].mapped

    def postprocess(self, rule: AnyRule, query: str) -> str:
        """Return the query of a rule of the collection after the pipeline's postprocessing.

        Raises:
            RefusedError: the pipeline refuses the query.
        """
        outcome = self._outcomes[id(rule)]
        # Conditions of postprocessing items look at what the pipeline noted when it was applied to this very rule.
        self.pipeline.state = dict(outcome.state)
        self.pipeline.applied_ids = set(outcome.applied_ids)
        return postprocess(query, self.pipeline, rule)


def apply(
    collection: SigmaCollection,
    pipeline: ProcessingPipeline,
    *,
    backend: str = "",
    output_format: str = "default",
    in_place: bool = False,
) -> Applied:
    """Apply a pipeline to copies of rules; the collection that is given stays as it is.

    Args:
        collection: rules whose references are resolved.
        pipeline: what to apply; its own state afterwards is that of the last rule.
        backend: what the pipeline's templates and conditions see as the variable `backend`.
        output_format: what they see as `output_format`.
        in_place: change the rules that are given, not copies; for a caller whose own they are.

    Rules that are referred to come first, as correlation rules look at them to decide what applies.
    """
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    copied = list(collection.rules) if in_place else copy.deepcopy(list(collection.rules))
    pipeline.vars.update({"backend": backend, "output_format": output_format})
    outcomes: dict[int, _Outcome] = {}
    failed: dict[str, SourceError] = {}
    done: list[AnyRule] = []
    for rule in _referenced_first(copied):
        missing = next((one for one in _references(rule) if id(one) not in outcomes), None)
        if missing is not None:
            failed[_name(rule)] = RefusedError(
                f"the rule {_name(rule)!r} refers to {_name(missing)!r}, which the pipeline refuses", "pipeline"
            )
            continue
        try:
            pipeline.apply(rule)
        except SigmaError as bad:
            failed[_name(rule)] = RefusedError(
                f"the pipeline refuses the rule {_name(rule)!r}: {bad.args[0] if bad.args else bad}", "pipeline"
            )
            continue
        mapped = _tracked(pipeline)
        if _speaks_for_fields(pipeline, backend):
            mapped |= frozenset(fields_of(rule))
        outcomes[id(rule)] = _Outcome(dict(pipeline.state), frozenset(pipeline.applied_ids), mapped)
        done.append(rule)
    return Applied(_collection(SigmaCollection, done), pipeline, failed, outcomes)


def postprocess(query_text: str, pipeline: ProcessingPipeline, rule: AnyRule) -> str:
    """Return a query after the pipeline's postprocessing items, whose conditions see the pipeline's present state.

    Raises:
        RefusedError: an item refuses the query.
    """
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    try:
        return str(pipeline.postprocess_query(rule, query_text))
    except SigmaError as bad:
        raise RefusedError(
            f"the pipeline refuses the query of {_name(rule)!r}: {bad.args[0] if bad.args else bad}", "pipeline"
        ) from None


def finalize(queries: Sequence[str], pipeline: ProcessingPipeline) -> list[str]:
    """Return all queries after the pipeline's finalizers; most of these make one text of them."""
    if not pipeline.finalizers:
        return list(queries)
    output = pipeline.finalize(list(queries))
    return [str(one) for one in output] if isinstance(output, list) else [str(output)]


def _collection(kind: type[SigmaCollection], rules: list[AnyRule]) -> SigmaCollection:
    """Return a collection in this very order, with the references that the rules already have."""
    made = kind([], resolve_references=False)
    made.rules = rules
    for rule in rules:
        if rule.id is not None:
            made.ids_to_rules[rule.id] = rule
        if rule.name is not None:
            made.names_to_rules[rule.name] = rule
    return made


def _references(rule: AnyRule) -> Iterator[AnyRule]:
    for reference in getattr(rule, "referenced_rules", None) or ():
        referenced = getattr(reference, "rule", None)
        if referenced is not None:
            yield referenced


def _referenced_first(rules: list[AnyRule]) -> list[AnyRule]:
    """Return the rules so that each follows all it refers to; otherwise in the order they had.

    pySigma 1.5 sorts by "is referred to by", which is no total order, and can leave a correlation before its rules.
    """
    ordered: dict[int, AnyRule] = {}

    def place(rule: AnyRule, depth: int) -> None:
        if id(rule) not in ordered and depth <= len(rules):  # deeper is a circle, which loading refuses
            for referenced in _references(rule):
                place(referenced, depth + 1)
            ordered.setdefault(id(rule), rule)

    for rule in rules:
        place(rule, 0)
    return list(ordered.values())


def _speaks_for_fields(pipeline: ProcessingPipeline, backend: str) -> bool:
    """Whether a mapping that is made for the backend has been applied to the rule that was processed last.

    It names what is called otherwise there, and so says of all other fields that they keep their names: the mapping of
    Windows events in Splunk names EventID alone.
    """
    if backend not in pipeline.allowed_backends:
        return False
    return any(applied and _maps_fields(item) for applied, item in zip(pipeline.applied, pipeline.items, strict=True))


def _tracked(pipeline: ProcessingPipeline) -> frozenset[str]:
    tracking: Any = pipeline.field_mappings
    return frozenset(name for name in getattr(tracking, "data", tracking) if isinstance(name, str))


def _name(rule: AnyRule) -> str:
    return str(rule.name or rule.id or rule.title or "<untitled>")


# ---------------------------------------------------------------------------------------------------------- fields


def fields_of(rule: AnyRule) -> list[str]:
    """Return the fields that a rule depends on, each once, in order of appearance.

    A detection rule's: the fields of its detection items, and those that values refer to (`fieldref`). A correlation
    rule's: those of its group-by that are no aliases, of its aliases, and of its condition. The rules that it refers
    to have fields of their own. The list `fields` of a rule is what it suggests to show: nothing depends on it.
    """
    found: dict[str, None] = {}
    detection = getattr(rule, "detection", None)
    if detection is not None:
        for item in detection.detections.values():
            found.update(dict.fromkeys(_detection_fields(item)))
        return list(found)
    correlation = cast("SigmaCorrelationRule", rule)
    aliases = list(getattr(correlation, "aliases", None) or ())
    named = {alias.alias for alias in aliases}
    for alias in aliases:
        found.update(dict.fromkeys(str(name) for name in alias.mapping.values()))
    found.update(dict.fromkeys(name for name in correlation.group_by or () if name not in named))
    reference = getattr(correlation.condition, "fieldref", None)
    if reference is not None:
        found.update(dict.fromkeys([reference] if isinstance(reference, str) else reference))
    return list(found)


def unmapped(before: Iterable[str], after: Iterable[str], facts: Facts, mapped: Iterable[str] = ()) -> list[str]:
    """Return the fields of a rule that no mapping knows, in the order of `before`.

    A field counts as unmapped when all of this is so:

    - it came out of the pipeline under the name it had (it is in `before` and in `after`);
    - no field mapping named it, not even to keep its name (it is not in `mapped`);
    - the facts do not know that name as a field of the product, nor a prefix of it.

    So a rule that names a product's own field (`event.action`) is fine, as are the raw fields of CloudTrail in Splunk:
    their names in the JSON are the names there, and the facts list them, with the objects below which every name is
    known. For a log source without facts, every field that no pipeline renames is unmapped. `mapped` and `facts` may
    be empty.

    Args:
        before: the fields of the rule as it is written, see `fields_of`.
        after: the fields after the pipeline.
        facts: of the product and the log source.
        mapped: fields that a mapping named, see `Applied.mapped`.
    """
    kept, named = frozenset(after), frozenset(mapped)
    return [name for name in before if name in kept and name not in named and facts.field(name) is None]


def _detection_fields(item: Any) -> Iterator[str]:
    """Yield the fields of a detection or detection item of pySigma, at any depth."""
    from sigma.types import SigmaFieldReference  # noqa: PLC0415  slow to import

    for inner in getattr(item, "detection_items", ()):
        yield from _detection_fields(inner)
    name = getattr(item, "field", None)
    if name is not None:
        yield str(name)
    if not hasattr(item, "detection_items"):
        for value in getattr(item, "value", None) or ():
            if isinstance(value, SigmaFieldReference):
                yield str(value.field)
