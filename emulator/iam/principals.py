"""Principals of the emulated IAM, with the names of the policies that apply to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam, sts

IDENTITY_BASED = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"


class UnknownPrincipalError(Exception):
    """The emulator knows no such key or role."""


@dataclass(frozen=True)
class Policy:
    """A policy document with its name (inline) or ARN (managed)."""

    name: str
    statements: list[Any]


@dataclass(frozen=True)
class Layer:
    """Policies of one kind, in AWS's words; a call must be allowed by one policy of each layer."""

    kind: str
    policies: list[Policy]


@dataclass(frozen=True)
class Principal:
    """Who makes a call, with all policies that apply except those of resources."""

    arn: str
    type: str
    account: str
    layers: list[Layer]
    keys: dict[str, Any] = field(default_factory=dict)


def principal_of_key(access_key_id: str) -> Principal:
    """Return the principal of an access key: the administrator, a user or a session.

    Raises
    ------
    UnknownPrincipalError
        If the key is unknown, inactive or expired.
    """
    account = get_account_id()
    found = evaluator.resolve_principal(access_key_id, account)
    if isinstance(found, evaluator.AuthError):
        raise UnknownPrincipalError(found.message)
    session = sts._sessions.get(access_key_id) or {}
    limits: list[Layer] = []
    if found.policies is None:
        identity = [everything()]
    elif found.type == "AssumedRole":
        identity, limits = _role_layers(found.arn.split("/")[1], account)
    elif name := session.get("PrincipalName") or (found.arn.rsplit("/", 1)[-1] if found.type == "User" else ""):
        identity, limits = _user_layers(name, account)
    else:
        # Federated by the account's root user.
        identity = [everything()]
    if (passed := session.get("SessionPolicies")) is not None:
        inline = [Policy("the session's policy", parsed)] if (parsed := parse(passed.get("Policy"))) else []
        limits = [*limits, Layer(SESSION, inline + managed(passed.get("PolicyArns") or [], account))]
    layers = [Layer(IDENTITY_BASED, identity), *limits]
    return Principal(found.arn, found.type, found.account, layers, dict(found.keys))


def principal_of_role(role_arn: str, session_name: str) -> Principal:
    """Return the principal of a session of a role that a service has assumed.

    Raises
    ------
    UnknownPrincipalError
        If there is no such role.
    """
    account = get_account_id()
    name = role_arn.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account, None, name)
    if role is None or role["Arn"] != role_arn:
        message = f"There is no role {role_arn}."
        raise UnknownPrincipalError(message)
    identity, limits = _role_layers(name, account)
    arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}"
    keys = {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in role.get("Tags") or []}
    keys["aws:userid"] = f"{role['RoleId']}:{session_name}"
    return Principal(arn, "AssumedRole", account, [Layer(IDENTITY_BASED, identity), *limits], keys)


def everything() -> Policy:
    """Return the permissions of the account's root user."""
    return Policy("the account's root user", parse({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}))


def parse(document: object) -> list[Any]:
    """Return the statements of a policy document, given as JSON or as an object; none for None."""
    return list(evaluator.parse_policy_document(document)) if document else []


def managed(arns: list[str], account: str) -> list[Policy]:
    """Return the default versions of managed policies."""
    return [Policy(arn, parse(evaluator._resolve_managed_policy_document(arn, account))) for arn in arns]


def _role_layers(name: str, account: str) -> tuple[list[Policy], list[Layer]]:
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        # Its sessions have no permissions any more.
        return [], []
    return _attached(role, role.get("InlinePolicies"), account), _boundary(role, account)


def _user_layers(name: str, account: str) -> tuple[list[Policy], list[Layer]]:
    user = iam._users.get_scoped(account, None, name) or {}
    policies = _attached(user, iam._user_inline_policies.get(name), account)
    for group_name, group in iam._groups.items():
        if name in group.get("Users", []):
            policies += _attached(group, iam._group_inline_policies.get(group_name), account)
    return policies, _boundary(user, account)


def _attached(entity: dict[str, Any], inline: dict[str, Any] | None, account: str) -> list[Policy]:
    own = [Policy(name, parse(document)) for name, document in (inline or {}).items()]
    return own + managed(entity.get("AttachedPolicies") or [], account)


def _boundary(entity: dict[str, Any], account: str) -> list[Layer]:
    arn = entity.get("PermissionsBoundary")
    return [Layer(BOUNDARY, managed([arn], account))] if arn else []
