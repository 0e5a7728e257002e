"""sigma-convert: one Sigma rule, every SIEM, the same alerts.

    load_rules ──> Rules ──convert──> Query ──run_query──> rows
                     └────evaluate──> Alert

These functions are the public interface (docs/python.md); everything else may change. Slow modules are imported when a
function is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from converter.reference.evaluate import Alert
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Target

__all__ = ["convert", "evaluate", "list_targets", "load_rules", "parse_query", "run_query"]


def load_rules(paths: str | Path | Iterable[str | Path]) -> Rules:
    """Load rules from files and folders.

    Args:
        paths: one or several files and folders (every `*.yml` and `*.yaml` below); `-` is standard input.

    Raises:
        RuleError: a rule is not valid; has a place.
        RefusedError: a rule uses a construct that is not supported yet.
    """
    from pathlib import Path  # noqa: PLC0415

    from converter.rules.load import load_rules as load  # noqa: PLC0415

    return load([paths] if isinstance(paths, str | Path) else paths)


def convert(
    rules: Rules,
    target: str,
    *,
    pipelines: Sequence[str] = (),
    format: str = "default",  # noqa: A002  what the command line calls it
    options: Mapping[str, str] | None = None,
    without_pipeline: bool = False,
    allow_unmapped: bool = False,
    trust_pipelines: bool = False,
) -> list[Query]:
    """Convert rules to the query language of a target.

    Args:
        rules: from `load_rules`.
        target: its name, for example `splunk`; `list_targets()` has them.
        pipelines: files or names of pySigma pipelines, instead of the one chosen by log source.
        format: one of the target's formats.
        options: the target's options.
        without_pipeline: whether to keep the fields as the rules have them, because they are the product's.
        allow_unmapped: whether to convert a rule with fields that no mapping has, also if the product fails on a query
            with unknown fields (ES|QL and EQL); `Query.warnings` names the fields.
        trust_pipelines: whether files of pipelines may run code, read files and open connections (docs/pipelines.md).

    Raises:
        RefusedError: the language cannot express a rule; names the construct and a target that can. Or the product
            would fail on a field that no mapping has.
        ConfigurationError: an unknown target, pipeline, format or option.
    """
    from converter.conversion import convert_rules  # noqa: PLC0415
    from converter.targets.core.registry import get_target  # noqa: PLC0415

    return convert_rules(
        rules,
        get_target(target),
        pipelines=pipelines,
        without_pipeline=without_pipeline,
        format=format,
        options=options or {},
        allow_unmapped=allow_unmapped,
        trust_pipelines=trust_pipelines,
    )


def evaluate(
    rules: Rules,
    events: Iterable[Mapping[str, Any]],
    *,
    logsources: bool = True,
    budget: Mapping[str, float] | None = None,
) -> list[Alert]:
    """Evaluate rules on raw events with the reference, by which conversions are judged.

    An event without a usable time takes no part in correlations.

    Args:
        rules: from `load_rules`.
        events: in log order; the id of an event is its `_id`, else its 1-based position. Rules see Sigma's field names
            beside those of the event (docs/logsources.md).
        logsources: whether to try a rule only on events that may be of its log source.
        budget: limits by name, such as `{"regex-seconds": 60}` (docs/cli.md, "Limits").

    Raises:
        RuleError: a rule has a placeholder, or reaches a limit on an event.
        LogError: an event is nested deeper than the limit.
        ConfigurationError: an unknown limit.
    """
    from converter.logsources import all_rules, by_logsource  # noqa: PLC0415
    from converter.readers.limits import changed, using  # noqa: PLC0415
    from converter.readers.nesting import shallow  # noqa: PLC0415
    from converter.reference.evaluate import evaluate_plans  # noqa: PLC0415

    with using(changed(budget or {})):
        return evaluate_plans(rules.plans, shallow(events), select=by_logsource if logsources else all_rules)


def parse_query(text: str, language: str, *, macros: str | Mapping[str, str] | None = None) -> Any:
    """Return the syntax tree of a query, of frozen dataclasses from the language's module `syntax`.

    Args:
        text: the query.
        language: spl, esql, eql or kql.
        macros: for spl: the text of a macros.conf with the macros that the query calls; or several texts by file name.

    Raises:
        QueryError: the text is not a query of the language; has a place.
        ConfigurationError: an unknown language.
    """
    from converter.targets.core.engines import find_engine  # noqa: PLC0415

    return find_engine(language).parse(text, macros=macros)


def run_query(
    text: str,
    language: str,
    events: Iterable[Mapping[str, Any]],
    *,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    macros: str | Mapping[str, str] | None = None,
    now: float | None = None,
    limits: bool = True,
    on_note: Callable[[str], None] | None = None,
    budget: Mapping[str, float] | None = None,
) -> list[dict[str, Any]]:
    """Run a query on events with the local engine of its language.

    Args:
        text: the query.
        language: spl, esql, eql, kql, or elastic-toml for a rule file.
        events: as the product of the language has them; events that pass through keep `_id`.
        tables: the rows of other indices and lookups that the query may read, by name.
        macros: for spl: the text of a macros.conf with the macros that the query calls; or several texts by file name.
        now: for spl: the time of the search, in seconds since 1970; relative times count from it.
        limits: for spl: whether to apply the limits at which Splunk cuts results by default.
        on_note: called with notes about the result, a sentence each, such as a limit that was reached.
        budget: limits by name, such as `{"rows": 10_000_000}` (docs/cli.md, "Limits").

    Raises:
        QueryError: the text is not a query, uses what the engine does not know, or reaches a limit; has a place.
        LogError: an event has no time that the engine can use, or is nested deeper than the limit.
        ConfigurationError: an unknown language or limit, or an argument that its engine does not take.
    """
    from converter.readers.limits import changed, using  # noqa: PLC0415
    from converter.readers.nesting import shallow  # noqa: PLC0415
    from converter.targets.core.engines import find_engine  # noqa: PLC0415

    with using(changed(budget or {})):
        return find_engine(language).run(
            text, shallow(events), tables=tables, macros=macros, now=now, limits=limits, on_note=on_note
        )


def list_targets() -> Mapping[str, Target]:
    """Return the targets by name: our own, and `pysigma:...` for the backends of pySigma that are installed."""
    from converter.targets.core.registry import list_targets as registered  # noqa: PLC0415

    return registered()
