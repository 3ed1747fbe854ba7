"""Replaces MiniStack's enforcement of IAM.

The gateway verifies signatures and session tokens before it forwards a request, so MiniStack must not verify them:
it would use its own clock instead of the stack's.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import denials
from conditions import ACTIONS, Parameters, conditions_of_write, context_of, further_checks, resources_of
from decisions import Anonymous, Caller, Decision, Service, decide
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import sns, sqs, sts
from principals import UnknownPrincipalError, principal_of_key
from web_identity import trust_denial

if TYPE_CHECKING:
    from collections.abc import Callable

    from asgi import Response

# Parameters of the request that is being served, and the message of its denial.
_parameters: ContextVar[Parameters] = ContextVar("parameters")
_message: ContextVar[str] = ContextVar("message", default="")

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
    sts._web_identity_trust_denied = trust_denial
    # An expired session stays known: its calls fail with ExpiredToken, not as those of an unknown key.
    sts._evict_expired_sessions = lambda: None
    sqs.queue_policy_allows = _delivery("sqs:SendMessage")
    sns.topic_policy_allows = _delivery("sns:Publish")


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
        caller = principal_of_key(access_key_id) if access_key_id else Anonymous()
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
    return None


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
    if key == _administrator:
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

    def access_denied_response(*args: object, **options: object) -> Response:
        if not options.get("error_code"):
            options["message"] = _message.get()
        return cast("Response", response(*args, **options))

    def identity_denial_message(*args: object) -> str:
        return _message.get() or str(words(*args))

    iam_actions.request_tag_context = request_tag_context
    iam_actions.s3_service_context = s3_service_context
    iam_actions.access_denied_response = access_denied_response
    iam_actions.identity_denial_message = identity_denial_message


def _delivery(action: str) -> Callable[[str, str, str, str], bool]:
    """Return the check of a delivery that a service makes, such as a topic's to a queue."""

    def allows(resource: str, service: str, source_arn: str, source_account: str) -> bool:
        decision = decide(Service(service, source_arn, source_account), action, resource)
        denials.record(decision)
        return decision.allowed

    return allows
