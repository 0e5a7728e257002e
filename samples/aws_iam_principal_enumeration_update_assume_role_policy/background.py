"""A day of a busy account in which nothing happens: what every rule must stay silent on.

    people, pipelines, roles, services ──> calls through the day ──> events in the order of delivery

It holds what usually trips a detection: services with host names for addresses and no account, calls from other
accounts, e-mail addresses for user names, failed calls of every kind, and the failure that the rule looks for, more
often than its threshold in the day but never in six minutes.
"""
# ruff: noqa: INP001, S311 - a folder of scripts; seeded sample data is no secret

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cloudtrail import (
    JSON,
    Caller,
    denied,
    event,
    iam_user,
    new_uuid,
    role_session,
    service,
    trust_policy,
    trust_update,
    unique_id,
    unknown_principal,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

ACCOUNT = "111122223333"
PARTNER = "444455556666"
DAY = datetime(2026, 3, 11, tzinfo=UTC)
EVENTS = 21_500

# Calls in an hour of the day, in UTC: the people are in Europe, the pipelines run at night too.
_HOURS = (3, 3, 4, 3, 3, 3, 4, 6, 8, 9, 9, 8, 7, 8, 9, 9, 8, 7, 5, 4, 4, 3, 3, 3)
_KINDS = ("work", "service", "partner", "sign-in", "identity center")
_SHARES = (60, 40, 3, 6, 4)
_REGIONS = ("eu-central-1", "eu-central-1", "eu-central-1", "eu-west-1", "us-east-1")

_CLI = "aws-cli/2.22.7 md/awscrt#0.23.1 ua/2.0 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.6 cfg/retry-mode#standard"
_BOTO = "Boto3/1.35.71 md/Botocore#1.35.71 ua/2.0 os/linux#6.1.0 md/arch#aarch64 lang/python#3.11.9 Botocore/1.35.71"
_JAVA = "aws-sdk-java/2.29.6 Linux/6.1.109 OpenJDK_64-Bit_Server_VM/21.0.5 Java/21.0.5 vendor/Amazon.com_Inc."
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.76.0 "
    "(+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.5 ua/2.1 os/linux lang/go#1.23.2"
)
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

_PEOPLE = (
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "grace",
    "heidi",
    "ivan",
    "judy",
    "mallory",
    "niaj",
    "olivia",
)
_BY_MAIL = (
    "alice@shop.example",
    "alice@bank.example",
    "peggy@shop.example",
    "rupert@shop.example",
    "sybil@bank.example",
)
_MACHINES = ("backup-agent", "metrics-exporter", "log-shipper", "image-builder", "cost-report", "inventory-sync")
_ROLES = (
    ("app-backend-instance", "i-0{i:016x}", _JAVA),
    ("batch-worker-instance", "i-0{i:016x}", _BOTO),
    ("order-handler-lambda", "order-handler", _BOTO),
    ("thumbnail-lambda", "thumbnail", _BOTO),
    ("eks-node", "i-0{i:016x}", _BOTO),
    ("AWSReservedSSO_PowerUserAccess_0123456789abcdef", "{person}@shop.example", _BROWSER),
    ("AWSReservedSSO_ReadOnlyAccess_fedcba9876543210", "{person}@shop.example", _BROWSER),
    ("github-deploy", "GitHubActions", TERRAFORM),
    ("security-audit", "audit-{i}", _CLI),
)
# (service, call, read only, parameters): {n} is a small number, {x} a hexadecimal one.
_CALLS: tuple[tuple[str, str, bool, JSON | None], ...] = (
    ("ec2", "DescribeInstances", True, {"instancesSet": {}, "filterSet": {}}),
    ("ec2", "DescribeInstances", True, {"instancesSet": {"items": [{"instanceId": "i-0{x}"}]}, "filterSet": {}}),
    ("ec2", "DescribeVolumes", True, {"volumeSet": {}, "filterSet": {}}),
    ("ec2", "DescribeSecurityGroups", True, {"securityGroupSet": {}, "filterSet": {}}),
    ("ec2", "CreateTags", False, {"resourcesSet": {"items": [{"resourceId": "i-0{x}"}]}}),
    ("ec2", "CreateSnapshot", False, {"volumeId": "vol-0{x}"}),
    ("s3", "GetBucketLocation", True, {"bucketName": "shop-data-{n}", "location": ""}),
    ("s3", "GetBucketAcl", True, {"bucketName": "shop-data-{n}", "acl": ""}),
    ("s3", "ListBuckets", True, None),
    ("sts", "GetCallerIdentity", True, None),
    ("sts", "AssumeRole", True, {"roleArn": "arn:aws:iam::111122223333:role/task-{n}", "roleSessionName": "task"}),
    ("iam", "GetRole", True, {"roleName": "task-{n}"}),
    ("iam", "ListRoles", True, None),
    ("iam", "ListAttachedRolePolicies", True, {"roleName": "task-{n}"}),
    ("iam", "GetUser", True, None),
    ("kms", "Decrypt", True, {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::shop-data-{n}"}}),
    ("kms", "GenerateDataKey", True, {"keyId": "alias/shop", "keySpec": "AES_256"}),
    ("kms", "DescribeKey", True, {"keyId": "alias/shop"}),
    ("secretsmanager", "GetSecretValue", True, {"secretId": "shop/database-{n}"}),
    ("ssm", "GetParameter", True, {"name": "/shop/setting-{n}", "withDecryption": True}),
    ("ssm", "UpdateInstanceInformation", False, {"instanceId": "i-0{x}", "agentStatus": "Active"}),
    ("logs", "CreateLogStream", False, {"logGroupName": "/shop/app", "logStreamName": "app-{n}"}),
    ("logs", "DescribeLogGroups", True, {"limit": 50}),
    ("monitoring", "DescribeAlarms", True, {"maxRecords": 100}),
    ("ecr", "BatchGetImage", True, {"repositoryName": "shop", "imageIds": [{"imageTag": "build-{n}"}]}),
    ("ecs", "DescribeTasks", True, {"cluster": "shop", "tasks": ["{x}"]}),
    ("dynamodb", "DescribeTable", True, {"tableName": "orders"}),
    ("rds", "DescribeDBInstances", True, {"maxRecords": 100}),
    ("lambda", "ListFunctions20150331", True, None),
    ("cloudtrail", "LookupEvents", True, {"maxResults": 50}),
)
_SERVICE_ROLES = {
    "ec2": "app-backend-instance",
    "lambda": "order-handler-lambda",
    "ecs-tasks": "task-1",
    "autoscaling": "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
    "config": "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
    "delivery.logs": "log-delivery",
    "rds": "aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS",
}


def background() -> Iterator[JSON]:
    """Yield the events in the order in which CloudTrail delivers them: files of five minutes, unsorted inside."""
    chance = random.Random("background of the account")
    callers = _callers(chance)
    services = [service(name) for name in _SERVICE_ROLES]
    activities: list[list[JSON]] = []
    left = EVENTS
    while left > 0:
        when = _moment(chance)
        match chance.choices(_KINDS, weights=_SHARES)[0]:
            case "service":
                calls = _by_service(chance, when, chance.choice(services))
            case "partner":
                calls = [_from_partner(chance, when)]
            case "sign-in":
                calls = [_sign_in(chance, when)]
            case "identity center":
                calls = [_identity_center(chance, when)]
            case _:
                calls = list(_work(chance, when, chance.choice(callers)))
        left -= len(calls)
        activities.append(calls)
    activities.extend([refused] for refused in _refused_policies(chance, callers))
    # One activity is delivered in one piece; it belongs to the file of its first call.
    order = sorted(range(len(activities)), key=lambda index: (_file(activities[index][0]), chance.random()))
    for index in order:
        yield from activities[index]


def _file(first: JSON) -> str:
    time = first["eventTime"]
    return f"{time[:14]}{int(time[14:16]) // 5:02}"


def _moment(chance: Random) -> datetime:
    hour = chance.choices(range(24), weights=_HOURS)[0]
    return DAY + timedelta(hours=hour, seconds=chance.randrange(3600))


def _work(chance: Random, when: datetime, caller: Caller) -> Iterator[JSON]:
    """Yield what a caller does in one go: a few calls, mostly of one kind, seconds apart."""
    end = DAY + timedelta(days=1, seconds=-1)
    call = chance.choice(_CALLS)
    for _ in range(chance.randrange(2, 16)):
        yield _call(chance, when, caller, call)
        if _happens(chance, 0.3):
            call = chance.choice(_CALLS)
        when = min(end, when + timedelta(seconds=chance.randrange(6)))


def _happens(chance: Random, share: float) -> bool:
    return chance.random() < share


def _callers(chance: Random) -> list[Caller]:
    """Return users and sessions; an entry that is there several times is busier."""
    found: list[Caller] = []
    for number, name in enumerate(_PEOPLE + _BY_MAIL, 10):
        address = f"2001:db8:5::{number:x}" if number % 5 == 0 else f"198.51.100.{number}"
        found.append(iam_user(chance, ACCOUNT, name, address, chance.choice((_CLI, _BOTO, _BROWSER))))
    for number, name in enumerate(_MACHINES, 20):
        found.extend([iam_user(chance, ACCOUNT, name, f"192.0.2.{number}", _BOTO, "/machines/")] * 3)
    for number in range(90):
        role, session, agent = _ROLES[number % len(_ROLES)]
        created = (DAY + timedelta(minutes=15 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        session = session.format(i=number * 7919, person=_PEOPLE[number % len(_PEOPLE)])
        address = f"203.0.113.{100 + number}" if number % 4 else "AWS Internal"
        found.append(role_session(chance, ACCOUNT, role, session, address, agent, created))
    return found


def _call(chance: Random, when: datetime, caller: Caller, call: tuple[str, str, bool, JSON | None]) -> JSON:
    source, name, read_only, template = call
    parameters = _fill(template, chance)
    error = None
    if _happens(chance, 0.02):
        error, parameters = denied(caller, source, name), None
    elif _happens(chance, 0.01):
        error = ("ThrottlingException", "Rate exceeded")
    elif parameters and "roleName" in parameters and _happens(chance, 0.1):
        error = ("NoSuchEntityException", f"The role with name {parameters['roleName']} cannot be found.")
    return event(
        chance,
        when,
        caller,
        source,
        name,
        account=ACCOUNT,
        region=chance.choice(_REGIONS),
        parameters=parameters,
        error=error,
        read_only=read_only,
    )


def _fill(template: JSON | None, chance: Random) -> JSON | None:
    def fill(value: object) -> object:
        match value:
            case str():
                number = chance.randrange(40)
                return value.replace("{n}", str(number)).replace("{x}", f"{number * 104_729:016x}")
            case dict():
                return {key: fill(inner) for key, inner in value.items()}
            case list():
                return [fill(inner) for inner in value]
            case _:
                return value

    return None if template is None else {key: fill(value) for key, value in template.items()}


def _by_service(chance: Random, when: datetime, caller: Caller) -> list[JSON]:
    """Return what a service does: it assumes roles; now and then one only reports, and then it has no type either."""
    if _happens(chance, 0.1):
        identity = {"accountId": ACCOUNT, "invokedBy": "kms.amazonaws.com"}
        reporter = Caller(identity, "kms.amazonaws.com", "kms.amazonaws.com")
        return [event(chance, when, reporter, "kms", "RotateKey", account=ACCOUNT, kind="AwsServiceEvent")]
    name = str(caller.identity["invokedBy"]).removesuffix(".amazonaws.com")
    role = f"arn:aws:iam::{ACCOUNT}:role/{_SERVICE_ROLES[name]}"
    region = chance.choice(_REGIONS)
    calls = []
    for _ in range(chance.randrange(1, 9)):
        parameters = {"roleArn": role, "roleSessionName": f"{name}-{chance.randrange(20)}"}
        calls.append(
            event(
                chance,
                when,
                caller,
                "sts",
                "AssumeRole",
                account=ACCOUNT,
                region=region,
                parameters=parameters,
                read_only=True,
            )
        )
    return calls


def _from_partner(chance: Random, when: datetime) -> JSON:
    """Return a call out of another account: the caller's account is not the one that records it."""
    identity = {"type": "AWSAccount", "principalId": "AROAPARTNER2SCANEXAMPLE:scan", "accountId": PARTNER}
    parameters = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/partner-scan", "roleSessionName": "scan"}
    caller = Caller(identity, "203.0.113.9", _BOTO)
    return event(chance, when, caller, "sts", "AssumeRole", account=ACCOUNT, parameters=parameters, read_only=True)


def _sign_in(chance: Random, when: datetime) -> JSON:
    """Return a sign-in at the console; a failed one has an error message and no error code."""
    name = chance.choice((*_PEOPLE, ""))
    identity: JSON = {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
    }
    if name:
        identity = {
            "type": "IAMUser",
            "principalId": unique_id(chance, "AIDA"),
            "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
            "accountId": ACCOUNT,
            "userName": name,
        }
    failed = _happens(chance, 0.15)
    extra = {
        "additionalEventData": {"LoginTo": "https://console.aws.amazon.com/", "MFAUsed": "No" if failed else "Yes"}
    }
    return event(
        chance,
        when,
        Caller(identity, f"198.51.100.{chance.randrange(10, 30)}", _BROWSER),
        "signin",
        "ConsoleLogin",
        account=ACCOUNT,
        response={"ConsoleLogin": "Failure" if failed else "Success"},
        error=("", "Failed authentication") if failed else None,
        kind="AwsConsoleSignIn",
        extra=extra,
    )


def _identity_center(chance: Random, when: datetime) -> JSON:
    """Return what a user of IAM Identity Center does: there is no user name, only who the call is on behalf of."""
    identity = {
        "type": "IdentityCenterUser",
        "accountId": ACCOUNT,
        "onBehalfOf": {
            "userId": f"12345678-0000-4000-8000-0000000000{chance.randrange(10, 30)}",
            "identityStoreArn": f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-1234567890",
        },
        "credentialId": new_uuid(chance),
    }
    caller = Caller(identity, f"198.51.100.{chance.randrange(10, 30)}", _BROWSER)
    name = chance.choice(("ListAccounts", "ListAccountRoles", "GetRoleCredentials"))
    return event(chance, when, caller, "sso", name, account=ACCOUNT, region="eu-central-1", read_only=True)


def _refused_policies(chance: Random, callers: list[Caller]) -> Iterator[JSON]:
    """Yield trust policies that IAM refused through the day: many, but never many at once."""
    deployer = iam_user(chance, ACCOUNT, "ci-deployer", "192.0.2.40", TERRAFORM, "/machines/")
    # The pipeline of a team whose role was renamed: four attempts at each of sixteen runs.
    for run in range(16):
        start = DAY + timedelta(minutes=50 + 85 * run, seconds=chance.randrange(600))
        for attempt in range(4):
            when = start + timedelta(seconds=5 * attempt * (attempt + 1))
            principal = f"arn:aws:iam::{ACCOUNT}:role/old-name-{run % 3}"
            yield trust_update(chance, when, deployer, "shop-task", principal, account=ACCOUNT)
    deploy = next(caller for caller in callers if "/github-deploy/" in caller.name)
    for run in range(12):
        start = DAY + timedelta(minutes=30 + 110 * run, seconds=chance.randrange(600))
        for attempt in range(3):
            when = start + timedelta(seconds=20 * attempt)
            principal = f"arn:aws:iam::{ACCOUNT}:role/task-not-there"
            yield trust_update(chance, when, deploy, "task-3", principal, account=ACCOUNT, bare=attempt == 1)
    users = [caller for caller in callers if caller.identity["type"] == "IAMUser"]
    for _ in range(30):
        when = DAY + timedelta(seconds=chance.randrange(86_400))
        principal = f"arn:aws:iam::{PARTNER}:user/{chance.choice(_PEOPLE)}"
        exists = _happens(chance, 0.5)
        caller = chance.choice(users)
        yield trust_update(chance, when, caller, "partner-scan", principal, account=ACCOUNT, exists=exists)
    for number in range(10):
        when = DAY + timedelta(hours=2 * number, seconds=chance.randrange(3600))
        principal = f"arn:aws:iam::{ACCOUNT}:role/missing-{number}"
        parameters = {"roleName": f"new-{number}", "assumeRolePolicyDocument": trust_policy(principal)}
        refusal = unknown_principal(principal)
        yield event(chance, when, deployer, "iam", "CreateRole", account=ACCOUNT, parameters=parameters, error=refusal)
