import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { canWrite, withWritableCaches } from "./caches.mjs";

describe("the caches of npm, uv and Go", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "caches-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("stay in their usual folders if these are writable", () => {
    const env = { HOME: folder, PATH: "/bin" };
    assert.deepEqual(withWritableCaches(env, "/cache"), env);
  });

  it("move to setup's cache if the home folder is not writable", async () => {
    const home = join(folder, "file");
    await writeFile(home, "");
    const env = { HOME: home, npm_config_cache: join(home, ".npm") };
    assert.deepEqual(withWritableCaches(env, "/cache"), {
      HOME: home,
      npm_config_cache: "/cache/tools/npm_config_cache",
      UV_CACHE_DIR: "/cache/tools/UV_CACHE_DIR",
      GOCACHE: "/cache/tools/GOCACHE",
      GOMODCACHE: "/cache/tools/GOMODCACHE",
    });
  });

  it("stay if they are writable although the home folder is not", async () => {
    await mkdir(join(folder, "npm"));
    await writeFile(join(folder, "file"), "");
    const env = { HOME: join(folder, "file"), npm_config_cache: join(folder, "npm") };
    const { npm_config_cache: npm, UV_CACHE_DIR: uv } = withWritableCaches(env, "/cache");
    assert.deepEqual([npm, uv], [join(folder, "npm"), "/cache/tools/UV_CACHE_DIR"]);
  });

  it("are writable if the nearest existing folder is", async () => {
    await writeFile(join(folder, "file"), "");
    assert.equal(canWrite(join(folder, "a", "b")), true);
    assert.equal(canWrite(join(folder, "file", "a")), false);
  });
});
