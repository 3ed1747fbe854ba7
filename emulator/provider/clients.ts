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
import { naming } from "./errors.ts";
import type { Middleware } from "./errors.ts";
import type { Members } from "./mapping.ts";

/** Credentials that sign the calls. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Address of AWS. */
export interface Connection {
  readonly endpoint: string;
  /** Endpoints of single services, by their names in the provider's `endpoints`. */
  readonly endpoints: Readonly<Partial<Record<ServiceName, string>>>;
  readonly credentials: Credentials;
  readonly pathStyle: boolean;
  /** Attempts per call, including the first. */
  readonly attempts: number;
  /** Called for each call. */
  readonly onCall: ((call: AwsCall) => void) | undefined;
}

/** A call of the provider. */
export interface AwsCall {
  readonly service: ServiceName;
  /** Name of the operation, for example `CreateBucket`. */
  readonly operation: string;
  /** The operation's parameters. */
  readonly input: unknown;
}

/** The services that the provider calls, as its `endpoints` names them, with the SDK's modules and clients. */
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

export type ServiceName = keyof typeof sdks;

/** All names of {@link ServiceName}. */
export const serviceNames = Object.keys(sdks) as [ServiceName, ...ServiceName[]];

/** Operations of a service: a misspelt one does not compile. For an unknown service, any name. */
export type Operation<S extends ServiceName = ServiceName> = string &
  (ServiceName extends S
    ? string
    : {
        [K in keyof (typeof sdks)[S]["module"]]: K extends `${infer Name}Command` ? Name : never;
      }[keyof (typeof sdks)[S]["module"]]);

/** The used parts of an SDK client. */
interface HasMiddlewareStack {
  readonly middlewareStack: {
    add(middleware: Middleware, options: { step: "initialize"; priority: "high"; name: string }): void;
  };
  send(command: object): Promise<object>;
  destroy(): void;
}

interface ClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly maxAttempts: number;
  readonly requestHandler: object;
  readonly forcePathStyle: boolean;
  readonly useQueueUrlAsEndpoint: false;
}

/** A module of the SDK, indexed by the names of operations. */
interface Sdk {
  readonly module: Readonly<Record<string, unknown>>;
  readonly Client: new (config: ClientConfig) => HasMiddlewareStack;
}

/** Returns the members of an operation's input, from the SDK's schema. */
export function inputOf(service: ServiceName, operation: string): NormalizedSchema {
  const { module }: Sdk = sdks[service];
  const [, , , , input] = module[`${operation}$`] as typeof sts.GetCallerIdentity$;
  return NormalizedSchema.of(input);
}

const connectMilliseconds = 5_000;
/** Maximum silence of a socket: storing a large object takes time. */
const silenceMilliseconds = 300_000;

/** Clients of one region; each is created at its first use. */
export class Clients {
  readonly #connection: Connection;
  readonly #region: string;
  readonly #clients = new Map<ServiceName, HasMiddlewareStack>();

  constructor(connection: Connection, region: string) {
    this.#connection = connection;
    this.#region = region;
  }

  /**
   * Calls an operation.
   * @throws AwsCallError if AWS refuses it or does not answer
   */
  async call<S extends ServiceName>(service: S, operation: Operation<S>, input: Members): Promise<Members> {
    const { module }: Sdk = sdks[service];
    const Command = module[`${operation}Command`] as new (input: Members) => object;
    return { ...(await this.#connected(service).send(new Command(input))) };
  }

  /**
   * Calls a list operation, page by page.
   * @throws AwsCallError if AWS refuses it or does not answer
   */
  async *pages<S extends ServiceName>(service: S, operation: Operation<S>, input: Members): AsyncGenerator<Members> {
    for (let token: Members = {}; ;) {
      const page = await this.call(service, operation, { ...input, ...token });
      yield page;
      const next = page["NextToken"] ?? page["nextToken"] ?? page["NextMarker"] ?? page["Marker"];
      if (next === undefined || next === "") return;
      const [name = "NextToken"] = [...inputOf(service, operation).structIterator()]
        .map(([member]) => member)
        .filter((member) => /^(nextToken|marker)$/i.test(member));
      token = { [name]: next };
    }
  }

  /** Closes all connections. */
  destroy(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  #connected(service: ServiceName): HasMiddlewareStack {
    const client = this.#clients.get(service) ?? this.#connect(service);
    this.#clients.set(service, client);
    return client;
  }

  #connect(service: ServiceName): HasMiddlewareStack {
    const endpoint = this.#connection.endpoints[service] ?? this.#connection.endpoint;
    const { Client }: Sdk = sdks[service];
    const client = new Client({
      endpoint,
      region: this.#region,
      credentials: { ...this.#connection.credentials },
      maxAttempts: this.#connection.attempts,
      requestHandler: {
        connectionTimeout: connectMilliseconds,
        socketTimeout: silenceMilliseconds,
        requestTimeout: silenceMilliseconds,
        throwOnRequestTimeout: true,
      },
      forcePathStyle: this.#connection.pathStyle,
      // A queue's URL is its name here, not the address to call.
      useQueueUrlAsEndpoint: false,
    });
    const report = (operation: string, input: unknown) => this.#connection.onCall?.({ service, operation, input });
    client.middlewareStack.add(naming(endpoint, report), { step: "initialize", priority: "high", name: "naming" });
    return client;
  }
}
