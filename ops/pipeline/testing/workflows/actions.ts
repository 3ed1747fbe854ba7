/** Local implementations of the actions that the workflows use. Each validates its inputs; an unknown action or input is an error. */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { symlink } from "node:fs/promises";
import { z } from "zod";
import type { Artifacts, OfRun } from "./artifacts.ts";
import type { Origin } from "./origin.ts";
import type { Permissions } from "./workflow.ts";

/** A program that an action adds to the PATH. */
export interface Program {
  readonly folder: string;
  readonly version: string;
}

/** Replacements for GitHub's machines and for downloads. */
export interface Machine {
  /** Environment variables of every step. */
  readonly environment: Readonly<Record<string, string>>;
  readonly node: Program;
  readonly pulumi: Program;
  /** The installed Node packages of this project. Each checkout gets a link to them, so that setup downloads nothing. */
  readonly nodeModules: string;
  /**
   * Assumes a role with a job's token.
   * @returns the variables with the credentials
   * @throws Error unless the role trusts the subject
   */
  readonly assumeRole: (role: string, subject: string, seconds: number) => Promise<Record<string, string>>;
}

/** The job that runs an action. */
export interface ActionJob extends OfRun {
  readonly workspace: string;
  readonly permissions: Permissions;
  /** Subject of the job's token for other services. */
  readonly subject: string;
  /** The commit of the run. */
  readonly sha: string;
}

/** Results of an action for later steps. */
export interface ActionResult {
  readonly outputs?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  /** A folder for the start of the PATH. */
  readonly path?: string;
}

/** Services that the actions use. */
export interface ActionTools {
  readonly machine: Machine;
  readonly origin: Origin;
  readonly artifacts: Artifacts;
}

type Action = (inputs: unknown, job: ActionJob, tools: ActionTools) => Promise<ActionResult>;

const checkoutInputs = z.strictObject({
  ref: z.string().min(1).optional(),
  "persist-credentials": z.literal("false"),
});

const nodeInputs = z.strictObject({
  "node-version-file": z.string(),
  cache: z.literal("npm").optional(),
  "package-manager-cache": z.literal("false").optional(),
});

/** Default duration of a role's session: an hour (AWS: AssumeRoleWithWebIdentity, DurationSeconds). */
const credentialsInputs = z.strictObject({
  "role-to-assume": z.string().regex(/^arn:aws:iam::\d{12}:role\//, "must be a role's ARN"),
  "aws-region": z.string().min(1),
  "role-duration-seconds": z.coerce.number().default(3600),
  "mask-aws-account-id": z.enum(["true", "false"]).optional(),
});

const actions: Readonly<Record<string, Action>> = {
  async "actions/checkout"(inputs, { workspace, permissions, sha }, { machine, origin }) {
    const { ref = sha } = checkoutInputs.parse(inputs);
    if (permissions["contents"] === undefined) throw new Error("actions/checkout needs the permission contents: read");
    await origin.checkOut(ref, workspace);
    await symlink(machine.nodeModules, join(workspace, "node_modules"));
    return {};
  },

  async "actions/setup-node"(inputs, { workspace }, { machine: { node } }) {
    const { "node-version-file": file } = nodeInputs.parse(inputs);
    return await installed(join(workspace, file), node);
  },

  async "pulumi/actions"(inputs, { workspace }, { machine: { pulumi } }) {
    const { "pulumi-version-file": file } = z.strictObject({ "pulumi-version-file": z.string() }).parse(inputs);
    return await installed(join(workspace, file), pulumi);
  },

  // A cache without content: this machine's cache has the files that it would keep.
  "actions/cache"(inputs) {
    z.strictObject({ path: z.string().min(1), key: z.string().min(1) }).parse(inputs);
    return Promise.resolve({ outputs: { "cache-hit": "false" } });
  },

  async "actions/upload-artifact"(inputs, job, { artifacts }) {
    return { outputs: await artifacts.upload(inputs, job.workspace, job) };
  },

  async "actions/download-artifact"(inputs, job, { artifacts }) {
    await artifacts.download(inputs, job.workspace, job);
    return {};
  },

  async "aws-actions/configure-aws-credentials"(inputs, { permissions, subject }, { machine }) {
    const wanted = credentialsInputs.parse(inputs);
    const region = wanted["aws-region"];
    if (permissions["id-token"] !== "write")
      throw new Error("Could not get an ID token: it needs the permission id-token: write");
    const credentials = await machine.assumeRole(wanted["role-to-assume"], subject, wanted["role-duration-seconds"]);
    return { variables: { AWS_REGION: region, AWS_DEFAULT_REGION: region, ...credentials } };
  },
};

/**
 * Runs a step that uses an action.
 * @param uses as in the workflow: NAME@COMMIT
 * @throws Error if the action is not known, or fails
 */
export async function runAction(
  uses: string,
  inputs: unknown,
  job: ActionJob,
  tools: ActionTools,
): Promise<ActionResult> {
  const [name = ""] = uses.split("@");
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined)
    throw new Error(`The test does not implement the action ${uses}. Add it to ${import.meta.filename}.`);
  try {
    return await action(inputs, job, tools);
  } catch (error) {
    if (error instanceof z.ZodError) throw new Error(`${name}: ${z.prettifyError(error)}`, { cause: error });
    throw error;
  }
}

/** Adds a program to the PATH whose version a file sets. */
async function installed(versionFile: string, { folder, version }: Program): Promise<ActionResult> {
  const wanted = (await readFile(versionFile, "utf8")).trim().replace(/^v/, "");
  if (wanted !== version) throw new Error(`${basename(versionFile)} requires ${wanted}; this machine has ${version}`);
  return { path: folder };
}
