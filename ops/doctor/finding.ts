/** The doctor's findings: one sentence each, with a remedy if something has to be done. */
import { describe } from "../../lib/errors.ts";
import { remedyFor } from "../../lib/remedies.ts";

/** Severity of a finding: a `problem` prevents a working deployment, a `warning` needs attention or could not be checked. */
export type Status = "ok" | "warning" | "problem";

/** One finding. */
export interface Finding {
  /** Name of the check: `account`, `quota`, … */
  readonly check: string;
  readonly status: Status;
  /** The result. */
  readonly what: string;
  /** The remedy; set for every finding that is not ok. */
  readonly remedy?: string;
}

/** Returns the constructors of a check's findings. */
export function findingsOf(check: string) {
  const warning = (what: string, remedy: string): Finding => ({ check, status: "warning", what, remedy });
  return {
    /** A finding without a remedy. */
    ok: (what: string): Finding => ({ check, status: "ok", what }),
    /** A finding that needs attention. */
    warning,
    /** A finding for which a deployment would fail, or would not work. */
    problem: (what: string, remedy: string): Finding => ({ check, status: "problem", what, remedy }),
    /** A finding of a check without an answer. It is never taken for an ok. */
    unchecked: (why: unknown, remedy: string): Finding => {
      const reason = typeof why === "string" ? why : describe(why);
      const first = isNamed(why, "CredentialsProviderError") ? "Sign in to AWS first." : remedy;
      return warning(`could not be checked: ${reason}`, machineRemedy(why) ?? first);
    },
  };
}

/** Returns the remedy for an error of the machine or the network, as a sentence; undefined for another cause. */
export function machineRemedy(error: unknown): string | undefined {
  const remedy = remedyFor(error);
  if (remedy === undefined) return undefined;
  const sentence = `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`;
  return sentence.endsWith("?") ? sentence : `${sentence}.`;
}

/** Checks if an error is an AWS SDK's error with one of some names. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
