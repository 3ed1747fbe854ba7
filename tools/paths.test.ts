import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import manifest from "../package.json" with { type: "json" };
import { cacheRootOf, ministack, pulumiVersion, readSetupSeconds, serving } from "./paths.mjs";
import { Machine } from "./testing/machine.ts";

describe("the folder that clones share", () => {
  for (const { env, platform, folder } of [
    {
      env: { ASYNC_VIDEO_INFERENCE_CACHE: "/big", XDG_CACHE_HOME: "/x", HOME: "/h" },
      platform: "linux",
      folder: "/big",
    },
    { env: { XDG_CACHE_HOME: "/x", HOME: "/h" }, platform: "linux", folder: "/x/async-video-inference" },
    { env: { XDG_CACHE_HOME: "x", HOME: "/h" }, platform: "linux", folder: "/h/.cache/async-video-inference" },
    {
      env: { ASYNC_VIDEO_INFERENCE_CACHE: "", HOME: "/h" },
      platform: "linux",
      folder: "/h/.cache/async-video-inference",
    },
    { env: { HOME: "/h" }, platform: "darwin", folder: "/h/Library/Caches/async-video-inference" },
    { env: {}, platform: "linux", folder: join(homedir(), ".cache/async-video-inference") },
  ] as const) {
    it(`is ${folder} on ${platform} with ${JSON.stringify(env)}`, () => {
      assert.equal(cacheRootOf(env, platform), folder);
    });
  }
});

describe("the paths of what setup installs", () => {
  it("have the name and the lock file's hash of an environment", () => {
    assert.match(serving.root, /python\/serving-[0-9a-f]{12}$/);
    assert.match(ministack.root, /python\/ministack-[0-9a-f]{12}$/);
  });

  it("use the SDK's version for the CLI", () => {
    assert.equal(pulumiVersion, manifest.dependencies["@pulumi/pulumi"]);
  });
});

describe("the duration of the last setup", () => {
  it("is read from its report, and is 0 without one", async () => {
    await using machine = await Machine.create();
    const report = join(machine.folder, "setup.json");
    assert.equal(readSetupSeconds(report), 0);
    await writeFile(report, '{"seconds":12.5}\n');
    assert.equal(readSetupSeconds(report), 12.5);
  });
});
