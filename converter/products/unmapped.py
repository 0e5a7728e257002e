"""The fields of a rule that no mapping for a product has, and what the user can do about them.

names, places, names that a mapping has ──unmapped_fields──> Unmapped: one sentence, a warning for each field, a hint
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from converter.errors import RuleWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from converter.errors import Place

CODE = "unmapped-field"
_NEAR = 0.7


@dataclass(frozen=True, slots=True)
class Unmapped:
    """The fields of a rule that no mapping has.

    Attributes:
        product: for which there is no mapping of them.
        places: the fields, at least one, each with its place in the rule.
        near: for each field the one that is probably meant, or an empty string.
        advice: returns what else the user can do; slow, so it is asked only when it is shown.
    """

    product: str
    places: Mapping[str, Place | None]
    near: Mapping[str, str]
    advice: Callable[[], str]

    @property
    def message(self) -> str:
        """One sentence that names all of them, with the fields that may be meant."""
        return self._sentence(
            f"{field} (did you mean {near!r}?)" if near else field for field, near in self.near.items()
        )

    @property
    def error(self) -> str:
        """The same without the fields that may be meant, for an error with the hint."""
        return self._sentence(self.near)

    @property
    def place(self) -> Place | None:
        """The place of the first of the fields."""
        return next(iter(self.places.values()))

    @property
    def hint(self) -> str:
        """What the user can do about them, where a query with them is refused."""
        near = next(iter(self.near.values()))
        return f"{self._hint(near)}; or give --allow-unmapped if the product has fields of these names"

    def warnings(self) -> list[RuleWarning]:
        """Return a warning for each field, with its place."""
        return [
            RuleWarning(
                f"no mapping for {self.product} has the field {field}", CODE, place, self._hint(self.near[field])
            )
            for field, place in self.places.items()
        ]

    def _sentence(self, names: Iterable[str]) -> str:
        return f"no mapping for {self.product} has the field{'s' * (len(self.near) > 1)} {', '.join(names)}"

    def _hint(self, near: str) -> str:
        return f"did you mean {near!r}? If not, {self.advice()}" if near else self.advice()


def unmapped_fields(
    product: str, places: Mapping[str, Place | None], known: Iterable[str], advice: Callable[[], str]
) -> Unmapped:
    """Return what to tell of these fields; `known` are the fields that a mapping has, for the rest see `Unmapped`."""
    candidates: dict[str, str] = {}
    for name in known:
        candidates.setdefault(name.lower(), name)
    return Unmapped(product, places, {field: _near(field, candidates) for field in places}, advice)


def _near(field: str, candidates: Mapping[str, str]) -> str:
    """Return the field that is probably meant, or an empty string."""
    close = get_close_matches(field.lower(), candidates, n=2, cutoff=_NEAR)  # one may be itself, mapped elsewhere
    return next((name for key in close if (name := candidates[key]) != field), "")
