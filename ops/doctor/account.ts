/** Checks the credentials: their account, and that the stack may be deployed there. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { closing } from "../../lib/closing.ts";
import { describe } from "../../lib/errors.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { findingsOf, isNamed, machineRemedy } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { StackFile } from "./stack-file.ts";

const { ok, problem, unchecked, warning } = findingsOf("account");

/** Asks AWS for the credentials' account and compares it with the accounts that the stack allows. */
export async function checkAccount(stack: StackFile, aws: AwsAccess): Promise<Finding> {
  using client = closing(new STSClient(aws));
  try {
    const { Account = "", Arn = "" } = await client.send(new GetCallerIdentityCommand({}));
    return resource(stack, Account, Arn);
  } catch (error) {
    return problem(`no account: ${describe(error)}`, remedyFor(error, stack, aws.region));
  }
}

function remedyFor(error: unknown, { name }: StackFile, region: string): string {
  if (name === "local") {
    return 'Start the emulator and set its address: npm run -s local:up, then eval "$(npm run -s local:env)".';
  }
  const ofMachine = machineRemedy(error);
  if (ofMachine !== undefined) return ofMachine;
  if (isNamed(error, "InvalidClientTokenId", "UnrecognizedClientException")) {
    return `Sign in again (aws sso login, AWS_PROFILE), or enable the region ${region} for the account.`;
  }
  return "Sign in to AWS: aws configure sso, aws sso login, or AWS_PROFILE. aws sts get-caller-identity shows the identity.";
}

function resource(stack: StackFile, account: string, arn: string): Finding {
  const { name, file, allowedAccountIds: allowed, forbiddenAccountIds: forbidden } = stack;
  if (stack.assumesRole) {
    return unchecked(
      `the stack's provider assumes a role, from ${arn}`,
      `Check that the role's account is the intended one: aws sts assume-role.`,
    );
  }
  if (forbidden.includes(account) || (allowed.length > 0 && !allowed.includes(account))) {
    const wanted = allowed.length > 0 ? `allows only ${allowed.join(", ")}` : "forbids it";
    return problem(
      `the credentials are of account ${account} (${arn}), and ${file} ${wanted}`,
      `Use credentials of the intended account (AWS_PROFILE), or correct aws:allowedAccountIds in ${file}.`,
    );
  }
  if (allowed.length === 0) {
    return warning(
      `${account} (${arn}); ${file} accepts any account`,
      `Set the account: pulumi config set --path 'aws:allowedAccountIds[0]' ${account} --type string --stack ${name}`,
    );
  }
  return ok(`${account} (${arn})`);
}
