/** Checks that the key or passphrase of the stack's secrets is available. */
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { closing } from "../../lib/closing.ts";
import type { AwsAccess } from "./aws-clients.ts";
import type { Backend } from "./backend.ts";
import { findingsOf, isNamed } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { StackFile } from "./stack-file.ts";

const { ok, problem, unchecked, warning } = findingsOf("secrets");

/** Determines the encryption of the stack's secrets, from the stack's file and the backend, and asks KMS for a key's state. */
export async function checkSecrets(
  stack: StackFile,
  backend: Backend | undefined,
  aws: AwsAccess,
  env: NodeJS.ProcessEnv,
): Promise<Finding> {
  const { secretsProvider, hasPassphrase, file } = stack;
  if (secretsProvider?.startsWith("awskms:") === true && URL.canParse(secretsProvider))
    return keyFinding(secretsProvider, aws);
  if (hasPassphrase || secretsProvider === "passphrase") {
    // An empty one is a passphrase, too.
    if ((env["PULUMI_CONFIG_PASSPHRASE"] ?? env["PULUMI_CONFIG_PASSPHRASE_FILE"]) !== undefined) {
      return ok("by a passphrase, which the environment has");
    }
    return problem(
      `${file} has secrets encrypted by a passphrase, and the environment has none`,
      stack.name === "local"
        ? 'eval "$(npm run -s local:env)"'
        : "Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE.",
    );
  }
  if (secretsProvider !== undefined && secretsProvider !== "default") {
    const [kind = ""] = secretsProvider.split(":");
    return unchecked(`the doctor does not support ${kind} keys`, "Try pulumi stack --show-secrets.");
  }
  if (backend === undefined) return unchecked("Pulumi is not logged in", "Log in first.");
  if (/^https?:/.test(backend.url)) return ok("by Pulumi's service");
  return warning(
    `${file} sets no key, so ${backend.url} would ask for a passphrase`,
    `Choose a key when you create the stack: pulumi stack init ${stack.name} --secrets-provider "awskms:///KEY_ARN?region=${aws.region}"`,
  );
}

/** Parses `awskms:///ARN`, `awskms://KEY_ID`, `awskms://alias/NAME`, each with ?region= (Pulumi, "Secrets"). */
async function keyFinding(address: string, aws: AwsAccess): Promise<Finding> {
  const { host, pathname, searchParams } = new URL(address);
  const KeyId = host === "" ? pathname.slice(1) : `${host}${pathname}`;
  const region = searchParams.get("region") ?? aws.region;
  const profile = searchParams.get("profile") ?? searchParams.get("aws_profile");
  using client = closing(new KMSClient({ ...aws, region, ...(profile === null ? {} : { profile }) }));
  try {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
    const state = KeyMetadata?.KeyState ?? "in no state";
    if (state === "Enabled") return ok(`KMS key ${KeyId} in ${region}`);
    return problem(
      `KMS key ${KeyId} in ${region} is ${state}`,
      "Enable it, or cancel its deletion: without it the stack's secrets cannot be read.",
    );
  } catch (error) {
    if (isNamed(error, "NotFoundException")) {
      return problem(
        `there is no KMS key ${KeyId} in ${region}`,
        "Correct secretsprovider's key or its ?region=, or choose another: pulumi stack change-secrets-provider.",
      );
    }
    return unchecked(error, `Grant yourself kms:DescribeKey on ${KeyId}, or try pulumi stack --show-secrets.`);
  }
}
