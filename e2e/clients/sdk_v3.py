"""Uses the resource classes of the SageMaker SDK v3, configured only by environment variables."""

from __future__ import annotations

import json

import boto3
from account import IMAGE, artifact, create_role, delete_role, empty_bucket, read
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import (
    AsyncInferenceConfig,
    AsyncInferenceOutputConfig,
    ContainerDefinition,
    ProductionVariant,
)

NAME = "sdk-v3"
BUCKET = "sdk-v3-videos"


def main() -> None:
    """Create a model, a configuration and an endpoint; invoke, update and delete."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="models/model.tar.gz", Body=artifact())
    s3.put_object(Bucket=BUCKET, Key="input/1.json", Body='{"a": 1}')
    role = create_role(NAME)
    model = Model.create(
        model_name=NAME,
        primary_container=ContainerDefinition(image=IMAGE, model_data_url=f"s3://{BUCKET}/models/model.tar.gz"),
        execution_role_arn=role,
    )
    output = AsyncInferenceOutputConfig(s3_output_path=f"s3://{BUCKET}/output/")

    def configuration(name: str, count: int) -> EndpointConfig:
        variant = ProductionVariant(
            variant_name="AllTraffic", model_name=NAME, initial_instance_count=count, instance_type="ml.c5.xlarge"
        )
        return EndpointConfig.create(
            endpoint_config_name=name,
            production_variants=[variant],
            async_inference_config=AsyncInferenceConfig(output_config=output),
        )

    first = configuration(f"{NAME}-1", 1)
    endpoint = Endpoint.create(endpoint_name=NAME, endpoint_config_name=first.endpoint_config_name)
    endpoint.wait_for_status("InService", poll=1, timeout=240)
    assert Endpoint.get(endpoint_name=NAME).endpoint_status == "InService"
    assert [one.endpoint_name for one in Endpoint.get_all()] == [NAME]
    assert [one.model_name for one in Model.get_all()] == [NAME]
    assert Model.get(model_name=NAME).primary_container.image == IMAGE

    answer = endpoint.invoke_async(
        input_location=f"s3://{BUCKET}/input/1.json", content_type="application/json", inference_id="first"
    )
    assert answer.inference_id == "first"
    assert json.loads(read(answer.output_location)) == {"echo": {"a": 1}}

    second = configuration(f"{NAME}-2", 2)
    endpoint.endpoint_config_name = second.endpoint_config_name
    endpoint.update()
    endpoint.wait_for_status("InService", poll=1, timeout=240)
    assert endpoint.production_variants[0].current_instance_count == 2
    names = sorted(one.endpoint_config_name for one in EndpointConfig.get_all())
    assert names == [f"{NAME}-1", f"{NAME}-2"], names

    endpoint.delete()
    endpoint.wait_for_delete(poll=1, timeout=240)
    for config in (first, second):
        config.delete()
    model.delete()
    delete_role(NAME)
    empty_bucket(BUCKET)
    assert list(Endpoint.get_all()) == []


if __name__ == "__main__":
    main()
