"""Run a search as a job: start it, wait for it, read its results page by page, and always remove it.

    search, time range ──POST search/v2/jobs──> sid ──GET .../{sid} until done──> messages ──POST .../results──> rows

All answers are JSON. Sources: Splunk REST API Reference, "Search endpoint descriptions" (search/v2/jobs,
search/v2/jobs/{search_id}, .../results, .../control); `Jobs` and `Job` of splunk-sdk 2.1, `client.py`.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from converter.errors import QueryError
from converter.live.core import LiveError
from converter.live.splunk.connection import failures, messages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_ROWS = 500_000
"""The value of `max_count`, whose default is 10,000."""

_PAGE = 10_000
_BAD_REQUEST, _NO_CONTENT = 400, 204
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a job and for events to become searchable, in seconds, and the clock for that."""

    job_s: float = 300.0
    searchable_s: float = 120.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def until(self, limit_s: float) -> Iterator[None]:
        """Yield for each attempt until the time is over, with growing pauses between attempts."""
        end = self.clock() + limit_s
        pause = _FIRST_WAIT_S
        yield
        while self.clock() < end:
            self.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT_S)
            yield


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of a job, whose values are strings or lists of strings, and the job's warnings."""

    rows: list[dict[str, Any]]
    warnings: tuple[str, ...]


class Searches:
    """Runs searches on one Splunk.

    Args:
        service: a `splunklib.client.Service` that is logged in.
        patience: how long to wait.
    """

    def __init__(self, service: Any, patience: Patience) -> None:
        self._service = service
        self._patience = patience
        self._path: str | None = None

    def run(self, search: str, earliest: str, latest: str) -> Results:
        """Return the results of a search between two times, the second excluded.

        Raises:
            QueryError: Splunk refuses the search, or it fails.
            LiveError: Splunk does not answer, or not in time.
        """
        sid = self._start(search, earliest, latest)
        try:
            content = self._finished(sid)
            messages = _messages(content)
            errors = [message for kind, message in messages if kind in {"ERROR", "FATAL"}]
            if errors or content.get("isFailed") or content.get("dispatchState") != "DONE":
                raise QueryError(f"Splunk: {'; '.join(errors) or 'the search ' + str(content.get('dispatchState'))}")
            rows = self._rows(sid, int(content["resultCount"]))
        finally:
            with suppress(LiveError):  # Splunk removes the job itself a while later
                self._post(f"{self._jobs()}{quote(sid, safe='')}/control", action="cancel")
        return Results(rows, tuple(message for kind, message in messages if kind == "WARN"))

    def _jobs(self) -> str:
        """Return the path of jobs, in version 2 of the interface if the server has it."""
        if self._path is None:
            from splunklib import client  # noqa: PLC0415  an extra

            with failures("Splunk"):
                self._path = client.PATH_JOBS if self._service.disable_v2_api else client.PATH_JOBS_V2
        return self._path

    def _start(self, search: str, earliest: str, latest: str) -> str:
        from splunklib.binding import HTTPError  # noqa: PLC0415  an extra

        path = self._jobs()
        with failures("Splunk"):
            try:
                answer = self._service.post(
                    path,
                    search=search,
                    exec_mode="normal",
                    earliest_time=earliest,
                    latest_time=latest,
                    max_count=MAX_ROWS,
                    adhoc_search_level="smart",
                    allow_partial_results=0,
                    output_mode="json",
                )
            except HTTPError as error:
                if error.status != _BAD_REQUEST:
                    raise
                raise QueryError(f"Splunk: {'; '.join(messages_of(error.body)) or 'refuses the search'}") from None
            return str(json.loads(answer.body.read())["sid"])

    def _finished(self, sid: str) -> dict[str, Any]:
        """Wait for a job, and return its status."""
        path = f"{self._jobs()}{quote(sid, safe='')}"
        for _ in self._patience.until(self._patience.job_s):
            with failures("Splunk"):
                answer = self._service.get(path, output_mode="json")
                if answer.status == _NO_CONTENT:
                    continue
                content: dict[str, Any] = json.loads(answer.body.read())["entry"][0]["content"]
                if content["isDone"]:
                    return content
        raise LiveError(f"Splunk has not finished a search within {self._patience.job_s:g} seconds")

    def _rows(self, sid: str, count: int) -> list[dict[str, Any]]:
        """Return all results of a job.

        Raises:
            QueryError: there may be more results than a job keeps.
            LiveError: there are fewer results than the job reports.
        """
        if count >= MAX_ROWS:
            raise QueryError(f"the search has {count} results, and a job keeps {MAX_ROWS}, so some may be missing")
        rows: list[dict[str, Any]] = []
        while len(rows) < count:
            page = self._page(sid, len(rows))
            if not page:
                raise LiveError(f"Splunk gives {len(rows)} of the {count} results of a search")
            rows.extend(page)
        return rows

    def _page(self, sid: str, offset: int) -> list[dict[str, Any]]:
        path = f"{self._jobs()}{quote(sid, safe='')}/results"
        with failures("Splunk"):
            # Version 2 of the interface takes the arguments in the body.
            send = self._service.get if self._service.disable_v2_api else self._service.post
            answer = send(path, output_mode="json", count=_PAGE, offset=offset)
            rows: list[dict[str, Any]] = json.loads(answer.body.read())["results"]
            return [dict(row) for row in rows]

    def _post(self, path: str, **arguments: str) -> None:
        with failures("Splunk"):
            self._service.post(path, **arguments)


def _messages(content: dict[str, Any]) -> list[tuple[str, str]]:
    messages = content.get("messages") or []
    return [(str(message.get("type", "")).upper(), str(message.get("text", ""))) for message in messages]
