/** Runs groups of commands in parallel, prints the output of each as a whole, and ends all after the first failure. */
import { performance } from "node:perf_hooks";
import { runInGroup } from "../process-group.mjs";
import { messageOf } from "../setup/errors.mjs";

/** Milliseconds between two lines that list the running commands. */
const heartbeatMs = 30_000;
/** Milliseconds that an interrupted command has to clean up. */
const graceMs = 90_000;

/**
 * @typedef {object} GroupOptions
 * @property {(name: string) => readonly string[]} command program and arguments of a command
 * @property {(text: string) => unknown} out
 * @property {AbortSignal} signal ends all commands
 * @property {number} [heartbeat] milliseconds
 * @property {number} [grace] milliseconds until an interrupted command is killed
 */

/**
 * @typedef {object} Ended
 * @property {string} name
 * @property {boolean} passed
 * @property {string} counts the line of its output with the numbers of tests
 * @property {number} seconds
 */

/**
 * Runs the groups. A failure interrupts the other commands, as Ctrl-C does, so that their tests clean up. No process of
 * the commands' process groups is left when the promise settles.
 * @param {readonly (readonly string[])[]} groups names of commands, which run one after the other
 * @param {GroupOptions} options
 * @returns {Promise<boolean>} whether all commands passed
 */
export async function runGroups(groups, { command, out, signal, heartbeat = heartbeatMs, grace = graceMs }) {
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
    // The output of an interrupted command hides the failure.
    if (stop.aborted) {
      if (status === "SIGKILL")
        out(`\n── ${name}: killed; it had not ended ${grace / 1000} s after its interruption\n`);
      return;
    }
    const passed = status === 0;
    ended.push({ name, passed, counts: countsOf(output), seconds: secondsSince(since) });
    out(`\n── ${name}: ${passed ? "passed" : `failed (${String(status)})`} in ${secondsSince(since)} s\n${output}`);
    if (passed) return;
    failed.abort();
    if (running.size > 0) out(`… interrupting ${[...running.keys()].join(" and ")}; they clean up first\n`);
  };

  try {
    await Promise.all(
      groups.map(async (group) => {
        for (const name of group) {
          if (stop.aborted) return;
          await step(name);
        }
      }),
    );
  } finally {
    clearInterval(beat);
  }
  const lines = ended.map(
    ({ name, passed, counts, seconds }) =>
      `${passed ? "passed" : "failed"} ${String(seconds).padStart(5)} s  ${name}${counts}`,
  );
  out(`\n${lines.join("\n")}\n`);
  return !stop.aborted;
}

/**
 * @param {readonly string[]} command
 * @param {AbortSignal} signal
 * @param {number} grace milliseconds
 * @returns {Promise<{ status: number | string, output: string }>} the exit status, or the signal or error that ended it
 */
async function run([program = "", ...args], signal, grace) {
  /** @type {Buffer[]} */
  const chunks = [];
  const status = await runInGroup(program, args, {
    signal,
    interruption: "SIGINT",
    grace,
    listen: (...streams) => {
      for (const stream of streams) stream.on("data", (/** @type {Buffer} */ chunk) => chunks.push(chunk));
    },
  }).catch(messageOf);
  return { status, output: Buffer.concat(chunks).toString("utf8") };
}

/**
 * Returns the last line of mocha or pytest with the numbers of tests, after a colon.
 * @param {string} output
 */
function countsOf(output) {
  const line = output.split("\n").findLast((text) => /^\s*(=+ )?\d+ (passing|passed|failed)\b/.test(text));
  return line === undefined ? "" : `: ${line.replaceAll("=", "").trim()}`;
}

/** @param {number} since */
function secondsSince(since) {
  return Math.round((performance.now() - since) / 1000);
}
