"""Parse the targets that a user names: `NAME[:FORMAT][:KEY=VALUE]...`.

    "splunk", "splunk:savedsearches", "elastic-toml:rule_type=eql", "pysigma:esql" ──parse_name──> TargetName

The names of pySigma's backends contain a colon themselves (`pysigma:esql`), so the longest known name wins. A column of
`test --live` is called NAME@PRODUCT[:FORMAT]...; a case may declare a divergence for it, but `-t` cannot name it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError, suggest
from converter.live.core import PRODUCTS
from converter.targets.core.target import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.targets.core.target import Target


@dataclass(frozen=True, slots=True)
class TargetName:
    """A target with a format and options. `str()` is its canonical form.

    Attributes:
        name: the target's name.
        format: one of the target's formats.
        options: keys and values, sorted by key.
        live: the live product that runs the queries; empty for the local engine.
    """

    name: str
    format: str = "default"
    options: tuple[tuple[str, str], ...] = ()
    live: str = ""

    def __str__(self) -> str:
        form = () if self.format == "default" else (self.format,)
        name = f"{self.name}@{self.live}" if self.live else self.name
        return ":".join((name, *form, *(f"{key}={value}" for key, value in self.options)))


@dataclass(frozen=True, slots=True)
class Defaults:
    """A format and options for targets whose name does not give them."""

    form: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def fill(self, name: TargetName, target: Target) -> TargetName:
        """Return the name with those defaults that the target has."""
        form = self.form if name.format == "default" and self.form in target.formats else name.format
        options = {key: value for key, value in self.options.items() if key in target.options}
        return TargetName(name.name, form or "default", tuple(sorted({**options, **dict(name.options)}.items())))


def parse_names(
    specs: Iterable[str],
    known: Mapping[str, Target],
    *,
    every: Sequence[TargetName] = (),
    form: str | None = None,
    options: Mapping[str, str] | None = None,
    configured: Defaults | None = None,
) -> list[TargetName]:
    """Return the named targets, each once, in order.

    Args:
        specs: targets as a user names them, several joined by commas; `all` stands for `every`.
        known: all targets by name.
        every: the targets that `all` stands for.
        form: a format for every target that has it and whose name gives none.
        options: options for every target that has them, besides those in its name.
        configured: the format and options of the configuration; they are for all targets, so no named target need have
            them.

    Raises:
        ConfigurationError: an unknown target, format or option; or a format or option that no target here has.
    """
    names: dict[TargetName, None] = {}
    for spec in specs:
        for part in spec.split(","):
            if part.strip() == "all":
                names.update(dict.fromkeys(every))
            elif part.strip():
                name = parse_name(part.strip(), known)
                if name.live:
                    raise ConfigurationError(
                        f"{part.strip()!r} is the name of a column, not of a target",
                        hint=f"-t {replace(name, live='')} --live {name.live}=URL",
                    )
                names[name] = None
    targets = [known[name.name] for name in names]
    if configured is not None:
        _check_defaults(configured, list(known.values()), "no target")
    given = Defaults(form, options or {})
    if targets:
        _check_defaults(given, targets, "no target here")
    complete = []
    for name, target in zip(names, targets, strict=True):
        used = name
        for defaults in (given, configured):
            used = used if defaults is None else defaults.fill(used, target)
        complete.append(used)
    return list(dict.fromkeys(complete))


def parse_name(spec: str, known: Mapping[str, Target]) -> TargetName:
    """Return the named target, or column of a live product. Raises ConfigurationError."""
    parts = spec.split(":")
    for used in range(len(parts), 0, -1):
        name, at, live = ":".join(parts[:used]).partition("@")
        if name in known and (not at or live in PRODUCTS):
            return replace(_checked(name, parts[used:], known[name]), live=live)
    name = ":".join(parts[:2]) if spec.startswith(FOREIGN) else parts[0]
    hint = suggest(name, known) or f"known: all, {', '.join(sorted(known))}"
    raise ConfigurationError(f"there is no target {name!r}", hint=hint)


def own_names(known: Mapping[str, Target]) -> list[TargetName]:
    """Return each of our own targets in its default format."""
    return [TargetName(name) for name in sorted(known) if not name.startswith(FOREIGN)]


def own_variants(known: Mapping[str, Target]) -> list[TargetName]:
    """Return each of our own targets in every format and variant.

    A target may have an attribute `variants`, with options such as `rule_type=eql` that are to be replayed as well, and
    an attribute `piped`, with formats that need a pipeline of the user's and are left out.
    """
    names: list[TargetName] = []
    for name in (target_name.name for target_name in own_names(known)):
        target = known[name]
        left_out = {"default", *getattr(target, "piped", ())}
        formats = ["default", *(form for form in target.formats if form not in left_out)]
        names.extend(TargetName(name, form) for form in formats)
        names.extend(_checked(name, variant.split(":"), target) for variant in getattr(target, "variants", ()))
    return list(dict.fromkeys(names))


def _checked(name: str, parts: Sequence[str], target: Target) -> TargetName:
    form: str | None = None
    options: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if equals:
            _check_option(key, name, target)
            options[key] = value
        elif form is not None:
            raise ConfigurationError(
                f"two formats of {name}: {form!r} and {part!r}", hint="NAME[:FORMAT][:KEY=VALUE]..."
            )
        else:
            form = part
            if form != "default" and form not in target.formats:
                raise ConfigurationError(f"{name} has no format {form!r}", hint=_known(form, target.formats))
    return TargetName(name, form or "default", tuple(sorted(options.items())))


def _check_option(key: str, name: str, target: Target) -> None:
    if key not in target.options:
        raise ConfigurationError(f"{name} has no option {key!r}", hint=_known(key, target.options))


def _known(word: str, known: Iterable[str]) -> str:
    words = list(known)
    return suggest(word, words) or (f"known: {', '.join(words)}" if words else "it has none")


def _check_defaults(defaults: Defaults, targets: Sequence[Target], who: str) -> None:
    """Refuse a format or option that none of the targets has."""
    form = defaults.form
    if form not in {None, "default"} and not any(form in target.formats for target in targets):
        formats = dict.fromkeys(name for target in targets for name in target.formats)
        raise ConfigurationError(f"{who} has the format {form!r}", hint=_known(form or "", formats))
    for key in defaults.options:
        if not any(key in target.options for target in targets):
            every = dict.fromkeys(name for target in targets for name in target.options)
            raise ConfigurationError(f"{who} has the option {key!r}", hint=_known(key, every))
