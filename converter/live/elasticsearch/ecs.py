"""The types that the Elastic Common Schema gives to fields that are no keywords.

    name ──ecs_type──> date, long, ip, wildcard, ... or None          name ──has_text──> is there a NAME.text?

ECS puts the same fields below many others (process.parent.pid, threat.indicator.file.size), so that the last parts of a
name tell the type. Source: elastic/ecs, generated/csv/fields.csv (9.5.0-dev): each of its fields that is no object has
the type that is told here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _by(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


_ROOTS = _words(
    "client cloud container destination dll dns email entity error event faas file gen_ai host http log network "
    "observer orchestrator organization package process registry related server service source threat tls url user "
    "user_agent volume vulnerability"
)
"""The field sets of ECS with fields that are no keywords, or that have words."""

_WHOLE: Mapping[str, str] = {
    "@timestamp": "date",
    "message": "match_only_text",
    "error.message": "match_only_text",
    "event.sequence": "long",
    "event.severity": "long",
    "volume.size": "long",
    "http.response.status_code": "long",
    "log.origin.file.line": "long",
    "gen_ai.request.choice.count": "long",
    "gen_ai.request.frequency_penalty": "double",
    "gen_ai.request.presence_penalty": "double",
    "gen_ai.request.temperature": "double",
    "gen_ai.request.top_k": "double",
    "gen_ai.request.top_p": "double",
    "gen_ai.system_instructions": "flattened",
    "gen_ai.tool.definitions": "flattened",
    "log.syslog.facility.code": "long",
    "log.syslog.severity.code": "long",
    "container.security_context.privileged": "boolean",
    "tls.established": "boolean",
    "tls.resumed": "boolean",
}

_LAST: Mapping[str, str] = {
    **_by(
        "date",
        "accessed created creation_date ctime delivery_timestamp end first_seen ingested installed last_activity "
        "last_seen last_seen_timestamp modified_at mtime not_after not_before occurred origination_timestamp start",
    ),
    **_by(
        "long",
        "args_count bytes chi2 columns duration entropy entrypoint exit_code go_imports_names_entropy "
        "go_imports_names_var_entropy imports_names_entropy imports_names_var_entropy input_tokens major max_tokens "
        "minor output_tokens packets physical_size pid port priority public_key_exponent public_key_size rows "
        "scanner_stats seed sightings total_bytes_captured total_bytes_skipped ttl uptime var_entropy virtual_address "
        "virtual_size vpid",
    ),
    **_by("float", "calculated_score calculated_score_norm risk_score risk_score_norm static_score static_score_norm"),
    **_by(
        "boolean",
        "coldstart go_stripped interactive managed max_bytes_per_process_exceeded mfa_enabled removable "
        "same_as_process trusted valid writable",
    ),
    **_by("ip", "forwarded_ip ip resolved_ip"),
    **_by("geo_point", "location"),
    **_by("wildcard", "command_line stack_trace"),
    **_by("flattened", "exports go_imports imports structured_data"),
    "usage": "double",
}
"""The type by the last part of a name."""

_LAST_TWO: Mapping[str, str] = {
    **_by("date", "code_signature.timestamp"),
    **_by("long", "as.number bytes_skipped.length bytes_skipped.offset file.size package.size thread.id"),
    **_by("float", "score.base score.environmental score.temporal"),
    **_by("boolean", "code_signature.exists"),
    **_by("wildcard", "body.content data.strings email.message_id io.text url.full url.original url.path"),
    **_by("flattened", "call.arguments call.result input.messages output.messages"),
    **_by("keyword", "data.bytes"),
}
"""The type by the last two parts; this goes before `_LAST`."""

_TEXT_TOO = _words(
    "body.content email.subject file.path file.target_path os.full url.full url.original user_agent.original "
    "vulnerability.description"
)
_TEXT_TOO_LAST = _words("command_line display_name executable full_name stack_trace title working_directory")
_NAMES_OF = _words(
    "entity entry_leader group_leader organization os parent process session_leader subtechnique target technique user "
    "attested_user changes effective real_user saved_user"
)
_NO_TEXT = frozenset({"host.target.name", "log.file.path", "service.target.name"})


@lru_cache(maxsize=4_096)
def ecs_type(name: str) -> str | None:
    """Return the type that ECS gives to a field; None for a field that is not of ECS, or that it makes a keyword."""
    whole = _WHOLE.get(name)
    if whole is not None:
        return whole
    parts = name.split(".")
    if len(parts) < 2 or parts[0] not in _ROOTS:  # noqa: PLR2004  field set and field
        return None
    found = _LAST_TWO.get(".".join(parts[-2:])) or _LAST.get(parts[-1])
    return None if found == "keyword" else found


def has_text(name: str) -> bool:
    """Return whether ECS has a field `NAME.text` beside a field, for searching its words."""
    parts = name.split(".")
    if len(parts) < 2 or parts[0] not in _ROOTS:  # noqa: PLR2004
        return False
    if name in _NO_TEXT or "relationships" in parts:
        return False
    if parts[-1] == "name":
        return parts[-2] in _NAMES_OF
    return parts[-1] in _TEXT_TOO_LAST or ".".join(parts[-2:]) in _TEXT_TOO
