"""Sessions of roles that a service hands to a container."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import iam, sts
from principals import principal_of_role

# Seconds of real time. SDKs ask for new credentials minutes before the end.
DURATION = 3600


def issue(role_arn: str, session_name: str) -> dict[str, Any]:
    """Return the credentials of a new session, as AWS's container credentials endpoints do.

    Source: AWS SDKs and Tools Reference Guide, "Container credential provider".

    Raises
    ------
    UnknownPrincipalError
        If there is no such role.
    """
    principal = principal_of_role(role_arn, session_name)
    expiration = time.time() + DURATION
    access_key, secret, token = iam._gen_session_access_key(), iam._gen_secret(), iam._gen_session_token()
    for key in [key for key, session in sts._sessions.items() if session.get("Container") and _is_over(session)]:
        # Containers ask again and again.
        del sts._sessions[key]
    session = {
        "Arn": principal.arn,
        "UserId": principal.keys["aws:userid"],
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": expiration,
        "AccountId": get_account_id(),
        "PrincipalType": "AssumedRole",
        "SessionTags": [],
        "SessionPolicies": None,
        "Container": True,
    }
    sts.register_session(access_key, session)
    return {
        "AccessKeyId": access_key,
        "SecretAccessKey": secret,
        "Token": token,
        "Expiration": datetime.fromtimestamp(expiration, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "RoleArn": role_arn,
    }


def _is_over(session: dict[str, Any]) -> bool:
    return bool(time.time() > session["Expiration"] + DURATION)
