/** Changes a copy of the emulator so that it allows every call. The emulator itself has no such switch. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** By file: text that the file must have, and lines for its end that replace what the text defines. */
const changes = {
  "emulator/iam/enforcement.py": {
    defines: ["def enforce(", "Caller, Decision, Service, caller_of, decide"],
    lines: [
      "def enforce(*_args, **_options):",
      "    return None",
      "def decide(_caller, action, resource, _context=None):",
      '    return Decision(True, "", action, resource)',
    ],
  },
  "emulator/iam/authorizer.ts": {
    defines: ["class LauncherAuthorizer", "authorize(request"],
    lines: ['LauncherAuthorizer.prototype.authorize = () => Promise.resolve({ allowed: true, message: "" });'],
  },
};

/**
 * Removes the decisions of the enforcement from a checkout.
 * @throws Error if the checkout does not have them where this expects them
 */
export async function removeEnforcement(folder: string): Promise<void> {
  for (const [name, { defines, lines }] of Object.entries(changes)) {
    const file = join(folder, name);
    const text = await readFile(file, "utf8");
    const missing = defines.find((each) => !text.includes(each));
    if (missing !== undefined) throw new Error(`${name} has no "${missing}". Change ops/bench/enforcement.ts.`);
    await writeFile(file, `${text}\n${lines.join("\n")}\n`);
  }
}
