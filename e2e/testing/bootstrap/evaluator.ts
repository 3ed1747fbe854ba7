/** Evaluates policies with MiniStack's IAM evaluator (`evaluate.py`). */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";
import { ministackPython } from "../../../tools/paths.mjs";

/** A resource in a question. */
export interface Resource {
  readonly arn: string;
  /** Values of the condition keys that depend on the resource; null for a key that the request lacks. */
  readonly context: Readonly<Record<string, string | null>>;
  /** Name of the policy of a KMS key; null for other resources. */
  readonly keyPolicy: string | null;
}

/** A question: which of the actions may a role take on which of the resources? */
export interface Question {
  /** ARN of the role. */
  readonly principal: string;
  /** Names of its policies. */
  readonly policies: readonly string[];
  /** Name of its permissions boundary; null if it has none. */
  readonly boundary: string | null;
  readonly actions: readonly string[];
  readonly resources: readonly Resource[];
  /** Values of other condition keys; null for a key that the request lacks. */
  readonly context: Readonly<Record<string, string | null>>;
  /** Condition keys whose values the caller chooses: an Allow applies for some value, a Deny can be avoided. */
  readonly free: readonly string[];
}

/** Documents by name, and questions about them. */
export interface Batch {
  readonly policies: Readonly<Record<string, unknown>>;
  readonly keyPolicies: Readonly<Record<string, unknown>>;
  readonly questions: readonly Question[];
}

const answers = z.array(z.array(z.tuple([z.string(), z.string()])));

/** Time limit for a batch, in milliseconds. */
const limit = 60_000;

/**
 * Evaluates a batch; returns the allowed pairs of action and ARN for each question.
 * @throws Error if a document or a question has anything that the evaluator does not support, or if it takes more than 60 s
 */
export async function evaluate(batch: Batch): Promise<(readonly [action: string, arn: string])[][]> {
  const script = join(import.meta.dirname, "evaluate.py");
  const text = await new Promise<string>((resolve, reject) => {
    const child = execFile(
      ministackPython,
      [script],
      { timeout: limit, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`The evaluator failed: ${stderr.trim() || error.message}`));
      },
    );
    child.stdin?.end(JSON.stringify(batch));
  });
  return answers.parse(JSON.parse(text));
}
