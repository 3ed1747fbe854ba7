/** Runs steps as workflows do, with a scripted Pulumi CLI and a scripted GitHub. */
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { runCommandLine } from "../../../lib/command-line.ts";
import type { Job } from "../job.ts";
import { pipelineCommand } from "../steps.ts";
import { nextPage, page } from "./workflows/github-routes.ts";

/** A folder with a Pulumi CLI that prints scripted output. */
export class Sandbox implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Sandbox> {
    return new Sandbox(await mkdtemp(join(tmpdir(), "pipeline-")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Sets the output and exit status of `pulumi`; its first calls may end with other statuses. The state is that of {@link stateHas}. */
  async pulumiSays(text: string, status = 0, ...first: number[]): Promise<void> {
    const file = join(this.folder, "pulumi");
    await writeFile(join(this.folder, "says"), text);
    await writeFile(join(this.folder, "statuses"), first.map((each) => `${each}\n`).join(""));
    await this.stateHas([]);
    await this.backendHas(["dev", "prod", "pr-12"]);
    await writeFile(
      file,
      `#!/bin/sh
case "$*" in
*"stack export"*) cat "${this.folder}/state"; exit 0;;
*"stack ls"*) cat "${this.folder}/stacks"; exit 0;;
esac
echo "$*" >> "${this.folder}/calls"
cat "${this.folder}/says"
first=$(head -n 1 "${this.folder}/statuses")
sed -i 1d "${this.folder}/statuses"
exit "\${first:-${status}}"
`,
    );
    await chmod(file, 0o755);
  }

  /** Sets the resources in the stack's state, as `pulumi stack export` prints it. */
  async stateHas(resources: readonly { readonly type: string; readonly id: string }[]): Promise<void> {
    await writeFile(join(this.folder, "state"), JSON.stringify({ version: 3, deployment: { resources } }));
  }

  /** Sets the backend's stacks, as `pulumi stack ls` prints them. */
  async backendHas(stacks: readonly string[]): Promise<void> {
    await writeFile(join(this.folder, "stacks"), JSON.stringify(stacks.map((name) => ({ name, current: false }))));
  }

  /** Returns the arguments of each call of `pulumi`, except those that export the state or list the stacks. */
  async calls(): Promise<string[]> {
    return (await readFile(join(this.folder, "calls"), "utf8")).trim().split("\n");
  }

  /** Returns the job of a step that runs in this process; its output goes to `log`. */
  job(environment: NodeJS.ProcessEnv, log: (text: string) => void): Job {
    return {
      environment: {
        PATH: `${this.folder}:/usr/bin:/bin`,
        PULUMI_BACKEND_URL: "s3://state/dev",
        AWS_REGION: "us-east-1",
        GITHUB_STEP_SUMMARY: join(this.folder, "summary.md"),
        GITHUB_OUTPUT: this.#outputFile,
        ...environment,
      },
      stdout: { write: log },
      stderr: { write: log },
    };
  }

  /** Returns the outputs that the steps have set, one per line; empty if there are none. */
  async outputs(): Promise<string> {
    return await readFile(this.#outputFile, "utf8").catch(() => "");
  }

  get #outputFile(): string {
    return join(this.folder, "output");
  }

  /** Runs `pipeline ARGS…`. */
  async step(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<{ status: number; stdout: string; stderr: string }> {
    let stdout = "";
    let stderr = "";
    const status = await runCommandLine(pipelineCommand, args, {
      ...this.job(environment, () => undefined),
      stdin: process.stdin,
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      signal: new AbortController().signal,
    });
    return { status, stdout, stderr };
  }
}

/** A request that changes something, as GitHub received it. */
export interface Change {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** A GitHub with one repository, team/videos. Use `await using`. */
export class FakeGitHub implements AsyncDisposable {
  readonly changes: Change[] = [];
  /** Content at a path below the repository, in the order of its pages. */
  readonly content = new Map<string, readonly unknown[] | object>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const answer = (status: number, body: unknown, link?: string): void => {
        const headers = { "content-type": "application/json", ...(link === undefined ? {} : { link }) };
        response.writeHead(status, headers).end(JSON.stringify(body));
      };
      const url = new URL(request.url ?? "/", `http://${request.headers.host ?? ""}`);
      const at = url.pathname.replace("/repos/team/videos", "");
      if (request.headers.authorization !== "token token") {
        answer(401, { message: "Bad credentials" });
      } else if (request.method !== "GET") {
        void json(request).then((body) => {
          this.changes.push({ method: request.method ?? "", path: at, body });
          answer(200, {});
        });
      } else {
        const found = this.content.get(decodeURIComponent(at));
        if (found === undefined) answer(404, { message: "Not Found" });
        else if (Array.isArray(found)) answer(200, page(found, url.searchParams), nextPage(found, url));
        else answer(200, found);
      }
    }).listen(0, "127.0.0.1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  /** Returns a job's environment variables. */
  async environment(): Promise<NodeJS.ProcessEnv> {
    if (!this.#server.listening) await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no TCP port");
    return {
      GITHUB_API_URL: `http://127.0.0.1:${address.port}`,
      GITHUB_SERVER_URL: "https://github.example",
      GITHUB_REPOSITORY: "team/videos",
      GITHUB_RUN_ID: "77",
      GITHUB_TOKEN: "token",
    };
  }
}
