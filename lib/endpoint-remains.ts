/**
 * Finds the remains of a deleted endpoint: the endpoint, while SageMaker is deleting it, and a log group that SageMaker
 * created again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteLogGroupCommand,
  paginateDescribeLogGroups,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DescribeEndpointCommand, SageMakerServiceException } from "@aws-sdk/client-sagemaker";
import type { SageMakerClient } from "@aws-sdk/client-sagemaker";

/** Times of a wait for an endpoint, ms of real time. */
export interface Wait {
  /** Between two calls. */
  readonly interval: number;
  /** Until the wait fails. */
  readonly limit: number;
}

/** SageMaker takes minutes to delete an endpoint. */
export const defaultWait: Wait = { interval: 5_000, limit: 20 * 60_000 };

/** Returns an endpoint's status; undefined if there is no such endpoint. */
export async function endpointStatus(client: SageMakerClient, name: string): Promise<string | undefined> {
  try {
    return (await client.send(new DescribeEndpointCommand({ EndpointName: name }))).EndpointStatus;
  } catch (error) {
    // SageMaker has no error type for it.
    if (error instanceof SageMakerServiceException && /^Could not find endpoint/i.test(error.message)) return undefined;
    throw error;
  }
}

/**
 * Waits while an endpoint has one of the given statuses.
 * @returns its status afterwards; undefined if there is no such endpoint
 * @throws Error after the wait's limit
 */
export async function waitWhile(
  client: SageMakerClient,
  name: string,
  statuses: readonly string[],
  { interval, limit }: Wait,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const deadline = performance.now() + limit;
  for (;;) {
    const status = await endpointStatus(client, name);
    if (status === undefined || !statuses.includes(status)) return status;
    if (performance.now() > deadline) {
      throw new Error(
        `The endpoint ${name} is still ${status} after ${limit / 60_000} minutes. Check it in SageMaker's console, and run the command again when it has another status.`,
      );
    }
    await sleep(interval, undefined, { signal });
  }
}

/** Tells whether there is a log group of this name. */
export async function hasLogGroup(client: CloudWatchLogsClient, name: string): Promise<boolean> {
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: name })) {
    if (logGroups.some(({ logGroupName }) => logGroupName === name)) return true;
  }
  return false;
}

/** Deletes a log group. Returns whether there was one. */
export async function deleteLogGroup(client: CloudWatchLogsClient, logGroupName: string): Promise<boolean> {
  try {
    await client.send(new DeleteLogGroupCommand({ logGroupName }));
    return true;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}
