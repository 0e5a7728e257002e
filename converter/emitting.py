"""What emitters share that is no language's: options, durations, the verdict of what they have gathered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.assumptions import unique
from converter.errors import ConfigurationError, RefusedError, suggest
from converter.plan.nodes import Correlation
from converter.target import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from converter.errors import Place
    from converter.plan.nodes import Detection, Plan
    from converter.target import Assumption, Bound, Context

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")


def check_context(target: str, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> None:
    """Refuse a format or an option that the target does not have.

    Raises:
        ConfigurationError: with a suggestion.
    """
    if context.format not in formats:
        hint = suggest(context.format, formats) or f"known: {', '.join(formats)}"
        raise ConfigurationError(f"the target {target} has no format {context.format!r}", hint=hint)
    for option in context.options:
        if option not in options:
            known = f"known: {', '.join(options)}" if options else "it has none"
            raise ConfigurationError(
                f"the target {target} has no option {option!r}", hint=suggest(option, options) or known
            )


def seconds(text: str, what: str) -> int:
    """Return a duration such as `5m` in seconds.

    Raises:
        ConfigurationError: not a positive whole number and one of s, m, h, d.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{what} is {text!r}, which is not a duration", hint="for example 90s, 5m, 1h, 7d")
    return int(match[1]) * _UNITS[match[2]]


def duration(length: int) -> str:
    """Return seconds in the largest unit that needs no fraction: 360 is `6m`."""
    for unit, size in reversed(_UNITS.items()):
        if length % size == 0 and length:
            return f"{length // size}{unit}"
    return f"{length}s"


def verdict(assumptions: Iterable[Assumption], bound: Bound | None = None) -> Verdict:
    """Return the verdict of a query with these assumptions and this bound."""
    gathered = unique(assumptions)
    if bound is not None:
        return Verdict("bounded", gathered, bound)
    return Verdict("assuming" if gathered else "exact", gathered)


def detections(plan: Plan) -> tuple[Detection, ...]:
    """Return the detection rules whose events a plan looks for."""
    return plan.rules if isinstance(plan, Correlation) else (plan,)


def refused(message: str, construct: str, place: Place | None, hint: str = "") -> RefusedError:
    """Return the error for a construct that a language cannot say."""
    return RefusedError(message, construct, place, hint)
