"""Data of a write that S3 keeps: the key that encrypts it, its bucket key, and its tags.

Sources: S3 User Guide, "Using server-side encryption with AWS KMS keys": without a key, S3 uses the managed key
aws/s3; S3 API Reference, CreateMultipartUpload, x-amz-tagging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from managed_keys import managed_key
from ministack.services import kms, s3

if TYPE_CHECKING:
    from asgi import Response

ALGORITHM = "x-amz-server-side-encryption"
KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
BUCKET_KEY = "x-amz-server-side-encryption-bucket-key-enabled"

_MOST_TAGS = 10


def install() -> None:
    """Replace MiniStack's functions."""
    _wrap_encryption()
    _wrap_uploads()


def _wrap_encryption() -> None:
    resolve = s3._resolve_sse_write_headers

    def resolve_sse_write_headers(headers: dict[str, str], bucket: str) -> tuple[dict[str, str] | None, Any]:
        if headers.get(ALGORITHM) == "aws:kms":
            headers = {**headers, KEY_ID: _key_arn(headers.get(KEY_ID))}
        stored, error = resolve(headers, bucket)
        if stored and stored.get(ALGORITHM) == "aws:kms":
            # Also the bucket's default encryption may name no key, or an alias.
            stored = {**stored, KEY_ID: _key_arn(stored.get(KEY_ID))}
            if _has_bucket_key(headers, bucket):
                stored = {**stored, BUCKET_KEY: "true"}
        return stored, error

    s3._resolve_sse_write_headers = resolve_sse_write_headers
    s3._SSE_STORED_HEADERS = (*s3._SSE_STORED_HEADERS, BUCKET_KEY)


def _wrap_uploads() -> None:
    put, create, complete = s3._put_object, s3._create_multipart_upload, s3._complete_multipart_upload

    def put_object(bucket: str, key: str, body: bytes, headers: dict[str, str]) -> Response:
        response: Response = put(bucket, key, body, headers)
        if response[0] == 200 and not headers.get("x-amz-tagging"):
            # It replaces the tags of the object that it replaces.
            s3._object_tags.pop((bucket, key, s3._buckets[bucket]["objects"][key].get("version_id")), None)
        return response

    def create_multipart_upload(bucket: str, key: str, headers: dict[str, str]) -> Response:
        tags = dict(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
        if len(tags) > _MOST_TAGS:
            refusal = s3._error("BadRequest", f"Object tags cannot be greater than {_MOST_TAGS}", 400)
            return cast("Response", refusal)
        present = set(s3._multipart_uploads)
        response: Response = create(bucket, key, headers)
        for upload in set(s3._multipart_uploads) - present:
            s3._multipart_uploads[upload]["tags"] = tags
        return response

    def complete_multipart_upload(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Response:
        upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
        response: Response = complete(bucket, key, body, query, headers)
        if upload is not None and response[0] == 200:
            # Without tags, it replaces those of the object that it replaces.
            version = s3._buckets[bucket]["objects"][key].get("version_id")
            s3._object_tags[(bucket, key, version)] = upload["tags"]
        return response

    s3._put_object = put_object
    s3._create_multipart_upload, s3._complete_multipart_upload = create_multipart_upload, complete_multipart_upload


def _key_arn(name: str | None) -> str:
    """Return the key's ARN, which S3 keeps; a name that KMS does not know stays.

    Source: S3 API Reference, PutObject, x-amz-server-side-encryption-aws-kms-key-id: a key ID, ARN or alias.
    """
    if not name:
        return managed_key("s3")
    key = kms._resolve_key(name)
    return name if key is None else str(key["Arn"])


def _has_bucket_key(headers: dict[str, str], bucket: str) -> bool:
    if asked := headers.get(BUCKET_KEY):
        return asked.lower() == "true"
    configuration = s3._bucket_encryption.get(bucket)
    if not configuration:
        return False
    # MiniStack has parsed it before.
    elements = ET.fromstring(configuration).iter()  # noqa: S314
    return any(one.tag.endswith("BucketKeyEnabled") and (one.text or "").strip() == "true" for one in elements)
