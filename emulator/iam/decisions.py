"""Decisions of the emulated IAM, with AWS's words and the statement that decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import recorder
from conditions import resource_tags
from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, kms
from principals import BOUNDARY, IDENTITY_BASED, Principal, principal_of_key, principal_of_role
from public_access import for_everyone, is_restricted

RESOURCE_BASED = "resource-based policy"
TRUST = "role trust policy"

# Actions that no policy denies. Source: IAM User Guide, "Policy evaluation logic"; AWS STS API Reference.
ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})

# The trust policy decides about the token (WebIdentity); the call needs no credentials.
WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"

# Only the bucket owner's account can do this, and its root user even if the policy denies everything. Source: S3 API
# Reference, GetBucketPolicy, PutBucketPolicy and DeleteBucketPolicy.
POLICY_ACTIONS = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})

# S3 gives callers of no account no reason. Source: S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors
# in Amazon S3".
ANONYMOUS_DENIAL = "Access Denied"

# The caller's name in denials and in aws:userid, and its aws:PrincipalType.
ANONYMOUS, ANONYMOUS_TYPE = "anonymous", "Anonymous"


@dataclass(frozen=True)
class Service:
    """An AWS service that acts with its own permissions, such as sns.amazonaws.com."""

    name: str
    source_arn: str | None = None
    source_account: str | None = None


@dataclass(frozen=True)
class Anonymous:
    """A caller without credentials."""


@dataclass(frozen=True)
class WebIdentity:
    """The holder of a token: the ARN of the identity provider, and the token's audience and subject."""

    provider: str
    audience: str
    subject: str


Caller = Principal | Service | Anonymous | WebIdentity


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
class ResourcePolicy:
    """A resource's own policy, its owner's account, and its kind in AWS's words; the document is None without one."""

    document: object
    owner: str | None
    kind: str


@dataclass(frozen=True)
class Call:
    """A call with the facts that a decision about it depends on. Names of condition keys are in lower case."""

    caller: Caller
    action: str
    resource: str
    keys: dict[str, Any]
    attached: ResourcePolicy
    # A grant on the key allows the call.
    granted: bool = False
    # RestrictPublicBuckets of the bucket forbids the call to everyone.
    restricted: bool = False


def install() -> None:
    """Let MiniStack compare aws:PrincipalArn with the ARN of a session's role; a caller without credentials has none.

    Source: IAM User Guide, "AWS global condition context keys", aws:PrincipalArn. Roles with a path are not supported.
    """
    resolve = evaluator._resolve_condition_key

    def resolve_condition_key(key: str, ctx: evaluator.EvalContext) -> object:
        arn, name = ctx.principal_arn, key.lower()
        if ctx.principal_type == ANONYMOUS_TYPE:
            if name in {"aws:principalarn", "aws:principalaccount"}:
                return None
            if name in {"aws:resourceaccount", "s3:resourceaccount"}:
                return get_account_id()
        if name == "aws:principalarn" and ":assumed-role/" in arn:
            return f"arn:aws:iam::{ctx.principal_account}:role/{arn.split('/')[1]}"
        return resolve(key, ctx)

    evaluator._resolve_condition_key = resolve_condition_key


def decide(
    caller: Caller, action: str, resource: str, context: dict[str, Any] | None = None, *, record: bool = True
) -> Decision:
    """Decide whether a caller may perform an action on a resource, an ARN or "*", in the present state.

    The context has the request's condition keys; "aws:SecureTransport" and "aws:SourceIp" replace those of the
    request that is being served. With `record`, the decision is part of a recording.
    """
    keys = {name.lower(): value for name, value in (context or {}).items()}
    granted = _is_granted(caller, action, resource, keys)
    for tag, value in resource_tags(resource).items():
        keys.setdefault(f"aws:resourcetag/{tag}".lower(), value)
    restricted = isinstance(caller, Anonymous) and is_restricted(resource)
    call = Call(caller, action, resource, keys, _resource_policy(action, resource), granted, restricted)
    decision = decision_about(call)
    # About a web identity, the decision about its token is recorded.
    if record and recorder.is_on() and (action != WEB_IDENTITY or isinstance(caller, WebIdentity)):
        recorder.record(call, decision)
    return decision


def decision_about(call: Call) -> Decision:
    """Decide about a call by its facts only."""
    caller, action, resource = call.caller, call.action, call.resource
    if isinstance(caller, WebIdentity):
        name, match = caller.subject, _decide_token(caller, call)
    elif action == WEB_IDENTITY or (action in ALWAYS_ALLOWED and isinstance(caller, Principal)):
        return Decision(True, "", action, resource)
    elif isinstance(caller, Principal):
        name, match = caller.arn, _decide_principal(caller, _evaluation(caller, call), call.attached)
    else:
        name = caller.name if isinstance(caller, Service) else ANONYMOUS
        match = _decide_service(caller, call) if isinstance(caller, Service) else _decide_anonymous(call)
    if match.decision == "ImplicitDeny" and call.granted:
        return Decision(True, name, action, resource)
    allowed = match.decision == "Allow"
    words = ANONYMOUS_DENIAL if isinstance(caller, Anonymous) else _message(name, action, resource, match)
    message = "" if allowed else words
    return Decision(allowed, name, action, resource, message, match.policy, match.sid or None)


def _decide_token(identity: WebIdentity, call: Call) -> _Match:
    """Decide whether a token may assume a role: only the role's trust policy counts."""
    host = identity.provider.partition(":oidc-provider/")[2]
    principal = Principal(identity.provider, "WebIdentityUser", identity.provider.split(":")[4], [])
    claims = {f"{host}:aud".lower(): identity.audience, f"{host}:sub".lower(): identity.subject}
    ctx = _evaluation(principal, replace(call, keys={**call.keys, **claims}))
    allowed = evaluator.evaluate_trust_policy(call.attached.document, identity.provider, ctx)
    return _Match("Allow" if allowed else "ImplicitDeny", TRUST)


def _decide_principal(principal: Principal, ctx: evaluator.EvalContext, attached: ResourcePolicy) -> _Match:
    own = _by_layers(principal, ctx)
    if attached.document is None or (principal.type == "Root" and ctx.action in POLICY_ACTIONS):
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


def _decide_service(service: Service, call: Call) -> _Match:
    """Decide for a service: no identity-based policy applies to it."""
    keys = {
        "aws:principalisawsservice": "true",
        "aws:sourcearn": service.source_arn,
        "aws:sourceaccount": service.source_account,
        # Older samples of policies have this key.
        "aws:sourceowner": service.source_account,
        "aws:principalservicename": service.name,
    }
    # "*" matches Principal "*", and no account.
    ctx = _evaluation(Principal("*", "Service", "", []), replace(call, keys={**keys, **call.keys}))
    result = evaluator.evaluate_resource_policy(call.attached.document, ctx, service=service.name)
    return _attached_match(result, call)


def _decide_anonymous(call: Call) -> _Match:
    """Decide for a caller without credentials: only the resource's policy for everyone applies to it."""
    if call.restricted or call.action in POLICY_ACTIONS:
        return _Match("ImplicitDeny", call.attached.kind)
    # Source: IAM User Guide, "IAM policy elements: Variables and tags", "Request information that you can use".
    caller = Principal("*", ANONYMOUS_TYPE, "", [], {"aws:userid": ANONYMOUS})
    result = evaluator.evaluate_resource_policy(for_everyone(call.attached.document), _evaluation(caller, call))
    return _attached_match(result, call)


def _attached_match(result: evaluator.EvalResult, call: Call) -> _Match:
    policy = None if result.decision == "ImplicitDeny" else call.resource
    return _Match(result.decision, call.attached.kind, policy, result.matched_sid)


def _evaluation(principal: Principal, call: Call) -> evaluator.EvalContext:
    source_ip, secure = evaluator._request_origin.get()
    context = {"aws:principalisawsservice": "false", "aws:viaawsservice": "false", "aws:tagkeys": None, **call.keys}
    return evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=call.action,
        resource_arn=call.resource,
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


def _resource_policy(action: str, resource: str) -> ResourcePolicy:
    if action in {"sts:AssumeRole", "sts:TagSession", WEB_IDENTITY}:
        role = iam._roles.get_scoped(get_account_id(), None, resource.rsplit("/", 1)[-1])
        # A missing role is denied like a role that does not trust the caller.
        document = role["AssumeRolePolicyDocument"] if role is not None and role["Arn"] == resource else "{}"
        return ResourcePolicy(document, get_account_id(), TRUST)
    found = evaluator._resource_policy(resource_service(resource), resource)
    document, owner = found or (None, None)
    return ResourcePolicy(document or None, owner, RESOURCE_BASED)


def _is_granted(caller: Caller, action: str, key: str, keys: dict[str, Any]) -> bool:
    """Tell whether a grant on a key allows its use. Source: KMS Developer Guide, "Grants in AWS KMS"."""
    if resource_service(key) != "kms" or isinstance(caller, Anonymous | WebIdentity):
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
    if caller.type != "AssumedRole":
        return {caller.arn}
    return {caller.arn, f"arn:aws:iam::{caller.account}:role/{caller.arn.split('/')[1]}"}


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
