/** One engine's session: its configuration, its clients, and the contexts of its operations. */
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Clients } from "./clients.ts";
import type { Connection } from "./clients.ts";
import { readConfig } from "./config.ts";
import type { ProviderConfig } from "./config.ts";
import type { EngineLog } from "./engine-log.ts";
import { CancelledError, ProviderError } from "./errors.ts";
import { partitionOf } from "./partitions.ts";
import type { Members } from "./mapping.ts";
import type { Scope } from "./resource.ts";
import type { Values } from "./values.ts";

/** Options for the provider. */
export interface ProviderOptions extends Connection {
  /** For previews without any AWS: the account id. Checks, differences and functions work; calls to AWS are refused. */
  readonly previewAccountId?: string;
  /** Default region of programs. */
  readonly region: string;
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
   * Maximum time that one operation on one resource waits for AWS, ms. @default 1 hour, the official provider's limit for
   * an endpoint
   */
  readonly limit?: number;
}

/** The session of an engine that has configured the provider. */
export type Session = Awaited<ReturnType<typeof openSession>>;

/**
 * Reads the configuration and asks AWS for the caller's identity.
 * @throws {ProviderError} for an account that is not allowed
 */
export async function openSession(options: ProviderOptions, values: Values) {
  const { limit = 60 * 60_000, pause = 1_000, retryBudget = 120_000 } = options;
  const config = readConfig(values);
  const region = config.region ?? options.region;
  const caller = await callerOf(options, region);
  const accountId = String(caller["Account"]);
  checkAccount(config, accountId);
  const clients = new Map<string, Clients>();
  const clientsIn = (where: string): Clients => {
    if (options.previewAccountId !== undefined) {
      throw new ProviderError("This provider only makes previews without AWS: deploy with another one");
    }
    const found = clients.get(where) ?? new Clients(options, where);
    clients.set(where, found);
    return found;
  };
  return {
    config,
    region,
    /** The caller's identity: `Account`, `Arn`, `UserId`. */
    caller,
    /** Returns the context of one operation on one resource; `signal` ends its waits. */
    scope(given: unknown, urn: string, signal: AbortSignal, log: EngineLog | undefined): Scope {
      const where = typeof given === "string" && given !== "" ? given : region;
      const started = performance.now();
      return {
        aws: clientsIn(where),
        region: where,
        accountId,
        partition: partitionOf(where).partition,
        tags: config.tags,
        retryBudget,
        pause: async () => {
          await sleep(pause, undefined, { signal }).catch(() => undefined);
          if (signal.aborted) throw new CancelledError("The engine stopped this operation before AWS was done with it");
          if (performance.now() - started > limit) {
            throw new ProviderError(
              `AWS was not done with ${urn} after ${limit / 60_000} min. Check its state, and run the update again`,
            );
          }
        },
        progress: (message) => log?.status(urn, message),
        resolvePath: (path) => resolvePath(path, options.programDirectory),
      };
    },
    /** Closes all connections to AWS. */
    close(): void {
      for (const each of clients.values()) each.destroy();
      clients.clear();
    },
  };
}

function resolvePath(path: string, programDirectory: string | undefined): string {
  if (isAbsolute(path)) return path;
  if (programDirectory !== undefined) return join(programDirectory, path);
  throw new ProviderError(
    `The asset's path ${path} is relative, and the provider does not know the program's folder: use an absolute path`,
  );
}

async function callerOf(options: ProviderOptions, region: string): Promise<Members> {
  const { previewAccountId: id } = options;
  if (id !== undefined) return { Account: id, Arn: `arn:${partitionOf(region).partition}:iam::${id}:root`, UserId: id };
  const clients = new Clients(options, region);
  try {
    return await clients.call("sts", "GetCallerIdentity", {});
  } finally {
    clients.destroy();
  }
}

function checkAccount({ allowedAccountIds: allowed, forbiddenAccountIds: forbidden }: ProviderConfig, account: string) {
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
