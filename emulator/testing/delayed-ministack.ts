/** For tests: delays or fails the start of MiniStack. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ministackPython } from "../../tools/paths.mjs";

/**
 * Writes an executable that runs MiniStack's Python and, if it starts MiniStack, runs a shell script first. Returns its
 * path.
 */
export async function pythonThatFirst(script: string, folder: string): Promise<string> {
  const path = join(folder, "python");
  const lines = ["#!/bin/sh", `case "$1" in *iam/launcher.py)`, script, ";; esac", `exec '${ministackPython}' "$@"`];
  await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o755 });
  return path;
}

/** Returns a shell script that waits until a file exists. */
export const untilThereIs = (file: string): string => `until [ -e '${file}' ]; do sleep 0.05; done`;

/** A shell script that fails with a reason. */
export const failing = "echo 'Files of MiniStack are damaged.' >&2; exit 3";

/** The error message that follows from `failing`. */
export const failure =
  /MiniStack ended before it was ready \(exit status 3\)\. The end of .*:\nFiles of MiniStack are damaged\./;
