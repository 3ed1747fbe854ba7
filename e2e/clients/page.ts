/** docs/clients.md, the page with the tables of calls. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { withLock } from "../../tools/lock.mjs";
import { localFolder, repoRoot } from "../../tools/paths.mjs";
import { callTable, versionOnPage, withTable } from "./calls.ts";
import type { Call } from "./calls.ts";

const page = join(repoRoot, "docs", "clients.md");

/** True if the tables are to be written. */
const writes = process.env["WRITE_CLIENT_TABLES"] !== undefined;

/**
 * Compares a client's table on the page with the calls that it made. With WRITE_CLIENT_TABLES, writes the table.
 * @throws AssertionError if the table differs
 */
export async function checkTable(client: string, version: string, calls: readonly Call[]): Promise<void> {
  const text = await readFile(page, "utf8");
  const changed = await formatted(withTable(text, client, callTable(version, calls)));
  if (!writes) {
    assert.equal(text, changed, `The table of ${client} in docs/clients.md differs: run npm run docs:clients.`);
    return;
  }
  // Another process may write another client's table.
  const options = { signal: AbortSignal.timeout(60_000), onWait: () => undefined };
  await withLock(join(localFolder, "clients-page.lock"), options, async () => {
    const current = await readFile(page, "utf8");
    await writeFile(page, await formatted(withTable(current, client, callTable(version, calls))));
  });
}

/** Returns whether a client's table on the page must be the one of this version; always true if the tables are to be written. */
export async function isVersionOnPage(client: string, version: string): Promise<boolean> {
  return writes || versionOnPage(await readFile(page, "utf8"), client) === version;
}

async function formatted(text: string): Promise<string> {
  return await format(text, { ...(await resolveConfig(page)), filepath: page });
}
