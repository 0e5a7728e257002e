"""Indices for replays: created under names of our own, filled, and removed again whatever happens.

    mapping + documents ──hold──> name of an index that holds them all ──> removed

Only an index that carries our mark of this very process is ever removed, by its full name. A name that exists already
is refused.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.live.core import LiveError
from converter.live.elasticsearch.mapping import SUBSTITUTES, substituted
from converter.live.elasticsearch.server import asking, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from elasticsearch import Elasticsearch

PREFIX = "sigma-convert-test-"
_NAME = re.compile(rf"{PREFIX}[0-9a-f]{{16}}")
_BULK = 500
_SETTINGS: Mapping[str, Any] = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "mapping.total_fields.limit": 10_000,
    # A template of the cluster's must not change the events.
    "default_pipeline": "_none",
    "final_pipeline": "_none",
}
_NO_TYPE = re.compile(r"(?:mapper type|handler for type) \[(\w+)\]")
_CONFLICT, _SERVER_ERROR = 409, 500


class Indices:
    """The indices of one run of the program.

    Attributes:
        missing: the types of fields that the server lacks, found out as they are asked for.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        self._mark = secrets.token_hex(16)
        self._ours: set[str] = set()
        self._asked: set[str] = set()  # whether these were created is not known: the answer did not come
        self.missing: frozenset[str] = frozenset()

    @contextmanager
    def hold(self, mapping: Mapping[str, Any], documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
        """Create an index that holds the documents (id, source), give its name, and remove it afterwards.

        Raises:
            QueryError: a document does not fit the mapping; names its id and the field.
            LiveError: the server cannot be asked, or has an index of that name.
        """
        name = new_name()
        try:
            self._create(name, mapping)
            self._fill(name, documents)
            yield name
        except BaseException:
            with suppress(LiveError):  # `remove_all` tries again, and says what is left
                self._remove(name)
            raise
        self._remove(name)

    def remove_all(self) -> None:
        """Remove what is left.

        Raises:
            LiveError: the server cannot be asked; names what is left.
        """
        for name in sorted(self._ours | self._asked):
            try:
                self._remove(name)
            except LiveError as error:
                left = ", ".join(sorted(self._ours | self._asked))
                raise LiveError(f"left behind in elasticsearch: {left}: {error.message}", hint=error.hint) from None

    def _create(self, name: str, mapping: Mapping[str, Any]) -> None:
        while True:
            body = {**substituted(mapping, self.missing), "_meta": {"sigma_convert": self._mark}}
            self._asked.add(name)
            try:
                # What the server says no to, it has not done; without an answer that is not known.
                with asking(), _answered(self._asked, name):
                    self._client.indices.create(index=name, mappings=body, settings=_SETTINGS)
            except LiveError as error:
                lacks = _NO_TYPE.search(error.message)
                if lacks is None or lacks[1] not in SUBSTITUTES or lacks[1] in self.missing:
                    raise
                self.missing |= {lacks[1]}
                continue
            self._ours.add(name)
            self._asked.discard(name)
            return

    def _fill(self, name: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        rest = iter(documents)
        while part := list(islice(rest, _BULK)):
            operations: list[Mapping[str, Any]] = []
            for identity, source in part:
                operations += [{"create": {"_id": identity}}, source]
            with asking():
                answer = self._client.bulk(index=name, operations=operations)
            for item in answer["items"] if answer["errors"] else ():
                _check(item["create"])
        with asking():
            self._client.indices.refresh(index=name)

    def _remove(self, name: str) -> None:
        if name not in self._ours and (name not in self._asked or not self._is_ours(name)):
            self._asked.discard(name)
            return
        if _NAME.fullmatch(name) is None:
            raise AssertionError(name)
        with asking():
            self._client.indices.delete(index=name, expand_wildcards="none", ignore_unavailable=True)
        self._ours.discard(name)
        self._asked.discard(name)

    def _is_ours(self, name: str) -> bool:
        """Return whether an index of that name is there and has our mark."""
        from elasticsearch import NotFoundError  # noqa: PLC0415

        with asking():
            try:
                found: dict[str, Any] = self._client.indices.get_mapping(index=name, expand_wildcards="none").body
            except NotFoundError:
                return False
        meta = found.get(name, {}).get("mappings", {}).get("_meta", {})
        return bool(meta.get("sigma_convert") == self._mark)


def new_name() -> str:
    """Return a name for an index that nobody else will think of."""
    return PREFIX + secrets.token_hex(8)


@contextmanager
def _answered(asked: set[str], name: str) -> Iterator[None]:
    """Forget a name that the server has refused to create: an index of that name is somebody else's."""
    from elasticsearch import ApiError  # noqa: PLC0415

    try:
        yield
    except ApiError as error:
        if error.status_code < _SERVER_ERROR:
            asked.discard(name)
        raise


def _check(item: Mapping[str, Any]) -> None:
    """Raise QueryError for a document that was not taken: no index with these types can hold it."""
    error = item.get("error")
    if error is None:
        return
    if item.get("status") == _CONFLICT:
        raise QueryError(f"two events have the id {item['_id']!r}")
    raise QueryError(f"elasticsearch does not take the event {item['_id']!r}: {reason_of(error)}")
