/** One engine's session: its connection, its configuration, its clients, and the contexts of its operations. */
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Clients } from "./clients.ts";
import type { AwsCall, Connection, Credentials } from "./clients.ts";
import { readConfig } from "./config.ts";
import type { ProviderConfig } from "./config.ts";
import { EngineLog } from "./engine-log.ts";
import { CancelledError, ProviderError } from "./errors.ts";
import { partitionOf } from "./partitions.ts";
import type { Members } from "./mapping.ts";
import type { Scope } from "./resource.ts";
import type { Values } from "./values.ts";

/** Options for the provider. */
export interface ProviderOptions {
  /** URL of the emulator: http://127.0.0.1:PORT. */
  readonly endpoint: string;
  /** For previews without any AWS: the account id. Checks, differences and functions work; calls to AWS are refused. */
  readonly previewAccountId?: string;
  /** Default region of programs. */
  readonly region: string;
  readonly credentials: Credentials;
  /** Base folder of an asset's relative path: the Pulumi program's. Without it such a path is refused. */
  readonly programDirectory?: string;
  /**
   * Time for which a create is retried while AWS refuses it with the message of a role that is not known everywhere
   * yet, ms. Default: 2 minutes, as in the official provider.
   */
  readonly retryBudget?: number;
  /** Interval between two checks of a pending operation, or two tries, ms. @default 1 s */
  readonly pause?: number;
  /**
   * Maximum time that one operation on one resource waits for AWS, ms. @default 90 minutes, more than any create needs
   */
  readonly limit?: number;
  /** Called before each call to AWS, for a trace. */
  readonly onCall?: (call: AwsCall) => void;
}

const defaultRetryBudget = 120_000;
const defaultPause = 1_000;
const defaultLimit = 90 * 60_000;
/** The official provider's SDK makes 25 attempts per call; on one machine, a missing server stays missing. */
const defaultAttempts = 3;

/** The session of an engine that has configured the provider. */
export class Session {
  readonly config: ProviderConfig;
  readonly region: string;
  readonly accountId: string;
  readonly #options: ProviderOptions;
  readonly #connection: Connection;
  readonly #clients = new Map<string, Clients>();

  private constructor(options: ProviderOptions, config: ProviderConfig, connection: Connection, accountId: string) {
    this.#options = options;
    this.config = config;
    this.region = config.region ?? options.region;
    this.#connection = connection;
    this.accountId = accountId;
  }

  /**
   * Reads the configuration and asks AWS for the caller's identity. Throws ProviderError for an account that is not
   * allowed.
   */
  static async open(options: ProviderOptions, values: Values): Promise<Session> {
    const config = readConfig(values);
    const { accessKey, secretKey, token } = config;
    const connection: Connection = {
      endpoint: options.endpoint,
      endpoints: config.endpoints,
      credentials:
        accessKey === undefined || secretKey === undefined
          ? options.credentials
          : {
              accessKeyId: accessKey,
              secretAccessKey: secretKey,
              ...(token === undefined ? {} : { sessionToken: token }),
            },
      pathStyle: config.pathStyle,
      attempts: config.retries === undefined ? defaultAttempts : config.retries + 1,
      onCall: options.onCall,
    };
    if (options.previewAccountId !== undefined) {
      checkAccount(config, options.previewAccountId);
      return new Session(options, config, connection, options.previewAccountId);
    }
    const clients = new Clients(connection, config.region ?? options.region);
    try {
      const { Account } = await clients.call("sts", "GetCallerIdentity", {});
      const account = String(Account);
      checkAccount(config, account);
      return new Session(options, config, connection, account);
    } finally {
      clients.destroy();
    }
  }

  /** Returns the caller's identity. */
  async caller(): Promise<Members> {
    if (this.#options.previewAccountId === undefined) {
      return await this.clients(this.region).call("sts", "GetCallerIdentity", {});
    }
    const { partition } = partitionOf(this.region);
    return { Account: this.accountId, Arn: `arn:${partition}:iam::${this.accountId}:root`, UserId: this.accountId };
  }

  /** Returns the clients of a region. Throws ProviderError in a session for previews only. */
  clients(region: string): Clients {
    if (this.#options.previewAccountId !== undefined) {
      throw new ProviderError("This provider only makes previews without AWS: deploy with another one");
    }
    const clients = this.#clients.get(region) ?? new Clients(this.#connection, region);
    this.#clients.set(region, clients);
    return clients;
  }

  /** Returns the context of one operation on one resource; `signal` ends its waits. */
  scope(region: unknown, urn: string, signal: AbortSignal, log: EngineLog | undefined): Scope {
    const where = typeof region === "string" && region !== "" ? region : this.region;
    const limit = this.#options.limit ?? defaultLimit;
    const started = performance.now();
    return {
      aws: this.clients(where),
      region: where,
      accountId: this.accountId,
      partition: partitionOf(where).partition,
      retryBudget: this.#options.retryBudget ?? defaultRetryBudget,
      created: () => undefined,
      pause: async () => {
        await sleep(this.#options.pause ?? defaultPause, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) throw new CancelledError("The engine stopped this operation before AWS was done with it");
        if (performance.now() - started > limit) {
          throw new ProviderError(
            `AWS was not done with ${urn} after ${limit / 60_000} min. Check its state, and run the update again`,
          );
        }
      },
      progress: (message) => log?.status(urn, message),
      resolvePath: (path) => this.#resolvePath(path),
    };
  }

  /** Closes all connections to AWS. */
  close(): void {
    for (const clients of this.#clients.values()) clients.destroy();
    this.#clients.clear();
  }

  #resolvePath(path: string): string {
    if (isAbsolute(path)) return path;
    if (this.#options.programDirectory !== undefined) return join(this.#options.programDirectory, path);
    throw new ProviderError(
      `The asset's path ${path} is relative, and the provider does not know the program's folder: use an absolute path`,
    );
  }
}

function checkAccount(config: ProviderConfig, account: string): void {
  const { allowedAccountIds: allowed, forbiddenAccountIds: forbidden } = config;
  if (forbidden.includes(account)) {
    throw new ProviderError(
      `AWS account ID not allowed: ${account} is one of aws:forbiddenAccountIds (${forbidden.join(", ")}): choose another stack or other credentials`,
    );
  }
  if (allowed.length > 0 && !allowed.includes(account)) {
    throw new ProviderError(
      `AWS account ID not allowed: ${account} is none of aws:allowedAccountIds (${allowed.join(", ")}): choose the stack that belongs to this account, or the credentials that belong to this stack`,
    );
  }
}
