"""Data of a write that S3 keeps: the key that encrypts it, its bucket key, and the tags of an upload in parts.

Sources: S3 User Guide, "Using server-side encryption with AWS KMS keys": without a key, S3 uses the managed key
aws/s3; S3 API Reference, CreateMultipartUpload, x-amz-tagging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from managed_keys import managed_key
from ministack.services import s3

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
        if headers.get(ALGORITHM) == "aws:kms" and _is_managed(headers.get(KEY_ID)):
            headers = {**headers, KEY_ID: managed_key("s3")}
        stored, error = resolve(headers, bucket)
        if stored and stored.get(ALGORITHM) == "aws:kms":
            if _is_managed(stored.get(KEY_ID)):
                # The bucket's default encryption.
                stored = {**stored, KEY_ID: managed_key("s3")}
            if _has_bucket_key(headers, bucket):
                stored = {**stored, BUCKET_KEY: "true"}
        return stored, error

    s3._resolve_sse_write_headers = resolve_sse_write_headers
    s3._SSE_STORED_HEADERS = (*s3._SSE_STORED_HEADERS, BUCKET_KEY)


def _wrap_uploads() -> None:
    create, complete = s3._create_multipart_upload, s3._complete_multipart_upload

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

    s3._create_multipart_upload, s3._complete_multipart_upload = create_multipart_upload, complete_multipart_upload


def _is_managed(key: str | None) -> bool:
    return not key or key == "alias/aws/s3"


def _has_bucket_key(headers: dict[str, str], bucket: str) -> bool:
    if asked := headers.get(BUCKET_KEY):
        return asked.lower() == "true"
    configuration = s3._bucket_encryption.get(bucket)
    if not configuration:
        return False
    # MiniStack has parsed it before.
    elements = ET.fromstring(configuration).iter()  # noqa: S314
    return any(one.tag.endswith("BucketKeyEnabled") and (one.text or "").strip() == "true" for one in elements)
