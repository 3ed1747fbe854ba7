"""The launcher's own HTTP interface, for the gateway: decisions, credentials, denials.

Each request needs the bearer token of this start. The interface is on MiniStack's socket; the gateway forwards no
request of a client to these paths.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import denials
from conditions import key_arn
from decisions import Decision, caller_of, decide
from ministack.core import iam_evaluator
from ministack.core.responses import set_request_account_id, set_request_region
from principals import UnknownPrincipalError
from public_access import is_open
from sessions import issue
from token_check import is_token

if TYPE_CHECKING:
    from asgi import Receive, Scope, Send

_account = os.environ["MINISTACK_ACCOUNT_ID"]
_region = os.environ["MINISTACK_REGION"]


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request to the launcher, as an ASGI application."""
    headers = dict(scope["headers"])
    if not is_token(headers.get(b"authorization", b"").removeprefix(b"Bearer ")):
        await refuse_token(send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    set_request_account_id(_account)
    set_request_region(_region)
    # AWS's services use HTTPS, for which the gateway stands.
    iam_evaluator._request_origin.set(("127.0.0.1", True))
    await _answer(send, 200, paths[scope["path"]](json.loads(body or b"{}")))


async def refuse_token(send: Send) -> None:
    """Answer a request that lacks the token."""
    await _answer(send, 403, {"error": "The bearer token is not this launcher's."})


def _authorize(request: dict[str, Any]) -> dict[str, Any]:
    """Decide about all resources of a request; the first denial is the answer."""
    action, resources = request["action"], [_resolved(resource) for resource in request["resources"]]
    # A condition key has the key's ARN, too, such as sagemaker:VolumeKmsKeyArn.
    context = {
        name: _resolved(value) if isinstance(value, str) else value for name, value in request["context"].items()
    }
    record = request.get("record", True)
    try:
        caller = caller_of(request["caller"])
    except UnknownPrincipalError as error:
        named = request["caller"]
        name = named.get("accessKeyId") or named["roleArn"]
        decisions = [Decision(False, name, action, resources[0], str(error))]
    else:
        decisions = [
            _unusable_alias(action, resource) or decide(caller, action, resource, context, record=record)
            for resource in resources
        ]
    decision = next((one for one in decisions if not one.allowed), decisions[0])
    if record:
        denials.record(decision)
    return {
        "allowed": decision.allowed,
        "message": decision.message,
        **({} if decision.policy is None else {"policy": decision.policy}),
        **({} if decision.sid is None else {"sid": decision.sid}),
    }


def _resolved(value: str) -> str:
    """Return the ARN of an alias's key; other values, and an alias without a key, as they are."""
    return key_arn(value) if _is_alias(value) else value


def _is_alias(value: str) -> bool:
    return value.startswith("arn:aws:kms:") and ":alias/" in value


def _unusable_alias(action: str, resource: str) -> Decision | None:
    """Return the decision about an alias without a key here; None for every other resource.

    Of AWS's own keys, principals of the account may use each. That SageMaker passes on KMS's words for an alias that
    does not exist is an assumption. Source of the words: KMS API Reference, NotFoundException.
    """
    if not _is_alias(resource):
        return None
    allowed = ":alias/aws/" in resource
    return Decision(allowed, "", action, resource, "" if allowed else f"Alias {resource} is not found.")


def _credentials(request: dict[str, Any]) -> dict[str, Any]:
    """Return the secret of an access key, for the gateway's check of signatures; {"unknown": reason} without one."""
    found = iam_evaluator.resolve_credential(request["accessKeyId"], _account)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return {"unknown": found.code}
    token = {} if found.session_token is None else {"sessionToken": found.session_token}
    return {"accessKeyId": found.access_key_id, "secretAccessKey": found.secret_access_key, **token}


def _denials(_request: dict[str, Any]) -> dict[str, Any]:
    return {"denials": denials.recent()}


def _session(request: dict[str, Any]) -> dict[str, Any]:
    """Return the credentials of a new session of a role, for a container; {"unknown": reason} without such a role."""
    try:
        return issue(request["roleArn"], request["sessionName"])
    except UnknownPrincipalError as error:
        return {"unknown": str(error)}


def _open(request: dict[str, Any]) -> dict[str, Any]:
    return {"open": is_open(request["bucket"])}


paths = {
    "/_authorize": _authorize,
    "/_credentials": _credentials,
    "/_denials": _denials,
    "/_open": _open,
    "/_session": _session,
}


async def _answer(send: Send, status: int, content: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})
