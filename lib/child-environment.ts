/** The environment of programs that work on data of other people, such as videos, and need no credentials. */

/** Programs to run, the user's folder, the language of messages, and where temporary files go. */
const needed = ["PATH", "HOME", "LANG", "TMPDIR"];

/** These variables of `environment` and those named in `more`, and no others. */
export function childEnvironment(environment: NodeJS.ProcessEnv, more: readonly string[] = []): NodeJS.ProcessEnv {
  return Object.fromEntries(
    [...needed, ...more].flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
