/**
 * Makes failed tests printable: mocha prints errors unchanged, and their text may come from a video, the model or AWS.
 */
import type { Runner } from "mocha";
import { printableText } from "../lib/printable.ts";
import { remedyFor } from "../lib/remedies.ts";

/** Makes the errors of a run printable. The reporters `spec` and `json` print them when the run has ended. */
export function showPrintable(runner: Runner): void {
  runner.on("fail", (_test, error: unknown) => {
    makePrintable(error);
  });
}

/** Members of an error that reporters print. */
const shown = ["message", "stack", "actual", "expected"] as const;

function makePrintable(error: unknown): void {
  if (!(error instanceof Error)) return;
  const remedy = remedyFor(error);
  if (remedy !== undefined) {
    const message = `${error.message} (${remedy})`;
    // The stack has the message a second time: the reporter `spec` leaves it out there if it is the same.
    error.stack = (error.stack ?? "").replace(error.message, () => message);
    error.message = message;
  }
  const members = error as Partial<Record<(typeof shown)[number], unknown>>;
  for (const name of shown) {
    const text = members[name];
    if (typeof text === "string") members[name] = printableText(text);
  }
  makePrintable(error.cause);
}
