/** Tests the doctor's checks of Pulumi's state and of the encryption of a stack's secrets. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, it } from "mocha";
import { InvalidInputError } from "../../lib/errors.ts";
import { checkBackend, findBackend } from "./backend.ts";
import { checkSecrets } from "./secrets.ts";
import { Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { stackFile } from "./testing/stack.ts";

describe("the state's backend", () => {
  let aws: FakeAws;
  let folder: string;

  beforeEach(async () => {
    aws = await startFakeAws();
    folder = await mkdtemp(join(tmpdir(), "doctor-"));
    await writeFile(join(folder, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const check = (url: string, token?: string, stack = stackFile()) =>
    checkBackend({ url, token }, stack, aws.access, {});

  it("is found as the CLI finds it: in the environment, else in the project, else in the last login", async () => {
    const none = { ...(await findBackend(folder, {}, folder)) };
    assert.deepEqual(none, {});
    await mkdir(join(folder, ".pulumi"));
    const login = { current: "https://pulumi.example.com", accessTokens: { "https://pulumi.example.com": "pul-1" } };
    await writeFile(join(folder, ".pulumi", "credentials.json"), JSON.stringify(login));
    assert.deepEqual(await findBackend(folder, {}, folder), { url: login.current, token: "pul-1" });
    await writeFile(join(folder, "Pulumi.yaml"), "name: p\nruntime: nodejs\nbackend:\n  url: s3://state\n");
    assert.equal((await findBackend(folder, {}, folder))?.url, "s3://state");
    assert.equal((await findBackend(folder, { PULUMI_BACKEND_URL: "file:///x" }, folder))?.url, "file:///x");
  });

  it("has no token if its URL is named like an object's member", async () => {
    await mkdir(join(folder, ".pulumi"));
    await writeFile(join(folder, ".pulumi", "credentials.json"), '{"accessTokens":{}}');
    const found = await findBackend(folder, { PULUMI_BACKEND_URL: "constructor" }, folder);
    assert.deepEqual(found, { url: "constructor", token: undefined });
  });

  it("is Pulumi's service if there is only a token", async () => {
    const found = await findBackend(folder, { PULUMI_ACCESS_TOKEN: "pul-2" }, folder);
    assert.deepEqual(found, { url: "https://api.pulumi.com", token: "pul-2" });
  });

  it("gets the environment's token only if the environment, a login or Pulumi names its host, not the repository", async () => {
    const env = { PULUMI_ACCESS_TOKEN: "pul-6" };
    const tokenAt = async (url: string, more: NodeJS.ProcessEnv = {}) => {
      await writeFile(join(folder, "Pulumi.yaml"), `name: p\nruntime: nodejs\nbackend:\n  url: ${url}\n`);
      return (await findBackend(folder, { ...env, ...more }, folder))?.token;
    };
    assert.equal(await tokenAt("https://evil.example.com"), undefined);
    assert.equal(await tokenAt("https://api.pulumi.com.evil.example.com"), undefined);
    assert.equal(await tokenAt("https://api.pulumi.com:8443"), undefined);
    assert.equal(await tokenAt("constructor"), undefined);
    assert.equal(await tokenAt("https://api.pulumi.com"), "pul-6");
    assert.equal(await tokenAt("https://x", { PULUMI_BACKEND_URL: "https://own.example.com" }), "pul-6");
    await mkdir(join(folder, ".pulumi"));
    const login = { current: "https://own.example.com", accessTokens: { "https://old.example.com": "pul-7" } };
    await writeFile(join(folder, ".pulumi", "credentials.json"), JSON.stringify(login));
    assert.equal(await tokenAt("https://own.example.com"), "pul-6");
    assert.equal(await tokenAt("https://old.example.com"), "pul-6");
    assert.equal(await tokenAt("https://evil.example.com"), undefined);
  });

  it("gets no token over plain http, except on this machine", async () => {
    const { hostname, port } = new URL(aws.url);
    assert.equal(hostname, "127.0.0.1");
    // A name that resolves to this machine, but does not look like it.
    const plain = `http://[::ffff:127.0.0.1]:${port}`;
    const { status, what } = await check(plain, "pul-8");
    assert.equal(status, "warning");
    assert.match(what, /is not https: the doctor does not send the token/);
    assert.deepEqual(aws.seen, []);
    assert.equal((await check(`http://localhost.evil.example:${port}`, "pul-8")).status, "warning");
    assert.equal((await check(`http://127.0.0.1.evil.example:${port}`, "pul-8")).status, "warning");
  });

  it("is an error if a file with its address cannot be read", async () => {
    await assert.rejects(findBackend(join(folder, "none"), {}, folder), InvalidInputError);
    await mkdir(join(folder, ".pulumi"));
    await writeFile(join(folder, ".pulumi", "credentials.json"), "{");
    await assert.rejects(findBackend(folder, {}, folder), /credentials\.json cannot be read.*pulumi login/);
  });

  it("is a problem if its address is invalid", async () => {
    assert.equal((await check("state")).status, "problem");
  });

  it("is a problem without a login", async () => {
    const { status, remedy } = await checkBackend(undefined, stackFile(), aws.access, {});
    assert.equal(status, "problem");
    assert.match(remedy ?? "", /pulumi login/);
  });

  it("is ok as a bucket if the state's folder, in the bucket's region, can be listed", async () => {
    assert.equal((await check("s3://state/dev?region=eu-west-1")).status, "ok");
    const { path: asked, headers } = aws.seen.at(-1)!;
    assert.match(asked, /^\/state\/?\?.*prefix=dev%2F\.pulumi%2F/);
    assert.match(headers.authorization ?? "", /\/eu-west-1\/s3\//);
  });

  for (const [code, status, expected] of [
    ["NoSuchBucket", 404, "problem"],
    ["AccessDenied", 403, "problem"],
    ["InternalError", 500, "warning"],
  ] as const) {
    it(`is a ${expected} if S3 answers ${code}`, async () => {
      aws.answers.set("ListObjectsV2", new Refusal(status, code));
      assert.equal((await check("s3://state")).status, expected);
    });
  }

  it("is a warning as a folder, except for the stack local, and a problem if the folder does not exist", async () => {
    const url = pathToFileURL(folder).href;
    assert.equal((await check(url)).status, "warning");
    assert.equal((await check(url, undefined, stackFile({ name: "local" }))).status, "ok");
    assert.equal((await check(`${url}/none`)).status, "problem");
  });

  it("is ok as Pulumi's service if it accepts the token", async () => {
    const { status, what } = await check(aws.url, "pul-3");
    assert.equal(status, "ok");
    assert.match(what, /as someone$/);
    assert.equal(aws.seen.at(-1)?.headers.authorization, "token pul-3");
  });

  it("is a problem if the service rejects the token, and unchecked if it fails or does not answer", async () => {
    assert.equal((await check(aws.url)).status, "problem");
    aws.answers.set("/api/user", new Refusal(401, "Unauthorized"));
    assert.equal((await check(aws.url, "pul-4")).status, "problem");
    aws.answers.set("/api/user", new Refusal(503, "Unavailable"));
    assert.equal((await check(aws.url, "pul-4")).status, "warning");
    const { status, what } = await check("http://127.0.0.1:1", "pul-4");
    assert.equal(status, "warning");
    assert.match(what, /ECONNREFUSED|bad port/);
  });

  it("is unchecked if the doctor does not support its kind", async () => {
    assert.equal((await check("gs://state")).status, "warning");
  });

  const bucket = { url: "s3://state", token: undefined };
  const secrets = (secretsProvider: string | undefined, env: NodeJS.ProcessEnv = {}, hasPassphrase = false) =>
    checkSecrets(stackFile({ secretsProvider, hasPassphrase }), bucket, aws.access, env);

  for (const [address, keyId] of [
    [
      "awskms:///arn:aws:kms:us-east-1:123456789012:key/1a2b?region=us-east-1",
      "arn:aws:kms:us-east-1:123456789012:key/1a2b",
    ],
    ["awskms://1234abcd-12ab-34cd-56ef-1234567890ab?region=us-east-1", "1234abcd-12ab-34cd-56ef-1234567890ab"],
    ["awskms://alias/pulumi?region=us-east-1", "alias/pulumi"],
  ] as const) {
    it(`asks KMS for the key of ${address}`, async () => {
      const { status, what } = await secrets(address);
      assert.equal(status, "ok", what);
      assert.deepEqual(JSON.parse(aws.seen.at(-1)?.body ?? ""), { KeyId: keyId });
    });
  }

  it("has a problem if the key is disabled or missing, and is unchecked if access is denied", async () => {
    aws.answers.set("DescribeKey", { KeyMetadata: { KeyId: "1a2b", KeyState: "PendingDeletion" } });
    assert.match((await secrets("awskms://1a2b")).what, /is PendingDeletion/);
    aws.answers.set("DescribeKey", new Refusal(400, "NotFoundException"));
    assert.equal((await secrets("awskms://1a2b")).status, "problem");
    aws.answers.set("DescribeKey", new Refusal(400, "AccessDeniedException"));
    assert.equal((await secrets("awskms://1a2b")).status, "warning");
  });

  it("has a problem if a passphrase is needed and the environment has none", async () => {
    assert.equal((await secrets(undefined, {}, true)).status, "problem");
    assert.equal((await secrets(undefined, { PULUMI_CONFIG_PASSPHRASE: "" }, true)).status, "ok");
  });

  it("has a warning if no key is chosen, except on Pulumi's service, which has a default key", async () => {
    assert.match((await secrets(undefined)).remedy ?? "", /--secrets-provider "awskms:/);
    const service = { url: "https://api.pulumi.com", token: "pul-5" };
    assert.equal((await checkSecrets(stackFile(), service, aws.access, {})).status, "ok");
    assert.equal((await checkSecrets(stackFile(), undefined, aws.access, {})).status, "warning");
  });

  it("is unchecked if the key is of another kind", async () => {
    assert.equal((await secrets("gcpkms://projects/p")).status, "warning");
  });
});
