/** Measures the machine's NVIDIA GPUs. Instances share them, so that each instance shows all of their use. */

import { execFile } from "node:child_process";

/** Use of all GPUs, percent: 100 for each. */
export interface GpuUse {
  readonly gpu: number;
  readonly gpuMemory: number;
}

/** Time limit of one measurement, real ms. */
const timeout = 10_000;

const query = ["--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits"];

/** Reads the GPUs in the background, because a reading takes longer than a moment of the state machine may. */
export class GpuMeter {
  readonly #command: string;
  #last: GpuUse | undefined;
  #isAbsent = false;
  #refresh: Promise<void> | undefined;

  /** @param command the driver's tool */
  constructor(command = "nvidia-smi") {
    this.#command = command;
    void this.refreshed();
  }

  /** Returns the last measurement, and starts the next; undefined without GPU, and before the first has ended. */
  read(): GpuUse | undefined {
    void this.refreshed();
    return this.#last;
  }

  /** Resolves when the measurement under way has ended; starts one if there is none. Never rejects. */
  refreshed(): Promise<void> {
    if (this.#isAbsent) return Promise.resolve();
    this.#refresh ??= new Promise<void>((resolve) => {
      execFile(this.#command, query, { timeout }, (error, stdout) => {
        // Without the tool there is no GPU that a container could use.
        this.#isAbsent = error?.code === "ENOENT";
        this.#last = error === null ? parsed(stdout) : undefined;
        this.#refresh = undefined;
        resolve();
      });
    });
    return this.#refresh;
  }
}

/** Reads the tool's lines, one for each GPU; undefined if a GPU does not tell its use, as `[N/A]`. */
function parsed(output: string): GpuUse | undefined {
  const rows = output
    .trim()
    .split("\n")
    .map((line) => line.split(",").map(Number));
  const use = rows.reduce(
    (sum, [percent = NaN, used = NaN, total = NaN]) => {
      return { gpu: sum.gpu + percent, gpuMemory: sum.gpuMemory + (100 * used) / total };
    },
    { gpu: 0, gpuMemory: 0 },
  );
  return Number.isFinite(use.gpu) && Number.isFinite(use.gpuMemory) ? use : undefined;
}
