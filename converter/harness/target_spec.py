"""Names of targets as a user writes them: `NAME[:FORMAT][:KEY=VALUE]...`.

    "splunk", "splunk:savedsearches", "elastic-toml:rule_type=eql", "pysigma:esql" ──parse_name──> TargetName

The colon is also part of the names of pySigma's backends (`pysigma:esql`); the longest known name wins. A column of
`test --live` is called NAME@PRODUCT[:FORMAT]...; a case may declare a divergence of it, and `-t` cannot name it.
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
    """A target with a format and options. `str()` is the one way to write it: options are in order of their keys.

    Attributes:
        name: of the target.
        format: one of its formats.
        options: keys and values, in order of the keys.
        live: the product that runs its queries; empty for the local engine.
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
    """A format and options for targets whose name does not say them."""

    form: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def fill(self, name: TargetName, target: Target) -> TargetName:
        """Return the name with what the target knows of these."""
        form = self.form if name.format == "default" and self.form in target.formats else name.format
        options = {key: value for key, value in self.options.items() if key in target.options}
        return TargetName(name.name, form or "default", tuple(sorted({**options, **dict(name.options)}.items())))


def parse_names(
    texts: Iterable[str],
    known: Mapping[str, Target],
    *,
    every: Sequence[TargetName] = (),
    form: str | None = None,
    options: Mapping[str, str] | None = None,
    configured: Defaults | None = None,
) -> list[TargetName]:
    """Return the targets that the texts name, each once, in order.

    Args:
        texts: names, each perhaps several with commas between; `all` stands for `every`.
        known: the targets there are.
        every: what `all` means.
        form: a format, for every target that has it, unless its name says one.
        options: for every target that knows them, besides those in its name.
        configured: the same for whatever targets are named from one time to the next, so none of them need know it.

    Raises:
        ConfigurationError: an unknown target, format or option; the last two also if none of the targets knows it.
    """
    names: dict[TargetName, None] = {}
    for text in texts:
        for part in text.split(","):
            if part.strip() == "all":
                names.update(dict.fromkeys(every))
            elif part.strip():
                name = parse_name(part.strip(), known)
                if name.live:
                    raise ConfigurationError(
                        f"{part.strip()!r} is the name of a column, and no target",
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


def parse_name(text: str, known: Mapping[str, Target]) -> TargetName:
    """Return the target, or the column of a live product, that the text names. Raises ConfigurationError."""
    parts = text.split(":")
    for used in range(len(parts), 0, -1):
        name, at, live = ":".join(parts[:used]).partition("@")
        if name in known and (not at or live in PRODUCTS):
            return replace(_checked(name, parts[used:], known[name]), live=live)
    name = ":".join(parts[:2]) if text.startswith(FOREIGN) else parts[0]
    hint = suggest(name, known) or f"known: all, {', '.join(sorted(known))}"
    raise ConfigurationError(f"there is no target {name!r}", hint=hint)


def own_names(known: Mapping[str, Target]) -> list[TargetName]:
    """Return every target of our own in its default format."""
    return [TargetName(name) for name in sorted(known) if not name.startswith(FOREIGN)]


def own_variants(known: Mapping[str, Target]) -> list[TargetName]:
    """Return every target of our own in every format, and in every variant that it names itself.

    A target may have an attribute `variants`: texts such as `rule_type=eql`, each a way to write the same rule that is
    to be replayed as well; and an attribute `piped`: formats that need a pipeline of the user's, which are left out.
    """
    names: list[TargetName] = []
    for name in (found.name for found in own_names(known)):
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
    """Refuse what none of the targets has."""
    form = defaults.form
    if form not in {None, "default"} and not any(form in target.formats for target in targets):
        formats = dict.fromkeys(one for target in targets for one in target.formats)
        raise ConfigurationError(f"{who} has the format {form!r}", hint=_known(form or "", formats))
    for key in defaults.options:
        if not any(key in target.options for target in targets):
            every = dict.fromkeys(one for target in targets for one in target.options)
            raise ConfigurationError(f"{who} has the option {key!r}", hint=_known(key, every))
