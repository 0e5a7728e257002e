"""The notes of `convert` on its queries: warnings, what pipelines did, why verdicts are not exact; each sentence once.

(target, query)... ──> sentences, each with its targets and rules ──> Line
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from converter.report.layout import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.targets.core.target import Query

_Kind: TypeAlias = Literal["warning", "changed", "pipeline", "differs", "limit", "assumes"]
_KINDS: tuple[_Kind, ...] = get_args(_Kind)  # in the order of the lines
_Names: TypeAlias = dict[str, None]
_SHOWN_RENAMES = 4


def caveats(queries: Sequence[tuple[str, Query]], *, grouped: bool = False) -> Iterator[Line]:
    """Yield a line for each sentence: `KIND: TARGETS: SENTENCE`, and `(RULES)` unless it is about all of them.

    Args:
        queries: each with the name of its target.
        grouped: sentences of one kind about the same targets and rules get a common heading.
    """
    sentences: dict[tuple[_Kind, str], tuple[_Names, _Names]] = {}
    for target, query in queries:
        for kind, sentence in _sentences(query):
            targets, rules = sentences.setdefault((kind, sentence), ({}, {}))
            targets[target] = rules[query.rule] = None
    every_rule = dict.fromkeys(query.rule for _, query in queries)
    for target, sentence in _renames(queries):
        sentences.setdefault(("pipeline", sentence), ({}, every_rule))[0][target] = None
    groups: dict[tuple[_Kind, str, str, str], list[str]] = {}
    for (kind, sentence), (targets, rules) in sentences.items():
        of_rules = "" if set(rules) == set(every_rule) else f" ({', '.join(rules)})"
        key = (kind, ", ".join(targets), of_rules, "" if grouped else sentence)
        groups.setdefault(key, []).append(sentence)
    for (kind, of_targets, of_rules, _), items in sorted(groups.items(), key=lambda group: _KINDS.index(group[0][0])):
        yield from _group(kind, of_targets, of_rules, items)


def told(query: Query) -> Iterator[str]:
    """Yield what a pipeline did to a rule without changing its meaning, shortly."""
    if query.renames:
        yield renamed(query.renames)
    yield from query.pipeline


def renamed(renames: Mapping[str, tuple[str, ...]]) -> str:
    """Return which fields a pipeline renames, the first of them by their names."""
    shown = ", ".join(f"{old} to {' or '.join(new)}" for old, new in list(renames.items())[:_SHOWN_RENAMES])
    more = len(renames) - _SHOWN_RENAMES
    return f"renames {shown} and {more} more" if more > 0 else f"renames {shown}"


def _renames(queries: Sequence[tuple[str, Query]]) -> Iterator[tuple[str, str]]:
    """Yield for each target one sentence about the renamed fields of all rules."""
    renames: dict[str, dict[str, tuple[str, ...]]] = {}
    for target, query in queries:
        if query.renames:
            renames.setdefault(target, {}).update(query.renames)
    for target, names in renames.items():
        yield target, renamed(names)


def _group(kind: str, targets: str, of_rules: str, sentences: Sequence[str]) -> Iterator[Line]:
    if len(sentences) == 1:
        yield Line(f"{kind}: {targets}: {sentences[0]}{of_rules}", _style(kind))
        return
    yield Line(f"{kind}: {targets}{of_rules}:", _style(kind))
    yield from (Line(sentence, indent=2) for sentence in sentences)


def _style(kind: str) -> str:
    return "" if kind == "pipeline" else "yellow"


def _sentences(query: Query) -> Iterator[tuple[_Kind, str]]:
    verdict = query.verdict
    for warning in query.warnings:
        yield "warning", warning
    for change in verdict.changes:
        yield "changed", f"the pipeline {change}"
    for sentence in query.pipeline:
        yield "pipeline", sentence
    if verdict.bound is not None:
        yield "differs", verdict.bound.message
    if verdict.limit is not None:
        yield "limit", verdict.limit.message
    for assumption in verdict.assumptions:
        yield "assumes", assumption.message
