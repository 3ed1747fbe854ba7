/** The AWS SDK's clients, one per service and region, all of which call the local AWS. */
import { ApplicationAutoScalingClient } from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { IAMClient } from "@aws-sdk/client-iam";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { SageMakerClient } from "@aws-sdk/client-sagemaker";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { STSClient } from "@aws-sdk/client-sts";
import { naming } from "./errors.ts";
import type { Middleware } from "./errors.ts";

/** What signs the calls. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How to reach AWS. */
export interface Connection {
  readonly endpoint: string;
  /** Endpoints of single services, by the name that the provider's `endpoints` gives them. */
  readonly endpoints: Readonly<Partial<Record<ServiceName, string>>>;
  readonly credentials: Credentials;
  readonly pathStyle: boolean;
  /** Attempts per call, the first included. */
  readonly attempts: number;
  /** Told of each call. */
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

/** The services that the provider calls, as its `endpoints` names them. */
export const serviceNames = [
  "appautoscaling",
  "cloudwatch",
  "iam",
  "kms",
  "logs",
  "s3",
  "sagemaker",
  "sns",
  "sqs",
  "sts",
] as const;

export type ServiceName = (typeof serviceNames)[number];

/** What all clients of the SDK have in common here. */
interface Stacked {
  readonly middlewareStack: {
    add(middleware: Middleware, options: { step: "initialize"; priority: "high"; name: string }): void;
  };
}

const connectMilliseconds = 5_000;
/** Longest silence of a socket: a large object takes a while to be stored. */
const silenceMilliseconds = 300_000;

/** The clients of one region; each is made when it is first used. */
export class Clients {
  readonly #connection: Connection;
  readonly #region: string;
  #appautoscaling: ApplicationAutoScalingClient | undefined;
  #cloudwatch: CloudWatchClient | undefined;
  #iam: IAMClient | undefined;
  #kms: KMSClient | undefined;
  #logs: CloudWatchLogsClient | undefined;
  #s3: S3Client | undefined;
  #sagemaker: SageMakerClient | undefined;
  #sns: SNSClient | undefined;
  #sqs: SQSClient | undefined;
  #sts: STSClient | undefined;

  constructor(connection: Connection, region: string) {
    this.#connection = connection;
    this.#region = region;
  }

  get appautoscaling(): ApplicationAutoScalingClient {
    return (this.#appautoscaling ??= this.#naming(
      "appautoscaling",
      new ApplicationAutoScalingClient(this.#config("appautoscaling")),
    ));
  }
  get cloudwatch(): CloudWatchClient {
    return (this.#cloudwatch ??= this.#naming("cloudwatch", new CloudWatchClient(this.#config("cloudwatch"))));
  }
  get iam(): IAMClient {
    return (this.#iam ??= this.#naming("iam", new IAMClient(this.#config("iam"))));
  }
  get kms(): KMSClient {
    return (this.#kms ??= this.#naming("kms", new KMSClient(this.#config("kms"))));
  }
  get logs(): CloudWatchLogsClient {
    return (this.#logs ??= this.#naming("logs", new CloudWatchLogsClient(this.#config("logs"))));
  }
  get s3(): S3Client {
    return (this.#s3 ??= this.#naming(
      "s3",
      new S3Client({ ...this.#config("s3"), forcePathStyle: this.#connection.pathStyle }),
    ));
  }
  get sagemaker(): SageMakerClient {
    return (this.#sagemaker ??= this.#naming("sagemaker", new SageMakerClient(this.#config("sagemaker"))));
  }
  get sns(): SNSClient {
    return (this.#sns ??= this.#naming("sns", new SNSClient(this.#config("sns"))));
  }
  // The queue's URL is a name here, not the place to call.
  get sqs(): SQSClient {
    return (this.#sqs ??= this.#naming("sqs", new SQSClient({ ...this.#config("sqs"), useQueueUrlAsEndpoint: false })));
  }
  get sts(): STSClient {
    return (this.#sts ??= this.#naming("sts", new STSClient(this.#config("sts"))));
  }

  /** Closes all connections. */
  destroy(): void {
    const made = [
      this.#appautoscaling,
      this.#cloudwatch,
      this.#iam,
      this.#kms,
      this.#logs,
      this.#s3,
      this.#sagemaker,
      this.#sns,
      this.#sqs,
      this.#sts,
    ];
    for (const client of made) client?.destroy();
  }

  #naming<C extends Stacked>(service: ServiceName, client: C): C {
    const options = { step: "initialize", priority: "high", name: "naming" } as const;
    const report = (operation: string, input: unknown) => this.#connection.onCall?.({ service, operation, input });
    client.middlewareStack.add(naming(this.#endpoint(service), report), options);
    return client;
  }

  #endpoint(service: ServiceName): string {
    return this.#connection.endpoints[service] ?? this.#connection.endpoint;
  }

  #config(service: ServiceName) {
    return {
      endpoint: this.#endpoint(service),
      region: this.#region,
      credentials: { ...this.#connection.credentials },
      maxAttempts: this.#connection.attempts,
      requestHandler: {
        connectionTimeout: connectMilliseconds,
        socketTimeout: silenceMilliseconds,
        requestTimeout: silenceMilliseconds,
        throwOnRequestTimeout: true,
      },
    };
  }
}
