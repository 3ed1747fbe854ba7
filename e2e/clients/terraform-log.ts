/** Reads the calls of Terraform's AWS provider from its log. */
import type { Call } from "./calls.ts";

/** The start of a record. The fields of a record may have several lines. */
const start = /^(?=\d{4}-\d\d-\d\dT[\d:.]+Z \[)/m;

/** Returns the calls with their outcomes, from a log of the level DEBUG (TF_LOG_PROVIDER). */
export function terraformCalls(log: string): Call[] {
  return log.split(start).flatMap((record) => {
    if (!/^.*HTTP Response Received/.test(record)) return [];
    const [service, operation, status] = ["rpc.service", "rpc.method", "http.status_code"].map((name) =>
      fieldOf(record, name),
    );
    if (service === undefined || operation === undefined || status === undefined) return [];
    const failed = Number(status) >= 400;
    const [message = ""] = /The emulator does not implement [^<"]*/.exec(record) ?? [];
    return [{ service, operation, ...(failed ? { code: status, message } : {}) }];
  });
}

/** Returns a field of a record; its value is in quotation marks if it has spaces. */
function fieldOf(record: string, name: string): string | undefined {
  const [, quoted, plain] = new RegExp(`(?:^|\\s)${name.replace(".", "\\.")}=(?:"([^"]*)"|(\\S+))`).exec(record) ?? [];
  return quoted ?? plain;
}
