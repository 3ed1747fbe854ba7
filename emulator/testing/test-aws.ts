/** For tests: MiniStack behind the gateway, as an AWS without SageMaker. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { RealClock } from "../core/real-clock.ts";
import { ministackPython } from "../../tools/paths.mjs";
import { awsPorts } from "../aws-ports.ts";
import type { AwsPorts } from "../aws-ports.ts";
import { ContainerCredentials } from "../gateway/container-credentials.ts";
import { startGateway } from "../gateway/gateway.ts";
import { LauncherConnection } from "../iam/launcher-client.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { miniStackServices, startMiniStack } from "../ministack.ts";
import { testAccount, testCredentials, testRegion } from "./test-gateway.ts";

/** An AWS with S3, SNS, SQS, IAM, KMS, logs and STS, on a free port. */
export interface TestAws extends Gateway {
  readonly credentials: typeof testCredentials;
  readonly launcher: LauncherConnection;
  readonly ports: AwsPorts;
  readonly containers: ContainerCredentials;
  /** MiniStack's Unix socket. */
  readonly socketPath: string;
  /** MiniStack's log. */
  readonly logFile: string;
}

/**
 * Starts it.
 * @throws {MiniStackError}
 */
export async function startTestAws(clock: Clock = new RealClock()): Promise<TestAws> {
  const stateDir = await mkdtemp(join(tmpdir(), "aws-"));
  const logFile = join(stateDir, "ministack.log");
  const healthy = Promise.withResolvers<unknown>();
  const upstream = { path: join(stateDir, "ministack"), ready: healthy.promise };
  const launcher = new LauncherConnection(upstream);
  const ports = awsPorts(upstream, testRegion, testCredentials, launcher);
  const containers = new ContainerCredentials(launcher);
  const gateway = await startGateway({
    port: 0,
    credentials: testCredentials,
    launcher,
    containers,
    upstream,
    corsRules: ports.corsRules,
    upstreamServices: miniStackServices,
    clock,
    region: testRegion,
    accountId: testAccount,
    services: new Map(),
    awaitMoment: () => undefined,
    status: () => ({ endpoints: ["one"] }),
  });
  const ministack = await startMiniStack({
    python: ministackPython,
    socketPath: upstream.path,
    gatewayPort: gateway.port,
    accountId: testAccount,
    region: testRegion,
    credentials: testCredentials,
    launcherToken: launcher.token,
    stateDir,
    logFile,
  });
  healthy.resolve(ministack.ready);
  await upstream.ready;
  return {
    ...gateway,
    credentials: testCredentials,
    launcher,
    ports,
    containers,
    socketPath: upstream.path,
    logFile,
    async stop() {
      await gateway.stop();
      ports.close();
      launcher.close();
      await ministack.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
