"""Invoke an asynchronous endpoint with boto3, configured only by environment variables."""

import json
import sys
import time

import boto3
import botocore.exceptions


def main() -> None:
    """Upload ``argv[3]`` to bucket ``argv[2]``, invoke endpoint ``argv[1]``, wait up to 5 minutes, print the number of frames and the HTTP status."""
    endpoint, bucket, video = sys.argv[1:4]
    s3 = boto3.client("s3")
    key = "boto3/video.mp4"
    s3.upload_file(video, bucket, key)
    answer = boto3.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=f"s3://{bucket}/{key}", ContentType="video/mp4"
    )
    output_bucket, _, output_key = answer["OutputLocation"].removeprefix("s3://").partition("/")
    deadline = time.monotonic() + 300
    while True:
        try:
            result = json.load(s3.get_object(Bucket=output_bucket, Key=output_key)["Body"])
            break
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey" or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    print(json.dumps({"frames": len(result["frames"]), "status": answer["ResponseMetadata"]["HTTPStatusCode"]}))


if __name__ == "__main__":
    main()
