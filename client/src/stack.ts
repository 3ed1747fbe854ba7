/** An open stack: its outputs, the AWS clients that reach it, and its service's clock. */
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { S3Client } from "@aws-sdk/client-s3";
import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { DescribeEndpointCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { requestHandler, throughProxy } from "../../lib/proxies.ts";
import { ServiceClock } from "./clock.ts";
import { emulatorCredentials } from "./emulator-credentials.ts";
import { outputsFile, readOutputs } from "./outputs.ts";
import type { OutputsSource, StackOutputs } from "./outputs.ts";

/** Configuration that any AWS SDK client needs to reach the stack. */
export interface ClientConfig {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: ClientCredentials;
  readonly maxAttempts: number;
  /** Ends a request without an answer. */
  readonly requestHandler: typeof requestHandler;
}

/** A deployed stack, ready for use. Close it when done, or declare it with `using`. */
export interface Stack extends Disposable {
  readonly outputs: StackOutputs;
  /** For further clients that the caller creates. */
  readonly clientConfig: ClientConfig;
  readonly s3: S3Client;
  readonly sagemaker: SageMakerClient;
  readonly runtime: SageMakerRuntimeClient;
  readonly cloudwatch: CloudWatchClient;
  /** Current time of the service, for time-outs, expiry and metrics. */
  readonly clock: ServiceClock;
  /** Closes the clients' connections. */
  close(): void;
}

/**
 * Finds a stack's outputs and connects to it; makes no AWS call.
 * @throws SetupError if there is no such stack or its outputs are not valid
 */
export async function openStack(source: OutputsSource = {}): Promise<Stack> {
  const outputs = await readOutputs(source);
  return connect(outputs, credentialsOf(source, outputs));
}

/** Credentials in the form that the AWS SDK accepts. */
export type ClientCredentials = NonNullable<S3ClientConfig["credentials"]>;

/**
 * Returns the credentials for a stack on the emulator, which writes its key pair next to the outputs of its stack, as a
 * shared credentials file.
 */
function credentialsOf(
  source: OutputsSource,
  { awsEndpointUrl: endpoint, region }: StackOutputs,
): ClientCredentials | undefined {
  const file = outputsFile(source);
  const credentials = join(dirname(file ?? ""), "credentials");
  if (file === undefined || endpoint === undefined || !existsSync(credentials)) return undefined;
  return emulatorCredentials(credentials, { endpoint, region });
}

/**
 * Tries for one call: the SDK's standard mode backs off exponentially and retries throttling, by code, and transient
 * errors.
 */
const attemptLimit = 6;

/**
 * Connects to a stack with given outputs; makes no AWS call.
 * @param credentials of the emulator; used only if the endpoint URL is on this machine. @default the AWS SDK's search
 */
export function connect(outputs: StackOutputs, credentials?: ClientCredentials): Stack {
  const clientConfig: ClientConfig = { ...reach(outputs, credentials), maxAttempts: attemptLimit, requestHandler };
  const s3 = new S3Client({
    ...clientConfig,
    forcePathStyle: outputs.awsEndpointUrl !== undefined,
    // A part of an upload may take long but must make progress.
    requestHandler: { ...throughProxy, connectionTimeout: 5_000, socketTimeout: 60_000 },
  });
  const sagemaker = new SageMakerClient(clientConfig);
  const runtime = new SageMakerRuntimeClient(clientConfig);
  const cloudwatch = new CloudWatchClient(clientConfig);
  // A caller without the right to describe endpoints gets a dated answer, too: the refusal.
  const clock = new ServiceClock(() =>
    sagemaker.send(new DescribeEndpointCommand({ EndpointName: outputs.endpointName })),
  );
  const listening = { step: "deserialize", priority: "low", name: "serviceClock" } as const;
  sagemaker.middlewareStack.add(clock.listen, listening);
  runtime.middlewareStack.add(clock.listen, listening);
  cloudwatch.middlewareStack.add(clock.listen, listening);
  const close = (): void => {
    for (const client of [s3, sagemaker, runtime, cloudwatch]) client.destroy();
  };
  return { outputs, clientConfig, s3, sagemaker, runtime, cloudwatch, clock, close, [Symbol.dispose]: close };
}

function reach(
  outputs: StackOutputs,
  credentials?: ClientCredentials,
): Omit<ClientConfig, "maxAttempts" | "requestHandler"> {
  const { region, awsEndpointUrl: endpoint } = outputs;
  if (endpoint === undefined) return { region };
  if (isLoopback(endpoint) && credentials !== undefined) return { region, endpoint, credentials };
  return { region, endpoint };
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
