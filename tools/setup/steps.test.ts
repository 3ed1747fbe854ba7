import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { repoRoot } from "../paths.mjs";
import { MachineError, SetupError, Stopped } from "./errors.mjs";
import { Progress } from "./progress.mjs";
import { asSetupError, installMissing } from "./steps.mjs";
import type { Step } from "./steps.mjs";

const quiet = () => new Progress({ write: () => true }, { live: false });

function step(title: string, install: Step["install"]): Step {
  return { name: title, title, isReady: () => false, install };
}

/** Returns a step that runs until it is stopped. */
function endless(title: string, onStop: () => void): Step {
  return step(
    title,
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          onStop();
          reject(new Stopped());
        });
      }),
  );
}

describe("the steps of setup", () => {
  const never = new AbortController().signal;

  it("run in parallel", async () => {
    let meet: (() => void) | undefined;
    const met = new Promise<void>((resolve) => {
      meet = resolve;
    });
    const steps = [
      step("first", () => met),
      step("second", () => {
        meet?.();
        return Promise.resolve();
      }),
    ];
    await installMissing(steps, { env: {}, signal: never, progress: quiet(), cacheRoot: "/" });
  });

  it("are stopped with the error of the step that fails", async () => {
    let stopped = false;
    const steps = [
      endless("long", () => (stopped = true)),
      step("broken", () => Promise.reject(new Error("it broke"))),
    ];
    const options = { env: {}, signal: never, progress: quiet(), cacheRoot: "/" };
    await assert.rejects(installMissing(steps, options), (error) => {
      assert.ok(error instanceof SetupError);
      assert.equal(error.message, "broken: it broke");
      return true;
    });
    assert.ok(stopped);
  });

  it("are stopped by the signal", async () => {
    const stop = new AbortController();
    const long = endless("long", () => undefined);
    const running = installMissing([long], { env: {}, signal: stop.signal, progress: quiet(), cacheRoot: "/" });
    stop.abort();
    await assert.rejects(running, Stopped);
  });

  it("report the free space and another folder for the cache if the disk is full", async () => {
    const full = step("big", () => Promise.reject(new Error("ENOSPC: no space left on device, write")));
    const options = { env: {}, signal: never, progress: quiet(), cacheRoot: process.cwd() };
    await assert.rejects(installMissing([full], options), (error) => {
      assert.ok(error instanceof MachineError);
      assert.match(
        error.message,
        /^The disk is full\. .* has \d+\.\d GB left, .* GB left\. .*ASYNC_VIDEO_INFERENCE_CACHE/,
      );
      return true;
    });
  });

  it("need as much disk as the README says", async () => {
    const { message } = asSetupError(new Error("ENOSPC"), process.cwd());
    const [, needed] = /need about (\d+) GB/.exec(message) ?? [];
    assert.ok((await readFile(join(repoRoot, "README.md"), "utf8")).includes(` ${needed} GB of disk`), message);
  });

  for (const [code, path] of [
    ["EROFS", "/home/me/.cache"],
    ["EACCES", "/home/me/.cache/async-video-inference/uv"],
    ["ENOTDIR", "/home/me/.cache/async-video-inference"],
  ] as const) {
    it(`report the path that is not writable (${code}) and the variable to set, in one line`, () => {
      const error = Object.assign(new Error(`${code}: no, mkdir '${path}'`), { code, path, syscall: "mkdir" });
      assert.equal(
        asSetupError(error, "/home/me/.cache/async-video-inference").message,
        `Setup cannot write to ${path} (${code}). Set ASYNC_VIDEO_INFERENCE_CACHE to a folder that you can write to.`,
      );
    });
  }

  it("suggest the removal of a file that has the name of the clone's folder", () => {
    const error = Object.assign(new Error("no"), { code: "EEXIST", path: "/clone/.local" });
    assert.match(asSetupError(error, "/home/me/.cache/async-video-inference").message, /\. Remove it, and run/);
  });

  it("suggest another folder for the clone if the clone is not writable", () => {
    const error = Object.assign(new Error("no"), { code: "EROFS", path: "/clone/.local" });
    assert.match(asSetupError(error, "/home/me/.cache/async-video-inference").message, /Clone the repository to/);
  });
});
