/** Writes the logs of an endpoint's containers to CloudWatch Logs, as SageMaker does. */
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";

/** One line of a container's log. */
export interface LogEvent {
  /** ms since 1970. */
  readonly timestamp: number;
  readonly message: string;
}

/** CloudWatch Logs. */
export interface ContainerLogs {
  /** Creates an endpoint's log group unless it exists. */
  createGroup(endpointName: string): Promise<void>;
  /**
   * Adds lines to a stream, up to 10,000 and 1 MB. Creates the stream, and the group, if they do not exist: SageMaker
   * creates a group again that was deleted during the life of the endpoint.
   */
  write(endpointName: string, stream: string, events: readonly LogEvent[]): Promise<void>;
}

/** Writes with a client. */
export function containerLogs(client: CloudWatchLogsClient): ContainerLogs {
  const createGroup = async (endpointName: string): Promise<void> => {
    await unlessExists(client.send(new CreateLogGroupCommand({ logGroupName: groupOf(endpointName) })));
  };
  return {
    createGroup,
    async write(endpointName, logStreamName, events) {
      const logGroupName = groupOf(endpointName);
      const put = new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [...events] });
      try {
        await client.send(put);
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        await createGroup(endpointName);
        await unlessExists(client.send(new CreateLogStreamCommand({ logGroupName, logStreamName })));
        await client.send(put);
      }
    },
  };
}

/**
 * Returns the name of an endpoint's log group. Source: SageMaker developer guide, "Log groups and streams that Amazon
 * SageMaker AI sends to Amazon CloudWatch Logs".
 */
function groupOf(endpointName: string): string {
  return `/aws/sagemaker/Endpoints/${endpointName}`;
}

async function unlessExists(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if (!(error instanceof ResourceAlreadyExistsException)) throw error;
  }
}
