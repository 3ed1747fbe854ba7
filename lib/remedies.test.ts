import assert from "node:assert/strict";
import { openSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { remedyFor, remedyIn, writeRemedy } from "./remedies.ts";

/** Returns the error that some work throws. */
async function errorOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("There is no error.");
}

describe("the remedy for an error", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "remedies-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("is to free space if the disk is full", async () => {
    const error = await errorOf(() => {
      writeFileSync(openSync("/dev/full", "w"), "x");
    });
    assert.match(remedyFor(error) ?? "", /^the disk is full: free some space/);
  });

  it("is another folder if a file is in the way, or the path may not be written", async () => {
    await writeFile(join(folder, "file"), "");
    const error = await errorOf(() => mkdir(join(folder, "file", "below"), { recursive: true }));
    assert.match(remedyFor(error) ?? "", /choose another folder/);
    for (const code of ["EACCES", "EPERM", "EROFS"]) {
      assert.match(remedyFor(Object.assign(new Error("no"), { code })) ?? "", /folder/);
    }
  });

  it("is the emulator if nothing answers, and its address if the name leads to IPv6", async () => {
    const refused = await errorOf(() => once(connect(1, "127.0.0.1"), "connect"));
    assert.match(remedyFor(refused) ?? "", /local:up/);
    const error = Object.assign(new Error("connect ECONNREFUSED ::1:4566"), { code: "ECONNREFUSED", address: "::1" });
    assert.match(remedyFor(error) ?? "", /use 127\.0\.0\.1 instead of localhost/);
  });

  it("is found in the causes of an error, and in each of several errors", () => {
    const cause = Object.assign(new Error("no"), { code: "ENOSPC" });
    assert.match(remedyFor(new Error("failed", { cause: new Error("because", { cause }) })) ?? "", /disk/);
    assert.match(remedyFor(new AggregateError([new Error("one"), cause])) ?? "", /disk/);
  });

  for (const [name, message] of [
    ["RequestTimeTooSkewed", "The difference between the request time and the current time is too large."],
    ["InvalidSignatureException", "Signature not yet current: 1 is still later than 2"],
    ["SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2"],
    ["AuthFailure", "Signature expired: 1 is now earlier than 2"],
  ] as const) {
    it(`is to set the clock for AWS's ${name}`, () => {
      const error = Object.assign(new Error(message), { name, $metadata: {} });
      assert.match(remedyFor(error) ?? "", /clock/);
    });
  }

  it("is unknown for a wrong signature, for a message that only quotes a reason, and without an error", () => {
    const wrong = { name: "SignatureDoesNotMatch", $metadata: {} };
    assert.equal(remedyFor(Object.assign(new Error("The signature does not match."), wrong)), undefined);
    assert.equal(remedyFor(new Error("the video said: no space left on device")), undefined);
    assert.equal(remedyFor(Object.assign(new Error("no"), { code: "constructor" })), undefined);
    assert.equal(remedyFor("ENOSPC"), undefined);
  });

  for (const [words, remedy] of [
    ["OSError: [Errno 28] No space left on device: 'model.tar.gz'", /disk/],
    ["error: open /x/.pulumi/a.json: read-only file system", /read-only/],
    ["PermissionError: [Errno 13] Permission denied: '/x'", /permissions/],
    ["tls: failed to verify certificate: x509: certificate has expired or is not yet valid", /clock/],
    ["api error RequestTimeTooSkewed: The difference", /clock/],
  ] as const) {
    it(`is found in another program's message: ${words}`, () => {
      assert.match(remedyIn(words) ?? "", remedy);
    });
  }

  it("is not found in other messages", () => {
    assert.equal(remedyIn("error: AccessDenied: not authorized to perform s3:PutObject"), undefined);
  });
});

describe("the remedy for a file that cannot be written", () => {
  const elsewhere = "choose another folder with --to";
  for (const [code, remedy] of [
    ["EACCES", `you may not write or read there, change the permissions, or ${elsewhere}`],
    ["EROFS", `the file system is read-only, or ${elsewhere}`],
    ["ENOSPC", `the disk is full, free some space, or ${elsewhere}`],
    ["EIO", elsewhere],
    ["constructor", elsewhere],
  ] as const) {
    it(`fits ${code}`, () => {
      assert.equal(writeRemedy(Object.assign(new Error("no"), { code }), elsewhere), remedy);
    });
  }
});
