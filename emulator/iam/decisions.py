"""Decisions of the emulated IAM, with AWS's words and the statement that decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conditions import resource_tags
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, kms
from principals import BOUNDARY, IDENTITY_BASED, Principal, principal_of_key, principal_of_role

RESOURCE_BASED = "resource-based policy"
TRUST = "role trust policy"

# Actions that no policy denies. Source: IAM User Guide, "Policy evaluation logic"; AWS STS API Reference.
ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})

# The trust policy decides about the token (web_identity.py); the call needs no credentials.
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"

# The root user of the account can repair a bucket policy that denies everything. Source: S3 API Reference,
# GetBucketPolicy, PutBucketPolicy and DeleteBucketPolicy.
ROOT_REPAIRS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})


@dataclass(frozen=True)
class Service:
    """An AWS service that acts with its own permissions, such as sns.amazonaws.com."""

    name: str
    source_arn: str | None = None
    source_account: str | None = None


@dataclass(frozen=True)
class Anonymous:
    """A caller without credentials."""


Caller = Principal | Service | Anonymous


def caller_of(named: dict[str, Any]) -> Caller:
    """Return the caller that the gateway names: by an access key, as a role's session, or as a service.

    Raises
    ------
    UnknownPrincipalError
        If there is no such key or role.
    """
    if "accessKeyId" in named:
        return principal_of_key(named["accessKeyId"])
    if "roleArn" in named:
        return principal_of_role(named["roleArn"], named.get("sessionName", "session"))
    return Service(named["service"], named.get("sourceArn"), named.get("sourceAccount"))


@dataclass(frozen=True)
class Decision:
    """A decision about one action on one resource."""

    allowed: bool
    principal: str
    action: str
    resource: str
    message: str = ""
    policy: str | None = None
    sid: str | None = None


@dataclass(frozen=True)
class _Match:
    """Result of a layer: "Allow", "Deny" or "ImplicitDeny", with the policy that decided."""

    decision: str
    kind: str
    policy: str | None = None
    sid: str | None = None


@dataclass(frozen=True)
class _ResourcePolicy:
    """A resource's own policy, its owner's account, and its kind in AWS's words; the document is None without one."""

    document: object
    owner: str | None
    kind: str


def decide(caller: Caller, action: str, resource: str, context: dict[str, Any] | None = None) -> Decision:
    """Decide whether a caller may perform an action on a resource, an ARN or "*".

    The context has the request's condition keys; "aws:SecureTransport" and "aws:SourceIp" replace those of the
    request that is being served.
    """
    keys = {name.lower(): value for name, value in (context or {}).items()}
    attached = _resource_policy(action, resource)
    if action == WEB_IDENTITY or (action in ALWAYS_ALLOWED and isinstance(caller, Principal)):
        return Decision(True, "", action, resource)
    if isinstance(caller, Principal):
        match = _decide_principal(caller, _evaluation(caller, action, resource, keys), attached)
        name = caller.arn
    else:
        match = _decide_outsider(caller, action, resource, keys, attached)
        name = caller.name if isinstance(caller, Service) else "anonymous"
    if match.decision == "ImplicitDeny" and _is_granted(caller, action, resource, keys):
        return Decision(True, name, action, resource)
    allowed = match.decision == "Allow"
    message = "" if allowed else _message(name, action, resource, match)
    return Decision(allowed, name, action, resource, message, match.policy, match.sid or None)


def _decide_principal(principal: Principal, ctx: evaluator.EvalContext, attached: _ResourcePolicy) -> _Match:
    own = _by_layers(principal, ctx)
    if attached.document is None or (principal.type == "Root" and ctx.action in ROOT_REPAIRS):
        return own
    identity = evaluator.EvalResult(own.decision, principal.arn, own.sid or "")
    limits = [[policy.statements for policy in layer.policies] for layer in principal.layers[1:]]
    # A key's and a role's policy must allow even principals of the same account. Sources: KMS Developer Guide, "Key
    # policies in AWS KMS"; AWS STS API Reference, AssumeRole.
    required = attached.kind == TRUST or resource_service(ctx.resource_arn) == "kms"
    result = evaluator.combine_resource_policy(
        identity, ctx, attached.document, attached.owner, required=required, limits=limits
    )
    if result is identity:
        return own
    return _Match(result.decision, attached.kind, ctx.resource_arn, result.matched_sid)


def _by_layers(principal: Principal, ctx: evaluator.EvalContext) -> _Match:
    """Evaluate identity-based policies, boundary and session policies, as the resource's policy is combined with."""
    allows: list[_Match | None] = []
    for layer in principal.layers:
        allow: _Match | None = None
        for policy in layer.policies:
            result = evaluator.evaluate(ctx, [policy.statements])
            match = _Match(result.decision, layer.kind, policy.name, result.matched_sid)
            if result.decision == "Deny":
                return match
            if result.decision == "Allow":
                allow = allow or match
        allows.append(allow)
    for layer, allow in zip(principal.layers, allows, strict=True):
        if allow is None:
            limit = layer.policies[0].name if layer.kind == BOUNDARY and layer.policies else None
            return _Match("ImplicitDeny", layer.kind, limit)
    return allows[0] or _Match("ImplicitDeny", IDENTITY_BASED)


def _decide_outsider(
    caller: Service | Anonymous, action: str, resource: str, keys: dict[str, Any], attached: _ResourcePolicy
) -> _Match:
    """Decide for a caller that no identity-based policy applies to."""
    is_service = isinstance(caller, Service)
    if isinstance(caller, Service):
        keys = {
            "aws:sourcearn": caller.source_arn,
            "aws:sourceaccount": caller.source_account,
            # Older samples of policies have this key.
            "aws:sourceowner": caller.source_account,
            "aws:principalservicename": caller.name,
            **keys,
        }
    # "*" matches Principal "*", and no account.
    outsider = Principal("*", "Service" if is_service else "Anonymous", "", [])
    ctx = _evaluation(outsider, action, resource, {"aws:principalisawsservice": str(is_service).lower(), **keys})
    service = caller.name if isinstance(caller, Service) else None
    result = evaluator.evaluate_resource_policy(attached.document, ctx, service=service)
    policy = None if result.decision == "ImplicitDeny" else resource
    return _Match(result.decision, attached.kind, policy, result.matched_sid)


def _evaluation(principal: Principal, action: str, resource: str, keys: dict[str, Any]) -> evaluator.EvalContext:
    source_ip, secure = evaluator._request_origin.get()
    context = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false", "aws:tagkeys": None, **keys}
    for tag, value in resource_tags(resource).items():
        context.setdefault(f"aws:resourcetag/{tag}".lower(), value)
    return evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        source_ip=context.pop("aws:sourceip", source_ip),
        secure_transport=str(context.pop("aws:securetransport", secure)).lower() == "true",
        service_context=context,
        principal_keys=principal.keys,
    )


def resource_service(resource: str) -> str:
    """Return the service in an ARN; empty for "*"."""
    parts = resource.split(":", 5)
    return parts[2] if len(parts) == 6 else ""


def _resource_policy(action: str, resource: str) -> _ResourcePolicy:
    if action in {"sts:AssumeRole", "sts:TagSession"}:
        role = iam._roles.get_scoped(get_account_id(), None, resource.rsplit("/", 1)[-1])
        # A missing role is denied like a role that does not trust the caller.
        document = role["AssumeRolePolicyDocument"] if role is not None and role["Arn"] == resource else "{}"
        return _ResourcePolicy(document, get_account_id(), TRUST)
    found = evaluator._resource_policy(resource_service(resource), resource)
    document, owner = found or (None, None)
    return _ResourcePolicy(document or None, owner, RESOURCE_BASED)


def _is_granted(caller: Caller, action: str, key: str, keys: dict[str, Any]) -> bool:
    """Tell whether a grant on a key allows its use. Source: KMS Developer Guide, "Grants in AWS KMS"."""
    if resource_service(key) != "kms" or isinstance(caller, Anonymous):
        return False
    prefix = "kms:encryptioncontext:"
    context = {name.removeprefix(prefix): value for name, value in keys.items() if name.startswith(prefix)}
    return any(
        grant["KeyId"] == key
        and grant["GranteePrincipal"] in _grantees(caller)
        and action.partition(":")[2] in grant["Operations"]
        and _fits(grant["Constraints"] or {}, context)
        for grant in kms._grants.values()
    )


def _grantees(caller: Principal | Service) -> set[str]:
    """Return a caller's names in grants: a session's role may be the grantee, too."""
    if isinstance(caller, Service):
        return {caller.name}
    return {
        caller.arn,
        *([f"arn:aws:iam::{caller.account}:role/{caller.arn.split('/')[1]}"] * (caller.type == "AssumedRole")),
    }


def _fits(constraints: dict[str, Any], context: dict[str, Any]) -> bool:
    equal, subset = constraints.get("EncryptionContextEquals"), constraints.get("EncryptionContextSubset") or {}
    lower = {name.lower(): value for name, value in (equal or subset).items()}
    return lower.items() <= context.items() and (equal is None or len(lower) == len(context))


def _message(principal: str, action: str, resource: str, match: _Match) -> str:
    """Return the denial in AWS's words. Source: IAM User Guide, "Troubleshoot access denied error messages"."""
    service, _, name = action.partition(":")
    # SQS and SNS spell their actions differently, and S3 quotes the resource (observed on AWS; MiniStack's
    # iam_actions.py has the same).
    spelled = {"sqs": f"sqs:{name.lower()}", "sns": f"SNS:{name}"}.get(service, action)
    quoted = f'"{resource}"' if service == "s3" else resource
    # No resource is named for actions without one (observed with sagemaker:ListModels, cloudwatch:GetMetricStatistics,
    # application-autoscaling:DescribeScalableTargets).
    where = "" if resource == "*" else f" on resource: {quoted}"
    if action == "kms:Decrypt":
        # The ciphertext names the key.
        where = " on the resource associated with this ciphertext"
    denied = f"User: {principal} is not authorized to perform: {spelled}{where}"
    if match.kind == TRUST:
        # STS gives no reason.
        return denied
    article = "an" if match.kind == IDENTITY_BASED else "a"
    if match.decision == "Deny":
        return f"{denied} with an explicit deny in {article} {match.kind}"
    return f"{denied} because no {match.kind} allows the {spelled} action"
