/**
 * Finds the reason of a failed job in a failure object. AWS does not document its form: JSON or text, with the model's
 * message somewhere inside.
 */
import { plural } from "./format.ts";

/** Maximum length of a reason that is shown, characters. */
const longest = 600;

/** Members in which services and model servers put their messages, most specific first. */
const tellingMembers = [
  "error",
  "errorMessage",
  "ErrorMessage",
  "message",
  "Message",
  "failureReason",
  "reason",
  "detail",
];

/**
 * Refusal of the option `timeout` by an older handler: the client always sends the option, and callers may not know it.
 */
const unknownTimeout = /'timeout=\d+' is no option/;
const olderHandler = "The endpoint's handler is older than this client: deploy the stack again.";

/** Returns the reason in a failure object's body, on one line; never empty, never throws. */
export function reasonOf(body: string): string {
  const text = body.trim();
  if (text === "") return "the failure object is empty: see the endpoint's log";
  const reason = inJson(text) ?? inText(text) ?? text;
  const line = reason.replaceAll(/\s+/g, " ").trim();
  if (unknownTimeout.test(line)) return `${olderHandler} (${line.slice(0, longest / 2)}…)`;
  return line.length > longest
    ? `${line.slice(0, longest)}… (the first ${longest} of ${plural(line.length, "character")})`
    : line;
}

/** Client error statuses for which another try may succeed: Request Timeout, Too Many Requests. */
const passingStatuses = [408, 429];

/**
 * Tells whether the model refused its input (status 4xx), so that it would refuse the same video again. The handler and
 * TorchServe put their status into `code`; SageMaker's sentence has it in brackets.
 */
export function isBadInput(failure: string): boolean {
  const status = statusIn(failure);
  return status !== undefined && status >= 400 && status < 500 && !passingStatuses.includes(status);
}

function statusIn(failure: string): number | undefined {
  const [, inSentence] = /\b(?:client|server) error \((\d{3})\)/.exec(failure) ?? [];
  const [, inBody] = /"code\\?"\s*:\s*(\d{3})\b/.exec(failure) ?? [];
  const found = inSentence ?? inBody;
  return found === undefined ? undefined : Number(found);
}

/** Tells whether {@link reasonOf} cut the reason. */
export function isShortened(reason: string): boolean {
  return /… \(the first \d+ of \d+ characters\)$/.test(reason);
}

function inJson(text: string): string | undefined {
  try {
    return inValue(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function inValue(value: unknown): string | undefined {
  if (typeof value === "string") return reasonIn(value);
  if (typeof value !== "object" || value === null) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  for (const name of tellingMembers) {
    const found = inValue(members[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns the string or, if SageMaker has wrapped the model's answer in a sentence, the model's message. */
function reasonIn(text: string): string | undefined {
  return text.trim() === "" ? undefined : (inText(text) ?? text);
}

/**
 * Matches `Received client error (400) from primary with message "{"error": "…"}". See …`: the model's JSON inside a
 * sentence, quoted or not.
 */
function inText(text: string): string | undefined {
  const start = text.indexOf("{");
  const end = text.lastIndexOf("}");
  if (start === -1 || end < start) return undefined;
  const inner = text.slice(start, end + 1);
  return inJson(inner) ?? inJson(inner.replaceAll('\\"', '"'));
}
