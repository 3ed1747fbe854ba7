/**
 * Measures how long TorchServe takes to receive bodies, of the sizes in MiB in its arguments; the handler's benchmark
 * runs it.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { repoRoot } from "../../tools/paths.mjs";
import { TorchServe } from "./torchserve.ts";

const mebibyte = 1024 * 1024;
const result = z.object({ timing: z.object({ total_seconds: z.number() }) });

/**
 * MiB of heap, and of direct memory: infra/container-environment.ts gives the server this much for bodies of 1 GiB at
 * the blog's concurrency.
 */
const javaMemory = 4864;

/** Measures the seconds that the server takes for a body, without those in the handler. */
async function bodySeconds(server: TorchServe, video: Uint8Array, mebibytes: number): Promise<number> {
  // Players and the handler skip data after a video's last box.
  const body = Buffer.alloc(mebibytes * mebibyte);
  body.set(video);
  const started = performance.now();
  const { status, text } = await server.ask(body, { "Content-Type": "video/mp4", Accept: "application/json" });
  const seconds = (performance.now() - started) / 1000;
  if (status !== 200) throw new Error(`A body of ${mebibytes} MiB was answered with ${status}: ${text.slice(0, 300)}`);
  return seconds - result.parse(JSON.parse(text)).timing.total_seconds;
}

const sizes = z.array(z.coerce.number().int().positive()).min(1).parse(process.argv.slice(2));
const folder = await mkdtemp(join(tmpdir(), "bodies-"));
try {
  const server = await TorchServe.start({
    folder,
    workers: 1,
    environment: {
      TS_MAX_REQUEST_SIZE: String((Math.max(...sizes) + 1) * mebibyte),
      JAVA_TOOL_OPTIONS: `-Xmx${javaMemory}m -XX:MaxDirectMemorySize=${javaMemory}m`,
    },
  });
  try {
    const video = await readFile(join(repoRoot, "model", "samples", "street.mp4"));
    const seconds: Record<string, number> = {};
    for (const size of sizes) seconds[size] = Number((await bodySeconds(server, video, size)).toFixed(2));
    console.log(JSON.stringify(seconds));
  } finally {
    await server.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
