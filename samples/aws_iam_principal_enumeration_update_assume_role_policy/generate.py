"""Write the sample logs beside this file. Seeded: every machine writes the same events.

    python generate.py            write the logs anew
    python generate.py --check    exit with 1 if a log is not what this program writes

Only the standard library is needed. Compressed logs are compared unpacked, because implementations of zlib pack
differently.
"""
# ruff: noqa: INP001, S311 - a folder of scripts; seeded sample data is no secret

from __future__ import annotations

import gzip
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from background import ACCOUNT, PARTNER, TERRAFORM, background
from cloudtrail import JSON, Caller, denied, event, iam_user, role_session, trust_policy, trust_update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent

_PYTHON = "Boto3/1.34.84 md/Botocore#1.34.84 ua/2.0 os/linux#6.6.9 md/arch#x86_64 lang/python#3.11.8 Botocore/1.34.84"
_SCRIPT = "Boto3/1.28.17 md/Botocore#1.31.17 os/linux#5.15.0 md/arch#x86_64 lang/python#3.10.12 Botocore/1.31.17"
_GUESSES = (
    *(
        "role/" + name
        for name in ("Admin", "Administrator", "admin-role", "OrganizationAccountAccessRole", "PowerUser")
    ),
    *("user/" + name for name in ("admin", "administrator", "root-admin", "jenkins", "terraform", "deploy", "backup")),
    *("role/" + name for name in ("jenkins", "terraform", "deploy", "DeployRole", "CodeBuild", "CodePipeline", "ci")),
    *("role/" + name for name in ("lambda-execution", "lambda_basic_execution", "ecsTaskExecutionRole", "eks-admin")),
    *("user/" + name for name in ("ci", "github", "gitlab", "ansible", "packer", "ops", "sre", "security", "audit")),
    *("role/" + name for name in ("SecurityAudit", "ReadOnly", "Support", "Billing", "Vanta", "Datadog", "Okta-Admin")),
    *("user/" + name for name in ("test", "dev", "prod", "service")),
)
_BARE_IN_TEN = 3  # refused calls that CloudTrail records without their parameters
_REAL = {"role/OrganizationAccountAccessRole", "user/jenkins", "role/lambda-execution"}


def attack() -> Iterator[JSON]:
    """Yield an attack: a leaked key, a role made for the purpose, forty wrong guesses of names in another account.

    It begins at 14:57:41 and ends after 15:01, so that it lies on both sides of a full hour.
    """
    chance = random.Random("attack")
    caller = iam_user(chance, ACCOUNT, "build-artifacts", "203.0.113.77", _PYTHON)
    role = "support-session-helper"
    clock = datetime(2026, 3, 12, 14, 57, 2, tzinfo=UTC)
    yield event(chance, clock, caller, "sts", "GetCallerIdentity", account=ACCOUNT, read_only=True)
    clock += timedelta(seconds=9)
    refusal = denied(caller, "iam", "ListUsers")
    yield event(chance, clock, caller, "iam", "ListUsers", account=ACCOUNT, error=refusal, read_only=True)
    clock += timedelta(seconds=14)
    policy = {"roleName": role, "assumeRolePolicyDocument": trust_policy(f"arn:aws:iam::{ACCOUNT}:root")}
    yield event(chance, clock, caller, "iam", "CreateRole", account=ACCOUNT, parameters=policy)
    clock += timedelta(seconds=16)
    for number, guess in enumerate(_GUESSES):
        yield _guess(chance, clock, caller, role, guess)
        # A worker sends a few guesses in the same second, then waits for their answers.
        clock += timedelta(seconds=0 if number % 4 else chance.randrange(17, 25))
    clock += timedelta(seconds=30)
    yield event(chance, clock, caller, "iam", "DeleteRole", account=ACCOUNT, parameters={"roleName": role})


def attack_role_session() -> Iterator[JSON]:
    """Yield the same guessing with the credentials of an instance, carried off to another place."""
    chance = random.Random("attack by a role session")
    clock = datetime(2026, 3, 12, 10, 6, 31, tzinfo=UTC)
    session = role_session(
        chance,
        ACCOUNT,
        "app-backend-instance",
        "i-0123456789abcdef0",
        "203.0.113.88",
        _PYTHON,
        created="2026-03-12T08:14:55Z",
    )
    for number, guess in enumerate(_GUESSES[:38]):
        yield _guess(chance, clock, session, "app-backend-instance", guess)
        clock += timedelta(seconds=chance.randrange(0, 10) if number % 3 else 0)


def benign_ci_retry() -> Iterator[JSON]:
    """Yield a pipeline that waits for a new role to be known everywhere: twelve failures, longer pauses, success."""
    chance = random.Random("pipeline")
    caller = iam_user(chance, ACCOUNT, "ci-deployer", "192.0.2.40", TERRAFORM, "/machines/")
    principal = f"arn:aws:iam::{ACCOUNT}:role/shop-worker"
    clock = datetime(2026, 3, 12, 9, 30, 5, tzinfo=UTC)
    policy = {"roleName": "shop-worker", "assumeRolePolicyDocument": trust_policy(f"arn:aws:iam::{ACCOUNT}:root")}
    yield event(chance, clock, caller, "iam", "CreateRole", account=ACCOUNT, parameters=policy)
    for attempt in range(12):
        clock += timedelta(seconds=min(2**attempt, 30) + chance.randrange(3))
        yield trust_update(chance, clock, caller, "shop-task", principal, account=ACCOUNT)
        name = {"roleName": "shop-task"}
        yield event(chance, clock, caller, "iam", "GetRole", account=ACCOUNT, parameters=name, read_only=True)
    clock += timedelta(seconds=30)
    yield trust_update(chance, clock, caller, "shop-task", principal, account=ACCOUNT, exists=True)


def drifted_script() -> Iterator[JSON]:
    """Yield a script that applies a list of partners nobody has cleaned up: a failure each 30 seconds for an hour."""
    chance = random.Random("drifted script")
    caller = iam_user(chance, ACCOUNT, "trust-sync", "192.0.2.51", _SCRIPT, "/machines/")
    clock = datetime(2026, 3, 12, 6, 0, 12, tzinfo=UTC)
    for number in range(120):
        role = f"partner-{number % 40}"
        name = {"roleName": role}
        yield event(chance, clock, caller, "iam", "GetRole", account=ACCOUNT, parameters=name, read_only=True)
        principal = f"arn:aws:iam::{PARTNER}:role/retired-{number % 40}"
        yield trust_update(chance, clock, caller, role, principal, account=ACCOUNT, bare=number % 7 == 0)
        clock += timedelta(seconds=30)


LOGS: dict[str, Callable[[], Iterator[JSON]]] = {
    "attack.ndjson": attack,
    "attack_role_session.ndjson": attack_role_session,
    "benign_ci_retry.ndjson": benign_ci_retry,
    "drifted_script.ndjson": drifted_script,
    "background.ndjson.gz": background,
}


def main(arguments: list[str]) -> int:
    """Write the logs, or with `--check` compare them; return the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(__doc__ or "")
        return 3
    stale = []
    for name, make in LOGS.items():
        data = "".join(json.dumps(item, separators=(",", ":")) + "\n" for item in make()).encode()
        path = HERE / name
        if path.is_file() and _unpacked(path) == data:
            continue
        stale.append(name)
        if not arguments:
            path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0) if path.suffix == ".gz" else data)
    verb = "is not what the generator writes" if arguments else "written"
    sys.stderr.writelines(f"{name}: {verb}\n" for name in stale)
    return 1 if arguments and stale else 0


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _guess(chance: random.Random, when: datetime, caller: Caller, role: str, guess: str) -> JSON:
    """Return one guess of a name in the partner's account; a few names are real there, and the update goes through."""
    principal = f"arn:aws:iam::{PARTNER}:{guess}"
    exists = guess in _REAL
    bare = not exists and chance.randrange(10) < _BARE_IN_TEN
    return trust_update(chance, when, caller, role, principal, account=ACCOUNT, exists=exists, bare=bare)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
