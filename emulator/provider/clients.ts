/** The AWS SDK's clients, one per service and region, all of which call the emulator; operations are called by name. */
import * as appautoscaling from "@aws-sdk/client-application-auto-scaling";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as iam from "@aws-sdk/client-iam";
import * as kms from "@aws-sdk/client-kms";
import * as s3 from "@aws-sdk/client-s3";
import * as sagemaker from "@aws-sdk/client-sagemaker";
import * as sns from "@aws-sdk/client-sns";
import * as sqs from "@aws-sdk/client-sqs";
import * as sts from "@aws-sdk/client-sts";
import { NormalizedSchema } from "@smithy/core/schema";
import { toCallError } from "./errors.ts";
import type { Members } from "./mapping.ts";

/** Address of AWS. */
export interface Connection {
  /** URL of the emulator: http://127.0.0.1:PORT. */
  readonly endpoint: string;
  readonly credentials: Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
  /** Called before each call, for a trace. */
  readonly onCall?: (call: AwsCall) => void;
}

/** A call of the provider. */
export interface AwsCall {
  readonly service: ServiceName;
  /** Name of the operation, for example `CreateBucket`. */
  readonly operation: string;
  /** The operation's parameters. */
  readonly input: unknown;
}

/** The services that the provider calls, with the SDK's modules and clients. */
const sdks = {
  appautoscaling: { module: appautoscaling, Client: appautoscaling.ApplicationAutoScalingClient },
  cloudwatch: { module: cloudwatch, Client: cloudwatch.CloudWatchClient },
  iam: { module: iam, Client: iam.IAMClient },
  kms: { module: kms, Client: kms.KMSClient },
  logs: { module: logs, Client: logs.CloudWatchLogsClient },
  s3: { module: s3, Client: s3.S3Client },
  sagemaker: { module: sagemaker, Client: sagemaker.SageMakerClient },
  sns: { module: sns, Client: sns.SNSClient },
  sqs: { module: sqs, Client: sqs.SQSClient },
  sts: { module: sts, Client: sts.STSClient },
};

/** Name of a service that the provider calls. */
export type ServiceName = keyof typeof sdks;

/** Operations of a service: a misspelt one does not compile. For an unknown service, any name. */
export type Operation<S extends ServiceName = ServiceName> = string &
  (ServiceName extends S
    ? string
    : {
        [K in keyof (typeof sdks)[S]["module"]]: K extends `${infer Name}Command` ? Name : never;
      }[keyof (typeof sdks)[S]["module"]]);

/** The used parts of an SDK client. */
interface Client {
  send(command: object): Promise<object>;
  destroy(): void;
}

/** A module of the SDK, indexed by the names of operations, and the class of its client. */
interface Sdk {
  readonly module: Readonly<Record<string, unknown>>;
  readonly Client: new (config: object) => Client;
}

/** Returns the members of an operation's input, from the SDK's schema. */
export function inputOf(service: ServiceName, operation: string): NormalizedSchema {
  const { module }: Sdk = sdks[service];
  const [, , , , input] = module[`${operation}$`] as typeof sts.GetCallerIdentity$;
  return NormalizedSchema.of(input);
}

/** The official provider's SDK makes 25 attempts per call; on one machine, a missing server stays missing. */
const maxAttempts = 3;
const connectMilliseconds = 5_000;
/** Maximum silence of a socket: storing a large object takes time. */
const silenceMilliseconds = 300_000;

/** Clients of one region; each is created at its first use. */
export class Clients {
  readonly #connection: Connection;
  readonly #region: string;
  readonly #clients = new Map<ServiceName, Client>();

  constructor(connection: Connection, region: string) {
    this.#connection = connection;
    this.#region = region;
  }

  /**
   * Calls an operation.
   * @throws AwsCallError if AWS refuses it or does not answer
   */
  async call<S extends ServiceName>(service: S, operation: Operation<S>, input: Members): Promise<Members> {
    const { endpoint, onCall } = this.#connection;
    const { module }: Sdk = sdks[service];
    const Command = module[`${operation}Command`] as new (input: Members) => object;
    onCall?.({ service, operation, input });
    try {
      return { ...(await this.#client(service).send(new Command(input))) };
    } catch (error) {
      throw toCallError(operation, endpoint, error);
    }
  }

  /**
   * Calls a list operation, page by page.
   * @throws AwsCallError if AWS refuses it or does not answer
   */
  async *pages<S extends ServiceName>(service: S, operation: Operation<S>, input: Members): AsyncGenerator<Members> {
    const members = [...inputOf(service, operation).structIterator()].map(([name]) => name);
    const marker = members.find((name) => /^(nextToken|marker)$/i.test(name)) ?? "NextToken";
    let token: unknown;
    do {
      const page = await this.call(service, operation, { ...input, [marker]: token });
      yield page;
      token = page["NextToken"] ?? page["nextToken"] ?? page["NextMarker"] ?? page["Marker"] ?? "";
    } while (token !== "");
  }

  /** Closes all connections. */
  destroy(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  #client(service: ServiceName): Client {
    const { Client }: Sdk = sdks[service];
    const known = this.#clients.get(service);
    if (known !== undefined) return known;
    const { endpoint, credentials } = this.#connection;
    const client = new Client({
      endpoint,
      region: this.#region,
      credentials: { ...credentials },
      maxAttempts,
      requestHandler: {
        connectionTimeout: connectMilliseconds,
        socketTimeout: silenceMilliseconds,
        requestTimeout: silenceMilliseconds,
        throwOnRequestTimeout: true,
      },
      forcePathStyle: true,
      // A queue's URL is its name here, not the address to call.
      useQueueUrlAsEndpoint: false,
    });
    this.#clients.set(service, client);
    return client;
  }
}
