/** Tests commands on a full disk: a small file system is mounted on a folder, in a mount namespace of the command only. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "mocha";
import { freePort } from "../../lib/ports.ts";
import { localFolder, repoRoot } from "../../tools/paths.mjs";
import { assertNothingLeft } from "../testing/assert-nothing-left.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

const remedy = /\(the disk is full: free some space and run the command again\)$/;

/** Runs a shell script with a file system of `size` mounted on a folder; the script gets the folder as `$1`, and `$node`. */
function onSmallDisk(folder: string, size: string, script: string) {
  mkdirSync(folder, { recursive: true });
  const mounted = `set -e; mount -t tmpfs -o "size=$2" none "$1"; set +e; ${script}`;
  const args = ["--map-root-user", "--mount", "sh", "-c", mounted, "sh", folder, size];
  const { status, stdout, stderr } = spawnSync("unshare", args, {
    cwd: repoRoot,
    // The compile cache of the tests would be written to the small disk.
    env: { ...process.env, NODE_COMPILE_CACHE: undefined, node: process.execPath },
    encoding: "utf8",
    timeout: 9 * 60_000,
  });
  return { status, stdout, stderr };
}

before(() => takeDownLeftover());

describe("a full disk", function () {
  // Two deployments in one test.
  this.timeout(10 * 60_000);
  let port: string;

  before(function () {
    const { status, stderr } = onSmallDisk(localFolder, "1m", "true");
    if (status === 0) return;
    console.log(`      skipped: this machine allows no mount in a user namespace (${stderr.trim()})`);
    this.skip();
  });

  beforeEach(async () => {
    port = String(await freePort());
  });

  afterEach(() => assertNothingLeft());

  it("ends local:up with one line, and the next local:up succeeds", () => {
    const { stdout, stderr } = onSmallDisk(
      localFolder,
      "60m",
      `up="$node ops/main.ts local up --port ${port}"
       $up >/dev/null; echo $?; find "$1" -maxdepth 1 -not -path "$1" -printf '%f '; echo
       mount -o remount,size=2g "$1"; $up >/dev/null 2>&1; echo $?
       $node ops/main.ts local down 2>/dev/null; echo $?`,
    );
    const [status, left = "", ...next] = stdout.trim().split("\n");
    assert.equal(status, "1", stderr);
    assert.match(
      stderr,
      /\n✗ Deploying with Pulumi .*\nerror: pulumi up failed: .*cannot be unpacked into .*No space left.*\n$/,
    );
    assert.match(stderr.trim(), remedy);
    assert.deepEqual(left.trim().split(" ").sort(), ["last-logs", "local-aws.log", "pulumi-home"]);
    assert.deepEqual(next, ["0", "0"]);
  });

  it("ends npm start with one line, and leaves no part of the result", () => {
    const { stdout, stderr } = onSmallDisk(
      join(repoRoot, "out"),
      "4k",
      `head -c 4k /dev/zero > "$1/filler"
       $node ops/main.ts start --port ${port}; echo $?; ls "$1"`,
    );
    assert.deepEqual(stdout.trim().split("\n"), ["2", "filler"], stderr);
    assert.match(stderr, /✓ Stopping AWS on this machine .*\nerror: Cannot write .*result\.json: ENOSPC .*\n$/);
    assert.match(stderr.trim(), remedy);
  });
});
