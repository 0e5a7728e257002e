"""What a target is: the interface between the harness, the command line and `converter/targets/*`.

    Plan + Context ──Target.emit──> Query (text, verdict) ──Target.replay──> Run (alerts) for each phase of a schedule

Targets are found through the entry point group `converter.targets`; nothing lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from converter.plan.nodes import Plan
    from converter.products.core import Product
    from converter.products.field_facts import Facts

Event: TypeAlias = Mapping[str, Any]
FOREIGN = "pysigma:"
"""How the names of targets begin that are backends of pySigma."""

VerdictKind: TypeAlias = Literal["exact", "assuming", "bounded", "unjudged"]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that must be true of the log for a query to mean what the rule means.

    Attributes:
        says: the assumption, for example "the values of event.action have canonical case".
        broken: (raw event, event as the product has it) to whether this event breaks it.
        broken_in: of what only a whole log can break: (raw events, events as the product has them) to the positions of
            events without which it holds.
    """

    says: str
    broken: Callable[[Event, Event], bool] = field(compare=False, repr=False)
    broken_in: Callable[[Sequence[Event], Sequence[Event]], set[int]] | None = field(
        default=None, compare=False, repr=False
    )

    def breaking(self, raws: Sequence[Event], views: Sequence[Event]) -> set[int]:
        """Return the positions of the events of a log that break it."""
        alone = {at for at, pair in enumerate(zip(raws, views, strict=True)) if self.broken(*pair)}
        return alone | (self.broken_in(raws, views) if self.broken_in is not None else set())


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a query differs from a sliding correlation, in terms of the same rule with another timespan.

    Attributes:
        says: the difference, for a person.
        widest: every alert holds enough events of its group within this many seconds; None: never more than the rule.
        narrowest: every group with enough events within this many seconds is found; None: nothing is missed.
        narrowest of 0 means that only simultaneous events are found for certain.
        doubled: whether a schedule may report an episode, or an event, more than once.
    """

    says: str
    widest: int | None = None
    narrowest: int | None = None
    doubled: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """How many alerts one run of a query gives at most, whatever the log: the product's limit, or the query's own.

    The verdict is about logs on which no run reaches it. Where one does, what is missing is told, and is no difference.

    Attributes:
        says: the limit, for a person.
        alerts: the number.
    """

    says: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a query relates to its rule. `refused` is not here: it is a `RefusedError`.

    `unjudged` is only for conversions of other tools; replay judges those.
    """

    kind: VerdictKind
    assumptions: tuple[Assumption, ...] = ()
    bound: Bound | None = None
    limit: Limit | None = None

    def __str__(self) -> str:
        return self.kind

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything to be said about it, one sentence each."""
        bound = (self.bound.says,) if self.bound is not None else ()
        limit = (self.limit.says,) if self.limit is not None else ()
        return bound + limit + tuple(assumption.says for assumption in self.assumptions)


@dataclass(frozen=True, slots=True)
class Query:
    """A converted rule.

    Attributes:
        rule: the key of the rule.
        target: the name of the target.
        language: of `text`: spl, esql, eql, kql, elastic-toml, savedsearches.
        text: the query or the file.
        verdict: how it relates to the rule.
        format: the target's format.
        group_by: for a correlation, the product's names of the group-by fields, in the order of the rule.
        timespan: for a correlation, in seconds.
        warnings: what the user should know, such as fields that no mapping knows.
        inner: of a file, the query inside: what the postprocessing of a pipeline is applied to.
        wrap: of a file, makes the whole text of an inner query.
        stem: of a file whose format says what it must be called, that name without its suffix.
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


@dataclass(frozen=True, slots=True)
class Context:
    """What an emitter may use besides the plan.

    Attributes:
        format: one of the target's formats.
        options: from `-O key=value`; a target refuses options that it does not know.
        facts: what is known of the product's fields.
        state: what the processing pipelines have set, for example `index`.
        guide: an investigation guide in Markdown, or None.
        titles: those of the other rules of the conversion, for files in which a title must be unique.
    """

    facts: Facts
    format: str = "default"
    options: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    guide: str | None = None
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetAlert:
    """An alert of a query: group values as text (None for a detection), times in nanoseconds, ids where known."""

    group: tuple[str, ...] | None
    first: int | None
    last: int | None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The alerts of one replay.

    Attributes:
        phase: at which phase of its schedule; empty for a query without one.
        alerts: what it found.
        full: whether it gave as many alerts as `Verdict.limit` lets it, at any time, so that some may be missing.
        once: whether each alert is one that a person gets, so that two of one episode or event are one too many.
    """

    phase: str
    alerts: tuple[TargetAlert, ...]
    full: bool = False
    once: bool = False


def free_column(name: str, taken: Collection[str]) -> str:
    """Return a name for a column of a query that is none of the fields `taken`: the name, or with a number after it."""
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


@runtime_checkable
class Target(Protocol):
    """A target.

    It may also have `variants`, options worth a replay of their own, such as `rule_type=eql`; and `files`, further
    languages of its formats, each with the module and the function that run it.
    """

    @property
    def name(self) -> str:
        """What `-t` takes."""
        ...

    @property
    def language(self) -> str:
        """The language of its queries, for `run --language`."""
        ...

    @property
    def product(self) -> Product:
        """Whose events its queries run on."""
        ...

    @property
    def description(self) -> str:
        """One line for the table of targets."""
        ...

    @property
    def suffix(self) -> str:
        """The suffix of files written with `-d`."""
        ...

    @property
    def formats(self) -> Mapping[str, str]:
        """Names of formats and what each is; `default` is one."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """Names of options and what each does."""
        ...

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan whose fields are the product's.

        Raises:
            RefusedError: the language cannot say it; names the construct and a target that can.
            ConfigurationError: an unknown format or option.
        """
        ...

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Execute a query of this target on events as the product has them (each has `_id`).

        Raises:
            QueryError: the engine does not know a construct of the query.
        """
        ...
