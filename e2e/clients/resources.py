"""Prints the account's resources of the stack's types as JSON, without those that AWS makes or keeps itself."""

from __future__ import annotations

import json

import boto3

sagemaker = boto3.client("sagemaker")
cloudwatch = boto3.client("cloudwatch")
iam = boto3.client("iam")
kms = boto3.client("kms")
scaling = boto3.client("application-autoscaling")


def keys() -> list[str]:
    """Return the keys that are not scheduled for deletion and not AWS's."""
    described = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return [
        key["KeyId"] for key in described if key["KeyState"] != "PendingDeletion" and key["KeyManager"] == "CUSTOMER"
    ]


def main() -> None:
    """Print the names, by type."""
    roles = [
        role["RoleName"] for role in iam.list_roles()["Roles"] if not role["Path"].startswith("/aws-service-role/")
    ]
    groups = boto3.client("logs").describe_log_groups()["logGroups"]
    found = {
        "buckets": [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]],
        "topics": [topic["TopicArn"] for topic in boto3.client("sns").list_topics()["Topics"]],
        "queues": boto3.client("sqs").list_queues().get("QueueUrls", []),
        "keys": keys(),
        "aliases": [
            alias["AliasName"]
            for alias in kms.list_aliases()["Aliases"]
            if not alias["AliasName"].startswith("alias/aws/")
        ],
        "roles": roles,
        "policies": [policy["Arn"] for policy in iam.list_policies(Scope="Local")["Policies"]],
        "models": [model["ModelName"] for model in sagemaker.list_models()["Models"]],
        "configurations": [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        "endpoints": [endpoint["EndpointName"] for endpoint in sagemaker.list_endpoints()["Endpoints"]],
        "targets": [
            target["ResourceId"]
            for target in scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        ],
        "alarms": [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]],
        "dashboards": [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]],
        # SageMaker's log group outlives its endpoint.
        "log groups": [
            group["logGroupName"] for group in groups if not group["logGroupName"].startswith("/aws/sagemaker/")
        ],
    }
    print(json.dumps({kind: names for kind, names in found.items() if names}))


if __name__ == "__main__":
    main()
