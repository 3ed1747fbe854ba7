/**
 * Compares the permissions of the deployment role with the provider's calls during a stack's whole life: each action on the resources
 * of each call. The environment's stack is the emulator's, `local`.
 */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { CreatePolicyCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { accountId, region, registrationsOf } from "../../infra/testing/registrations.ts";
import type { Registrations } from "../../infra/testing/registrations.ts";
import type { AwsCall } from "../../emulator/provider/clients.ts";
import { startProvider } from "../../emulator/provider/server.ts";
import type { RunningProvider } from "../../emulator/provider/server.ts";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { currentAccount } from "../../infra/account.ts";
import { EnvironmentAccess } from "../../infra/bootstrap/environment-access.ts";
import { environments } from "../../infra/bootstrap/environments.ts";
import { GitHubIdentity } from "../../infra/bootstrap/github-identity.ts";
import { StateBackend } from "../../infra/bootstrap/state-backend.ts";
import { startEngineTestEnvironment } from "../testing/environment.ts";
import type { EngineTestEnvironment } from "../testing/environment.ts";
import { evaluate } from "../testing/bootstrap/evaluator.ts";
import { permissionsOf } from "../testing/bootstrap/permissions.ts";
import type { Permission, StackFacts } from "../testing/bootstrap/permissions.ts";
import { policiesOf } from "../../infra/bootstrap/testing/registered.ts";

/** For the calls on scheduled actions. */
const warmWindow = '{"days":"SUN","start":"01:00","end":"02:00","timeZone":"Etc/UTC","instances":1}';

const signal = new AbortController().signal;
const step = { detail: () => undefined };

/** Operations that need no permission. */
const unrestricted = ["GetCallerIdentity"];

describe("the deployment role", () => {
  let environment: EngineTestEnvironment;
  let aws: EngineTestEnvironment["aws"];
  let provider: RunningProvider;
  let facts: StackFacts;
  let registrations: Registrations;
  let calls: AwsCall[] = [];

  before(async () => {
    environment = await startEngineTestEnvironment(240);
    ({ aws } = environment);
    provider = await startProvider({
      endpoint: aws.url,
      region: aws.region,
      credentials: aws.credentials,
      programDirectory: repoRoot,
      onCall: (call) => calls.push(call),
    });
    facts = { ...(await keyAndBoundary()), region: aws.region, accountId: aws.accountId, stack: "local" };
    const { keyArn, boundaryArn } = facts;
    ({ registrations } = await registrationsOf(
      () => {
        const account = currentAccount();
        const environment = { ...environments.dev, stack: "local" };
        const identity = new GitHubIdentity("github", { account, repository: { repository: "team/videos" } });
        const state = new StateBackend("async-video-dev-state", { account, environment });
        return new EnvironmentAccess("async-video-dev", { account, environment, keyArn, identity, state, boundaryArn });
      },
      { project: "async-video-bootstrap" },
    ));
  });

  after(async () => {
    await provider.stop();
    await environment[Symbol.asyncDispose]();
  });

  /** Creates the encryption key and the permissions boundary that the bootstrap creates for an environment. */
  async function keyAndBoundary(): Promise<{ keyArn: string; boundaryArn: string }> {
    const client = { endpoint: aws.url, region: aws.region, credentials: aws.credentials };
    const [kms, iam] = [new KMSClient(client), new IAMClient(client)];
    const all = { Effect: "Allow", Action: "*", Resource: "*" };
    const everything = { Version: "2012-10-17", Statement: [all] };
    const principals = [{ AWS: aws.accountId }, { Service: `logs.${aws.region}.amazonaws.com` }];
    const keyPolicy = { ...everything, Statement: principals.map((Principal) => ({ ...all, Principal })) };
    const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Policy: JSON.stringify(keyPolicy) }));
    const { Policy: policy } = await iam.send(
      new CreatePolicyCommand({ PolicyName: "async-video-dev-boundary", PolicyDocument: JSON.stringify(everything) }),
    );
    kms.destroy();
    iam.destroy();
    assert.ok(key?.Arn !== undefined && policy?.Arn !== undefined);
    return { keyArn: key.Arn, boundaryArn: policy.Arn };
  }

  /** Opens the stack with the bootstrap's key and boundary. `change` edits the text of its config file. */
  async function stack(change: (config: string) => string = (config) => config): Promise<Deployment> {
    const configFile = join(environment.folder, "Pulumi.local.yaml");
    const config = await readFile(join(repoRoot, "Pulumi.local.yaml"), "utf8");
    const settings = [
      `  async-video-inference:encryptionKeyArn: ${facts.keyArn}`,
      `  async-video-inference:permissionsBoundary: ${facts.boundaryArn}`,
      `  async-video-inference:warmWindow: '${warmWindow}'`,
    ];
    const local = config.replace("model/dist/model.tar.gz", environment.artifact);
    await writeFile(configFile, change(`${local.trimEnd()}\n${settings.join("\n")}\n`));
    return await Deployment.openAt({
      stackName: "local",
      projectFolder: repoRoot,
      configFile,
      paths: environment.paths,
      providerPort: provider.port,
      environment: awsEnvironment(aws),
    });
  }

  const operations = () => new Set(calls.map(({ operation }) => operation));

  /** Returns the permissions that a role lacks for the calls since the last check. */
  async function denied(role: string): Promise<Permission[]> {
    const recorded = calls;
    calls = [];
    const needed = recorded
      .filter(({ operation }) => !unrestricted.includes(operation))
      .flatMap((call) => permissionsOf(call, facts));
    const policies = Object.fromEntries(
      policiesOf(registrations, `async-video-${role}`).map((document, index) => [
        String(index),
        JSON.parse(
          JSON.stringify(document).replaceAll(accountId, facts.accountId).replaceAll(region, facts.region),
        ) as unknown,
      ]),
    );
    assert.ok(Object.keys(policies).length > 1);
    const answers = await evaluate({
      policies,
      keyPolicies: {},
      questions: needed.map(({ action, arn, context }) => ({
        principal: `arn:aws:iam::${facts.accountId}:role/async-video-${role}`,
        policies: Object.keys(policies),
        boundary: null,
        actions: [action],
        resources: [{ arn, context, keyPolicy: null }],
        context: {},
        free: [],
      })),
    });
    return needed.filter((_, index) => answers[index]?.length === 0);
  }

  it("allows every call that creates a stack", async () => {
    await (await stack()).up(step, signal);
    for (const operation of [
      "CreateEndpoint",
      "RegisterScalableTarget",
      "PutScheduledAction",
      "PutBucketPolicy",
      "PutObject",
    ]) {
      assert.ok(operations().has(operation), operation);
    }
    for (const key of ["CreateKey", "CreateAlias"]) assert.ok(!operations().has(key), key);
    assert.deepEqual(await denied("dev-deploy"), []);
  });

  it("allows every call that updates a stack: tags, limits, another endpoint configuration", async () => {
    const changed = await stack((config) =>
      config
        .replace("maxConcurrency: 1", "maxConcurrency: 2")
        .replace("maxCapacity: 2", "maxCapacity: 1")
        .replace("      stack: local", "      stack: local\n      owner: team"),
    );
    await changed.up(step, signal);
    assert.ok(operations().has("UpdateEndpoint") && operations().has("TagRole"));
    assert.deepEqual(await denied("dev-deploy"), []);
  });

  it("is not needed for a preview or a drift check: the preview role allows all their calls", async () => {
    const deployment = await stack();
    await deployment.preview(step, signal);
    await deployment.drift(step, signal);
    assert.ok(operations().has("DescribeEndpoint") && operations().has("GetBucketPolicy"));
    assert.deepEqual(await denied("dev-preview"), []);
  });

  it("allows every call that removes a stack", async () => {
    await (await stack()).destroy(step, signal);
    assert.ok(operations().has("DeleteEndpoint") && operations().has("DeleteScheduledAction"));
    assert.deepEqual(await denied("dev-deploy"), []);
  });
});
