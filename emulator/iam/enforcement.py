"""Replaces MiniStack's enforcement of IAM.

The gateway verifies signatures and session tokens before it forwards a request, so MiniStack must not verify them:
it would use its own clock instead of the stack's.
"""

from __future__ import annotations

import json
import os
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import denials
from conditions import ACTIONS, Parameters, conditions_of_write, context_of, further_checks, resources_of
from decisions import ANONYMOUS, Anonymous, Caller, Decision, Service, caller_of, decide
from decisions import install as install_decisions
from encryption import KeyUse, Request, key_uses, log_group_uses, request_of
from managed_keys import install as install_managed_keys
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.services import s3, sns, sqs, sts
from object_writes import install as install_object_writes
from principals import UnknownPrincipalError, principal_of_key
from token_check import is_token
from web_identity import install as install_web_identities

if TYPE_CHECKING:
    from collections.abc import Callable

    from asgi import Response, Scope

# Parameters of the request that is being served, and the message of its denial.
_parameters: ContextVar[Parameters] = ContextVar("parameters")
_message: ContextVar[str] = ContextVar("message", default="")
_is_key_denial: ContextVar[bool] = ContextVar("is_key_denial", default=False)
_request: ContextVar[Request] = ContextVar("request")

# The service or role that the emulator makes the request for; None for a client's request.
_actor: ContextVar[dict[str, Any] | None] = ContextVar("actor", default=None)

# The access key ID by which the gateway names a caller without credentials; no signature can have it.
ANONYMOUS_KEY = "ANONYMOUS"

# S3's error for a use of a key without credentials. Sources: pottava/aws-s3-proxy#46; AWS Knowledge Center, "How do I
# troubleshoot the error 'Requests require AWS Signature Version 4'".
UNSIGNED_KEY_USE = (
    "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
)

# The gateway removes both from the requests of clients.
ACTOR_HEADER = "x-launcher-caller"
LAUNCHER_HEADER = "x-launcher-token"

# No other key is the administrator's: MiniStack would accept "test" and account numbers, too.
_administrator = os.environ["AWS_ACCESS_KEY_ID"]


def install() -> None:
    """Replace MiniStack's functions; tests of the emulator pin those that this relies on."""
    iam_evaluator.enforce = enforce
    iam_evaluator.is_root_access_key = sts.is_root_access_key = lambda key: key == _administrator
    app.pin_signed_request = _pin_verified_request
    app.pin_request_origin = lambda address, _secure: iam_evaluator._request_origin.set((address or "127.0.0.1", True))
    # For tasks without a request, such as deliveries that are tried again.
    iam_evaluator._request_origin.set(("127.0.0.1", True))
    app._authenticate_only = _refuse_unlisted
    _wrap_iam_actions()
    install_web_identities()
    # An expired session stays known: its calls fail with ExpiredToken, not as those of an unknown key.
    sts._evict_expired_sessions = lambda: None
    sqs.queue_policy_allows = _delivery("sqs:SendMessage")
    sns.topic_policy_allows = _delivery("sns:Publish")
    install_managed_keys()
    install_object_writes()
    install_decisions()


def begin(scope: Scope) -> bool:
    """Note a request that MiniStack will serve; False if it names an actor without the launcher's token."""
    request = request_of(scope)
    _request.set(request)
    _is_key_denial.set(False)
    actor = request.headers.get(ACTOR_HEADER)
    if actor is None:
        _actor.set(None)
        return True
    if not is_token(request.headers.get(LAUNCHER_HEADER, "").encode()):
        return False
    _actor.set(json.loads(actor))
    return True


def enforce(
    access_key_id: str,
    iam_action: str,
    *_service_and_region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> iam_evaluator.AuthError | iam_evaluator.EvalResult | None:
    """Return None if the request is allowed; otherwise MiniStack's AuthError (unknown key) or EvalResult (denied)."""
    caller: Caller
    try:
        caller = _caller(access_key_id)
    except UnknownPrincipalError as error:
        return iam_evaluator.AuthError("InvalidClientTokenId", str(error))
    parameters = _parameters.get(Parameters({}, b""))
    action = ACTIONS.get(iam_action, iam_action)
    checks = [(action, resource) for resource in resources_of(action, resource_arn, parameters)]
    for needed, resource in [*checks, *further_checks(action, resource_arn)]:
        context = {**(service_context or {}), **context_of(needed, parameters)} if needed == action else {}
        decision = decide(caller, needed, resource, context)
        if not decision.allowed:
            return _denied(decision)
        for use in key_uses(needed, resource, _request_by(caller)):
            decision = _decide_use(caller, use)
            if not decision.allowed:
                _is_key_denial.set(True)
                return _denied(decision)
    if action == "logs:CreateLogGroup" and (key := parameters.text("kmsKeyId")):
        return _log_group_denial(checks[0][1].partition(":log-stream:")[0], key)
    return None


def _log_group_denial(group: str, key: str) -> iam_evaluator.EvalResult | None:
    """Return the denial of a log group whose key CloudWatch Logs may not use; None if it may.

    The caller needs no permission for the key. Sources: hashicorp/terraform-provider-aws#29282 for the words;
    awsdocs/amazon-cloudwatch-logs-user-guide#25. That AWS tests each documented use is an assumption.
    """
    service = Service(f"logs.{get_region()}.amazonaws.com")
    for use in log_group_uses(group, key):
        decision = _decide_use(service, use)
        if not decision.allowed:
            words = f"The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"
            return _denied(replace(decision, message=words))
    return None


def _caller(access_key_id: str) -> Caller:
    actor = _actor.get()
    if actor is not None:
        return caller_of(actor)
    return Anonymous() if access_key_id in {"", ANONYMOUS_KEY} else principal_of_key(access_key_id)


def _request_by(caller: Caller) -> Request:
    """Return the request; without credentials, a HEAD of an encrypted object is refused like a GET."""
    request = _request.get(Request())
    return replace(request, method="GET") if isinstance(caller, Anonymous) and request.method == "HEAD" else request


def _decide_use(caller: Caller, use: KeyUse) -> Decision:
    if isinstance(caller, Anonymous):
        # KMS accepts only signed calls, so no key policy can allow the use.
        return Decision(False, ANONYMOUS, use.action, use.key, UNSIGNED_KEY_USE)
    return decide(caller, use.action, use.key, use.context(by_service=isinstance(caller, Service)))


def _denied(decision: Decision) -> iam_evaluator.EvalResult:
    denials.record(decision)
    _message.set(decision.message)
    kind = "Deny" if "explicit deny" in decision.message else "ImplicitDeny"
    return iam_evaluator.EvalResult(kind, decision.principal, decision.sid or "")


def _pin_verified_request(_method: str, _path: str, _query: object, headers: list[tuple[bytes, bytes]]) -> None:
    """Replace pin_signed_request: no signature is left to verify."""
    iam_evaluator._signed_request.set(None)
    iam_evaluator._anonymous.set(not any(name.lower() == b"authorization" for name, _ in headers))


def _refuse_unlisted(service: str, headers: dict[str, str], query: object, request_id: str) -> Response | None:
    """Replace the check of requests that MiniStack knows no action of: only the administrator may make them."""
    key = app.extract_access_key_id(headers, query)
    if key == _administrator and _actor.get() is None:
        return None
    message = "The emulator does not know which IAM action this request needs."
    response = iam_actions.access_denied_response(
        service, "", "", request_id, error_code="AccessDenied", message=message, headers=headers
    )
    return cast("Response", response)


def _wrap_iam_actions() -> None:
    """Keep a request's parameters for enforce, add condition keys of S3, and give denials their message."""
    tags, s3_context, response, words = (
        iam_actions.request_tag_context,
        iam_actions.s3_service_context,
        iam_actions.access_denied_response,
        iam_actions.identity_denial_message,
    )

    def request_tag_context(service: str, iam_action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        _parameters.set(Parameters(params, body))
        return dict(tags(service, iam_action, body, params))

    def s3_service_context(
        iam_action: str, query_params: dict[str, Any] | None, path: str = "", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        return {**s3_context(iam_action, query_params, path, headers), **conditions_of_write(iam_action, headers or {})}

    def access_denied_response(*args: object, headers: dict[str, str], **options: object) -> Response:
        if _is_key_denial.get() and (denial := _key_denial(str(args[0]), headers)):
            return denial
        if not options.get("error_code"):
            options["message"] = _message.get()
        return cast("Response", response(*args, headers=headers, **options))

    def identity_denial_message(*args: object) -> str:
        return _message.get() or str(words(*args))

    iam_actions.request_tag_context = request_tag_context
    iam_actions.s3_service_context = s3_service_context
    iam_actions.access_denied_response = access_denied_response
    iam_actions.identity_denial_message = identity_denial_message


def _key_denial(service: str, headers: dict[str, str]) -> Response | None:
    """Return the error of SNS and SQS for a denied use of a key; S3's is AccessDenied, except without credentials.

    Sources: aws/aws-cdk#24337 and aws-samples/aws-secure-environment-accelerator#971 for SNS; SQS API Reference,
    SendMessage.
    """
    if _message.get() == UNSIGNED_KEY_USE:
        return cast("Response", s3._error("InvalidArgument", UNSIGNED_KEY_USE, 400))
    words = f"{_message.get()} (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException)"
    if service == "sns":
        return cast("Response", sns._error("KMSAccessDenied", words, 400))
    if service == "sqs":
        answer = sqs._json_err_resp if "x-amz-target" in headers else sqs._xml_err_resp
        return cast("Response", answer("KmsAccessDenied", words, 400))
    return None


def _delivery(action: str) -> Callable[[str, str, str, str], bool]:
    """Return the check of a delivery that a service makes, such as a topic's to a queue."""

    def allows(resource: str, service: str, source_arn: str, source_account: str) -> bool:
        decisions = [decide(Service(service, source_arn, source_account), action, resource)]
        # No source says that the service's calls to KMS have a source ARN or account.
        decisions += [_decide_use(Service(service), use) for use in key_uses(action, resource, Request())]
        denial = next((decision for decision in decisions if not decision.allowed), None)
        if denial is not None:
            denials.record(denial)
        return denial is None

    return allows
