"""Name the files of queries after their rules, whatever a stranger calls a rule.

(rule, target, suffix) ──safe_name──> names ──no two alike on any file system──> names of files in one folder
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from unicodedata import normalize

from converter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_BYTES = 150  # file systems allow 255 for a name: target and suffix are added
_MAX_TARGET_BYTES = 60
_PORTS = (f"{port}{n}" for port in ("com", "lpt") for n in range(10))
_DEVICES = {"con", "prn", "aux", "nul", *_PORTS}
# Letters to Unicode that nobody sees. NFKC makes the other two fillers of Hangul one of these.
_INVISIBLE = "\u115f\u1160"
# Files that have a meaning of their own where they lie: a rule must not write them, whatever it is called.
_CONFIGURATION = {"pyproject.toml", "sigma-convert.toml"}
_SPLUNK_CONF = (
    "alert_actions app audit authentication authorize bookmarks checklist collections commands crawl datamodels "
    "datatypesbnf default-mode deploymentclient distsearch eventdiscoverer event_renderers eventtypes federated fields "
    "global-banner health indexes inputs instance limits literals macros messages metric_alerts metric_rollups "
    "multikv outputs passwords procmon-filters props pubsub restmap rolling_upgrade savedsearches searchbnf segmenters "
    "server serverclass sourcetypes splunk-launch tags telemetry times transactiontypes transforms ui-prefs ui-tour "
    "user-prefs user-seed viewstates visualizations web wmi workflow_actions workload_policy workload_pools "
    "workload_rules"
)


def safe_name(text: str, limit: int = _MAX_BYTES) -> str:
    """Return a part of a file name made from any text, of at most `limit` bytes.

    All but letters, digits, `-`, `_` and `.` become `_`. It does not begin with `-` (an option) or `.` (hidden), does
    not end with `.`, and is not a device of Windows. A name that is cut ends with a mark made from the whole text.
    """
    name = "".join(
        char if (char.isalnum() and char not in _INVISIBLE) or char in "-_." else "_"
        for char in normalize("NFKC", text)
    )
    if len(name.encode()) > limit:
        mark = sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        name = f"{name.encode()[: limit - len(mark) - 1].decode('utf-8', 'ignore')}-{mark}"
    name = name.strip(".")
    if name.startswith("-"):
        name = f"_{name[1:]}"
    # Windows reserves the names of devices, whatever the suffix.
    if name.split(".")[0].casefold() in _DEVICES:
        name = f"_{name}"
    return name or "rule"


def file_names(queries: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return a file name for each (rule, target, suffix): that of the rule.

    The target is added where two targets write the same kind of file.

    Raises:
        ConfigurationError: two queries would have one name, on a file system that ignores case or how a letter is
            composed. A number would make them two, but then another rule could take the name of this one.
    """
    targets: dict[str, set[str]] = {}
    for rule, target, suffix in queries:
        targets.setdefault(_key(f"{safe_name(rule)}{suffix}"), set()).add(target)
    taken: dict[str, tuple[str, str]] = {}
    names = []
    for rule, target, suffix in queries:
        name = f"{safe_name(rule)}{suffix}"
        if len(targets[_key(name)]) > 1:
            name = f"{safe_name(rule)}.{safe_name(target, _MAX_TARGET_BYTES)}{suffix}"
        if _is_reserved(name, suffix):
            name = f"_{name}"
        if _key(name) in taken:
            raise _same_name(name, taken[_key(name)], (rule, target))
        taken[_key(name)] = rule, target
        names.append(name)
    return names


def _is_reserved(name: str, suffix: str) -> bool:
    folded = name.casefold()
    return folded in _CONFIGURATION or (suffix == ".conf" and folded.removesuffix(suffix) in _SPLUNK_CONF.split())


def _key(name: str) -> str:
    """Return what is the same for all names that some file system takes for one."""
    return normalize("NFKC", name.upper().casefold())


def _same_name(name: str, first: tuple[str, str], second: tuple[str, str]) -> ConfigurationError:
    what = " and ".join(f"{rule!r} ({target})" for rule, target in (first, second))
    hint = "give one of the rules another name, or write them into two folders"
    return ConfigurationError(f"two queries would be written to one file, {name}: {what}", hint=hint)
