/** Tests what is read from the GPU driver's tool. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { GpuMeter } from "./gpu.ts";
import type { GpuUse } from "./gpu.ts";

describe("the use of GPUs", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "gpu-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Returns the first measurement with a tool that runs a script. */
  async function measured(script: string): Promise<GpuUse | undefined> {
    const tool = join(folder, "tool");
    writeFileSync(tool, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    const meter = new GpuMeter(tool);
    await meter.refreshed();
    return meter.read();
  }

  it("is the sum over all GPUs, 100 % each", async () => {
    assert.deepEqual(await measured('echo "90, 20000, 80000"; echo "30, 40000, 80000"'), { gpu: 120, gpuMemory: 75 });
  });

  it("is asked of the driver in the order of its answer", async () => {
    const script = 'test "$1" = --query-gpu=utilization.gpu,memory.used,memory.total && echo "1, 2, 4"';
    assert.deepEqual(await measured(script), { gpu: 1, gpuMemory: 50 });
  });

  it("is unknown if a GPU does not tell it", async () => {
    assert.equal(await measured('echo "[N/A], 20000, 80000"'), undefined);
  });

  it("is unknown if the driver fails", async () => {
    assert.equal(await measured("exit 9"), undefined);
  });

  it("is unknown without the driver's tool", async () => {
    const meter = new GpuMeter(join(folder, "none"));
    await meter.refreshed();
    assert.equal(meter.read(), undefined);
  });
});
