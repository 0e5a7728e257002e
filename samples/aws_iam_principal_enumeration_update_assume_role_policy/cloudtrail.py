"""The shape of CloudTrail events: who calls, what is called, how it fails. It does not know what a detection looks for.

Every name is invented. Account ids are those of the AWS documentation, addresses are from RFC 5737 and RFC 3849, and
keys end in EXAMPLE as the documentation has them, so nothing in a sample can be mistaken for something real.
"""
# ruff: noqa: INP001 - a folder of scripts

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

JSON = dict[str, Any]

_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TLS_13 = ("TLSv1.3", "TLS_AES_128_GCM_SHA256")
_TLS_12 = ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
_GLOBAL = {"iam", "sts-global", "organizations", "route53", "cloudfront"}


def access_key(chance: Random, prefix: str) -> str:
    """Return a 20-character access key id such as AKIAIOSFODNN7EXAMPLE (AKIA: long-term, ASIA: of a session)."""
    return prefix + "".join(chance.choices(_KEY_LETTERS, k=9)) + "EXAMPLE"


def unique_id(chance: Random, prefix: str) -> str:
    """Return a 21-character id of a principal such as AIDACKCEVSQ6C2EXAMPLE (AIDA: user, AROA: role)."""
    return prefix + "".join(chance.choices(_KEY_LETTERS, k=10)) + "EXAMPLE"


def new_uuid(chance: Random) -> str:
    """Return a UUID of version 4 drawn from the seeded source."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, and from where: the parts of an event that stay the same from call to call."""

    identity: JSON = field(hash=False)
    address: str
    agent: str

    @property
    def name(self) -> str:
        """The ARN that error messages name the caller by."""
        return str(self.identity.get("arn", ""))


def iam_user(chance: Random, account: str, name: str, address: str, agent: str, path: str = "/") -> Caller:
    """Return a user with a long-term access key."""
    identity = {
        "type": "IAMUser",
        "principalId": unique_id(chance, "AIDA"),
        "arn": f"arn:aws:iam::{account}:user{path}{name}",
        "accountId": account,
        "accessKeyId": access_key(chance, "AKIA"),
        "userName": name,
    }
    return Caller(identity, address, agent)


def role_session(
    chance: Random, account: str, role: str, session: str, address: str, agent: str, created: str, path: str = "/"
) -> Caller:
    """Return a session of a role; CloudTrail puts the role into `sessionIssuer` and no `userName` beside it."""
    role_id = unique_id(chance, "AROA")
    identity = {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": access_key(chance, "ASIA"),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": f"arn:aws:iam::{account}:role{path}{role}",
                "accountId": account,
                "userName": role,
            },
            "attributes": {"creationDate": created, "mfaAuthenticated": "false"},
        },
    }
    return Caller(identity, address, agent)


def service(name: str) -> Caller:
    """Return an AWS service that acts for itself: no account, and a host name where an address is expected."""
    host = f"{name}.amazonaws.com"
    return Caller({"type": "AWSService", "invokedBy": host}, host, host)


def event(
    chance: Random,
    when: datetime,
    caller: Caller,
    source: str,
    name: str,
    *,
    account: str,
    region: str = "us-east-1",
    parameters: JSON | None = None,
    response: JSON | None = None,
    error: tuple[str, str] | None = None,
    read_only: bool = False,
    kind: str = "AwsApiCall",
    extra: JSON | None = None,
) -> JSON:
    """Return one event with the keys in the order in which CloudTrail writes them."""
    made: JSON = {
        "eventVersion": "1.11",
        "userIdentity": caller.identity,
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1" if source in _GLOBAL else region,
        "sourceIPAddress": caller.address,
        "userAgent": caller.agent,
    }
    if error is not None:
        code, message = error
        if code:
            made["errorCode"] = code
        made["errorMessage"] = message
    made["requestParameters"] = parameters
    made["responseElements"] = response
    if extra:
        made.update(extra)
    made["requestID"] = new_uuid(chance)
    made["eventID"] = new_uuid(chance)
    made["readOnly"] = read_only
    made["eventType"] = kind
    made["managementEvent"] = True
    made["recipientAccountId"] = account
    made["eventCategory"] = "Management"
    if kind == "AwsApiCall" and not caller.address.endswith(".amazonaws.com"):
        version, suite = _TLS_12 if "Terraform" in caller.agent else _TLS_13
        host = f"{source}.amazonaws.com" if source in _GLOBAL else f"{source}.{region}.amazonaws.com"
        made["tlsDetails"] = {"tlsVersion": version, "cipherSuite": suite, "clientProvidedHostHeader": host}
    return made


def denied(caller: Caller, source: str, name: str) -> tuple[str, str]:
    """Return how a call fails for want of a permission."""
    action = f"{source}:{name}"
    text = f"User: {caller.name} is not authorized to perform: {action} on resource: *"
    return "AccessDenied", f"{text} because no identity-based policy allows the {action} action"


def unknown_principal(arn: str) -> tuple[str, str]:
    """Return how IAM refuses a trust policy that names a principal which does not exist."""
    return "MalformedPolicyDocumentException", f'Invalid principal in policy: "AWS":"{arn}"'


def trust_policy(principal: str) -> str:
    """Return a trust policy as a caller sends it: JSON in a string."""
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"'
        + principal
        + '"},"Action":"sts:AssumeRole"}]}'
    )


def trust_update(
    chance: Random,
    when: datetime,
    caller: Caller,
    role: str,
    principal: str,
    *,
    account: str,
    exists: bool = False,
    bare: bool = False,
) -> JSON:
    """Return a call of UpdateAssumeRolePolicy, refused unless the principal `exists`; `bare` has no parameters."""
    parameters = None if bare else {"roleName": role, "policyDocument": trust_policy(principal)}
    error = None if exists else unknown_principal(principal)
    return event(
        chance, when, caller, "iam", "UpdateAssumeRolePolicy", account=account, parameters=parameters, error=error
    )
