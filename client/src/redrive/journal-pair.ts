/**
 * The two journals of a redrive from a submission's journal: that journal, and the endpoint's, which a redrive of the
 * error queue also uses. Each recognises the jobs that the other way has sent again.
 */
import type { JobJournal } from "../journal.ts";
import type { JournalEntries, JournalEntry, JournalLine, JournalWriter } from "../journal-lines.ts";
import { nextIdOf } from "./redrive-id.ts";

/**
 * Pairs a submission's journal with the endpoint's: each line is written to both. First it gives each the redriven jobs
 * that only the other has.
 * @throws SetupError if a journal cannot be written
 */
export async function pairJournals(own: JobJournal, shared: JobJournal): Promise<JournalWriter> {
  const names = redrivenNames(own.entries, shared.entries);
  await copyJobs(names, shared, own);
  await copyJobs(names, own, shared);
  return {
    entries: own.entries,
    async plan(jobs) {
      await shared.plan(jobs);
      await own.plan(jobs);
    },
    async append(...lines) {
      await shared.append(...lines);
      await own.append(...lines);
    },
    note(...lines) {
      shared.note(...lines);
      own.note(...lines);
    },
  };
}

/** Returns the entries of a submission's journal, with the jobs of the endpoint's journal that send them again. */
export function withRedriven(own: JournalEntries, shared: JournalEntries): JournalEntries {
  const added = redrivenNames(own, shared).flatMap((name) => {
    const entry = own.get(name)?.job === undefined ? shared.get(name) : undefined;
    return entry === undefined ? [] : [[name, entry] as const];
  });
  return new Map([...own, ...added]);
}

/** Returns the names of the jobs, in one of the two, that send a job of `own` again. */
function redrivenNames(own: JournalEntries, shared: JournalEntries): readonly string[] {
  const found = new Set<string>();
  for (const first of own.keys()) {
    for (let name = nextIdOf(first); own.has(name) || shared.has(name); name = nextIdOf(name)) found.add(name);
  }
  return [...found];
}

async function copyJobs(names: readonly string[], from: JobJournal, to: JobJournal): Promise<void> {
  const lines = names.flatMap((name) => {
    const [entry, known] = [from.entries.get(name), to.entries.get(name)];
    if (entry === undefined) return [];
    if (known === undefined) return linesOf(entry);
    // The process may have ended between the two writes.
    return known.job === undefined && entry.job !== undefined ? [{ event: "accepted", job: entry.job } as const] : [];
  });
  if (lines.length > 0) await to.append(...lines);
}

/** Returns the lines that add up to an entry. */
function linesOf({ planned, attempts, sent, job, recorded, problem, end }: JournalEntry): readonly JournalLine[] {
  const { inferenceId } = planned;
  const attempt = sent === undefined ? [] : [{ event: "attempt", inferenceId, ...sent } as const];
  return [
    { event: "planned", of: 1, job: planned },
    ...Array.from({ length: attempts }, () => attempt).flat(),
    ...(job === undefined ? [] : [{ event: "accepted", job } as const]),
    ...(recorded === undefined ? [] : [{ event: "recorded", inferenceId } as const]),
    ...(problem === undefined ? [] : [{ event: "refused", inferenceId, problem } as const]),
    ...(end === undefined ? [] : [{ event: "ended", inferenceId, ...end } as const]),
  ];
}
