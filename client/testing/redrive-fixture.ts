/** For tests: the error queue, the stack and the journal of a redrive. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobJournal } from "../src/journal.ts";
import { redriveQueue } from "../src/redrive/redrive.ts";
import type { Outcome, RedriveOptions } from "../src/redrive/redrive.ts";
import { connect } from "../src/stack.ts";
import type { Stack } from "../src/stack.ts";
import { startFakeAws } from "./fake-aws.ts";
import type { FakeAws } from "./fake-aws.ts";
import { FakeQueues } from "./fake-sqs.ts";

/** Limits that tests do not reach by accident. */
export const redriveDefaults = { limit: 1000, times: 3 };

/** Returns the kinds of outcomes, sorted. */
export function kindsOf(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ kind }) => kind).sort();
}

/** The fixture. Start it with {@link startRedriveFixture}. */
export class RedriveFixture implements AsyncDisposable {
  readonly aws: FakeAws;
  readonly queues: FakeQueues;
  readonly folder: string;
  stack: Stack;
  journal: JobJournal;

  constructor(aws: FakeAws, folder: string, journal: JobJournal) {
    this.aws = aws;
    this.queues = new FakeQueues(aws);
    this.stack = connect(aws.outputs);
    this.folder = folder;
    this.journal = journal;
  }

  /** Redrives, and returns the outcome of each message or job. */
  async run(options: Partial<RedriveOptions> = {}, way = redriveQueue): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const onOutcome = (outcome: Outcome) => outcomes.push(outcome);
    await way(this.stack, this.journal, { ...redriveDefaults, ...options, onOutcome });
    return outcomes;
  }

  /** Names of the jobs that the endpoint received, sorted. */
  get sent(): string[] {
    return this.aws.invocations.map(({ inferenceId }) => inferenceId).sort();
  }

  /** Ends the process, as far as journal and queue can see it, and starts another one. */
  async reopen(): Promise<void> {
    await this.journal[Symbol.asyncDispose]();
    const { file } = this.journal;
    this.journal = await JobJournal.openOrCreate(file);
    this.queues.timeOut();
  }

  /** Replaces the journal by an empty one. */
  async renew(): Promise<void> {
    await this.journal[Symbol.asyncDispose]();
    this.journal = await JobJournal.create(join(this.folder, `${crypto.randomUUID()}.jsonl`));
  }

  /** Connects again, as a process that has not read the stack's clock before. */
  reconnect(): void {
    this.stack.close();
    this.stack = connect(this.aws.outputs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.journal[Symbol.asyncDispose]();
    this.stack.close();
    await this.aws[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}

/** Starts a server and makes a folder with an empty journal. */
export async function startRedriveFixture(): Promise<RedriveFixture> {
  const folder = await mkdtemp(join(tmpdir(), "redrive-"));
  const journal = await JobJournal.create(join(folder, "journal.jsonl"));
  return new RedriveFixture(await startFakeAws(), folder, journal);
}
