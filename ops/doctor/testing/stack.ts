/** A stack for tests that causes no finding. */
import type { StackFile } from "../stack-file.ts";
import { accountId } from "./fake-aws.ts";

/** Returns the stack, with some properties changed. */
export function stackFile(changes: Partial<StackFile> = {}): StackFile {
  return {
    name: "dev",
    file: "Pulumi.dev.yaml",
    root: import.meta.dirname,
    values: {},
    region: "us-east-1",
    profile: undefined,
    allowedAccountIds: [accountId],
    forbiddenAccountIds: [],
    assumesRole: false,
    secretsProvider: undefined,
    hasPassphrase: false,
    ...changes,
  };
}
