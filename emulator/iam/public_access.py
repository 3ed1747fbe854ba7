"""Access of everyone to buckets, by their policies. ACLs give no access: a new bucket on AWS has them turned off.

Sources: S3 User Guide, "Blocking public access to your Amazon S3 storage" and "Controlling ownership of objects and
disabling ACLs for your bucket".
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3

BUCKET_ARN = "arn:aws:s3:::"


def for_everyone(document: object) -> dict[str, Any]:
    """Return the part of a policy that applies to a caller without credentials, with the principal "*".

    A deny statement with NotPrincipal applies to all callers that it does not name. An allow statement with it never
    counts; IAM's documentation advises against it.
    """
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        parsed = None
    statements = parsed.get("Statement", []) if isinstance(parsed, dict) else []
    kept = [one for one in (statements if isinstance(statements, list) else [statements]) if _applies(one)]
    return {"Statement": [{**_without(one, "NotPrincipal"), "Principal": "*"} for one in kept]}


def is_restricted(resource: str) -> bool:
    """Tell whether RestrictPublicBuckets forbids everyone the access that a public policy of the bucket allows."""
    bucket = _bucket(resource)
    policy = s3._bucket_policies.get(bucket)
    if not policy or not s3._public_access_blocked(get_account_id(), bucket, "RestrictPublicBuckets"):
        return False
    return bool(s3._policy_is_public(policy))


def is_open(bucket: str) -> bool:
    """Tell whether a bucket's policy allows anything to a caller without credentials."""
    resource = f"{BUCKET_ARN}{bucket}"
    found = s3.bucket_policy_for_arn(resource)
    if found is None or is_restricted(resource):
        return False
    return any(one.get("Effect") == "Allow" for one in for_everyone(found[0])["Statement"])


def _bucket(resource: str) -> str:
    return resource.removeprefix(BUCKET_ARN).partition("/")[0] if resource.startswith(BUCKET_ARN) else ""


def _applies(statement: object) -> bool:
    if not isinstance(statement, dict):
        return False
    if "NotPrincipal" in statement:
        return statement.get("Effect") == "Deny" and not _names_everyone(statement["NotPrincipal"])
    return _names_everyone(statement.get("Principal"))


def _names_everyone(principal: object) -> bool:
    named = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return "*" in named if isinstance(named, list) else named == "*"


def _without(statement: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != name}
