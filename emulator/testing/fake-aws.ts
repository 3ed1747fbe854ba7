/** For tests: SageMaker's dependencies in memory: objects, topics, roles, and scripted instances. */

import { once } from "node:events";
import { Readable } from "node:stream";
import { MetricStore } from "../core/metrics.ts";
import { RealClock } from "../core/real-clock.ts";
import type { Instance, InstanceLauncher, RunOutcome } from "../core/worker.ts";
import type { LinkedRole, ObjectStore, PutOptions, Roles, Topics } from "../aws-ports.ts";
import type { ContainerLogs, LogEvent } from "../container-logs.ts";
import { formatS3Location } from "../s3-location.ts";
import type { S3Location } from "../s3-location.ts";
import type { ContainerSpec, SageMakerDependencies } from "../services/sagemaker/dependencies.ts";
import type { ModelData } from "../services/sagemaker/model-data.ts";
import type { Invocation } from "../services/sagemaker/invocation.ts";
import { testAccount, testRegion } from "./test-gateway.ts";

export interface StoredObject extends PutOptions {
  readonly body: Buffer;
}

/** S3 in memory. */
export class FakeObjects implements ObjectStore {
  /** Objects by their s3:// URI. */
  readonly stored = new Map<string, StoredObject>();
  /** Refuses writes below this URI. */
  unwritable: string | undefined;

  set(uri: string, body: string | Uint8Array): void {
    this.stored.set(uri, { body: Buffer.from(body) });
  }

  text(uri: string | undefined): string | undefined {
    return this.stored.get(uri ?? "")?.body.toString("utf8");
  }

  async head(location: S3Location) {
    const found = this.stored.get(formatS3Location(location));
    return await Promise.resolve(found && { size: found.body.byteLength, etag: `"${found.body.byteLength}"` });
  }

  async get(location: S3Location) {
    const info = await this.head(location);
    const body = this.stored.get(formatS3Location(location))?.body;
    return info && { ...info, body: Readable.from(body === undefined || body.byteLength === 0 ? [] : [body]) };
  }

  async list(prefix: S3Location) {
    const start = formatS3Location(prefix);
    const found = [...this.stored].filter(([uri]) => uri.startsWith(start));
    return await Promise.resolve(
      found.map(([uri, { body }]) => ({ key: uri.split("/").slice(3).join("/"), etag: `"${body.byteLength}"` })),
    );
  }

  async put(
    location: S3Location,
    body: Readable | Uint8Array,
    options: PutOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    const uri = formatS3Location(location);
    if (this.unwritable !== undefined && uri.startsWith(this.unwritable)) throw new Error("Access Denied");
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : Buffer.concat(await body.toArray());
    signal?.throwIfAborted();
    this.stored.set(uri, { body: bytes, ...options });
  }
}

/** SNS in memory. */
export class FakeTopics implements Topics {
  readonly published: { readonly topicArn: string; readonly message: Record<string, unknown> }[] = [];
  readonly missing = new Set<string>();

  async publish(topicArn: string, message: string): Promise<void> {
    await Promise.resolve();
    if (this.missing.has(topicArn)) throw new Error("Topic does not exist");
    this.published.push({ topicArn, message: JSON.parse(message) as Record<string, unknown> });
  }
}

/** IAM with a few roles. */
export class FakeRoles implements Roles {
  readonly trusted = new Set<string>();

  async trusts(roleArn: string): Promise<boolean> {
    return await Promise.resolve(this.trusted.has(roleArn));
  }

  exists(roleArn: string): Promise<boolean> {
    return this.trusts(roleArn);
  }

  async createServiceLinked({ arn }: LinkedRole): Promise<void> {
    await Promise.resolve();
    this.trusted.add(arn);
  }
}

/** CloudWatch Logs in memory. */
export class FakeLogs implements ContainerLogs {
  /** Streams and their lines by the endpoint's name. */
  readonly groups = new Map<string, Map<string, string[]>>();

  async createGroup(endpointName: string): Promise<void> {
    await Promise.resolve();
    if (!this.groups.has(endpointName)) this.groups.set(endpointName, new Map());
  }

  async write(endpointName: string, stream: string, events: readonly LogEvent[]): Promise<void> {
    await this.createGroup(endpointName);
    const streams = this.groups.get(endpointName);
    streams?.set(stream, [...(streams.get(stream) ?? []), ...events.map(({ message }) => message)]);
  }
}

/** Starts instances that answer with `model`. */
export class FakeFleet {
  readonly containers: ContainerSpec[] = [];
  running = 0;
  /** Reason why no instance starts. */
  broken: string | undefined;
  /** Instances do not start before this resolves. */
  gate: Promise<void> = Promise.resolve();
  /** Containers start and never become healthy. */
  unhealthy = false;
  model: (invocation: Invocation, signal: AbortSignal) => Promise<RunOutcome> = () =>
    Promise.resolve({ status: "completed", timings: {} });

  launcherFor(container: ContainerSpec): InstanceLauncher<Invocation> {
    this.containers.push(container);
    return { launch: (_id, signal, onContainerStart) => this.#launch(signal, onContainerStart) };
  }

  async #launch(signal: AbortSignal, onContainerStart?: () => void): Promise<Instance<Invocation>> {
    await this.gate;
    onContainerStart?.();
    if (this.unhealthy) {
      await once(signal, "abort");
      signal.throwIfAborted();
    }
    if (this.broken !== undefined) throw new Error(this.broken);
    this.running += 1;
    return {
      run: (invocation, signal) => this.model(invocation, signal),
      stop: async () => {
        await Promise.resolve();
        this.running -= 1;
      },
    };
  }
}

export const testRole = `arn:aws:iam::${testAccount}:role/video`;
export const testImage =
  "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker";
export const testArtifact = "s3://models/model.tar.gz";
export const testModelData: ModelData = {
  url: testArtifact,
  location: { bucket: "models", key: "model.tar.gz" },
  form: "archive",
};

/** All of them, with one role and one artifact. */
export function fakeAws(changes: Partial<SageMakerDependencies> = {}) {
  const clock = new RealClock();
  const objects = new FakeObjects();
  const topics = new FakeTopics();
  const roles = new FakeRoles();
  const logs = new FakeLogs();
  const fleet = new FakeFleet();
  const metrics = new MetricStore(clock);
  const registeredTargets = new Set<string>();
  const alarms = new Map<string, "OK" | "ALARM" | "INSUFFICIENT_DATA">();
  objects.set(testArtifact, "tar");
  roles.trusted.add(testRole);
  const dependencies: SageMakerDependencies = {
    region: testRegion,
    accountId: testAccount,
    clock,
    metrics,
    callAs: () => ({ objects, topics, logs }),
    roles,
    authorizer: { authorize: () => Promise.resolve({ allowed: true, message: "" }) },
    scalableTargets: {
      isRegistered: (resourceId) => registeredTargets.has(resourceId),
      deregister: (resourceId) => void registeredTargets.delete(resourceId),
    },
    alarms: { state: (name) => alarms.get(name) },
    launcherFor: (container) => fleet.launcherFor(container),
    ...changes,
  };
  return { clock, objects, topics, roles, fleet, metrics, registeredTargets, alarms, logs, dependencies };
}
