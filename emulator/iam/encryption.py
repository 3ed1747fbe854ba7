"""Uses of KMS keys by calls to encrypted objects, topics and queues, and for log groups.

A service uses the key in the caller's name. Facts are from S3 API Reference, "PutObject", "GetObject" and
"UploadPart"; S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"; SNS Developer Guide, "Securing
Amazon SNS data with server-side encryption"; SQS Developer Guide, "Amazon SQS Key management"; KMS Developer Guide,
"AWS KMS condition keys".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from conditions import key_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3, sns, sqs
from object_writes import ALGORITHM, BUCKET_KEY, KEY_ID

if TYPE_CHECKING:
    from asgi import Scope

# Uses of the key of a topic or queue. SQS and SNS reuse a data key for minutes; each call here counts as the first.
MESSAGE_USES = {
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
}


# Uses of a log group's key, by CloudWatch Logs. Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch
# Logs using AWS Key Management Service".
LOG_USES = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)


@dataclass(frozen=True)
class Request:
    """The parts of an HTTP request that determine how S3 encrypts."""

    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class KeyUse:
    """A use of a key: the action, the key's ARN, and the encryption context."""

    action: str
    key: str
    service: str
    encryption: dict[str, str]

    def context(self, *, by_service: bool) -> dict[str, Any]:
        """Return the condition keys of KMS.

        kms:ViaService and kms:CallerAccount describe calls that a service makes for a principal of the account. That
        KMS has neither for a service that acts with its own permissions is an assumption.
        """
        keys: dict[str, Any] = {f"kms:EncryptionContext:{name}": value for name, value in self.encryption.items()}
        keys["kms:EncryptionContextKeys"] = list(self.encryption)
        if not by_service:
            keys["kms:ViaService"] = f"{self.service}.{get_region()}.amazonaws.com"
            keys["kms:CallerAccount"] = get_account_id()
        return keys


def request_of(scope: Scope) -> Request:
    """Read a request from its ASGI scope."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(scope["method"], headers, query)


def key_uses(action: str, resource: str, request: Request) -> list[KeyUse]:
    """Return the uses of keys by a call that is allowed otherwise; none without encryption by a key of KMS."""
    if action in {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}:
        return _object_uses(action, resource, request)
    if action in MESSAGE_USES:
        service = action.partition(":")[0]
        attributes = _attributes(service, resource)
        key, encryption = attributes.get("KmsMasterKeyId"), {"sns": "aws:sns:topicArn", "sqs": "aws:sqs:arn"}[service]
        if key:
            return [KeyUse(use, key_arn(key), service, {encryption: resource}) for use in MESSAGE_USES[action]]
    return []


def log_group_uses(group: str, key: str) -> list[KeyUse]:
    """Return the uses that CloudWatch Logs makes of the key of a log group, given the group's ARN."""
    return [KeyUse(action, key_arn(key), "logs", {"aws:logs:arn": group}) for action in LOG_USES]


def _object_uses(action: str, resource: str, request: Request) -> list[KeyUse]:
    bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
    if bucket not in s3._buckets:
        return []
    if action == "s3:PutObject":
        upload = s3._multipart_uploads.get(request.query.get("uploadId", [""])[0])
        if upload is not None:
            # S3 decrypts the parts when it joins them; it generated the key at the start of the upload.
            is_part = "partNumber" in request.query
            return _uses("kms:Decrypt", upload["preserved_headers"], bucket, key) if is_part else []
        stored, _ = s3._resolve_sse_write_headers(request.headers, bucket)
        return _uses("kms:GenerateDataKey", stored or {}, bucket, key)
    if request.method == "HEAD" and request.headers.get("x-amz-checksum-mode", "").lower() != "enabled":
        # Only the checksum needs decryption (API Reference, HeadObject).
        return []
    version = request.query.get("versionId", [""])[0] if action == "s3:GetObjectVersion" else ""
    record = s3._buckets[bucket]["objects"].get(key)
    if version:
        versions = s3._object_versions.get((bucket, key), [])
        record = next((one for one in versions if one["version_id"] == version), record)
    return _uses("kms:Decrypt", (record or {}).get("preserved_headers", {}), bucket, key)


def _uses(action: str, stored: dict[str, str], bucket: str, key: str) -> list[KeyUse]:
    if stored.get(ALGORITHM) != "aws:kms":
        return []
    arn = f"arn:aws:s3:::{bucket}"
    encrypted = arn if stored.get(BUCKET_KEY) == "true" else f"{arn}/{key}"
    return [KeyUse(action, key_arn(stored.get(KEY_ID, "alias/aws/s3")), "s3", {"aws:s3:arn": encrypted})]


def _attributes(service: str, resource: str) -> dict[str, str]:
    record = sns._topic_by_arn_any_scope(resource) if service == "sns" else sqs._queue_by_arn(resource)
    return dict((record or {}).get("attributes") or {})
