/** What an account needs before GitHub's workflows can deploy to it: who they are, what they may do, and where state is kept. */
import * as iam from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { Account } from "./account.ts";
import { boundaryPermissions } from "./boundary.ts";
import { readConfig } from "./config.ts";
import { EnvironmentAccess } from "./environment-access.ts";
import { environments } from "./environments.ts";
import { GitHubIdentity } from "./github-identity.ts";
import { policyDocument } from "./policy-document.ts";
import { StateBackend } from "./state-backend.ts";

const config = readConfig();
const account = new Account();
const deployed = config.environments.map((name) => environments[name]);

const identity = new GitHubIdentity("github", { ...config, account, repository: config });

const state = new StateBackend("async-video-state", { account, environments: deployed });

const boundary = new iam.Policy("async-video-boundary", {
  policy: policyDocument(
    boundaryPermissions(
      account,
      deployed.map(({ stackTag }) => stackTag),
      config.sourceBuckets,
    ),
  ),
});

const variables: Record<string, pulumi.Input<string>> = { AWS_REGION: account.region };
for (const environment of deployed) {
  const access = new EnvironmentAccess(`async-video-${environment.name}`, {
    account,
    environment,
    identity,
    state,
    boundaryArn: boundary.arn,
  });
  variables[`${environment.variables}_DEPLOY_ROLE`] = access.deployRoleArn;
  variables[`${environment.variables}_BACKEND_URL`] = state.urlFor(environment);
  if (access.previewRoleArn !== undefined) variables[`${environment.variables}_PREVIEW_ROLE`] = access.previewRoleArn;
  if (environment.name === "ephemeral") variables["EPHEMERAL_SECRETS_PROVIDER"] = state.secretsProvider;
}

/** The repository variables that the workflows read. */
export const repositoryVariables = variables;
/** For `pulumi stack init --secrets-provider`. */
export const secretsProvider = state.secretsProvider;
/** For `pulumi config set permissionsBoundary` of the stacks that are deployed here. */
export const permissionsBoundary = boundary.arn;
