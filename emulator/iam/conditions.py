"""Resources, actions and condition keys of requests that MiniStack's own check lacks.

Source of actions, resource types and condition keys, unless another is named: Service Authorization Reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs, iam, kms, s3, tagging

if TYPE_CHECKING:
    from collections.abc import Mapping

# Operations that IAM authorizes as another action.
ACTIONS = {
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "kms:ReEncrypt": "kms:ReEncryptFrom",
}

# Service-linked roles whose names the service defines. Source: Application Auto Scaling User Guide, "Service-linked
# roles".
SERVICE_LINKED_ROLES = {
    "sagemaker.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
}

# Of a log group, these actions have the ARN as it is; the others have it with a log stream. Source: CloudWatch Logs
# API Reference, LogGroup, members arn and logGroupArn.
LOG_TAG_ACTIONS = frozenset({"logs:TagResource", "logs:UntagResource", "logs:ListTagsForResource"})

# In IAM, the request's boundary counts for these actions, the present one for all others.
BOUNDARY_ACTIONS = frozenset(
    {
        "iam:CreateRole",
        "iam:CreateUser",
        "iam:PutRolePermissionsBoundary",
        "iam:PutUserPermissionsBoundary",
    }
)


class Parameters:
    """Parameters of a request, from a form, the query string or a JSON body."""

    def __init__(self, form: dict[str, Any], body: bytes) -> None:
        self._form = form
        try:
            parsed = json.loads(body) if body[:1] == b"{" else {}
        except ValueError:
            parsed = {}
        self._json: dict[str, Any] = parsed

    def text(self, *names: str) -> str:
        """Return the first of these parameters that is there; an empty string if there is none."""
        for name in names:
            value = self._json.get(name) or self._form.get(name) or ""
            if found := value[0] if isinstance(value, list) and value else value:
                return str(found)
        return ""

    def mapping(self, name: str) -> dict[str, str]:
        """Return a JSON object; empty if there is none."""
        value = self._json.get(name)
        return value if isinstance(value, dict) else {}


def resources_of(action: str, resource: str, parameters: Parameters) -> list[str]:
    """Return the resources of a request, given the one that MiniStack finds."""
    account, region = get_account_id(), get_region()
    service = action.partition(":")[0]
    if service == "iam":
        return [_iam_resource(action, resource, parameters, account)]
    if service == "sns" and (tagged := parameters.text("ResourceArn")):
        return [tagged]
    if service == "sqs" and (source := parameters.text("SourceArn")):
        return [source]
    if service == "logs":
        return [_log_resource(action, parameters, account, region, resource)]
    if service == "kms":
        keys = [key_arn(name) for name in (parameters.text("TargetKeyId"), _key_id(resource, account, region)) if name]
        if alias := parameters.text("AliasName"):
            keys.append(f"arn:aws:kms:{region}:{account}:{alias}")
            if action != "kms:CreateAlias":
                # The alias's present key, too.
                keys.append(key_arn(alias))
        return keys or ["*"]
    return [resource]


def context_of(action: str, parameters: Parameters) -> dict[str, Any]:
    """Return condition keys of a request that MiniStack's own check lacks."""
    service = action.partition(":")[0]
    keys: dict[str, Any] = {}
    if service == "iam":
        keys = {
            "iam:PermissionsBoundary": _boundary(action, parameters),
            "iam:PolicyARN": parameters.text("PolicyArn"),
            "iam:AWSServiceName": parameters.text("AWSServiceName"),
        }
    elif service == "sns":
        keys = {"sns:Protocol": parameters.text("Protocol"), "sns:Endpoint": parameters.text("Endpoint")}
    elif service == "kms":
        encryption = parameters.mapping("EncryptionContext")
        keys = {f"kms:EncryptionContext:{name}": value for name, value in encryption.items()}
        keys["kms:EncryptionContextKeys"] = list(encryption)
        keys["kms:CallerAccount"] = get_account_id()
        alias = parameters.text("KeyId")
        keys["kms:RequestAlias"] = alias.rsplit(":", 1)[-1] if "alias/" in alias else ""
    elif service == "sts":
        keys = {
            "sts:ExternalId": parameters.text("ExternalId"),
            "sts:RoleSessionName": parameters.text("RoleSessionName"),
        }
    return {name: value for name, value in keys.items() if value}


def conditions_of_write(action: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the condition keys of a conditional write to S3, from its lower-case headers."""
    if action != "s3:PutObject":
        return {}
    return {f"s3:{name}": headers[name] for name in ("if-match", "if-none-match") if headers.get(name)}


def further_checks(action: str, resource: str) -> list[tuple[str, str]]:
    """Return actions with resources that a request needs, too, in the present state.

    S3 tells only callers that may list the bucket that an object is missing; for others, the read is denied. Source: S3
    API Reference, GetObject, "Permissions".
    """
    if action != "s3:GetObject":
        return []
    bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    record = s3._buckets.get(bucket)
    is_missing = record is not None and key not in record["objects"]
    return [("s3:ListBucket", f"arn:aws:s3:::{bucket}")] if is_missing else []


def resource_tags(resource: str) -> dict[str, str]:
    """Return the tags of a resource, for aws:ResourceTag; none if it has none or is not known."""
    parts = resource.split(":", 5)
    service = parts[2] if len(parts) == 6 else ""
    if service == "logs":
        group = resource.partition(":log-stream:")[0]
        record = cloudwatch_logs.resolve_tag_resource(group, account_id=parts[4], region=parts[3])
        return dict((record or {}).get("tags") or {})
    if service == "iam" and parts[5].startswith("policy/"):
        policy = iam._policies.get_scoped(parts[4], None, resource) or {}
        return {tag["Key"]: tag["Value"] for tag in policy.get("Tags") or []}
    # S3 has no aws:ResourceTag unless attribute-based access control is turned on for the bucket (S3 User Guide).
    return {} if service == "s3" else dict(tagging.resource_tags(resource) or {})


def _iam_resource(action: str, resource: str, parameters: Parameters, account: str) -> str:
    path = parameters.text("Path") or "/"
    new = {
        "iam:CreateRole": ("role", "RoleName"),
        "iam:CreateUser": ("user", "UserName"),
        "iam:CreateGroup": ("group", "GroupName"),
        "iam:CreatePolicy": ("policy", "PolicyName"),
        "iam:CreateInstanceProfile": ("instance-profile", "InstanceProfileName"),
    }
    if action in new:
        kind, name = new[action]
        return f"arn:aws:iam::{account}:{kind}{path}{parameters.text(name)}"
    if action == "iam:CreateServiceLinkedRole":
        service = parameters.text("AWSServiceName")
        name = SERVICE_LINKED_ROLES.get(service, f"AWSServiceRoleFor{service.split('.')[0].capitalize()}")
        return f"arn:aws:iam::{account}:role/aws-service-role/{service}/{name}"
    if action == "iam:CreateOpenIDConnectProvider":
        return f"arn:aws:iam::{account}:oidc-provider/{parameters.text('Url').split('://', 1)[-1].rstrip('/')}"
    if provider := parameters.text("OpenIDConnectProviderArn"):
        return provider
    # An entity that has a path has it in its ARN, too.
    stores = {"RoleName": iam._roles, "UserName": iam._users, "GroupName": iam._groups}
    for parameter, store in stores.items():
        if name := parameters.text(parameter):
            entity = store.get_scoped(account, None, name)
            return str(entity["Arn"]) if entity else resource
    return resource


def _boundary(action: str, parameters: Parameters) -> str:
    if action in BOUNDARY_ACTIONS:
        return parameters.text("PermissionsBoundary")
    account = get_account_id()
    role = iam._roles.get_scoped(account, None, parameters.text("RoleName"))
    user = iam._users.get_scoped(account, None, parameters.text("UserName"))
    return str((role or user or {}).get("PermissionsBoundary") or "")


def _log_resource(action: str, parameters: Parameters, account: str, region: str, resource: str) -> str:
    if action in LOG_TAG_ACTIONS:
        return resource
    given = parameters.text("logGroupIdentifier", "logGroupName")
    group = given if given.startswith("arn:") else f"arn:aws:logs:{region}:{account}:log-group:{given}"
    return f"{group}:log-stream:{parameters.text('logStreamName')}"


def _key_id(resource: str, account: str, region: str) -> str:
    """Return the key's name in the ARN that MiniStack makes of KeyId; empty for "*"."""
    own = f"arn:aws:kms:{region}:{account}:"
    return "" if resource == "*" else resource.removeprefix(f"{own}key/").removeprefix(own)


def key_arn(name: str) -> str:
    """Return the ARN of a key, given by its ID, its ARN or an alias; of a missing key, an ARN that no key has."""
    record = kms._resolve_key(name)
    if record is not None:
        return str(record["Arn"])
    return name if name.startswith("arn:") else f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{name}"
