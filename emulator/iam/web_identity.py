"""Web identities: the checks of AssumeRoleWithWebIdentity.

The identity provider must exist, and the token's audience must be in its client list. The token's signature is not
verified: the emulator cannot ask the provider for its keys, and tests make their tokens themselves.
"""

from __future__ import annotations

import base64
import json
import time
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import denials
from decisions import WebIdentity, decide
from ministack.core.responses import error_response_json
from ministack.services import iam, sts

if TYPE_CHECKING:
    from asgi import Response

ACTION = "sts:AssumeRoleWithWebIdentity"
DEFAULT_DURATION = 3600


# Session policies of the request that is being served, from the check of its token until its session is stored.
_policies: ContextVar[dict[str, Any] | None] = ContextVar("policies", default=None)


def install() -> None:
    """Let MiniStack check tokens here, and keep the session policies of a web identity, which it ignores."""
    register = sts.register_session

    def register_session(access_key: str, session: dict[str, Any]) -> None:
        policies = _policies.get()
        _policies.set(None)
        register(access_key, session if policies is None else {**session, "SessionPolicies": policies})

    sts.register_session = register_session
    sts._web_identity_trust_denied = trust_denial


class RefusedError(Exception):
    """AWS's error code, message and HTTP status. Source: AWS STS API Reference, AssumeRoleWithWebIdentity."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def trust_denial(role_arn: str, params: dict[str, Any], use_json: bool) -> Response | None:
    """Return the response to a token that may not assume the role, or to invalid session policies; None if it may."""
    policies, invalid = sts._session_policies(params, role_arn.split(":")[4])
    if invalid is not None:
        return cast("Response", invalid)
    try:
        _check(role_arn, _claims(iam._p(params, "WebIdentityToken")), iam._p(params, "DurationSeconds"))
    except RefusedError as error:
        if use_json:
            return cast("Response", error_response_json(error.code, str(error), error.status))
        return cast("Response", iam._error(error.status, error.code, str(error), ns="sts"))
    _policies.set(policies if any(policies.values()) else None)
    return None


def _claims(token: str) -> dict[str, Any]:
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        issuer, audience, subject = claims["iss"], claims["aud"], claims["sub"]
    except (ValueError, KeyError, TypeError) as error:
        code, message = "InvalidIdentityToken", "The ID Token provided is not a valid JWT with iss, aud and sub."
        raise RefusedError(code, message) from error
    return {**claims, "iss": issuer, "aud": audience, "sub": subject}


def _check(role_arn: str, claims: dict[str, Any], duration: str) -> None:
    issuer = str(claims["iss"])
    host = issuer.split("://", 1)[-1].rstrip("/")
    account = role_arn.split(":")[4]
    provider_arn = f"arn:aws:iam::{account}:oidc-provider/{host}"
    provider = iam._oidc_providers.get_scoped(account, None, provider_arn)
    if provider is None:
        code = "InvalidIdentityToken"
        raise RefusedError(code, f"No OpenIDConnect provider found in your account for {issuer}")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    audience = next((each for each in audiences if each in provider["ClientIDList"]), None)
    if audience is None:
        code, message = "InvalidIdentityToken", "Incorrect token audience"
        raise RefusedError(code, message)
    now = int(time.time())
    if isinstance(expiry := claims.get("exp"), int | float) and expiry < now:
        code = "ExpiredTokenException"
        message = f"Token expired: current date/time {now} must be before the expiration date/time {expiry}"
        raise RefusedError(code, message)
    role = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    decision = decide(WebIdentity(provider_arn, audience, str(claims["sub"])), ACTION, role_arn)
    if role is None or not decision.allowed:
        message = f"Not authorized to perform {ACTION}"
        denials.record(replace(decision, principal=f"{host}:{claims['sub']}", message=message))
        code = "AccessDenied"
        raise RefusedError(code, message, 403)
    if int(duration or DEFAULT_DURATION) > role.get("MaxSessionDuration", DEFAULT_DURATION):
        code = "ValidationError"
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise RefusedError(code, message)
