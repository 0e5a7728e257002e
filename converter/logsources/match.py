"""Compare the source of an event with the log source of a rule.

Products, categories and services are those of Sigma's taxonomy (appendix "taxonomy" of the specification, version
2.1.0) and of the public rule collection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.logsources.formats.event_format import words
from converter.logsources.formats.windows_names import SERVICES as _WINDOWS
from converter.logsources.formats.windows_names import SYSMON as _SYSMON

if TYPE_CHECKING:
    from converter.logsources.formats.event_format import EventSource
    from converter.readers.log_source import LogSource

_NONE: frozenset[str] = frozenset()

# The known services of each product, in lower case.
_SERVICES: dict[str, frozenset[str]] = {
    "windows": frozenset(service for services in _WINDOWS.values() for service in services),
    "linux": frozenset(
        {"auditd", "auth", "clamav", "cron", "guacamole", "sshd", "sudo", "sysmon", "syslog", "vsftpd"},
    ),
    "macos": _NONE,
    "aws": frozenset({"cloudtrail"}),
    "azure": frozenset({"activitylogs", "auditlogs", "pim", "riskdetection", "signinlogs"}),
    "gcp": frozenset({"gcp.audit", "google_workspace.admin", "google_workspace.login"}),
    "m365": frozenset({"audit", "exchange", "threat_detection", "threat_management"}),
    "github": frozenset({"audit"}),
    "bitbucket": frozenset({"audit"}),
    "okta": frozenset({"okta"}),
    "onelogin": frozenset({"onelogin.events"}),
    "kubernetes": frozenset({"audit"}),
    "cisco": frozenset({"aaa", "bgp", "duo", "ldp", "syslog"}),
    "huawei": frozenset({"bgp", "ldp"}),
    "juniper": frozenset({"bgp", "ldp"}),
    "fortigate": frozenset({"event"}),
    "fortios": frozenset({"sslvpnd"}),
    "paloalto": frozenset({"globalprotect"}),
    "zeek": words(
        """
    analyzer capture_loss conn dce_rpc dhcp dnp3 dns dpd files ftp http intel irc kerberos known_certs
    known_hosts known_services ldap ldap_search modbus mqtt_connect mqtt_publish mqtt_subscribe mysql
    notice ntlm ntp ocsp pe quic radius rdp reporter rfb signatures sip smb_cmd smb_files smb_mapping
    smtp snmp socks software ssh ssl stats syslog traceroute tunnel weird x509
    """
    ),
    **dict.fromkeys(
        words(
            """
    antivirus apache django dns jvm modsecurity nginx nodejs opencanary python qualys rpc_firewall
    ruby_on_rails spring sql velocity
    """
        ),
        _NONE,
    ),
}
_ALL_SERVICES = frozenset({"apache", "netflow", "nginx"}).union(*_SERVICES.values())
_CATEGORIES = frozenset(category for categories in _SYSMON.values() for category in categories) | words(
    """
    antivirus appliance application authentication database dns file_access file_rename firewall network
    proxy ps_classic_provider_start ps_classic_script ps_classic_start ps_module ps_script webserver
    """
)


def answer(source: EventSource, logsource: LogSource) -> bool | None:
    """Return whether a rule with this log source is about events of the source; None if that is unknown."""
    product, category, service = (
        word.lower() if word else None for word in (logsource.product, logsource.category, logsource.service)
    )
    if product is None and category is None and service is None:
        return None
    if product is not None and product != source.product:
        return False if product in _SERVICES else None
    known = _ALL_SERVICES if product is None else _SERVICES.get(product, _NONE)
    answers = (
        _among(service, source.services, known, source.perhaps),
        _among(category, source.categories, _CATEGORIES, source.perhaps),
    )
    if False in answers:
        return False
    return None if None in answers else True


def _among(
    word: str | None, words: frozenset[str] | None, known: frozenset[str], perhaps: frozenset[str]
) -> bool | None:
    if word is None or (words is not None and word in words):
        return True
    if words is None or word in perhaps or word not in known:
        return None
    return False
