/** For tests: fixtures that hooks start and dispose of. */
import { after, afterEach, before, beforeEach } from "mocha";

/** Starts a fixture before each test of the suite, passes it to `use`, and disposes of it after the test. */
export function forEachTest<Fixture extends AsyncDisposable>(
  start: () => Promise<Fixture>,
  use: (fixture: Fixture) => void,
): void {
  inHooks(beforeEach, afterEach, start, use);
}

/** Starts a fixture before the tests of the suite, passes it to `use`, and disposes of it after them. */
export function forSuite<Fixture extends AsyncDisposable>(
  start: () => Promise<Fixture>,
  use: (fixture: Fixture) => void,
): void {
  inHooks(before, after, start, use);
}

type Hook = (run: () => Promise<void>) => void;

function inHooks<Fixture extends AsyncDisposable>(
  first: Hook,
  last: Hook,
  start: () => Promise<Fixture>,
  use: (fixture: Fixture) => void,
): void {
  let started: Fixture | undefined;
  first(async () => {
    // If the start fails, the hook at the end must not find the fixture of the test before.
    started = undefined;
    started = await start();
    use(started);
  });
  last(async () => {
    await started?.[Symbol.asyncDispose]();
  });
}
