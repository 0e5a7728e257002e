"""What a detection says about itself in Enterprise Security and in contentctl: domain, asset, risk, ATT&CK, id.

Sources: splunk/contentctl 5.6 (its models and templates) and the detections of splunk/security_content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from converter.errors import ConfigurationError, suggest
from converter.plan import nodes as ir
from converter.targets.core.emission import condition_of
from converter.targets.splunk.emitter.conf_stanza import without_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping


DOMAINS = ("access", "endpoint", "network", "threat", "identity", "audit")
# Scores lie in the middle of the range that contentctl reads as the severity of that name.
SCORES = {"informational": 15, "low": 35, "medium": 55, "high": 75, "critical": 95}
_NAMESPACE = UUID("5e1b6a6c-4f0e-4c5e-9d6b-0d2f6a2c9b11")
_TOKEN_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.ASCII)
_CVE = re.compile(r"cve\.([12]\d{3})[-.](\d{4,})", re.ASCII)
_ENDPOINT = frozenset({"windows", "linux", "macos"})
_NETWORK = frozenset({"firewall", "dns", "proxy", "webserver", "network_connection", "antivirus"})
_ASSETS = {
    "aws": "AWS Account",
    "azure": "Azure Tenant",
    "gcp": "GCP Account",
    "m365": "O365 Tenant",
    "okta": "Okta Tenant",
    "github": "GitHub",
    "gworkspace": "GSuite",
    "kubernetes": "Kubernetes",
    "zeek": "Network",
    "cisco": "Network",
    "fortigate": "Network",
}
_ASSET_CATEGORIES = {"webserver": "Web Server", "proxy": "Web Proxy", "firewall": "Network", "dns": "Network"}
_USERS = re.compile(
    r"(.*[._])?((target|subject|src|dest|source|destination)?_?user_?(name)?|account_?name)", re.IGNORECASE
)
_SYSTEMS = re.compile(
    r"(.*[._])?(host(name)?|dest|dvc|computer_?(name)?|(src|dest|source|destination)_?host(name)?|workstation_?(name)?)",
    re.IGNORECASE,
)
_ADDRESSES = re.compile(
    r"(.*[._])?(src|(src|dest|source|destination|client|remote)_?ip(_?address)?|ip_?address|sourceipaddress)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Risk:
    """What is at risk in a result, or what threatens: a field, and user, system, other or ip_address."""

    field: str
    kind: str

    @property
    def threat(self) -> bool:
        """Whether it is a threat object, and not a risk object."""
        return self.kind == "ip_address"


def domain_of(plan: ir.Plan, options: Mapping[str, str]) -> str:
    """Return the security domain: the user's, else by log source.

    Raises:
        ConfigurationError: there is no such domain.
    """
    chosen = options.get("security_domain")
    if chosen is not None:
        if chosen not in DOMAINS:
            hint = suggest(chosen, DOMAINS) or f"known: {', '.join(DOMAINS)}"
            raise ConfigurationError(f"there is no security domain {chosen!r}", hint=hint)
        return chosen
    source = ir.detections_of(plan)[0].logsource
    if source.category in _NETWORK or source.product in {"zeek", "cisco", "fortigate"}:
        return "network"
    return "endpoint" if source.product in _ENDPOINT else "threat"


def asset_of(plan: ir.Plan) -> str:
    """Return the kind of asset, as contentctl calls it."""
    source = ir.detections_of(plan)[0].logsource
    by_category = _ASSET_CATEGORIES.get(source.category or "")
    return by_category or _ASSETS.get(source.product or "") or "Endpoint"


def risks_of(plan: ir.Plan) -> tuple[Risk, ...]:
    """Return what is at risk among the fields that a result has for certain: what is grouped by, or what is read."""
    names = plan.group_by if isinstance(plan, ir.Correlation) else ir.fields_of(condition_of(plan))
    risks = [Risk(name, kind) for name in names if (kind := _kind(name))]
    return tuple(dict.fromkeys(risks))


def _kind(name: str) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9_.{}]+", name, re.ASCII):
        return None
    if _ADDRESSES.fullmatch(name):
        return "ip_address"
    if _USERS.fullmatch(name):
        return "user"
    return "system" if _SYSTEMS.fullmatch(name) else None


def techniques_of(meta: ir.Metadata) -> list[str]:
    """Return the ids of ATT&CK techniques without those whose subtechnique is named too, as contentctl asks."""
    techniques = [match[1].upper() for tag in meta.tags if (match := _TECHNIQUE.fullmatch(tag.lower()))]
    return [
        technique
        for technique in dict.fromkeys(techniques)
        if not any(other.startswith(f"{technique}.") for other in techniques)
    ]


def level_of(meta: ir.Metadata) -> str:
    """Return the level of a rule; medium if it says none that is known."""
    return meta.level if meta.level in SCORES else "medium"


def cves_of(meta: ir.Metadata) -> list[str]:
    """Return the CVEs that the tags name."""
    cves = [f"CVE-{match[1]}-{match[2]}" for tag in meta.tags if (match := _CVE.fullmatch(tag.lower()))]
    return list(dict.fromkeys(cves))


def id_of(meta: ir.Metadata) -> str:
    """Return the rule's id if it is a UUID, else one that is always the same for the rule's key."""
    try:
        return str(UUID(meta.id or ""))
    except ValueError:
        return str(uuid5(_NAMESPACE, meta.key.encode("utf-8", "replace").decode()))


def message_of(meta: ir.Metadata, risks: tuple[Risk, ...]) -> str:
    """Return a title in which tokens name what is at risk; no text of the rule is a token."""
    named = [f"{risk.field}=${risk.field}$" for risk in risks if _TOKEN_FIELD.fullmatch(risk.field)]
    title = without_tokens(meta.title) or "untitled"
    return f"{title}: {', '.join(named)}" if named else title
