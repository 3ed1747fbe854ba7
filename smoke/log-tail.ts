/** Reads the last lines of an endpoint's containers from CloudWatch Logs. The emulator writes them there, too. */
import { CloudWatchLogsClient, DescribeLogStreamsCommand, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { closing } from "../lib/closing.ts";
import { explain } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { quoted } from "../lib/printable.ts";

/** Number of lines that are shown. */
const tail = 15;

/**
 * Returns the newest container's last lines, each quoted, so that no text of a caller in them acts on a terminal or in
 * a workflow. If they cannot be read, one line gives the reason and their location.
 */
export async function logTail(stack: Stack): Promise<string[]> {
  const group = `/aws/sagemaker/Endpoints/${stack.outputs.endpointName}`;
  try {
    const lines = await newestLines(stack, group);
    if (lines.length === 0) return [`log: ${group} is empty`];
    return [`log: the end of ${group}:`, ...lines.slice(-tail).map((line) => `  ${quoted(line.trimEnd())}`)];
  } catch (error) {
    return [`log: ${group} cannot be read: ${explain(error)}`];
  }
}

async function newestLines(stack: Stack, logGroupName: string): Promise<readonly string[]> {
  using logs = closing(new CloudWatchLogsClient(stack.clientConfig));
  const { logStreams = [] } = await logs.send(
    new DescribeLogStreamsCommand({ logGroupName, orderBy: "LastEventTime", descending: true, limit: 1 }),
  );
  const [newest] = logStreams;
  if (newest === undefined) return [];
  const { events = [] } = await logs.send(
    new GetLogEventsCommand({ logGroupName, logStreamName: newest.logStreamName, limit: tail, startFromHead: false }),
  );
  return events.flatMap(({ message = "" }) => message.trimEnd().split("\n"));
}
