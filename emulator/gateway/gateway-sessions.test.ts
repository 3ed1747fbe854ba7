import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { ministackPython } from "../../tools/paths.mjs";
import { RealClock } from "../core/real-clock.ts";
import { allow, sessionOf } from "../testing/roles.ts";
import type { SessionCredentials } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testCredentials, testRegion } from "../testing/test-gateway.ts";
import { KnownKeys } from "./known-keys.ts";

/** Clock speed-up: ten minutes of the stack take 2.5 s. */
const speed = 240;
const tenMinutes = 2_500;

describe("The gateway, for a session ten minutes of the stack's time after its start,", () => {
  let aws: TestAws;
  let session: SessionCredentials;
  let clock: RealClock;

  before(async function () {
    this.timeout(60_000);
    clock = new RealClock(speed);
    aws = await startTestAws(clock);
    const s3 = new S3Client({ ...sdkConfig(aws), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: "videos" }));
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a.mp4", Body: "a video" }));
    s3.destroy();
    session = await sessionOf(aws, "reader", { allow: [allow("Read", "s3:GetObject", "arn:aws:s3:::videos/*")] });
    await sleep(tenMinutes);
  });
  after(async function () {
    this.timeout(60_000);
    clock.stop();
    await aws.stop();
  });

  const identity = /assumed-role\/reader\/test/;
  const get = new GetObjectCommand({ Bucket: "videos", Key: "a.mp4" });

  it("answers the JavaScript SDK, which corrects its clock", async () => {
    const s3 = new S3Client({ ...sdkConfig(aws, session), forcePathStyle: true });
    assert.equal((await s3.send(get)).ContentLength, 7);
    assert.ok(s3.config.systemClockOffset > 5 * 60_000, "the SDK has not corrected its clock");
    assert.equal((await s3.send(get)).ContentLength, 7);
    s3.destroy();
  });

  /** Runs a program with the session's credentials. */
  const output = async (program: string, ...args: readonly string[]): Promise<string> => {
    const env = {
      PATH: process.env["PATH"],
      AWS_ENDPOINT_URL: aws.url,
      AWS_DEFAULT_REGION: testRegion,
      AWS_ACCESS_KEY_ID: session.accessKeyId,
      AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
      AWS_SESSION_TOKEN: session.sessionToken,
    };
    return (await promisify(execFile)(program, args, { env })).stdout.trim();
  };
  const python = async (code: string): Promise<string> => {
    const setup = "import botocore.session; create = botocore.session.get_session().create_client";
    return await output(ministackPython, "-c", `${setup}\n${code}`);
  };

  it("answers botocore", async function () {
    this.timeout(30_000);
    assert.match(await python("print(create('sts').get_caller_identity()['Arn'])"), identity);
  });

  it("answers the AWS CLI, if this machine has it", async function () {
    this.timeout(60_000);
    const version = await output("aws", "--version").catch(() => undefined);
    if (version === undefined) {
      console.log("      There is no program aws: the AWS CLI is not tested.");
      this.skip();
    }
    const arn = await output("aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text");
    assert.match(arn, identity, version);
  });

  for (const version of ["s3", "s3v4"]) {
    it(`accepts botocore's presigned URL of signature version ${version}`, async function () {
      this.timeout(30_000);
      const url = await python(
        `from botocore.config import Config
s3 = create('s3', config=Config(signature_version='${version}', s3={'addressing_style': 'path'}))
print(s3.generate_presigned_url('get_object', Params={'Bucket': 'videos', 'Key': 'a.mp4'}))`,
      );
      assert.match(url, /x-amz-security-token/i);
      const answer = await fetch(url);
      assert.equal(answer.status, 200, await answer.text());
    });
  }

  it("expires a presigned URL of a client on the stack's clock by real time", async function () {
    this.timeout(10_000);
    const { headers } = await fetch(`${aws.url}/_local/health`);
    const signer = new SignatureV4({
      credentials: session,
      region: testRegion,
      service: "s3",
      sha256: Sha256,
      uriEscapePath: false,
    });
    const sign = async (expiresIn: number) => {
      const request = new HttpRequest({
        method: "GET",
        path: "/videos/a.mp4",
        headers: { host: `127.0.0.1:${aws.port}`, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
      });
      const hidden = new Set(["x-amz-content-sha256"]);
      const signingDate = new Date(headers.get("date") ?? "");
      const { query = {} } = await signer.presign(request, {
        expiresIn,
        signingDate,
        unsignableHeaders: hidden,
        unhoistableHeaders: hidden,
      });
      return `${aws.url}/videos/a.mp4?${new URLSearchParams(query as Record<string, string>).toString()}`;
    };
    const [long, short] = [await sign(60), await sign(1)];
    await sleep(tenMinutes);
    assert.equal((await fetch(long)).status, 200);
    assert.match(await (await fetch(short)).text(), /Request has expired/);
  });

  it("refuses another token than the session's", async () => {
    for (const credentials of [
      { ...session, sessionToken: "other" },
      { accessKeyId: session.accessKeyId, secretAccessKey: session.secretAccessKey },
      { ...testCredentials, sessionToken: session.sessionToken },
    ]) {
      const sts = new STSClient(sdkConfig(aws, credentials));
      await assert.rejects(sts.send(new GetCallerIdentityCommand({})), { name: "InvalidClientTokenId" });
      sts.destroy();
    }
  });
});

describe("KnownKeys", () => {
  it("says that a session has expired", async () => {
    const credentialsOf = () => Promise.resolve({ unknown: "ExpiredTokenException" });
    const keys = new KnownKeys(testCredentials, { credentialsOf });
    await assert.rejects(keys.find("ASIA", "token"), { kind: "expired-token" });
  });

  it("does not ask the launcher about the administrator", async () => {
    const credentialsOf = () => Promise.reject(new Error("asked"));
    const keys = new KnownKeys(testCredentials, { credentialsOf });
    assert.deepEqual(await keys.find(testCredentials.accessKeyId, undefined), testCredentials);
  });
});
