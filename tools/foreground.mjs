/** Runs another program in the foreground: it gets this process's streams and signals, and its exit status is returned. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";

/** A terminal sends these signals to all processes in the foreground. */
const fromTerminal = ["SIGINT", "SIGHUP"];

/**
 * Runs a program to its end. Signals to this process are passed on to the program, which decides when to end.
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit status; 128 plus the number of the signal that killed the program
 * @throws {Error} if the program cannot be started
 */
export async function runInForeground(program, args) {
  const child = spawn(program, args, { stdio: "inherit" });
  const onTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => {
    if (!onTerminal || !fromTerminal.includes(signal)) child.kill(signal);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, passOn);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => {
        resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    for (const signal of signals) process.off(signal, passOn);
  }
}
