"""Refuse what would make a rule or its query enormous: mappings to many fields, placeholders with many values, copies.

Each step is asked before it is taken how much it can make, so that nothing enormous is made at all.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError
from converter.readers.limits import current, raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule

_QUERY = "%QUERY%"
# The most that JSON and YAML make of a character: \\u0001.
_ESCAPED = 6


def check_item(item: Any, rule: AnyRule) -> None:
    """Raise RefusedError if a transformation may make too much of a rule."""
    step = item.transformation
    limits = current()
    mapping = getattr(step, "mapping", None)
    if isinstance(mapping, dict):
        width = max((len(value) for value in mapping.values() if isinstance(value, list)), default=1)
        if width > 1 and width * _count(rule) > limits.rule_values:
            raise _too_many()
    if type(step).__name__ == "ValueListPlaceholderTransformation":
        variables = getattr(getattr(step, "_pipeline", None), "vars", {})
        if sum(_combinations(value, variables) for value in _values(rule)) > limits.rule_values:
            raise _too_many()
    added = len(getattr(step, "prefix", None) or getattr(step, "suffix", None) or "")
    if added and sum(len(name) + added for name in _names(rule)) > limits.value_bytes:
        raise _too_large("a rule")
    if type(step).__name__ == "ReplaceStringTransformation":
        # pySigma 2 looks at all parts of a value for each match in it.
        quadratic = not hasattr(step, "re")
        lengths = [len(str(value)) + 1 for value in _values(rule) if type(value).__name__ == "SigmaString"]
        copies = len(step.replacement) + 1
        if sum(length * (copies + (length if quadratic else 0)) for length in lengths) > 4 * limits.value_bytes:
            raise _too_large("a rule")


def guard_queries(pipeline: ProcessingPipeline) -> None:
    """Have the postprocessing items of a pipeline look at the size of a query before they change it."""
    for item in pipeline.postprocessing_items:
        guarded: Any = item
        if "apply" not in vars(guarded):
            guarded.apply = partial(_apply, guarded, guarded.apply)
        nested = getattr(item.transformation, "_nested_pipeline", None)
        if nested is not None:
            guard_queries(nested)


def _apply(item: Any, apply: Callable[[AnyRule, Any], Any], rule: AnyRule, query: Any) -> Any:
    if isinstance(query, str) and _growth(item.transformation, len(query)) > current().value_bytes:
        raise _too_large("a query")
    return apply(rule, query)


def _growth(step: Any, size: int) -> int:
    """Return the most characters that a postprocessing step can make of a query; 0 if that is limited elsewhere."""
    match type(step).__name__:
        case "EmbedQueryTransformation":
            return size + len(step.prefix) + len(step.suffix)
        case "EmbedQueryInJSONTransformation":
            template = str(step.json_template)
            return _ESCAPED * (len(template) + template.count(_QUERY) * size)
        case "ReplaceQueryTransformation":
            return (size + 1) * (len(step.replacement) + 1) // 4
        case _:
            return 0


def check_output(finalizer: Any, queries: Any, given: int) -> None:
    """Raise RefusedError if a finalizer may make too much of queries.

    Args:
        finalizer: a finalizer that holds no others.
        queries: what it is given.
        given: how many characters the queries had before all finalizers.
    """
    texts = queries if isinstance(queries, list) else [queries]
    size = sum(len(text) if isinstance(text, str) else len(str(text)) for text in texts)
    most = current().value_bytes + 8 * given
    joined = len(texts) * len(getattr(finalizer, "separator", "") or "")
    if size + joined > most:
        raise _too_large("all queries")


def _too_many() -> RefusedError:
    message = f"the pipeline would make more than {current().rule_values:,} values or fields of this rule"
    return RefusedError(message, "pipeline", None, raises("rule-values"))


def _too_large(whole: str) -> RefusedError:
    message = f"the pipeline would make {whole} of more than {current().value_bytes:,} characters"
    return RefusedError(message, "pipeline", None, raises("value-bytes"))


def _count(rule: AnyRule) -> int:
    return sum(1 for _ in _names(rule)) + sum(1 for _ in _values(rule))


def _names(rule: AnyRule) -> Iterator[str]:
    given: Any = rule
    yield from map(str, given.fields or ())
    yield from map(str, getattr(given, "group_by", None) or ())
    for item in _items(given):
        yield str(item.field or "")


def _values(rule: AnyRule) -> Iterator[Any]:
    for item in _items(rule):
        yield from item.value


def _items(rule: Any) -> Iterator[Any]:
    detection = getattr(rule, "detection", None)
    stack = list(detection.detections.values()) if detection is not None else []
    while stack:
        item = stack.pop()
        inner: Sequence[Any] | None = getattr(item, "detection_items", None)
        if inner is None:
            yield item
        else:
            stack.extend(inner)


def _combinations(value: Any, variables: Any) -> int:
    """Return how many values the placeholders of a value are expanded to."""
    parts = getattr(getattr(value, "regexp", value), "s", ())
    names = [part.name for part in parts if type(part).__name__ == "Placeholder"]
    lists = [variables.get(name) for name in names]
    return prod(len(given) if isinstance(given, list) else 1 for given in lists)
