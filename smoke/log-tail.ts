/** Reads the last lines of an endpoint's containers: from CloudWatch Logs, or from the emulator's files. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CloudWatchLogsClient, DescribeLogStreamsCommand, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { closing } from "../lib/closing.ts";
import { explain } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { quoted } from "../lib/printable.ts";

/** Number of lines that are shown. */
const tail = 15;

/** Folder of the emulator's logs: a folder for each endpoint, a file for each instance. */
export const localLogs = join(import.meta.dirname, "..", ".local", "aws", "logs", "endpoints");

/**
 * Returns the newest container's last lines, each quoted, so that no text of a caller in them acts on a terminal or in
 * a workflow. If they cannot be read, one line gives the reason and their location.
 */
export async function logTail(stack: Stack, localFolder = localLogs): Promise<string[]> {
  const { awsEndpointUrl, endpointName } = stack.outputs;
  if (awsEndpointUrl !== undefined) {
    const folder = join(localFolder, endpointName);
    return await readable(folder, () => localTail(folder));
  }
  const group = `/aws/sagemaker/Endpoints/${endpointName}`;
  return await readable(`CloudWatch log group ${group}`, () => cloudTail(stack, group));
}

async function readable(place: string, read: () => Promise<readonly string[]>): Promise<string[]> {
  try {
    const lines = await read();
    if (lines.length === 0) return [`log: ${place} is empty`];
    return [`log: the end of ${place}:`, ...lines.slice(-tail).map((line) => `  ${quoted(line.trimEnd())}`)];
  } catch (error) {
    return [`log: ${place} cannot be read: ${explain(error)}`];
  }
}

async function cloudTail(stack: Stack, logGroupName: string): Promise<readonly string[]> {
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

async function localTail(folder: string): Promise<readonly string[]> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const file = join(folder, name);
      return { file, changed: (await stat(file)).mtimeMs };
    }),
  );
  const newest = files.sort((a, b) => b.changed - a.changed)[0];
  return newest === undefined ? [] : (await readFile(newest.file, "utf8")).trimEnd().split("\n");
}
