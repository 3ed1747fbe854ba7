/** For tests that nothing has changed: everything in the emulator that AWS calls can change. */

import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { IAMClient, ListRolesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import {
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import { ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { sdkConfig } from "./test-gateway.ts";

/** Lists the resources, with signed calls. Two lists are deeply equal if nothing has changed. */
export async function snapshot(config: ReturnType<typeof sdkConfig>): Promise<object> {
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const [sns, sqs, iam] = [new SNSClient(config), new SQSClient(config), new IAMClient(config)];
  const [sagemaker, cloudWatch] = [new SageMakerClient(config), new CloudWatchClient(config)];
  try {
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    const objects = Buckets.map(async ({ Name: Bucket }) => {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      return [Bucket, Contents.map(({ Key, ETag }) => [Key, ETag])];
    });
    return {
      objects: await Promise.all(objects),
      topics: (await sns.send(new ListTopicsCommand({}))).Topics,
      queues: (await sqs.send(new ListQueuesCommand({}))).QueueUrls,
      roles: (await iam.send(new ListRolesCommand({}))).Roles,
      alarms: (await cloudWatch.send(new DescribeAlarmsCommand({}))).MetricAlarms,
      models: (await sagemaker.send(new ListModelsCommand({}))).Models,
      configs: (await sagemaker.send(new ListEndpointConfigsCommand({}))).EndpointConfigs,
      endpoints: (await sagemaker.send(new ListEndpointsCommand({}))).Endpoints,
    };
  } finally {
    for (const client of [s3, sns, sqs, iam, sagemaker, cloudWatch]) client.destroy();
  }
}
