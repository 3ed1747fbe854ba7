"""Parts of the clients' tests that are the same for each client of Python: a role, an artifact, results, refusals.

As a program, ``account.py FILE`` writes the artifact and prints the address of the image.
"""

from __future__ import annotations

import io
import sys
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# AWS's PyTorch inference image, whose serving stack the emulator runs.
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker"

FOLDER = Path(__file__).parent

# Calls that SageMaker makes as the execution role.
# Source: SageMaker developer guide, "SageMaker AI Roles", "CreateModel API: Execution Role Permissions".
PERMISSIONS = (FOLDER / "execution-permissions.json").read_text()
TRUST = (FOLDER / "execution-trust.json").read_text()


def create_role(name: str) -> str:
    """Create an execution role, and return its ARN."""
    iam = boto3.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="execution", PolicyDocument=PERMISSIONS)
    iam.get_waiter("role_exists").wait(RoleName=name)
    return arn


def delete_role(name: str) -> None:
    """Delete a role that ``create_role`` has made."""
    iam = boto3.client("iam")
    iam.delete_role_policy(RoleName=name, PolicyName="execution")
    iam.delete_role(RoleName=name)


def artifact() -> bytes:
    """Pack the handler as AWS's PyTorch image expects it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(FOLDER / "inference.py", arcname="code/inference.py")
        weights = tarfile.TarInfo("weights.pt")
        weights.size = 1
        archive.addfile(weights, io.BytesIO(b"-"))
    return packed.getvalue()


def split(location: str) -> dict[str, str]:
    """Return the bucket and the key of an S3 URI, as parameters of S3's calls."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def read(location: str) -> str:
    """Wait until an object exists, at most 5 minutes, and return its text."""
    s3 = boto3.client("s3")
    s3.get_waiter("object_exists").wait(**split(location), WaiterConfig={"Delay": 1, "MaxAttempts": 300})
    body: bytes = s3.get_object(**split(location))["Body"].read()
    return body.decode()


def until(what: str, poll: Callable[[], Any], seconds: float = 180) -> Any:
    """Call ``poll`` each half second until it returns something true, and return that; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not (found := poll()):
        if time.monotonic() > deadline:
            message = f"{what}: not within {seconds} s"
            raise TimeoutError(message)
        time.sleep(0.5)
    return found


def empty_bucket(bucket: str) -> None:
    """Delete a bucket with everything in it."""
    boto3.resource("s3").Bucket(bucket).object_versions.delete()
    boto3.client("s3").delete_bucket(Bucket=bucket)


@contextmanager
def refused(words: str) -> Iterator[None]:
    """Expect that the emulator refuses a call by name."""
    try:
        yield
    except ClientError as error:
        message = error.response["Error"]["Message"]
        assert "does not implement" in message and words in message, message
    else:
        message = f"{words} is not refused"
        raise AssertionError(message)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(artifact())
    print(IMAGE)
