/** Plans one burst and prints its seconds and the peak memory of this process, as one JSON object. */
import { drawLoad } from "../load.ts";
import { plan } from "../plan.ts";
import { testSettings } from "../testing/settings.ts";

const requests = Number(process.argv[2]);
const load = drawLoad({ burst: requests, service: { kind: "fixed", seconds: 30 } }, 1);
// No video expires: the last one of a million waits for weeks.
const settings = { ...testSettings, maxConcurrency: 2, maxCapacity: 20, timeToLive: 90 * 86_400 };
const start = performance.now();
const result = await plan(settings, load);
if (result.runs !== requests) throw new Error(`${requests} videos have run ${result.runs} times.`);
const seconds = (performance.now() - start) / 1_000;
// maxRSS is in KiB.
process.stdout.write(`${JSON.stringify({ seconds, peak_mb: process.resourceUsage().maxRSS / 1_024 })}\n`);
