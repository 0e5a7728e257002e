"""The command addinfo: the time range of the run, in every row.

`info_min_time` and `info_max_time` are the boundaries of the search in epoch seconds, `info_search_time` when it ran.
Source: Splunk Search Reference, addinfo. Without a time range there is nothing to say, so the command is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.targets.splunk.engine.language.syntax import AddInfo
    from converter.targets.splunk.engine.language.values import Row


def addinfo(command: AddInfo, text: str) -> Callable[[Iterable[Row]], Iterable[Row]]:
    """Return the stage that adds the fields; QueryError when run over no time range."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        environment = current()
        if environment.window is None:
            raise error_at(text, command.span, "addinfo: this run has no time range, only a scheduled one has")
        earliest, latest = environment.window
        for row in rows:
            row["info_min_time"] = earliest
            row["info_max_time"] = latest
            if environment.now is not None:
                row["info_search_time"] = environment.now
            row["info_sid"] = "scheduler"
            yield row

    return run
