"""Deploys models with the SageMaker SDK v2, as a notebook does, configured only by environment variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
from account import FOLDER, IMAGE, artifact, create_role, delete_role, empty_bucket
from sagemaker.async_inference import AsyncInferenceConfig, WaiterConfig
from sagemaker.deserializers import JSONDeserializer
from sagemaker.exceptions import AsyncInferenceModelError
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.predictor_async import AsyncPredictor
from sagemaker.pytorch import PyTorchModel
from sagemaker.serializers import JSONSerializer
from sagemaker.session import Session

BUCKET = "sdk-v2-videos"
ROLE = "sdk-v2"
# The SDK waits for the other of the two objects, result or failure, before the program can end.
SOON = WaiterConfig(max_attempts=60, delay=1)

s3 = boto3.client("s3")


def configuration(path: str) -> AsyncInferenceConfig:
    """Return the part of a deployment that makes it asynchronous."""
    return AsyncInferenceConfig(
        output_path=f"s3://{BUCKET}/{path}/output", failure_path=f"s3://{BUCKET}/{path}/failures"
    )


def predictions(predictor: AsyncPredictor) -> None:
    """Predict data and an object."""
    assert predictor.predict({"a": 1}, waiter_config=SOON) == {"echo": {"a": 1}}
    s3.put_object(Bucket=BUCKET, Key="input/2.json", Body='{"b": 2}')
    answer = predictor.predict_async(input_path=f"s3://{BUCKET}/input/2.json", initial_args={"InferenceId": "second"})
    assert answer.get_result(SOON) == {"echo": {"b": 2}}


def notebook(session: Session, role: str) -> None:
    """Deploy a handler from a local folder, predict, update and delete."""
    source = Path("source")
    source.mkdir()
    (source / "inference.py").write_bytes((FOLDER / "inference.py").read_bytes())
    s3.put_object(Bucket=BUCKET, Key="models/model.tar.gz", Body=artifact())
    model = PyTorchModel(
        model_data=f"s3://{BUCKET}/models/model.tar.gz",
        role=role,
        entry_point="inference.py",
        source_dir=str(source),
        framework_version="2.6.0",
        py_version="py312",
        sagemaker_session=session,
    )
    predictor: Any = model.deploy(
        endpoint_name="sdk-v2-notebook",
        initial_instance_count=1,
        instance_type="ml.c5.xlarge",
        async_inference_config=configuration("notebook"),
        serializer=JSONSerializer(),
        deserializer=JSONDeserializer(),
    )
    assert isinstance(predictor, AsyncPredictor)
    predictions(predictor)
    predictor.update_endpoint(initial_instance_count=2, instance_type="ml.c5.xlarge")
    described = session.describe_endpoint("sdk-v2-notebook")
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    predictor.delete_model()
    predictor.delete_endpoint()
    # The SDK deletes only the configuration that the update made.
    session.delete_endpoint_config("sdk-v2-notebook")


def packed(session: Session, role: str) -> None:
    """Deploy an artifact as it is, by the address of its image."""
    location = session.upload_string_as_file_body("{}", bucket=BUCKET, key="input/empty.json")
    model = Model(
        image_uri=IMAGE,
        model_data=f"s3://{BUCKET}/models/model.tar.gz",
        role=role,
        # The class of predictors without framework, which deploy makes asynchronous.
        predictor_cls=Predictor,
        sagemaker_session=session,
    )
    predictor: Any = model.deploy(
        endpoint_name="sdk-v2-packed",
        initial_instance_count=1,
        instance_type="ml.c5.xlarge",
        async_inference_config=configuration("packed"),
    )
    answer = predictor.predict_async(input_path=location, initial_args={"ContentType": "application/json"})
    assert json.loads(answer.get_result(SOON)) == {"echo": {}}
    location = session.upload_string_as_file_body('"error"', bucket=BUCKET, key="input/error.json")
    failing = predictor.predict_async(input_path=location, initial_args={"ContentType": "application/json"})
    try:
        failing.get_result(SOON)
    except AsyncInferenceModelError as error:
        assert "The input is an error" in str(error), error
    else:
        message = "The request does not fail."
        raise AssertionError(message)
    predictor.delete_model()
    predictor.delete_endpoint()


def main() -> None:
    """Deploy both models, and delete everything."""
    s3.create_bucket(Bucket=BUCKET)
    role = create_role(ROLE)
    # Without a bucket, the SDK asks the real STS for the account's number.
    session = Session(default_bucket=BUCKET)
    notebook(session, role)
    packed(session, role)
    delete_role(ROLE)
    empty_bucket(BUCKET)
    sagemaker = boto3.client("sagemaker")
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


if __name__ == "__main__":
    main()
