"""Read a detection of contentctl as the saved search that contentctl makes of it.

    YAML ──> search, deployment.scheduling, tags.throttling ──> SavedSearch, and the filter macro ──> rows

The settings are those of the template of contentctl 5.6, savedsearches_detections.j2. It leaves `alert.digest_mode` at
1 and still suppresses by fields, which savedsearches.conf.spec describes for alerts on each result; so they are here.
The filter macro stands for `search *`, as in a new content pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import Place, QueryError
from converter.readers.yaml_document import parse_documents
from converter.targets.splunk.saved_search.conf import SavedSearch, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from converter.errors import LogError
    from converter.targets.splunk.saved_search.schedule import SavedReplay


def saved_search_of(text: str) -> tuple[SavedSearch, str]:
    """Return the saved search of a detection, and the macros.conf with its filter.

    Raises:
        QueryError: the text is not a detection with a schedule of its own.
    """
    content = _content(text)
    timing = _at(text, content, "deployment", "scheduling")
    settings = {
        "search": " \\\n".join(str(_at(text, content, "search")).strip().split("\n")),
        "cron_schedule": str(_at(text, timing, "cron_schedule")),
        "dispatch.earliest_time": str(_at(text, timing, "earliest_time")),
        "dispatch.latest_time": str(_at(text, timing, "latest_time")),
        "enableSched": "1",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
    }
    throttling = content.get("tags", {}).get("throttling")
    if throttling is not None:
        settings |= {
            "alert.digest_mode": "0",
            "alert.suppress": "1",
            "alert.suppress.fields": ",".join(map(str, _at(text, throttling, "fields"))),
            "alert.suppress.period": str(_at(text, throttling, "period")),
        }
    lines = ["[detection]", *(f"{key} = {value}" for key, value in settings.items())]
    (saved,) = parse("\n".join(lines) + "\n")
    name = str(_at(text, content, "name"))
    stem = "".join("_" if char in " -./" else char for char in name).lower()
    return saved, f"[{stem}_filter]\ndefinition = search *\n"


def run_detection(
    text: str,
    events: Iterable[Mapping[str, Any]],
    *,
    phase: float = 0.0,
    on_error: Callable[[LogError], None] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of every run that triggers, as `run_saved` does of a file of saved searches."""
    if on_error is not None:
        from converter.targets.splunk.engine.execute import usable  # noqa: PLC0415  reading alone needs no engine

        events = usable(events, on_error)
    return _replay(text, events).run(phase)


def check(text: str) -> None:
    """Refuse a detection with a search or a schedule that is wrong or not simulated. Raises QueryError."""
    _replay(text, ())


def _replay(text: str, events: Iterable[Mapping[str, Any]]) -> SavedReplay:
    from converter.targets.splunk.saved_search.schedule import SavedReplay  # noqa: PLC0415  reading alone needs no engine

    saved, macros = saved_search_of(text)
    return SavedReplay(saved, list(events), macros)


def _content(text: str) -> dict[str, Any]:
    documents = parse_documents(text.encode("utf-8", "surrogatepass"), "<query>", QueryError)
    content = documents[0].data if len(documents) == 1 else None
    if not isinstance(content, dict):
        raise QueryError("a detection is a mapping", Place.at_offset(text, 0))
    return content


def _at(text: str, content: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(content, dict) or key not in content:
            raise QueryError(f"the detection has no {'.'.join(keys)}", Place.at_offset(text, 0))
        content = content[key]
    return content
