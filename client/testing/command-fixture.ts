/** For tests: runs the command line in this process, against a separate server, with a folder of small videos. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { runProgram } from "../../lib/command-line.ts";
import { clientCommands } from "../cli/commands/index.ts";
import type { StackOutputs } from "../src/outputs.ts";
import { objectKey, startFakeAws } from "./fake-aws.ts";
import type { FakeAws, SeenInvocation } from "./fake-aws.ts";
import { sampleResult } from "./sample-result.ts";

/** Fields of a printed JSON line that tests use. */
export interface PrintedLine {
  readonly inferenceId: string;
  readonly video?: string;
  readonly outputLocation?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly problem?: string;
  readonly part?: { readonly from: number };
  readonly result?: { readonly detections: number };
  readonly movie?: string;
}

/** Result of a command. */
export interface Executed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON lines. */
  readonly lines: () => readonly PrintedLine[];
}

/** Makes a small file whose first bytes are a video's; every name makes different content. */
export function videoBytes(name: string): Buffer {
  return Buffer.concat([Buffer.from("\0\0\0\x20ftypisom", "latin1"), Buffer.from(name)]);
}

/** The fixture. Start it with {@link startCommandFixture}. */
export class CommandFixture implements AsyncDisposable {
  readonly aws: FakeAws;
  readonly folder: string;
  readonly controller = new AbortController();
  /** Outputs of the stack that a test overrides; undefined for one that is absent. */
  outputs: { readonly [Name in keyof StackOutputs]?: StackOutputs[Name] | undefined } = {};

  constructor(aws: FakeAws, folder: string) {
    this.aws = aws;
    this.folder = folder;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Path of the journal of {@link submit}. */
  get journal(): string {
    return this.path("journal.jsonl");
  }

  /** Locations of the videos that the endpoint received. */
  get sent(): readonly string[] {
    return this.aws.invocations.map(({ inputLocation }) => inputLocation);
  }

  /** Runs submit with --json and, unless another one is given, the fixture's journal. */
  async submit(...args: readonly string[]): Promise<Executed> {
    const journal = args.includes("--journal") ? [] : ["--journal", this.journal];
    return await this.execute(["submit", ...args, "--json", ...journal]);
  }

  /** Runs a command line on the server's stack. */
  async execute(args: readonly string[], stdin = ""): Promise<Executed> {
    const outputs = this.path("outputs.json");
    await writeFile(outputs, JSON.stringify({ ...this.aws.outputs, ...this.outputs }));
    return await this.executeBare([...args, "--outputs", outputs], stdin);
  }

  /** Runs a command line without changes. */
  async executeBare(args: readonly string[], stdin = ""): Promise<Executed> {
    const written = { stdout: "", stderr: "" };
    const program = { name: "async-video", summary: "works with videos", commands: clientCommands };
    const status = await runProgram(program, args, {
      environment: {},
      stdin: Readable.from([stdin]),
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
      signal: this.controller.signal,
    });
    const lines = () =>
      written.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as PrintedLine);
    return { status, ...written, lines };
  }

  /** Puts a result at the invocation's output location. */
  readonly complete = ({ outputLocation }: SeenInvocation): void => {
    this.aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(sampleResult)));
  };

  /** Puts a failure at the invocation's failure location. */
  readonly fail = ({ failureLocation }: SeenInvocation): void => {
    this.aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"not a video"}'));
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.aws[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}

/** Starts a server and makes a folder with the videos a.mp4 and b.mp4. */
export async function startCommandFixture(): Promise<CommandFixture> {
  const fixture = new CommandFixture(await startFakeAws(), await mkdtemp(join(tmpdir(), "client-")));
  for (const name of ["a.mp4", "b.mp4"]) await writeFile(fixture.path(name), videoBytes(name));
  return fixture;
}
