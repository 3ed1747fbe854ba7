/** The deployment role's permissions, compared with what the provider asks of AWS in a stack's whole life. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { statements } from "../infra/testing/documents.ts";
import { registrationsOf } from "../infra/testing/registrations.ts";
import { type RunningProvider, startProvider } from "../local/provider/server.ts";
import { awsEnvironment, Deployment } from "../start/deployment.ts";
import { startLocalAws, type RunningLocalAws } from "../start/local-aws.ts";
import { packageModel } from "../start/model.ts";
import { statePaths, type StatePaths } from "../start/state.ts";
import { freePort } from "../start/testing/commands.ts";
import { repoRoot } from "../tools/paths.mjs";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

/** S3's operations whose permissions have other names (S3 user guide, "Required permissions for Amazon S3 API operations"). */
const permissionsOfS3: Readonly<Record<string, string>> = {
  DeleteBucketEncryption: "PutEncryptionConfiguration",
  DeleteBucketLifecycle: "PutLifecycleConfiguration",
  DeleteBucketOwnershipControls: "PutBucketOwnershipControls",
  DeleteObjects: "DeleteObject",
  DeletePublicAccessBlock: "PutBucketPublicAccessBlock",
  GetBucketAccelerateConfiguration: "GetAccelerateConfiguration",
  GetBucketCors: "GetBucketCORS",
  GetBucketEncryption: "GetEncryptionConfiguration",
  GetBucketLifecycleConfiguration: "GetLifecycleConfiguration",
  GetBucketNotificationConfiguration: "GetBucketNotification",
  GetBucketReplication: "GetReplicationConfiguration",
  GetObjectLockConfiguration: "GetBucketObjectLockConfiguration",
  GetPublicAccessBlock: "GetBucketPublicAccessBlock",
  HeadBucket: "ListBucket",
  HeadObject: "GetObject",
  ListObjectsV2: "ListBucket",
  ListObjectVersions: "ListBucketVersions",
  PutBucketEncryption: "PutEncryptionConfiguration",
  PutBucketLifecycleConfiguration: "PutLifecycleConfiguration",
  PutBucketNotificationConfiguration: "PutBucketNotification",
  PutPublicAccessBlock: "PutBucketPublicAccessBlock",
};

/** Anybody may ask who they are. */
const free = ["GetCallerIdentity"];

describe("the role for deployments", () => {
  let folder: string;
  let paths: StatePaths;
  let aws: RunningLocalAws;
  let provider: RunningProvider;
  const asked = new Set<string>();
  const allowed = new Map<string, Set<string>>();

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "deploy-role-"));
    paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    [aws] = await Promise.all([
      startLocalAws({ paths, port: await freePort(), speed: 240, detached: false, signal }),
      packageModel(signal),
    ]);
    provider = await startProvider({
      endpoint: aws.url,
      region: aws.region,
      credentials: aws.credentials,
      programDirectory: repoRoot,
      onCall: (operation) => asked.add(operation),
    });
    const { registrations } = await registrationsOf(() => import("./index.ts"), {
      project: "async-video-bootstrap",
      config: { "async-video-bootstrap:repository": "team/videos" },
    });
    for (const role of ["dev-deploy", "dev-preview"]) {
      const attached = registrations
        .ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        .filter(({ inputs }) => String(inputs["role"]).startsWith(`async-video-${role}-`))
        .map(({ inputs }) => String(inputs["policyArn"]).split(":").at(-1)?.replace("-0a1b2c3", ""));
      const actions = attached.flatMap((name) =>
        statements(registrations.one("aws:iam/policy:Policy", name).inputs["policy"]).flatMap(({ Action }) => Action),
      );
      allowed.set(role, new Set(actions.map((action) => action.split(":")[1] ?? "")));
    }
  });

  after(async () => {
    await provider.stop();
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** The stack, with a config that is changed so. */
  async function stack(change: (config: string) => string = (config) => config): Promise<Deployment> {
    const configFile = path.join(folder, "Pulumi.local.yaml");
    const config = await readFile(path.join(repoRoot, "Pulumi.local.yaml"), "utf8");
    await writeFile(configFile, change(config));
    return await Deployment.openAt({
      stackName: "local",
      projectFolder: repoRoot,
      configFile,
      paths,
      providerPort: provider.port,
      environment: awsEnvironment(aws),
    });
  }

  /** What was asked since the last look, and a role may not. */
  function denied(role: string): string[] {
    const actions = allowed.get(role) ?? new Set();
    const needed = [...asked].filter((operation) => !free.includes(operation));
    asked.clear();
    return needed.filter((operation) => !actions.has(permissionsOfS3[operation] ?? operation)).sort();
  }

  it("allows all that making a stack asks", async () => {
    await (await stack()).up(step, signal);
    assert.ok(asked.has("CreateEndpoint") && asked.has("RegisterScalableTarget") && asked.has("PutBucketPolicy"));
    assert.deepEqual(denied("dev-deploy"), []);
  });

  it("allows all that changing it asks: tags, limits, another endpoint configuration", async () => {
    const changed = await stack((config) =>
      config
        .replace("maxConcurrency: 1", "maxConcurrency: 2")
        .replace("maxCapacity: 2", "maxCapacity: 1")
        .replace("      stack: local", "      stack: local\n      owner: team"),
    );
    await changed.up(step, signal);
    assert.ok(asked.has("UpdateEndpoint") && asked.has("TagRole"));
    assert.deepEqual(denied("dev-deploy"), []);
  });

  it("is not needed for a preview or a drift check: the role that reads allows all that they ask", async () => {
    const deployment = await stack();
    await deployment.preview(step, signal);
    await deployment.drift(step, signal);
    assert.ok(asked.has("DescribeEndpoint") && asked.has("GetBucketPolicy"));
    assert.deepEqual(denied("dev-preview"), []);
  });

  it("allows all that removing it asks", async () => {
    await (await stack()).destroy(step, signal);
    assert.ok(asked.has("DeleteEndpoint") && asked.has("DeleteBucket"));
    assert.deepEqual(denied("dev-deploy"), []);
  });
});
