"""ECS category and type of CloudTrail actions, as Elastic's pipeline assigns them (facts of its table, regrouped)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUPED: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "iam",
        ("group", "change"),
        (
            "AddUserToGroup AttachGroupPolicy DeleteGroupPolicy DetachGroupPolicy PutGroupPolicy "
            "RemoveUserFromGroup UpdateGroup"
        ),
    ),
    ("iam", ("group", "creation"), "CreateGroup"),
    ("iam", ("group", "deletion"), "DeleteGroup"),
    (
        "iam",
        ("group", "info"),
        "GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies ListGroups ListGroupsForUser",
    ),
    (
        "iam",
        ("user", "change"),
        (
            "AttachUserPolicy ChangePassword CreateAccessKey CreateVirtualMFADevice "
            "DeactivateMFADevice DeleteAccessKey DeleteSSHPublicKey DeleteUserPermissionsBoundary DeleteUserPolicy "
            "DeleteVirtualMFADevice DetachUserPolicy EnableMFADevice PutUserPermissionsBoundary PutUserPolicy TagUser "
            "UntagUser UpdateAccessKey UpdateLoginProfile UpdateSSHPublicKey UpdateUser"
        ),
    ),
    ("iam", ("user", "creation"), "CreateUser"),
    ("iam", ("user", "deletion"), "DeleteUser"),
    ("iam", ("user", "info"), "GetUser GetUserPolicy ListAttachedUserPolicies ListUserPolicies ListUserTags ListUsers"),
    (
        "iam",
        ("admin", "change"),
        "SetDefaultPolicyVersion SetSecurityTokenServicePreferences UpdateAccountPasswordPolicy UpdateRole",
    ),
    ("iam", ("admin", "creation"), "CreateKeyPair"),
    ("iam", ("change",), "AttachRolePolicy"),
    ("iam", ("creation",), "CreatePolicy"),
    ("iam", ("info",), "GetPolicy ListAttachedRolePolicies ListRoles"),
    ("authentication", ("info",), "AssumeRole ConsoleLogin GetCallerIdentity"),
    ("network", ("access",), "AuthorizeSecurityGroupIngress"),
    (
        "network",
        ("info",),
        "DescribeLoadBalancers DescribeNetworkAcls DescribeNetworkInterfaces DescribeSecurityGroups DescribeVpcs",
    ),
    ("api", (), "Converse Publish"),
    ("api", ("info",), "DescribeRegions"),
    ("file", ("creation",), "CreateBucket CreateDocument"),
    ("file", ("deletion",), "DeleteBucket"),
    ("file", ("delete",), "DeleteObject"),
    ("file", ("change",), "PutObject"),
    ("file", ("info",), "GetObject HeadObject ListBuckets ListObjects"),
    ("session", ("start",), "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel StartSession"),
    ("session", ("end",), "TerminateSession"),
    ("configuration", ("creation",), "CreateTopic"),
    ("configuration", ("deletion",), "DeleteTrail"),
    ("configuration", ("change",), "Subscribe"),
    ("configuration", ("info",), "DescribeTrails"),
    ("database", ("info",), "DescribeDBInstances ListTables"),
    ("host", ("info",), "DescribeInstances DescribeVolumes ListInstanceAssociations"),
    ("package", ("info",), "ListFunctions"),
    ("process", (), "SendCommand"),
)

CATEGORIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    action: (category, types) for category, types, actions in _GROUPED for action in actions.split()
}
"""Action to (event.category, event.type); an action that is not here has the type `info` and no category."""
