"""The interface of targets, between the harness, the command line and `converter/targets/*`.

    Plan + Context ──Target.emit──> Query (text, verdict) ──Target.replay──> Run (alerts) for each phase of a schedule

Targets are found through the entry point group `converter.targets`; there is no list of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from converter.plan.nodes import Plan
    from converter.products.field_facts import Facts
    from converter.products.unmapped import Unmapped
    from converter.verdicts.verdict import Verdict

Event: TypeAlias = Mapping[str, Any]
FOREIGN = "pysigma:"
"""The prefix of the names of targets that are backends of pySigma."""


@dataclass(frozen=True, slots=True)
class Query:
    """A converted rule.

    Attributes:
        rule: the key of the rule.
        target: the name of the target.
        language: the language of `text`: spl, esql, eql, kql, elastic-toml, savedsearches or contentctl.
        text: the query or the file.
        verdict: how the query relates to the rule.
        format: the target's format.
        group_by: for a correlation, the product's names of the group-by fields, in the order of the rule.
        timespan: for a correlation, in seconds.
        warnings: messages for the user, such as the names of unmapped fields.
        inner: for a file, the query in it, to which a pipeline's postprocessing is applied.
        wrap: for a file, returns the whole text for an inner query.
        stem: for a file whose format requires a name, that name without its suffix.
        renames: the product's names of fields, by Sigma's, as far as a pipeline has given them other names.
        pipeline: what else a pipeline has done without changing the meaning of the rule, a sentence each.
        left: the rule as a pipeline leaves it, with the product's names, if the pipeline changes its meaning.
        needs_fields: whether the product fails on the query if no index has one of its fields.
        unmapped: the fields of the rule that no mapping has, each with its place; `warnings` names them, too.
    """

    rule: str
    target: str
    language: str
    text: str
    verdict: Verdict
    format: str = "default"
    group_by: tuple[str, ...] | None = None
    timespan: int | None = None
    warnings: tuple[str, ...] = ()
    inner: str | None = field(default=None, compare=False, repr=False)
    wrap: Callable[[str], str] | None = field(default=None, compare=False, repr=False)
    stem: str | None = None
    renames: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    pipeline: tuple[str, ...] = ()
    left: Plan | None = field(default=None, compare=False, repr=False)
    needs_fields: bool = False
    unmapped: Unmapped | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Titles:
    """The titles of the rules of a conversion; for each way to compare titles, the counts are computed once."""

    titles: tuple[str, ...]
    _counts: dict[Callable[[str], str], Counter[str]] = field(default_factory=dict, init=False, repr=False)

    def shared(self, title: str, key: Callable[[str], str]) -> bool:
        """Return whether another rule has a title with the same key; `title` is the title of one of the rules."""
        if key not in self._counts:
            self._counts[key] = Counter(map(key, self.titles))
        return self._counts[key][key(title)] > 1


@dataclass(frozen=True, slots=True)
class Context:
    """The input of an emitter besides the plan.

    Attributes:
        format: one of the target's formats.
        options: from `-O key=value`; a target refuses options that it does not know.
        facts: of the product's fields.
        state: the state of the processing pipelines, for example `index`.
        guide: an investigation guide in Markdown, or None.
        titles: the titles of all rules of the conversion, for files in which a title must be unique.
    """

    facts: Facts
    format: str = "default"
    options: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    guide: str | None = None
    titles: Titles = field(default_factory=lambda: Titles(()))


@dataclass(frozen=True, slots=True)
class TargetAlert:
    """An alert of a query: group values as strings (None for a detection), times in nanoseconds, ids if known."""

    group: tuple[str, ...] | None
    first: int | None
    last: int | None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The alerts of one replay.

    Attributes:
        phase: the phase of the query's schedule; empty for a query without one.
        alerts: the alerts.
        full: whether a run reached `Verdict.limit`, so that alerts may be missing.
        once: whether each alert is one that a person gets, so that a second one for an episode or event is too many.
    """

    phase: str
    alerts: tuple[TargetAlert, ...]
    full: bool = False
    once: bool = False


def free_column(name: str, taken: Collection[str]) -> str:
    """Return a column name that is not among the fields `taken`: the name itself, or the name with a number."""
    number = 1
    column = name
    while column in taken:
        number += 1
        column = f"{name}_{number}"
    return column


@runtime_checkable
class Target(Protocol):
    """A target.

    Optional attributes:

        variants  options that are replayed as well, such as `rule_type=eql`
        piped     formats that need a pipeline of the user's
        files     further languages of its formats, each with the module and the function that run it
        refuses   by format or variant, the constructs that it refuses, as `RefusedError.construct` names them;
                  strict: `tests/targets/test_refusals.py` fails if one is converted, or if another one is refused
    """

    @property
    def name(self) -> str:
        """Its name for `-t`."""
        ...

    @property
    def language(self) -> str:
        """The language of its queries, for `run --language`."""
        ...

    @property
    def product(self) -> str:
        """The product on whose events its queries run."""
        ...

    @property
    def description(self) -> str:
        """A line for the table of targets."""
        ...

    @property
    def suffix(self) -> str:
        """The suffix of files written with `-d`."""
        ...

    @property
    def formats(self) -> Mapping[str, str]:
        """The descriptions of its formats by name, `default` included."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """The descriptions of its options by name."""
        ...

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan whose fields are the product's.

        Raises:
            RefusedError: the language cannot express it; names the construct and a target that can.
            ConfigurationError: an unknown format or option.
        """
        ...

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a query of this target on events as the product has them, each with `_id`.

        Raises:
            QueryError: the engine does not know a construct of the query.
        """
        ...
