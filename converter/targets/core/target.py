"""What a target is: the interface between the harness, the command line and `converter/targets/*`.

    Plan + Context ──Target.emit──> Query (text, verdict) ──Target.replay──> Run (alerts) for each phase of a schedule

Targets are found through the entry point group `converter.targets`; nothing lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from converter.plan.nodes import Plan
    from converter.products.field_facts import Facts
    from converter.verdicts.verdict import Verdict

Event: TypeAlias = Mapping[str, Any]
FOREIGN = "pysigma:"
"""How the names of targets begin that are backends of pySigma."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Titles:
    """The titles of the rules of a conversion; each way to compare them is counted once."""

    titles: tuple[str, ...]
    _counts: dict[Callable[[str], str], Counter[str]] = field(default_factory=dict, init=False, repr=False)

    def shared(self, title: str, key: Callable[[str], str]) -> bool:
        """Return whether another rule has a title with the same key; `title` is that of one of the rules."""
        if key not in self._counts:
            self._counts[key] = Counter(map(key, self.titles))
        return self._counts[key][key(title)] > 1


@dataclass(frozen=True, slots=True)
class Context:
    """What an emitter may use besides the plan.

    Attributes:
        format: one of the target's formats.
        options: from `-O key=value`; a target refuses options that it does not know.
        facts: what is known of the product's fields.
        state: what the processing pipelines have set, for example `index`.
        guide: an investigation guide in Markdown, or None.
        titles: those of all rules of the conversion, for files in which a title must be unique.
    """

    facts: Facts
    format: str = "default"
    options: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    guide: str | None = None
    titles: Titles = field(default_factory=lambda: Titles(()))


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

    It may also have

        variants  options worth a replay of their own, such as `rule_type=eql`
        piped     formats that need a pipeline of the user's
        files     further languages of its formats, each with the module and the function that run it
        refuses   by format or variant, the constructs that it cannot say, as `RefusedError.construct` names them;
                  strict: `tests/targets/test_refusals.py` fails if one is converted, or if one more is refused
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
    def product(self) -> str:
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
