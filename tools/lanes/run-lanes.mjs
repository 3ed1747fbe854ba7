/** Runs commands in lanes side by side, shows the output of each as a whole, and ends all with the first that fails. */
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";

/** How often it says what runs, in milliseconds: an hour's silence looks like a hang. */
const HEARTBEAT = 30_000;
/** Milliseconds that an interrupted step may take to clean up what its tests have started. */
const GRACE = 90_000;

/**
 * @typedef {object} LaneOptions
 * @property {(name: string) => readonly string[]} command a step's program and arguments
 * @property {(text: string) => unknown} out
 * @property {AbortSignal} signal ends all
 * @property {number} [heartbeat] milliseconds
 * @property {number} [grace] milliseconds that an interrupted step may take before it is killed
 */

/**
 * @typedef {object} Ended
 * @property {string} name
 * @property {boolean} passed
 * @property {string} said the last line that tells how many tests there were
 * @property {number} seconds
 */

/**
 * Runs the lanes to their ends. After a failure it interrupts the other steps, as Ctrl-C does, so that their tests clean up. When
 * it settles, no process of the steps' groups runs on.
 * @param {readonly (readonly string[])[]} lanes names of steps
 * @param {LaneOptions} options
 * @returns {Promise<boolean>} whether all steps have passed
 */
export async function runLanes(lanes, { command, out, signal, heartbeat = HEARTBEAT, grace = GRACE }) {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  /** @type {Map<string, number>} */
  const running = new Map();
  /** @type {Ended[]} */
  const ended = [];
  const beat = setInterval(() => {
    const states = [...running].map(([name, since]) => `${name} ${secondsSince(since)} s`);
    out(`… ${states.join(" | ")}\n`);
  }, heartbeat);

  /** @param {string} name */
  const step = async (name) => {
    const since = performance.now();
    running.set(name, since);
    out(`… ${name}\n`);
    const { status, output } = await run(command(name), stop, grace);
    running.delete(name);
    // What was ended for another's sake has nothing to say, except that it did not clean up.
    if (stop.aborted) {
      if (status === "SIGKILL")
        out(`\n── ${name}: killed; it had not ended ${grace / 1000} s after its interruption\n`);
      return;
    }
    const passed = status === 0;
    ended.push({ name, passed, said: counted(output), seconds: secondsSince(since) });
    out(`\n── ${name}: ${passed ? "passed" : `failed (${String(status)})`} in ${secondsSince(since)} s\n${output}`);
    if (passed) return;
    failed.abort();
    if (running.size > 0)
      out(`… interrupting ${[...running.keys()].join(" and ")}; what they have started is taken down\n`);
  };

  try {
    await Promise.all(
      lanes.map(async (lane) => {
        for (const name of lane) {
          if (stop.aborted) return;
          await step(name);
        }
      }),
    );
  } finally {
    clearInterval(beat);
  }
  const lines = ended.map(
    ({ name, passed, said, seconds }) =>
      `${passed ? "passed" : "failed"} ${String(seconds).padStart(5)} s  ${name}${said}`,
  );
  out(`\n${lines.join("\n")}\n`);
  return !stop.aborted;
}

/**
 * @param {readonly string[]} command
 * @param {AbortSignal} stop
 * @param {number} grace milliseconds
 * @returns {Promise<{ status: number | string, output: string }>} the exit status, or what else ended it
 */
async function run([program = "", ...args], stop, grace) {
  // A process group of its own, so that all of it can be ended.
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  /** @type {Buffer[]} */
  const chunks = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (/** @type {Buffer} */ chunk) => chunks.push(chunk));
  /** @param {NodeJS.Signals} signal */
  const signalGroup = (signal) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // It has just ended by itself.
    }
  };
  const killed = new AbortController();
  /** @type {NodeJS.Timeout | undefined} */
  let deadline;
  const end = () => {
    signalGroup("SIGINT");
    deadline = setTimeout(() => {
      killed.abort();
      signalGroup("SIGKILL");
      // A process outside of the group may hold the pipes.
      child.stdout.destroy();
      child.stderr.destroy();
    }, grace);
  };
  stop.addEventListener("abort", end);
  try {
    /** @type {number | string} */
    const status = await new Promise((resolve) => {
      child.once("error", (error) => {
        resolve(error.message);
      });
      child.once("close", (code, killedBy) => {
        resolve(code ?? killedBy ?? "ended");
      });
    });
    // What has ignored the interruption and holds no pipe.
    if (stop.aborted) signalGroup("SIGKILL");
    return { status: killed.signal.aborted ? "SIGKILL" : status, output: Buffer.concat(chunks).toString("utf8") };
  } finally {
    stop.removeEventListener("abort", end);
    clearTimeout(deadline);
  }
}

/**
 * What mocha and pytest say at their end about how many tests there were.
 * @param {string} output
 */
function counted(output) {
  const line = output.split("\n").findLast((text) => /^\s*(=+ )?\d+ (passing|passed|failed)\b/.test(text));
  return line === undefined ? "" : `: ${line.replaceAll("=", "").trim()}`;
}

/** @param {number} since */
function secondsSince(since) {
  return Math.round((performance.now() - since) / 1000);
}
