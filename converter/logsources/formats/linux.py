"""Recognise events of Linux: auditd, journald and syslog as JSON.

    {"type": "EXECVE", "msg": "audit(1700000000.123:42)", "a0": "id"}    one record of auditd
    {"ID": "1700000000.123:42", "EXECVE": {"ARGV": ["id"]}, ...}         Laurel: all records of one event
    {"SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "...", ...}                 journalctl -o json
    {"programname": "sshd", "syslogtag": "...", "msg": "..."}            rsyslog
    {"program": "sshd", "message": "..."}                                others, for programs with a service in Sigma

Rules use the field names of auditd's records, so an event of Laurel gets the fields of all its records, and `type` is
the list of their types. Rules for the services of syslog search the message.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import (
    EventFormat,
    EventSource,
    Recogniser,
    add,
    add_time,
    own_names,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Record types of the audit daemon (linux/audit.h and libaudit.h), by their prefixes.
_TYPES = re.compile(
    r"(ADD|ANOM|APPARMOR|AVC|BPF|BPRM|CAPSET|CHGRP|CHUSER|CONFIG|CRED|CRYPTO|CWD|DAEMON|DEL|DEV|EOE|EVENT|EXECVE|FANOTIFY"
    r"|FD|FEATURE|FS|GRP|INTEGRITY|IPC|KERN|KERNEL|LABEL|LOGIN|MAC|MMAP|MQ|NETFILTER|OBJ|OPENAT2|PATH|PROCTITLE|RESP|ROLE"
    r"|SECCOMP|SELINUX|SERVICE|SOCKADDR|SOCKETCALL|SOFTWARE|SYSCALL|SYSTEM|TEST|TIME|TRUSTED|TTY|UNKNOWN|URINGOP|USER|USYS"
    r"|VIRT)(_[A-Z0-9_]+)?(\[\d+\])?",
)
# Nearly every record of auditd has one of these fields.
_FIELDS = ("msg", "audit_id", "auid", "ses", "arch", "argc", "a0", "proctitle", "cwd", "nametype", "op", "uid", "saddr")
_AUDIT_ID = re.compile(r"(?:audit\()?(\d{1,12}\.\d{1,9}):\d+\)?:?", re.ASCII)
_LOGINS = words(
    """
    sshd sshd-session su sudo login systemd-logind polkitd pkexec passwd chpasswd useradd usermod
    userdel groupadd groupmod groupdel chage chfn chsh gdm-password gdm3 lightdm
    """
)
_SERVICES = {
    "sshd": "sshd",
    "sshd-session": "sshd",
    "sudo": "sudo",
    "cron": "cron",
    "crond": "cron",
    "crontab": "cron",
    "anacron": "cron",
    "clamd": "clamav",
    "clamscan": "clamav",
    "freshclam": "clamav",
    "clamav": "clamav",
    "vsftpd": "vsftpd",
    "guacd": "guacamole",
    "guacamole": "guacamole",
}
# Syslog's facilities auth and authpriv, which go to auth.log.
_AUTH_FACILITIES = frozenset({"4", "10", "auth", "authpriv", "security"})
_PROGRAMS = ("program", "process", "appname", "app-name", "ident", "syslog_identifier", "process.name")


def auditd(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise one record of auditd."""
    kind = event.get("type")
    if not isinstance(kind, str) or not kind.isupper() or not _TYPES.fullmatch(kind):
        return None
    return _AUDITD if any(name in event for name in _FIELDS) else None


def laurel(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Laurel."""
    number = event.get("ID")
    if not isinstance(number, str) or not _AUDIT_ID.fullmatch(number):
        return None
    return _LAUREL if any(isinstance(event[name], dict | list) and _TYPES.fullmatch(name) for name in event) else None


def journald(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of systemd's journal."""
    if "MESSAGE" not in event:
        return None
    program = event.get("SYSLOG_IDENTIFIER") or event.get("_COMM")
    return _syslog(program, event.get("SYSLOG_FACILITY"), journal=True) if isinstance(program, str) else None


def rsyslog(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of rsyslog, by the names of its properties."""
    program = event.get("programname")
    names = ("syslogtag", "syslogfacility-text", "syslogfacility", "rawmsg", "pri")
    if not isinstance(program, str) or not any(name in event for name in names):
        return None
    return _syslog(program, event.get("syslogfacility-text", event.get("syslogfacility")), journal=False)


def syslog(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise a message of a program that Sigma has a service for, in any other format."""
    if "message" not in event and "msg" not in event and "MESSAGE" not in event:
        return None
    for name in _PROGRAMS:
        program = event.get(name)
        if isinstance(program, str):
            program = _bare(program)
            if program in _SERVICES or program in _LOGINS:
                return _syslog(program, None, journal=False)
    return None


def _syslog(program: str, facility: Any, *, journal: bool) -> EventFormat:
    program = _bare(program)
    auth = program in _LOGINS or str(facility).lower() in _AUTH_FACILITIES
    return _made(_SERVICES.get(program, ""), auth, journal)


@lru_cache(maxsize=64)
def _made(service: str, auth: bool, journal: bool) -> EventFormat:  # noqa: FBT001
    services = {"syslog", service or "syslog", "auth" if auth else "syslog"}
    perhaps = frozenset({"authentication"} if auth else ())
    return EventFormat(
        EventSource("linux", frozenset(services), perhaps=perhaps), _journal_names if journal else own_names
    )


def _bare(program: str) -> str:
    """Return the name of a program without its path and process id, in lower case."""
    return program.partition("[")[0].rpartition("/")[2].strip().lower()


def _journal_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    add_time(names, event, event.get("__REALTIME_TIMESTAMP"))
    return names


def _record_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name in ("msg", "audit_id"):
        value = event.get(name)
        match = _AUDIT_ID.match(value) if isinstance(value, str) else None
        if match is not None:
            add_time(names, event, match[1])
    return names


def _event_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for kind, records in event.items():
        if not _TYPES.fullmatch(kind):
            continue
        for record in records if isinstance(records, list) else [records]:
            if isinstance(record, dict):
                add(names, "type", kind)
                for name, value in record.items():
                    add(names, name, value)
                arguments = record.get("ARGV")
                if kind == "EXECVE" and isinstance(arguments, list):
                    for position, argument in enumerate(arguments):
                        add(names, f"a{position}", argument)
    for name in names.keys() & event.keys():  # a record type and a field have the same name: SYSCALL
        add(names, name, event[name])
    match = _AUDIT_ID.fullmatch(event["ID"])
    add_time(names, event, match[1] if match else None)
    return names


_AUDITD = EventFormat(EventSource("linux", frozenset({"auditd"})), _record_names)
_LAUREL = EventFormat(EventSource("linux", frozenset({"auditd"})), _event_names, merged=True)


RECOGNISERS = (
    Recogniser(260, "ID", laurel),
    Recogniser(270, "type", auditd),
    Recogniser(280, "MESSAGE", journald),
    Recogniser(290, "programname", rsyslog),
    Recogniser(300, "message", syslog),
    Recogniser(310, "msg", syslog),
    Recogniser(320, "MESSAGE", syslog),
)
