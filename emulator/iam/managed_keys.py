"""AWS managed keys: keys of the account for one service, such as alias/aws/s3.

Sources: KMS Developer Guide, "AWS managed keys" and "AWS managed key policies"; KMS API Reference, DescribeKey: a key
exists from the first use of its alias.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import kms

# Services of the emulator that have one.
SERVICES = ("s3", "sns", "sqs")

_DESCRIPTIONS = {
    "s3": "Default key that protects my S3 objects when no other key is defined",
    "sns": "Default key that protects my SNS data when no other key is defined",
    "sqs": "Default key that protects my SQS messages when no other key is defined",
}


def install() -> None:
    """Let MiniStack's KMS find a managed key by its alias, and describe it as AWS's."""
    resolve, metadata = kms._resolve_key, kms._key_metadata

    def resolve_key(name: str) -> dict[str, Any] | None:
        service = _service_of(name)
        if service is not None and kms._alias_arn(f"alias/aws/{service}") not in kms._aliases:
            _create(service)
        record: dict[str, Any] | None = resolve(name)
        return record

    def key_metadata(record: dict[str, Any]) -> dict[str, Any]:
        return {**metadata(record), "KeyManager": record.get("KeyManager", "CUSTOMER")}

    kms._resolve_key, kms._key_metadata = resolve_key, key_metadata


def managed_key(service: str) -> str:
    """Return the ARN of the account's managed key for a service."""
    return str(kms._resolve_key(f"alias/aws/{service}")["Arn"])


def _service_of(name: str) -> str | None:
    """Return the service of a managed key's alias, given by its name or its ARN in this account and region."""
    return next(
        (service for service in SERVICES if name in {f"alias/aws/{service}", kms._alias_arn(f"alias/aws/{service}")}),
        None,
    )


def _create(service: str) -> None:
    policy = json.dumps(_policy(service, get_account_id(), get_region()))
    _, _, answer = kms._create_key({"Description": _DESCRIPTIONS[service], "Policy": policy})
    key_id = json.loads(answer)["KeyMetadata"]["KeyId"]
    kms._keys[key_id]["KeyManager"] = "AWS"
    kms._create_alias({"AliasName": f"alias/aws/{service}", "TargetKeyId": key_id})


def _policy(service: str, account: str, region: str) -> dict[str, Any]:
    """Return the key's policy: all principals of the account, only through the service, and no other service."""
    return {
        "Version": "2012-10-17",
        "Id": f"auto-{service}-2",
        "Statement": [
            {
                "Sid": f"Allow access through {service.upper()} for all principals in the account that are authorized "
                f"to use {service.upper()}",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {
                        "kms:ViaService": f"{service}.{region}.amazonaws.com",
                        "kms:CallerAccount": account,
                    }
                },
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                "Resource": "*",
            },
        ],
    }
