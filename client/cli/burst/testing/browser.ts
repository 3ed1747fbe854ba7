/** For tests: a headless browser, the machine's own or the one that a package carries. */
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";
import type { Browser } from "puppeteer-core";

/** Names under which systems install what Puppeteer can drive. */
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A browser that is open, or why there is none. */
export type OpenBrowser = { readonly browser: Browser; close(): Promise<void> } | { readonly missing: string };

/**
 * Opens the system's browser or else, on Linux, the one of the package @sparticuz/chromium, unpacked into a folder that goes with it.
 * @param more arguments of Chromium's command line
 */
export async function openBrowser(more: readonly string[] = []): Promise<OpenBrowser> {
  const folder = await mkdtemp(path.join(tmpdir(), "browser-"));
  try {
    const executablePath = (await systemBrowser()) ?? (await unpacked(folder));
    // Without a sandbox: containers and continuous integration give it none, and the pages are our own.
    const args = ["--no-sandbox", "--disable-gpu", "--no-zygote", ...more];
    const browser = await puppeteer.launch({
      executablePath,
      args,
      headless: "shell",
      userDataDir: `${folder}/profile`,
    });
    const close = async (): Promise<void> => {
      await browser.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    };
    return { browser, close };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

async function systemBrowser(): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    for (const name of names) {
      const file = path.join(folder, name);
      const isThere = await access(file).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
  }
  return undefined;
}

/** The package unpacks into the system's folder for temporary files, and leaves it there. */
async function unpacked(folder: string): Promise<string> {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    return await chromium.executablePath();
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}
