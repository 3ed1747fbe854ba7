"""Invoke an asynchronous endpoint with boto3, configured only by environment variables."""

import json
import sys
import time

import boto3


def main() -> None:
    """Upload ``argv[4]`` to bucket ``argv[2]`` below the prefix ``argv[3]``, invoke endpoint ``argv[1]``, wait up to 5 minutes, print the number of frames and the HTTP status."""
    endpoint, bucket, prefix, video = sys.argv[1:5]
    s3 = boto3.client("s3")
    key = f"{prefix}boto3/video.mp4"
    s3.upload_file(video, bucket, key)
    answer = boto3.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=f"s3://{bucket}/{key}", ContentType="video/mp4"
    )

    def read(location: str) -> bytes | None:
        bucket, _, key = answer[location].removeprefix("s3://").partition("/")
        try:
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            return body
        except s3.exceptions.NoSuchKey:
            return None

    deadline = time.monotonic() + 300
    while (body := read("OutputLocation")) is None:
        if (failure := read("FailureLocation")) is not None:
            sys.exit(f"The inference failed: {failure.decode()}")
        if time.monotonic() > deadline:
            sys.exit(f"Neither a result nor a failure within 5 minutes at {answer['OutputLocation']}")
        time.sleep(0.5)
    result = json.loads(body)
    print(json.dumps({"frames": len(result["frames"]), "status": answer["ResponseMetadata"]["HTTPStatusCode"]}))


if __name__ == "__main__":
    main()
