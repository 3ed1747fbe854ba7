/** For tests: MiniStack alone, as the AWS that a provider under test calls. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ministackPython } from "../../../tools/paths.mjs";
import { startMiniStack } from "../../ministack.ts";
import { freePorts } from "../../processes/ports.ts";

/** An AWS with S3, SNS, SQS, IAM and STS. */
export interface TestAws {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. Throws MiniStackError. */
export async function startTestAws(): Promise<TestAws> {
  const stateDir = await mkdtemp(join(tmpdir(), "provider-"));
  const [port = 0] = await freePorts(1);
  const ministack = await startMiniStack({
    python: ministackPython,
    port,
    gatewayPort: port,
    accountId: "000000000000",
    region: "us-east-1",
    stateDir,
    logFile: join(stateDir, "ministack.log"),
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      await ministack.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
