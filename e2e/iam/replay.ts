/** Runs `emulator/iam/replay.py`: the emulator's decisions about calls, without an emulator. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { accountId, region } from "../../infra/testing/registrations.ts";
import { ministackPython, repoRoot } from "../../tools/paths.mjs";
import type { Statement, AccountPolicies } from "./account-policies.ts";

/** Who makes a call: a role's session, a service, the holder of a token, a user of another account, or a request without a signature. */
export type Caller =
  | { readonly role: string }
  | { readonly service: string; readonly sourceArn?: string; readonly sourceAccount?: string }
  | { readonly provider: string; readonly audience: string; readonly subject: string }
  | { readonly user: string }
  | { readonly anonymous: "true" };

/** A call with everything that a decision about it depends on, except policies. */
export interface Call {
  readonly caller: Caller;
  readonly action: string;
  /** An ARN, or "*". */
  readonly resource: string;
  /** Condition keys in lower case, with their values. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** A change of one statement, or the removal of a role's boundary. */
export type Mutant =
  | {
      readonly document: string;
      /** Index of the statement. */
      readonly statement: number;
      /** The changed statement; null removes it. */
      readonly replacement: Statement | null;
      /** True if the change takes permissions away, false if it gives some. */
      readonly narrows: boolean;
    }
  | { readonly role: string; readonly narrows: false };

/** Answers to a batch. */
export interface Answers {
  /** For each call: is it allowed? */
  readonly allowed: readonly boolean[];
  /** For each mutant: the index of a call whose decision it reverses; null if there is none. */
  readonly found: readonly (number | null)[];
}

const answers = z.object({ allowed: z.array(z.boolean()), found: z.array(z.int().nullable()) });

/** Time limit, ms. */
const limit = 5 * 60_000;

/**
 * Decides about calls, and finds for each mutant a call whose decision it reverses: an allowed one that becomes denied if
 * the mutant narrows, otherwise a denied one that becomes allowed.
 * @throws Error if the program fails or takes more than 5 minutes
 */
export async function replay(
  account: AccountPolicies,
  calls: readonly Call[],
  mutants: readonly Mutant[],
): Promise<Answers> {
  const child = spawn(ministackPython, [join(repoRoot, "emulator", "iam", "replay.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    timeout: limit,
  });
  const [output, errors, closed] = [text(child.stdout), text(child.stderr), once(child, "close")];
  child.stdin.on("error", () => undefined);
  child.stdin.end(JSON.stringify({ account: accountId, region, ...account, calls, mutants }));
  const [status] = (await closed) as [number | null];
  if (status !== 0) throw new Error(`emulator/iam/replay.py failed (${status ?? "killed"}): ${await errors}`);
  return answers.parse(JSON.parse(await output));
}
