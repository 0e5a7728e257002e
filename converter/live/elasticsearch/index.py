"""Create, fill and remove the temporary indices of replays.

    mapping + documents ──hold──> name of an index with the documents ──> removed, whatever happens

An index is removed only by its full name, and only if it carries the mark of this very process. A name that already
exists is refused.
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
    # Index templates of the cluster must not change the events.
    "default_pipeline": "_none",
    "final_pipeline": "_none",
}
_NO_TYPE = re.compile(r"(?:mapper type|handler for type) \[(\w+)\]")
_CONFLICT, _SERVER_ERROR = 409, 500


class Indices:
    """The indices of one run of the program.

    Attributes:
        missing: the field types that the server lacks, as far as creating indices has shown.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client
        self._mark = secrets.token_hex(16)
        self._ours: set[str] = set()
        self._asked: set[str] = set()  # requested, but without an answer: these may or may not exist
        self.missing: frozenset[str] = frozenset()

    @contextmanager
    def hold(self, mapping: Mapping[str, Any], documents: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
        """Create an index with the documents (id, source), yield its name, and remove it afterwards.

        Raises:
            QueryError: a document does not fit the mapping; names its id and the field.
            LiveError: the server cannot be used, or already has an index of that name.
        """
        name = new_name()
        try:
            self._create(name, mapping)
            self._fill(name, documents)
            yield name
        except BaseException:
            with suppress(LiveError):  # `remove_all` tries again, and reports indices that are left
                self._remove(name)
            raise
        self._remove(name)

    def remove_all(self) -> None:
        """Remove all indices that are left.

        Raises:
            LiveError: the server cannot be used; names the indices that are left.
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
                # If the server refuses, the index does not exist; without an answer, it may.
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
        """Return whether an index of that name exists and has our mark."""
        from elasticsearch import NotFoundError  # noqa: PLC0415

        with asking():
            try:
                answer: dict[str, Any] = self._client.indices.get_mapping(index=name, expand_wildcards="none").body
            except NotFoundError:
                return False
        meta = answer.get(name, {}).get("mappings", {}).get("_meta", {})
        return bool(meta.get("sigma_convert") == self._mark)


def new_name() -> str:
    """Return a random name for an index."""
    return PREFIX + secrets.token_hex(8)


@contextmanager
def _answered(asked: set[str], name: str) -> Iterator[None]:
    """Forget a name that the server refuses to create: an index of that name belongs to somebody else."""
    from elasticsearch import ApiError  # noqa: PLC0415

    try:
        yield
    except ApiError as error:
        if error.status_code < _SERVER_ERROR:
            asked.discard(name)
        raise


def _check(item: Mapping[str, Any]) -> None:
    """Raise QueryError if a document was rejected: no index with these types can hold it."""
    error = item.get("error")
    if error is None:
        return
    if item.get("status") == _CONFLICT:
        raise QueryError(f"two events have the id {item['_id']!r}")
    raise QueryError(f"elasticsearch does not take the event {item['_id']!r}: {reason_of(error)}")
