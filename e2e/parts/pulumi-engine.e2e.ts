import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { languageHost, pulumiRoot, pulumiVersion, repoRoot } from "../../tools/paths.mjs";

const project = `name: tiny
runtime: { name: nodejs, options: { typescript: false } }
main: index.ts
`;

/** A program with one component and the IDs of its processes as an output. */
const program = `import * as pulumi from "@pulumi/pulumi";

class Box extends pulumi.ComponentResource {
  constructor(name: string) {
    super("tiny:index:Box", name, {});
    this.registerOutputs({});
  }
}

new Box("one");
console.log("printed by the program");
const config = new pulumi.Config();
export const greeting: string = \`hello \${config.require("who")} in \${pulumi.getStack()}\`;
export const secret = config.requireSecret("word");
export const processes = [process.pid, process.ppid];
export const node = process.version;
`;

const pack = `import { PolicyPack } from "@pulumi/policy";

new PolicyPack("tiny", {
  policies: [
    {
      name: "no-box",
      description: "There are no boxes.",
      enforcementLevel: "mandatory",
      validateResource: (args, report) => {
        if (args.type === "tiny:index:Box") report(\`Leave the box out (process \${process.pid}).\`);
      },
    },
  ],
});
`;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function assertEnds(pid: number): Promise<void> {
  for (let waited = 0; isAlive(pid); waited += 100) {
    assert.ok(waited < 20_000, `process ${pid} is still there`);
    await sleep(100);
  }
}

describe("the language host under the real engine", () => {
  let folder: string;
  let command: PulumiCommand;
  let env: Record<string, string>;
  let stack: Stack;

  before(async () => {
    // The engine resolves symbolic links in paths.
    folder = await realpath(await mkdtemp(join(tmpdir(), "engine-")));
    // Use this clone's language host, not the one that setup installed next to the CLI.
    const bin = join(folder, "cli", "bin");
    await mkdir(bin, { recursive: true });
    await symlink(join(pulumiRoot, "bin", "pulumi"), join(bin, "pulumi"));
    await writeFile(join(bin, "pulumi-language-nodejs"), `#!/bin/sh\nexec node "${languageHost}" "$@"\n`);
    await chmod(join(bin, "pulumi-language-nodejs"), 0o755);
    await mkdir(join(folder, "state"));
    env = {
      PATH: [bin, dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_CONFIG_PASSPHRASE: "tiny",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
    command = await PulumiCommand.get({ root: join(folder, "cli") });

    const packFolder = join(folder, "program", "pack");
    await mkdir(packFolder, { recursive: true });
    await writeFile(join(folder, "program", "Pulumi.yaml"), project);
    await writeFile(join(folder, "program", "package.json"), '{ "type": "module" }');
    await writeFile(join(folder, "program", "index.ts"), program);
    await writeFile(join(packFolder, "PulumiPolicy.yaml"), "runtime: nodejs\n");
    await writeFile(
      join(packFolder, "package.json"),
      '{ "name": "tiny", "version": "1.2.3", "type": "module", "main": "index.mjs" }',
    );
    await writeFile(join(packFolder, "index.mjs"), pack);
    await symlink(join(repoRoot, "node_modules"), join(folder, "program", "node_modules"));
    stack = await open("dev", join(folder, "program"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function open(stackName: string, workDir: string): Promise<Stack> {
    const opened = await LocalWorkspace.createOrSelectStack(
      { stackName, workDir },
      { envVars: env, pulumiHome: join(folder, "home"), pulumiCommand: command },
    );
    await opened.setConfig("who", { value: "you" });
    await opened.setConfig("word", { value: "hush", secret: true });
    return opened;
  }

  /** Copies the program and writes one of its files; returns the folder. */
  async function variant(name: string, file: string, text: string): Promise<string> {
    const workDir = join(folder, name);
    await mkdir(workDir);
    await symlink(join(repoRoot, "node_modules"), join(workDir, "node_modules"));
    for (const original of ["Pulumi.yaml", "package.json", "index.ts"]) {
      await writeFile(join(workDir, original), await readFile(join(folder, "program", original)));
    }
    await writeFile(join(workDir, file), text);
    return workDir;
  }

  it("is installed next to a CLI of the SDK's version", async () => {
    const cli = await PulumiCommand.get({ root: pulumiRoot });
    assert.equal(cli.version?.toString(), pulumiVersion);
    assert.ok(existsSync(join(pulumiRoot, "bin", "pulumi-language-nodejs")));
  });

  it("reports a mandatory policy's message when it refuses a preview, and leaves no process of the pack", async () => {
    const refused = await stack.preview({ policyPacks: [join(folder, "program", "pack")] }).then(
      () => assert.fail("the preview passed"),
      (error: unknown) => String(error),
    );
    const [, pid] = /Leave the box out \(process (\d+)\)\./.exec(refused) ?? [];
    assert.ok(pid !== undefined, refused);
    assert.match(refused, /tiny@v1\.2\.3/);
    await assertEnds(Number(pid));
    assert.doesNotMatch(JSON.stringify(await stack.exportStack()), /tiny:index:Box/);
  });

  it("runs a TypeScript program with config, secrets and outputs on the Node of the PATH, and leaves no process", async () => {
    let output = "";
    const { outputs, summary } = await stack.up({
      onOutput: (text) => {
        output += text;
      },
    });
    assert.equal(summary.result, "succeeded");
    assert.equal(outputs["greeting"]?.value, "hello you in dev");
    assert.equal(outputs["secret"]?.value, "hush");
    assert.equal(outputs["secret"].secret, true);
    assert.equal(outputs["node"]?.value, process.version);
    assert.match(output, /printed by the program/);
    const processes: unknown = outputs["processes"]?.value;
    assert.ok(Array.isArray(processes) && processes.length === 2);
    for (const pid of processes) await assertEnds(Number(pid));
  });

  it("reports the error that a program throws", async () => {
    const workDir = await variant("throws", "index.ts", 'throw new Error("the program is broken");\n');
    const broken = await open("broken", workDir);
    await assert.rejects(broken.up(), /the program is broken/);
  });

  it("names a runtime option that it does not support", async () => {
    const workDir = await variant(
      "option",
      "Pulumi.yaml",
      project.replace("typescript: false", "nodeargs: --trace-gc"),
    );
    const refused = await open("option", workDir);
    await assert.rejects(refused.up(), /runtime option "nodeargs" .* is not supported/);
  });

  it("ends together with its program when the engine is killed", async () => {
    const file = join(folder, "processes.json");
    const workDir = await variant(
      "hangs",
      "index.ts",
      `import { writeFileSync } from "node:fs";
writeFileSync(${JSON.stringify(file)}, JSON.stringify([process.pid, process.ppid]));
await new Promise((resolve) => setTimeout(resolve, 600_000));
`,
    );
    await open("hangs", workDir);
    const engine = spawn(command.command, ["up", "--yes", "--skip-preview", "--non-interactive", "--stack", "hangs"], {
      cwd: workDir,
      env: { ...process.env, ...env },
      stdio: "ignore",
    });
    for (let waited = 0; !existsSync(file); waited += 100) {
      assert.ok(waited < 60_000, "the program did not start");
      assert.equal(engine.exitCode, null);
      await sleep(100);
    }
    const exit = once(engine, "exit");
    engine.kill("SIGKILL");
    await exit;
    await sleep(100);
    const processes: unknown = JSON.parse(await readFile(file, "utf8"));
    assert.ok(Array.isArray(processes) && processes.length === 2);
    for (const pid of processes) await assertEnds(Number(pid));
  });
});
