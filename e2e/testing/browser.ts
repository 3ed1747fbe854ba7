/** The browser of the tests that open a report. */
import assert from "node:assert/strict";
import { after, before } from "mocha";
import type { Browser } from "puppeteer-core";
import { openBrowser } from "../../lib/report-page/testing/browser.ts";

let shared: ReturnType<typeof openBrowser> | undefined;

/**
 * Opens a browser before the tests of the suite that calls it, or skips them if there is none. All test files of this mocha process
 * share the browser.
 * @returns a function that returns the browser to the tests
 */
export function useBrowser(): () => Browser {
  let browser: Browser | undefined;
  before(async function () {
    shared ??= openBrowser();
    const opened = await shared;
    if ("missing" in opened) {
      console.log(`    skipped, no browser: ${opened.missing}`);
      this.skip();
    }
    ({ browser } = opened);
  });
  return () => {
    assert.ok(browser !== undefined, "The browser opens before the suite's tests.");
    return browser;
  };
}

// A root hook: this module is loaded at the top level of test files.
after(async () => {
  const opened = await shared;
  if (opened !== undefined && "browser" in opened) await opened.close();
});
