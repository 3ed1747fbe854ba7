/** Resources that GitHub's workflows need to deploy to an account: an identity provider, roles, keys, and storage for state. */
import "../native-stack-traces.ts";
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "../account.ts";
import { boundaryPermissions } from "./boundary.ts";
import { readConfig } from "./config.ts";
import { EnvironmentAccess } from "./environment-access.ts";
import { EnvironmentKey } from "./environment-key.ts";
import { environmentsNamed, sharedAccountWarning } from "./environments.ts";
import { GitHubIdentity } from "./github-identity.ts";
import { dataServices } from "../iam/key-policy.ts";
import { policyDocument } from "../iam/policy-document.ts";
import { endpointLogs } from "./scope.ts";
import { StateBackend } from "./state-backend.ts";

const config = readConfig();
const account = currentAccount();
const deployed = environmentsNamed(config.environments);
const warning = sharedAccountWarning(deployed);
if (warning !== undefined) void pulumi.log.warn(warning);

const identity = new GitHubIdentity("github", { ...config, account, repository: config });

/** The repository variables that the workflows read. */
export const repositoryVariables: Record<string, pulumi.Input<string>> = { AWS_REGION: account.region };
/** By environment: for `pulumi stack init --secrets-provider`. */
export const secretsProviders: Record<string, pulumi.Output<string>> = {};
/** By environment: for `pulumi config set permissionsBoundary` of its stacks. */
export const permissionsBoundaries: Record<string, pulumi.Output<string>> = {};
/** By environment: for `pulumi config set encryptionKeyArn` of its stacks. */
export const encryptionKeyArns: Record<string, pulumi.Output<string>> = {};

for (const environment of deployed) {
  const name = `async-video-${environment.name}`;
  const key = new EnvironmentKey(`${name}-data`, {
    account,
    environment,
    alias: name,
    description: `Videos, results and notifications of async-video-inference, environment ${environment.name}`,
    services: dataServices(account, endpointLogs({ account, environment })),
  });
  const scope = { account, environment, keyArn: key.arn };
  const boundary = new iam.Policy(`${name}-boundary`, {
    policy: policyDocument(boundaryPermissions(scope, config.sourceBuckets)),
  });
  const state = new StateBackend(`${name}-state`, { account, environment });
  const access = new EnvironmentAccess(name, { ...scope, identity, state, boundaryArn: boundary.arn });

  secretsProviders[environment.name] = state.secretsProvider;
  permissionsBoundaries[environment.name] = boundary.arn;
  encryptionKeyArns[environment.name] = key.arn;
  const { variables } = environment;
  repositoryVariables[`${variables}_DEPLOY_ROLE`] = access.deployRoleArn;
  repositoryVariables[`${variables}_BACKEND_URL`] = state.url;
  if (access.previewRoleArn !== undefined) repositoryVariables[`${variables}_PREVIEW_ROLE`] = access.previewRoleArn;
  if (environment.name === "ephemeral") repositoryVariables["EPHEMERAL_SECRETS_PROVIDER"] = state.secretsProvider;
}
