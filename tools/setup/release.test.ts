import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { actionlintModule, actionlintVersion, pulumiModule, pulumiVersion } from "../paths.mjs";
import { makeCertificate, startHttp, startHttps } from "../testing/https-server.ts";
import { Machine } from "../testing/machine.ts";
import { downloadRelease, linkFromPath, recordedHash, verify } from "./release.mjs";

const archive = "tool_linux.tar.gz";

/** Creates a machine with the real curl, an archive with a program, a file with the archive's SHA-256, and a target folder. */
async function machineWithArchive() {
  const machine = await Machine.create();
  const content = join(machine.folder, "content");
  const target = join(machine.folder, "target");
  await mkdir(content);
  await mkdir(target);
  await writeFile(join(content, "tool"), "#!/bin/sh\necho official\n", { mode: 0o755 });
  execFileSync("tar", ["-czf", join(machine.folder, archive), "-C", content, "tool"]);
  const bytes = await readFile(join(machine.folder, archive));
  const checksums = join(machine.folder, "checksums.txt");
  await writeFile(checksums, `# a comment\n${createHash("sha256").update(bytes).digest("hex")}  ${archive}\n`);
  await machine.realCommands("curl", "tar", "gzip");
  const certificate = makeCertificate(machine.folder);
  const env = { ...machine.env, CURL_CA_BUNDLE: certificate.certificate, no_proxy: "127.0.0.1" };
  const context = { ...machine.context, env };
  const download = (...urls: string[]) => downloadRelease({ urls, archive, checksums, unpack: [] }, context, target);
  const dispose = () => machine[Symbol.asyncDispose]();
  return { bytes, target, certificate, checksums, download, folder: machine.folder, [Symbol.asyncDispose]: dispose };
}

describe("the download of a release", () => {
  it("is unpacked if it has the SHA-256 that the repository records", async () => {
    await using release = await machineWithArchive();
    const { bytes, target, certificate, download } = release;
    await using server = await startHttps(certificate, (_request, response) => response.end(bytes));
    await download(`${server.url}/v1`);
    assert.deepEqual(server.requests, [`/v1/${archive}`]);
    assert.deepEqual(await readdir(target), ["tool"]);
  });

  it("follows a redirect from https to https", async () => {
    await using release = await machineWithArchive();
    const { bytes, target, certificate, download } = release;
    await using other = await startHttps(certificate, (_request, response) => response.end(bytes));
    await using server = await startHttps(certificate, ({ url }, response) => {
      response.writeHead(302, { location: `${other.url}${url ?? ""}` }).end();
    });
    await download(server.url);
    assert.deepEqual(await readdir(target), ["tool"]);
  });

  it("does not follow a redirect to plain http, even to the right archive", async () => {
    await using release = await machineWithArchive();
    const { bytes, target, certificate, download } = release;
    await using plain = await startHttp((_request, response) => response.end(bytes));
    await using server = await startHttps(certificate, ({ url }, response) => {
      response.writeHead(302, { location: `${plain.url}${url ?? ""}` }).end();
    });
    await assert.rejects(download(server.url), /Protocol "http" (not supported|disabled)/);
    assert.deepEqual(plain.requests, []);
    assert.ok(!existsSync(join(target, "tool")));
  });

  it("does not use a plain http URL", async () => {
    await using release = await machineWithArchive();
    const { bytes, download } = release;
    await using plain = await startHttp((_request, response) => response.end(bytes));
    await assert.rejects(download(plain.url), /Protocol "http" (not supported|disabled)/);
    assert.deepEqual(plain.requests, []);
  });

  it("refuses an archive even if the server publishes a matching checksum", async () => {
    await using release = await machineWithArchive();
    const { target, certificate, download } = release;
    const evil = Buffer.from("evil");
    const sum = createHash("sha256").update(evil).digest("hex");
    await using server = await startHttps(certificate, ({ url }, response) => {
      response.end(url?.endsWith(archive) === true ? evil : `${sum}  ${archive}\n`);
    });
    await assert.rejects(download(server.url), new RegExp(`${archive} has the SHA-256 ${sum}, but .* is expected`));
    assert.ok(!existsSync(join(target, "tool")));
  });

  it("sends no request for an archive without a recorded SHA-256", async () => {
    await using release = await machineWithArchive();
    const { bytes, certificate, checksums, download } = release;
    await writeFile(checksums, `${"0".repeat(64)}  other.tar.gz\n`);
    await using server = await startHttps(certificate, (_request, response) => response.end(bytes));
    await assert.rejects(download(server.url), /checksums\.txt has no SHA-256 of tool_linux\.tar\.gz\./);
    assert.deepEqual(server.requests, []);
  });

  it("does not read the user's curlrc, which could turn off the checks", async () => {
    await using release = await machineWithArchive();
    const { bytes, download } = release;
    await mkdir(join(release.folder, "other"));
    const untrusted = makeCertificate(join(release.folder, "other"));
    await writeFile(join(release.folder, ".curlrc"), "insecure\n");
    await using server = await startHttps(untrusted, (_request, response) => response.end(bytes));
    await assert.rejects(download(server.url), /certificate/);
    assert.deepEqual(server.requests, []);
  });
});

describe("the SHA-256 of a file", () => {
  // SHA-256 of "abc": FIPS 180-2, appendix B.1.
  const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  it("must match in every digit", async () => {
    await using machine = await Machine.create();
    const file = join(machine.folder, "file");
    await writeFile(file, "abc");
    await verify(file, sum);
    await assert.rejects(
      verify(file, sum.replace(/d$/, "e")),
      new RegExp(`^SetupError: file has the SHA-256 ${sum}, `),
    );
  });

  it("is read from the line with exactly the file's name, and must be complete", async () => {
    await using machine = await Machine.create();
    const list = join(machine.folder, "checksums.txt");
    await writeFile(list, `# ${sum}  file\n${"0".repeat(64)}  other-file\n${sum}  file\n${sum.slice(0, 8)}  short\n`);
    assert.equal(await recordedHash(list, "file"), sum);
    await assert.rejects(recordedHash(list, "fil"), /has no SHA-256 of fil\./);
    await assert.rejects(recordedHash(list, "short"), /has no SHA-256 of short\./);
  });

  for (const { program, folder, names } of [
    {
      program: `the Pulumi CLI ${pulumiVersion}`,
      folder: pulumiModule,
      names: ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"].map(
        (platform) => `pulumi-v${pulumiVersion}-${platform}.tar.gz`,
      ),
    },
    {
      program: `actionlint ${actionlintVersion}`,
      folder: actionlintModule,
      names: ["darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"].map(
        (platform) => `actionlint_${actionlintVersion}_${platform}.tar.gz`,
      ),
    },
  ]) {
    it(`is recorded for ${program} on each platform, and for no other version`, async () => {
      const list = await readFile(join(folder, "checksums.txt"), "utf8");
      const lines = list.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      assert.ok(lines.every((line) => /^[0-9a-f]{64} {2}\S+$/.test(line)));
      assert.deepEqual(
        lines.map((line) => line.slice(66)),
        names,
      );
      assert.equal(new Set(lines.map((line) => line.slice(0, 64))).size, lines.length);
    });
  }
});

describe("a program on the PATH", () => {
  const tool = { name: "tool", args: ["version"], output: "1.0" };

  /** Creates a machine whose PATH has a link to a program in a folder with a file mode, and a target folder. */
  async function machineWithLink(mode: number) {
    const machine = await Machine.create();
    const [shared, target] = [join(machine.folder, "shared"), join(machine.folder, "target")];
    await mkdir(shared);
    await mkdir(target);
    await writeFile(join(shared, "tool"), "#!/bin/sh\necho 1.0\n", { mode: 0o755 });
    await chmod(shared, mode);
    await symlink(join(shared, "tool"), join(machine.bin, "tool"));
    const dispose = () => machine[Symbol.asyncDispose]();
    const { cache, context } = machine;
    return { cache, context, original: join(shared, "tool"), target, [Symbol.asyncDispose]: dispose };
  }

  for (const { mode, title, kept } of [
    { mode: 0o755, title: "is linked if only its user can change it", kept: "2.0" },
    { mode: 0o777, title: "is copied if others can change it", kept: "1.0" },
    { mode: 0o1777, title: "is copied from a shared temporary folder", kept: "1.0" },
  ]) {
    it(title, async () => {
      await using found = await machineWithLink(mode);
      const { cache, context, original, target } = found;
      await linkFromPath(tool, cache, context, target);
      await writeFile(original, "#!/bin/sh\necho 2.0\n");
      assert.equal(execFileSync(join(target, "tool"), { encoding: "utf8", env: {} }).trim(), kept);
    });
  }

  it("is not left in the target folder if it has another version", async () => {
    await using found = await machineWithLink(0o777);
    const { cache, context, target } = found;
    const other = { ...tool, output: "3.0" };
    await assert.rejects(linkFromPath(other, cache, context, target), /bin\/tool is 1\.0\./);
    assert.deepEqual(await readdir(target), []);
  });
});
