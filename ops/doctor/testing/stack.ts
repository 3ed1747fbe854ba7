/** For tests: a stack in which everything is as it should be. */
import type { StackFile } from "../stack-file.ts";
import { accountId } from "./fake-aws.ts";

/** The stack, with some of it another way. */
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
