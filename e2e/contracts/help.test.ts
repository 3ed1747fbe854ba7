/** Tests the help of all commands of the program `async-video`. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { runCommandLine } from "../../lib/command-line.ts";
import type { CommandContext, Terminal } from "../../lib/command-line.ts";
import { commands } from "../../ops/commands.ts";
import { smokeCommand } from "../../smoke/options.ts";

const maxLines = 40;
const maxColumns = 100;

/** Returns a terminal that collects the standard output. */
function terminal(): Terminal & { readonly text: () => string } {
  let text = "";
  return {
    stdin: process.stdin,
    stdout: { write: (part) => (text += part) },
    stderr: { write: () => undefined },
    environment: {},
    signal: new AbortController().signal,
    text: () => text,
  };
}

async function definitions(): Promise<((context: CommandContext) => CommandUnknownOpts)[]> {
  const loaded = await Promise.all(commands.flatMap((entry) => ("load" in entry ? entry.load() : [])));
  return [...loaded, (context) => smokeCommand(context, () => Promise.resolve(0))];
}

/** Returns the command lines of a command and its subcommands that print help. */
function helpLines(command: CommandUnknownOpts): string[][] {
  return [["--help"], ...command.commands.map((child) => [child.name(), "--help"])];
}

describe("the help of every command", () => {
  it(`fits one screen of ${maxLines} lines with ${maxColumns} columns and has an example`, async () => {
    const seen: string[] = [];
    for (const define of await definitions()) {
      const command = define({ ...terminal(), exitWith: () => undefined });
      for (const args of helpLines(command)) {
        const out = terminal();
        assert.equal(await runCommandLine(define, args, out), 0);
        const name = [command.name(), ...args].join(" ");
        const lines = out.text().trimEnd().split("\n");
        assert.ok(lines.length <= maxLines, `${name}: ${lines.length} lines`);
        for (const line of lines) assert.ok(line.length <= maxColumns, `${name}: ${line}`);
        assert.match(out.text(), /^Example.*:\n {2}(npm |eval )/m, name);
        seen.push(name);
      }
    }
    assert.ok(seen.length >= 25, seen.join("\n"));
  });
});
