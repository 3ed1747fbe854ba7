/** The environment for programs that process other people's data, such as videos, and need no credentials. */

/** PATH, the user's folder, the language of messages, and the folder for temporary files. */
const needed = ["PATH", "HOME", "LANG", "TMPDIR"];

/** Returns only these variables of `environment` and those named in `more`. */
export function childEnvironment(environment: NodeJS.ProcessEnv, more: readonly string[] = []): NodeJS.ProcessEnv {
  return Object.fromEntries(
    [...needed, ...more].flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
