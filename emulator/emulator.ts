/** Assembles the emulator: MiniStack, the gateway, the project's services, the Pulumi provider. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Alarms } from "./core/alarms.ts";
import { Autoscaler } from "./core/autoscaler.ts";
import { MetricStore } from "./core/metrics.ts";
import { RealClock } from "./core/real-clock.ts";
import { RestWatch } from "./core/rest.ts";
import { capacityByLinkedRole } from "./services/application-autoscaling/linked-role.ts";
import { applicationAutoScaling } from "./services/application-autoscaling/service.ts";
import { awsPorts } from "./aws-ports.ts";
import { ContainerCredentials } from "./gateway/container-credentials.ts";
import { randomCredentials } from "./gateway/credentials.ts";
import type { Credentials } from "./gateway/credentials.ts";
import { defaultPort, startGateway } from "./gateway/gateway.ts";
import { commandOf } from "./image-commands.ts";
import type { ImageCommand } from "./image-commands.ts";
import { LauncherConnection } from "./iam/launcher-client.ts";
import { makeFolder } from "../lib/files.ts";
import { miniStackServices, startMiniStack } from "./ministack.ts";
import { ArtifactCache } from "./model-server/artifact.ts";
import { ModelServerLauncher } from "./model-server/launcher.ts";
import { reportingChanges } from "./services/changes.ts";
import { monitoring } from "./services/cloudwatch/service.ts";
import type { WallClockOptions } from "./services/cloudwatch/wall-clock.ts";
import { authorizationOf } from "./iam/authorization.ts";
import { LauncherAuthorizer } from "./iam/authorizer.ts";
import type { GuardedService } from "./iam/permission.ts";
import { socketFolder } from "./processes/sockets.ts";
import { startProvider } from "./provider/server.ts";
import { executionActor } from "./services/sagemaker/dependencies.ts";
import type { SageMakerDependencies } from "./services/sagemaker/dependencies.ts";
import { SageMaker } from "./services/sagemaker/service.ts";
import { WireService } from "./wire/dispatch.ts";
import { botocoreDataFolder, loadApiModel } from "./wire/model.ts";
import type { Authorization } from "./wire/service.ts";

/** Options of the emulator. */
export interface EmulatorOptions {
  /** Port of the gateway; 0 takes a free one. @default 4566 */
  readonly port?: number;
  /** Clock speed-up while nothing runs and a change is to come. @default 1 */
  readonly speed?: number;
  /** Folder for data and logs; created if missing. Data of an earlier run in it is not read. */
  readonly stateDir: string;
  /** @default "us-east-1" */
  readonly region?: string;
  /** @default "000000000000" */
  readonly accountId?: string;
  /** Python of the environment with ministack and botocore. */
  readonly ministackPython: string;
  /** Python of the environment with the serving stack. */
  readonly servingPython: string;
  /** Base folder of relative paths of a Pulumi program's assets. */
  readonly programDirectory?: string;
  /** Local commands that stand for images. @default none */
  readonly images?: readonly ImageCommand[];
  /** Overrides of the assumptions about SageMaker, and of the instances. */
  readonly sageMaker?: Partial<
    Pick<SageMakerDependencies, "launcherFor" | "lastDeploymentConfig" | "deploymentConfigOnly">
  >;
  /** Overrides of the assumptions about CloudWatch. */
  readonly cloudWatch?: Pick<WallClockOptions, "wallClockQueries">;
  readonly signal?: AbortSignal;
}

/** A running emulator. */
export interface Emulator {
  readonly url: string;
  readonly region: string;
  readonly accountId: string;
  /** Key pair that requests must be signed with; valid until this emulator ends. */
  readonly credentials: Credentials;
  /** Address of the Pulumi provider named aws (PULUMI_DEBUG_PROVIDERS=aws:PORT). */
  readonly providerPort: number;
  /** Resolves, with an error that has the reason, if MiniStack does not start or ends unexpectedly. */
  readonly broken: Promise<Error>;
  /** Ends everything; resolves when no process is left. Later calls return the same promise. */
  stop(): Promise<void>;
}

/** A part of the emulator has ended unexpectedly. */
export class LocalAwsBrokenError extends Error {
  override readonly name = "LocalAwsBrokenError";
}

/**
 * Starts the emulator, and resolves when gateway and provider listen. MiniStack may still be starting: calls that need
 * it wait. If another part does not start, the rest is stopped and the part's error is thrown.
 */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { stateDir, region = "us-east-1", accountId = "000000000000", ministackPython, signal } = options;
  makeFolder(stateDir, 0o700);
  await rm(join(stateDir, "instances"), { recursive: true, force: true });
  await using parts = new AsyncDisposableStack();

  const clock = new RealClock(options.speed ?? 1);
  parts.defer(() => {
    clock.stop();
  });
  const credentials = randomCredentials();
  const sockets = await socketFolder(stateDir);
  parts.defer(() => rm(sockets, { recursive: true, force: true }));
  const healthy = Promise.withResolvers<unknown>();
  const upstream = { path: join(sockets, "ministack"), ready: healthy.promise };
  const launcher = new LauncherConnection(upstream);
  parts.defer(() => {
    launcher.close();
  });
  const authorizer = new LauncherAuthorizer(launcher);
  const containers = new ContainerCredentials(launcher);
  const ports = awsPorts(upstream, region, credentials, launcher);
  parts.defer(() => {
    ports.close();
  });
  const metrics = new MetricStore(clock);
  const alarms = new Alarms({ clock, metrics });
  const rest = new RestWatch({
    clock,
    isBusy: () => sagemaker.isBusy || autoscaler.isBusy,
    isSteady: (lastChange) => alarms.areSteady(lastChange),
  });
  const artifacts = new ArtifactCache(join(stateDir, "artifacts"));
  const sagemaker: SageMaker = new SageMaker({
    region,
    accountId,
    clock: rest.clock,
    metrics,
    ...ports,
    authorizer,
    scalableTargets: {
      isRegistered: (resourceId) => autoscaler.target(resourceId) !== undefined,
      deregister(resourceId) {
        autoscaler.deregister(resourceId);
      },
    },
    alarms: { state: (name) => alarms.get(name)?.state },
    commandOf: (image) => commandOf(options.images ?? [], image),
    launcherFor: (container) =>
      new ModelServerLauncher(container, {
        python: options.servingPython,
        region,
        stateDir,
        ...ports.callAs(executionActor(container.roleArn)),
        artifacts,
        access: () => {
          const { environment, revoke } = containers.admit(container.roleArn, "SageMaker");
          return { environment: { ...environment(gateway.url), AWS_ENDPOINT_URL: gateway.url }, revoke };
        },
        clock,
      }),
    ...options.sageMaker,
  });
  const capacity = capacityByLinkedRole(sagemaker.capacity, authorizer, { region, accountId });
  const autoscaler: Autoscaler = new Autoscaler({ clock, alarms, capacity, region, accountId });

  const services = [
    sagemaker.control,
    sagemaker.runtime,
    applicationAutoScaling({
      region,
      accountId,
      autoscaler,
      capacity: sagemaker.capacity,
      roles: ports.roles,
      scalingPermissions: sagemaker.scalingPermissions,
    }),
    monitoring({
      region,
      accountId,
      clock,
      metrics,
      alarms,
      publish(sourceArn, topicArn, message, subject) {
        const { topics } = ports.callAs({ service: "cloudwatch.amazonaws.com", sourceArn, sourceAccount: accountId });
        return topics.publish(topicArn, message, subject);
      },
      ...options.cloudWatch,
    }),
  ].map((service) =>
    reportingChanges(service, () => {
      rest.changed();
    }),
  );

  const gateway = await startGateway({
    port: options.port ?? defaultPort,
    credentials,
    launcher,
    containers,
    upstream,
    corsRules: ports.corsRules,
    upstreamServices: miniStackServices,
    clock,
    region,
    accountId,
    services: await onTheWire(ministackPython, services, (service) =>
      authorizationOf(service, authorizer, credentials.accessKeyId),
    ),
    awaitMoment(moment) {
      rest.awaitMoment(moment);
    },
    status: () => ({
      now: new Date(clock.now()).toISOString(),
      speed: options.speed ?? 1,
      isAtRest: rest.isAtRest,
      endpoints: sagemaker.status(),
    }),
  });
  parts.defer(() => gateway.stop());
  const logFile = join(stateDir, "logs", "ministack.log");
  const ministack = await startMiniStack({
    python: ministackPython,
    socketPath: upstream.path,
    gatewayPort: gateway.port,
    accountId,
    region,
    credentials,
    launcherToken: launcher.token,
    stateDir,
    logFile,
    ...(signal === undefined ? {} : { signal }),
  });
  healthy.resolve(ministack.ready);
  const broken = upstream.ready.then(
    async () => {
      const how = await ministack.ended;
      return new LocalAwsBrokenError(`MiniStack has ended (${how}). The end of its log is in ${logFile}.`);
    },
    (error: unknown) => error as Error,
  );
  parts.defer(() => ministack.stop());
  // Before MiniStack ends: instances and the outbox still use it.
  parts.defer(() => sagemaker.stop());
  const provider = await startProvider({
    endpoint: gateway.url,
    region,
    credentials,
    ...(options.programDirectory === undefined ? {} : { programDirectory: options.programDirectory }),
    // The official provider retries for minutes because of AWS's eventual consistency; here every write is visible at
    // once.
    retryBudget: 5_000,
  });
  parts.defer(() => provider.stop());
  signal?.throwIfAborted();

  const running = parts.move();
  let stopping: Promise<void> | undefined;
  return {
    url: gateway.url,
    region,
    accountId,
    credentials,
    providerPort: provider.port,
    broken,
    stop() {
      stopping ??= running.disposeAsync();
      return stopping;
    },
  };
}

async function onTheWire(
  python: string,
  services: readonly GuardedService[],
  authorize: (service: GuardedService) => Authorization,
): Promise<Map<string, WireService>> {
  const folder = await botocoreDataFolder(python);
  const loaded = await Promise.all(
    services.map(async (service) => {
      const model = await loadApiModel(folder, service.model);
      return [service.model, new WireService(model, service, authorize(service))] as const;
    }),
  );
  return new Map(loaded);
}
