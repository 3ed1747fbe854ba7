/** What the doctor finds out: one sentence each, and what to do where something is to be done. */
import { remedyFor } from "../../lib/remedies.ts";

/** How serious a finding is: `problem` keeps a deployment from working, `warning` is to be looked at or could not be checked. */
export type Status = "ok" | "warning" | "problem";

/** One finding. */
export interface Finding {
  /** What was looked at: `account`, `quota`, … */
  readonly check: string;
  readonly status: Status;
  /** What was found. */
  readonly what: string;
  /** What to do about it; of every finding that is not ok. */
  readonly remedy?: string;
}

/** Nothing is to be done. */
export function ok(check: string, what: string): Finding {
  return { check, status: "ok", what };
}

/** Something is to be looked at. */
export function warning(check: string, what: string, remedy: string): Finding {
  return { check, status: "warning", what, remedy };
}

/** A deployment would fail, or would not work. */
export function problem(check: string, what: string, remedy: string): Finding {
  return { check, status: "problem", what, remedy };
}

/** Who could say did not answer. That is never taken for an ok. */
export function unchecked(check: string, why: unknown, remedy: string): Finding {
  const reason = typeof why === "string" ? why : reasonOf(why);
  const first = isNamed(why, "CredentialsProviderError") ? "Sign in to AWS first." : remedy;
  return warning(check, `could not be checked: ${reason}`, machineRemedy(why) ?? first);
}

/** What to do about an error of the machine or the network, as a sentence; undefined if the reason is another. */
export function machineRemedy(error: unknown): string | undefined {
  const remedy = remedyFor(error);
  if (remedy === undefined) return undefined;
  const sentence = `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`;
  return sentence.endsWith("?") ? sentence : `${sentence}.`;
}

/** An error in one line; the connection errors of Node have their words in a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const words = error.message === "" ? (code ?? error.name) : error.message;
  const isNamed = error.name === "Error" || words.includes(error.name);
  return (isNamed ? words : `${error.name}: ${words}`).replaceAll(/\s*\n\s*/g, " ");
}

/** Whether an AWS SDK's error has one of some names. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}
