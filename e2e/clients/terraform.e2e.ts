/** Applies, changes and destroys resources of the stack's types with Terraform, if Terraform and the AWS provider are on this machine. */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { copyFile, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { after, before, describe, it } from "mocha";
import { z } from "zod";
import { run } from "../../lib/child-process.ts";
import { makeFolder } from "../../lib/files.ts";
import { clients } from "../../tools/paths.mjs";
import { checkTable, isVersionOnPage } from "./page.ts";
import { startClientSession } from "./session.ts";
import type { ClientSession } from "./session.ts";
import { terraformCalls } from "./terraform-log.ts";

/** A change of each kind: new model, configuration and update of the endpoint; numbers; tags of all resources. */
const changes = { revision: 2, max_capacity: 3, backlog_target: 3, retention: 14, owner: "operations" };

const versionSchema = z.object({
  terraform_version: z.string(),
  provider_selections: z.record(z.string(), z.string()),
});

/** Path of the AWS provider in a folder of plugins. */
const provider = join("registry.terraform.io", "hashicorp", "aws");

/** Returns a folder of plugins that has the AWS provider: one that Terraform searches, or one in /opt. Undefined if there is none. */
function pluginFolder(): string | undefined {
  // Source: Terraform documentation, "CLI Configuration File", "Implied Local Mirror Directories".
  const data = process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share");
  const roots = [
    join(homedir(), ".terraform.d", "plugins"),
    join(data, "terraform", "plugins"),
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    "/opt/*",
  ];
  const [found] = globSync(roots.map((root) => join(root, provider)));
  return found?.slice(0, -(provider.length + sep.length));
}

/** Returns whether `terraform` is on the PATH. */
async function hasTerraform(): Promise<boolean> {
  try {
    return (await run(["terraform", "version"], { limit: 60_000 })).status === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

describe("Terraform on the emulator", function () {
  this.timeout(25 * 60_000);
  let session: ClientSession;

  const log = (): string => join(session.folderOf("terraform"), "provider.log");
  const script = async (...args: readonly string[]): Promise<string> =>
    (await session.run("terraform", [clients.python, ...args])).trim();
  const terraform = async (...args: readonly string[]): Promise<string> =>
    await session.run("terraform", ["terraform", ...args], {
      CHECKPOINT_DISABLE: "1",
      TF_IN_AUTOMATION: "1",
      TF_LOG_PROVIDER: "DEBUG",
      TF_LOG_PATH: log(),
    });
  /** Runs a command with the variables of the configuration. */
  async function withVariables(command: readonly string[], changed: object = {}): Promise<void> {
    const artifact = join(session.folderOf("terraform"), "model.tar.gz");
    const image = await script(join(import.meta.dirname, "account.py"), artifact);
    const variables = Object.entries({ folder: import.meta.dirname, artifact, image, ...changed });
    await terraform(
      ...command,
      "-input=false",
      "-no-color",
      ...variables.flatMap(([name, value]) => ["-var", `${name}=${value}`]),
    );
  }
  /** Fails with the plan if the resources differ from the configuration: the exit status is 2 then. */
  const planNothing = (changed?: object): Promise<void> => withVariables(["plan", "-detailed-exitcode"], changed);

  before(async function () {
    const plugins = pluginFolder();
    if (plugins === undefined || !(await hasTerraform())) {
      console.log("Skipped: Terraform is not on the PATH, or no folder of plugins has the provider hashicorp/aws.");
      this.skip();
    }
    session = await startClientSession();
    const folder = session.folderOf("terraform");
    makeFolder(folder);
    await copyFile(join(import.meta.dirname, "terraform", "main.tf"), join(folder, "main.tf"));
    await terraform("init", "-input=false", "-no-color", `-plugin-dir=${plugins}`);
  });
  after(async () => {
    // Undefined if the tests were skipped.
    await (session as ClientSession | undefined)?.[Symbol.asyncDispose]();
  });

  it("applies a configuration with the stack's types of resources, and then plans nothing", async () => {
    await withVariables(["apply", "-auto-approve"]);
    await planNothing();
  });

  it("changes resources in place and by replacement, and then plans nothing", async () => {
    await withVariables(["apply", "-auto-approve"], changes);
    await planNothing(changes);
  });

  it("destroys everything", async () => {
    await withVariables(["destroy", "-auto-approve"], changes);
    assert.equal(await script(join(import.meta.dirname, "resources.py")), "{}");
  });

  it("makes the calls of the table in docs/clients.md", async function () {
    const { terraform_version, provider_selections } = versionSchema.parse(
      JSON.parse(await terraform("version", "-json")),
    );
    const version = `Terraform ${terraform_version}, provider aws ${Object.values(provider_selections).join(", ")}`;
    if (!(await isVersionOnPage("terraform", version))) {
      console.log(`Skipped: the table in docs/clients.md is of another version than ${version}.`);
      this.skip();
    }
    await checkTable("terraform", version, terraformCalls(await readFile(log(), "utf8")));
  });
});
