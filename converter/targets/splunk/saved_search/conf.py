"""Read the saved searches of a savedsearches.conf.

text ──engine/conf.py──> stanzas of settings ──> SavedSearch
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from converter.errors import Place, QueryError
from converter.targets.splunk.engine.conf import read_stanzas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.splunk.engine.conf import Setting


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A stanza.

    Attributes:
        name: the title between the brackets.
        settings: its keys and values, those of [default] included where it has none of its own.
        search: the value of `search`.
        place: the line of the title.
    """

    name: str
    settings: Mapping[str, str]
    search: str
    place: Place
    text: str = field(repr=False)
    spots: Mapping[str, Setting] = field(repr=False, compare=False)

    def error(self, message: str, key: str | None = None, hint: str = "") -> QueryError:
        """Return a QueryError placed at the setting `key`, or at the title."""
        spot = self.spots.get(key) if key is not None else None
        if spot is None or key is None:
            return QueryError(message, self.place, hint)
        return QueryError(message, Place.at_offset(self.text, spot.key_offset, length=len(key)), hint)

    def query_error(self, error: QueryError) -> QueryError:
        """Return an error of the search as one of the file, with its place in the file."""
        spot = self.spots.get("search")
        place = error.place
        if spot is None or place is None:
            return error
        start = Place.at_offset(self.text, spot.value_offset)
        column = place.column + (start.column - 1 if place.line == 1 else 0)
        there = Place.at_line(self.text, start.line + place.line - 1, column, place.name, place.length)
        return QueryError(error.message, there, error.hint)


def parse(text: str) -> list[SavedSearch]:
    """Return the saved searches of the file `text`, in order, without [default].

    Raises:
        QueryError: a line is neither a title nor a setting; a title has brackets in it; a stanza or a key is there
            twice; a value ends with the file in the middle of a continuation; a stanza has no search.

    Source: Splunk Admin Manual, "About configuration files"; savedsearches.conf.spec.
    """
    searches = [_saved_search(text, name, place, settings) for name, (place, settings) in read_stanzas(text).items()]
    if not searches:
        raise QueryError(
            "the file has no saved search", Place.at_offset(text, 0), "a saved search begins with a line [title]"
        )
    return searches


def _saved_search(text: str, name: str, place: Place, settings: dict[str, Setting]) -> SavedSearch:
    values = {key: setting.value for key, setting in settings.items()}
    search = values.get("search", "")
    if not search.strip():
        raise QueryError(f"the stanza [{name}] has no search", place)
    return SavedSearch(name, MappingProxyType(values), search, place, text, MappingProxyType(settings))
