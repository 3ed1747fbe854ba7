"""Leads an asynchronous endpoint through its life with boto3, configured only by environment variables."""

from __future__ import annotations

import io
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from account import IMAGE, artifact, create_role, delete_role, empty_bucket, read, refused, until
from boto3.s3.transfer import TransferConfig

NAME = "boto3-life"
BUCKET = "boto3-life-videos"
RESOURCE = f"endpoint/{NAME}/variant/AllTraffic"
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": RESOURCE,
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
DIMENSIONS = [{"Name": "EndpointName", "Value": NAME}]

s3 = boto3.client("s3")
sns = boto3.client("sns")
sqs = boto3.client("sqs")
sagemaker = boto3.client("sagemaker")
runtime = boto3.client("sagemaker-runtime")
scaling = boto3.client("application-autoscaling")
cloudwatch = boto3.client("cloudwatch")
logs = boto3.client("logs")


def storage() -> None:
    """Create a bucket, and try objects of one part and of many, versions, encryption and a presigned URL."""
    s3.create_bucket(Bucket=BUCKET)
    s3.get_waiter("bucket_exists").wait(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.put_object(Bucket=BUCKET, Key="model/model.tar.gz", Body=artifact(), Tagging="purpose=test")
    assert s3.get_object_tagging(Bucket=BUCKET, Key="model/model.tar.gz")["TagSet"]
    for count in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"input/{count}.json", Body=json.dumps({"count": count}))
    s3.put_object(Bucket=BUCKET, Key="input/error.json", Body='"error"')
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="input/", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Contents"]) for page in pages] == [2, 2]

    large = bytes(range(256)) * 4096 * 12
    parts = TransferConfig(multipart_threshold=2**20, multipart_chunksize=5 * 2**20)
    s3.upload_fileobj(io.BytesIO(large), BUCKET, "large.bin", Config=parts)
    assert s3.head_object(Bucket=BUCKET, Key="large.bin")["ETag"].endswith('-3"')
    s3.copy({"Bucket": BUCKET, "Key": "large.bin"}, BUCKET, "copy.bin")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "copy.bin"})
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.read() == large


def notifications() -> tuple[dict[str, str], str]:
    """Create topics and a queue that is subscribed to both; return the topics and the queue's URL."""
    topics = {name: sns.create_topic(Name=f"{NAME}-{name}")["TopicArn"] for name in ("success", "error")}
    queue: str = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(topics.values())}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    for topic in topics.values():
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        assert len(sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]) == 1
    return topics, queue


def in_service() -> None:
    """Wait until the endpoint is in service."""
    waiter = sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 240})


def endpoint(role: str, topics: dict[str, str]) -> None:
    """Create a model, a configuration and an endpoint, and wait until it is in service."""
    sagemaker.create_model(
        ModelName=NAME,
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model/model.tar.gz"},
        Tags=[{"Key": "purpose", "Value": "test"}],
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": NAME,
                "InstanceType": "ml.c5.xlarge",
                "InitialInstanceCount": 1,
            }
        ],
        AsyncInferenceConfig={
            "OutputConfig": {
                "S3OutputPath": f"s3://{BUCKET}/output/",
                "S3FailurePath": f"s3://{BUCKET}/failures/",
                "NotificationConfig": {"SuccessTopic": topics["success"], "ErrorTopic": topics["error"]},
            }
        },
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    in_service()
    described = sagemaker.describe_endpoint(EndpointName=NAME)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert sagemaker.describe_model(ModelName=NAME)["PrimaryContainer"]["Image"] == IMAGE
    assert sagemaker.describe_endpoint_config(EndpointConfigName=NAME)["AsyncInferenceConfig"]
    sagemaker.add_tags(ResourceArn=described["EndpointArn"], Tags=[{"Key": "team", "Value": "video"}])
    assert sagemaker.list_tags(ResourceArn=described["EndpointArn"])["Tags"][0]["Key"] == "team"
    for operation, key, name in (
        ("list_endpoints", "Endpoints", "EndpointName"),
        ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        ("list_models", "Models", "ModelName"),
    ):
        found = [one[name] for page in sagemaker.get_paginator(operation).paginate() for one in page[key]]
        assert NAME in found, found


def invoke(name: str) -> dict[str, Any]:
    """Invoke the endpoint with an input object."""
    answer: dict[str, Any] = runtime.invoke_endpoint_async(
        EndpointName=NAME,
        InputLocation=f"s3://{BUCKET}/input/{name}.json",
        ContentType="application/json",
        InferenceId=name,
        InvocationTimeoutSeconds=60,
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    return answer


def messages(queue: str, count: int) -> list[dict[str, Any]]:
    """Receive a number of SageMaker's notifications, and delete them from the queue."""
    found: list[dict[str, Any]] = []

    def receive() -> bool:
        answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            body = json.loads(json.loads(message["Body"])["Message"])
            # SageMaker checks a topic with a message that has no status.
            if "invocationStatus" in body:
                found.append(body)
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    until("the notifications", receive)
    return found


def requests(queue: str) -> None:
    """Send a good request and a bad one, and read their objects and messages."""
    good, bad = invoke("0"), invoke("error")
    assert json.loads(read(good["OutputLocation"])) == {"echo": {"count": 0}}
    assert "The input is an error" in read(bad["FailureLocation"])
    statuses = {message["inferenceId"]: message["invocationStatus"] for message in messages(queue, 2)}
    assert statuses == {"0": "Completed", "error": "Failed"}, statuses


def autoscaling() -> None:
    """Scale the endpoint to zero, and from zero."""
    scaling.register_scalable_target(**TARGET, MinCapacity=0, MaxCapacity=2)
    backlog = scaling.put_scaling_policy(
        **TARGET,
        PolicyName="backlog",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 2.0,
            "ScaleInCooldown": 60,
            "ScaleOutCooldown": 60,
            "CustomizedMetricSpecification": {
                "MetricName": "ApproximateBacklogSizePerInstance",
                "Namespace": "AWS/SageMaker",
                "Dimensions": DIMENSIONS,
                "Statistic": "Average",
            },
        },
    )
    assert len(backlog["Alarms"]) == 2
    step = scaling.put_scaling_policy(
        **TARGET,
        PolicyName="from-zero",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "Cooldown": 60,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )
    cloudwatch.put_metric_alarm(
        AlarmName=f"{NAME}-from-zero",
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=DIMENSIONS,
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="missing",
        AlarmActions=[step["PolicyARN"]],
    )
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=[f"{NAME}-from-zero"])
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[RESOURCE])
    assert targets["ScalableTargets"][0]["MinCapacity"] == 0
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=RESOURCE)
    assert len(policies["ScalingPolicies"]) == 2

    def instances() -> int:
        variant = sagemaker.describe_endpoint(EndpointName=NAME)["ProductionVariants"][0]
        count: int = variant["CurrentInstanceCount"]
        return count

    until("no instance", lambda: instances() == 0)
    assert json.loads(read(invoke("1")["OutputLocation"])) == {"echo": {"count": 1}}
    pages = scaling.get_paginator("describe_scaling_activities").paginate(
        ServiceNamespace="sagemaker", ResourceId=RESOURCE
    )
    causes = [activity["Cause"] for page in pages for activity in page["ScalingActivities"]]
    assert len(causes) >= 2, causes


def observability() -> None:
    """Read metrics, alarms and the endpoint's log; the window ends at this machine's time."""
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(hours=3), "EndTime": now}
    variant = [*DIMENSIONS, {"Name": "VariantName", "Value": "AllTraffic"}]

    def latency() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="ModelLatency",
            Dimensions=variant,
            Period=60,
            Statistics=["Maximum", "SampleCount"],
            **window,
        )["Datapoints"]
        return found

    until("datapoints of ModelLatency", latency, 60)
    backlog = {"Namespace": "AWS/SageMaker", "MetricName": "ApproximateBacklogSize", "Dimensions": DIMENSIONS}
    queries = [
        {"Id": "backlog", "MetricStat": {"Metric": backlog, "Period": 60, "Stat": "Maximum"}, "ReturnData": False},
        {"Id": "twice", "Expression": "backlog * 2"},
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(MetricDataQueries=queries, **window)
    assert any(result["Values"] for page in pages for result in page["MetricDataResults"])
    names = {
        metric["MetricName"]
        for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/SageMaker")
        for metric in page["Metrics"]
    }
    assert "HasBacklogWithoutCapacity" in names, names
    assert len(cloudwatch.describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]) == 1
    history = cloudwatch.describe_alarm_history(AlarmName=f"{NAME}-from-zero", HistoryItemType="StateUpdate")
    assert history["AlarmHistoryItems"]
    cloudwatch.set_alarm_state(AlarmName=f"{NAME}-from-zero", StateValue="OK", StateReason="a test")

    group = f"/aws/sagemaker/Endpoints/{NAME}"
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert streams[0]["logStreamName"].startswith("AllTraffic/"), streams
    assert logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
    assert logs.filter_log_events(logGroupName=group, filterPattern="ValueError")["events"]


def refusals(role: str) -> None:
    """Make calls that the emulator refuses by name."""
    with refused("PutCompositeAlarm"):
        cloudwatch.put_composite_alarm(AlarmName="all", AlarmRule="TRUE")
    with refused("PutAnomalyDetector"):
        cloudwatch.put_anomaly_detector(Namespace="AWS/SageMaker", MetricName="ModelLatency", Stat="Average")
    with refused("GetMetricWidgetImage"):
        cloudwatch.get_metric_widget_image(MetricWidget="{}")
    for operation in ("list_inference_components", "list_monitoring_schedules", "list_training_jobs"):
        with refused(operation.title().replace("_", "")):
            getattr(sagemaker, operation)()
    with refused("budgets"):
        boto3.client("budgets").describe_budgets(AccountId="000000000000")
    with refused("servicequotas"):
        boto3.client("service-quotas").list_service_quotas(ServiceCode="sagemaker")
    with refused("multi-model containers"):
        sagemaker.create_model(
            ModelName="many",
            ExecutionRoleArn=role,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model/", "Mode": "MultiModel"},
        )


def delete(topics: dict[str, str], queue: str) -> None:
    """Delete everything, and show that nothing is left."""
    for policy in ("backlog", "from-zero"):
        scaling.delete_scaling_policy(**TARGET, PolicyName=policy)
    scaling.deregister_scalable_target(**TARGET)
    cloudwatch.delete_alarms(AlarmNames=[f"{NAME}-from-zero"])
    # A scale-in may be under way.
    in_service()
    sagemaker.delete_endpoint(EndpointName=NAME)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 240})
    sagemaker.delete_endpoint_config(EndpointConfigName=NAME)
    sagemaker.delete_model(ModelName=NAME)
    for topic in topics.values():
        for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=queue)
    logs.delete_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{NAME}")
    delete_role(NAME)
    empty_bucket(BUCKET)
    assert sagemaker.list_endpoints(NameContains=NAME)["Endpoints"] == []
    assert cloudwatch.describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"] == []


def main() -> None:
    """Run all steps, one after another."""
    assert boto3.client("sts").get_caller_identity()["Account"]
    storage()
    role = create_role(NAME)
    topics, queue = notifications()
    endpoint(role, topics)
    requests(queue)
    autoscaling()
    observability()
    refusals(role)
    delete(topics, queue)


if __name__ == "__main__":
    main()
