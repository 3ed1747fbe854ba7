import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { InvalidInputError } from "../../lib/errors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { pulumiEnvironment } from "../deployment/deployment.ts";
import { findOfficialProvider, linkOfficialProvider, officialVersion } from "./official-provider.ts";
import { statePaths } from "./local-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "official-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const inHome = (home: string) => join(home, `plugins/resource-aws-v${officialVersion()}/pulumi-resource-aws`);

describe("officialVersion", () => {
  it("is the version of @pulumi/aws in package.json", async () => {
    const { dependencies } = JSON.parse(await readFile(join(repoRoot, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    assert.equal(officialVersion(), dependencies["@pulumi/aws"]);
  });
});

describe("findOfficialProvider", () => {
  let steps: string[];
  beforeEach(() => {
    steps = [];
  });

  /** Looks for the provider with a Pulumi CLI that is a shell script. */
  async function find(
    environment: Record<string, string>,
    script: string,
    resolve: (host: string) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<string> {
    const cli = join(folder, "pulumi");
    await writeFile(cli, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const step = async <Result>(name: string, work: (step: { detail: () => void }) => Promise<Result>) => {
      steps.push(name);
      return { result: await work({ detail: () => undefined }), seconds: 0 };
    };
    const { signal } = new AbortController();
    return await findOfficialProvider({
      environment: { PATH: "/bin:/usr/bin", ...environment },
      progress: { step },
      signal,
      cli,
      resolve,
    });
  }

  for (const [where, environment, home] of [
    ["PULUMI_HOME", { PULUMI_HOME: "own", HOME: "." }, "own"],
    ["the user's home", { HOME: "." }, ".pulumi"],
  ] as const) {
    it(`finds an installed provider in ${where}, without the CLI`, async () => {
      const installed = inHome(join(folder, home));
      await mkdir(dirname(installed), { recursive: true });
      await writeFile(installed, "");
      const absolute = Object.fromEntries(
        Object.entries(environment).map(([name, path]) => [name, join(folder, path)]),
      );
      assert.equal(await find(absolute, "exit 1"), installed);
      assert.deepEqual(steps, []);
    });
  }

  it("says which name this machine must know", async () => {
    await mkdir(dirname(inHome(folder)), { recursive: true });
    await writeFile(inHome(folder), "");
    const resolve = (host: string) => Promise.reject(new Error(`getaddrinfo ENOTFOUND ${host}`));
    await assert.rejects(find({ PULUMI_HOME: folder }, "exit 1", resolve), (error: unknown) => {
      assert.ok(error instanceof InvalidInputError);
      assert.equal(error.hint, "add the line 127.0.0.1 000000000000.s3-control.localhost to /etc/hosts");
      return true;
    });
  });

  it("downloads the provider of the program's version", async () => {
    const installed = inHome(folder);
    const script = `test "$*" = "plugin install resource aws ${officialVersion()}" || exit 3
mkdir -p "$PULUMI_HOME/plugins/resource-aws-v$5" && touch "$PULUMI_HOME/plugins/resource-aws-v$5/pulumi-resource-aws"`;
    assert.equal(await find({ PULUMI_HOME: folder }, script), installed);
    assert.deepEqual(steps, [`Downloading the official provider ${officialVersion()}`]);
  });

  for (const [what, script, words] of [
    [
      "the CLI's last line",
      "echo first >&2; echo 'error: no such host' >&2; exit 255",
      /cannot be downloaded: no such host$/,
    ],
    ["the CLI's status", "exit 7", /cannot be downloaded: exit status 7$/],
  ] as const) {
    it(`says where it looked, ${what}, and how to install it`, async () => {
      await assert.rejects(find({ PULUMI_HOME: folder }, script), (error: unknown) => {
        assert.ok(error instanceof InvalidInputError);
        assert.equal(error.exitCode, 2);
        assert.ok(error.message.includes(inHome(folder)), error.message);
        assert.match(error.message, words);
        assert.ok(error.hint?.includes(`pulumi plugin install resource aws ${officialVersion()}`), error.hint);
        return true;
      });
    });
  }
});

describe("linkOfficialProvider", () => {
  it("makes a folder with a link to the executable, also a second time", async () => {
    const executable = join(folder, "pulumi-resource-aws");
    await writeFile(executable, "");
    const home = join(folder, "home");
    await linkOfficialProvider(join(folder, "missing"), home);
    await linkOfficialProvider(executable, home);
    assert.ok((await stat(dirname(inHome(home)))).isDirectory());
    assert.equal(await readlink(inHome(home)), executable);
  });
});

describe("pulumiEnvironment", () => {
  const environmentOf = (access: Parameters<typeof pulumiEnvironment>[0]) =>
    pulumiEnvironment(access, statePaths(join(folder, "state")));

  it("makes the engine attach to the emulator's provider", () => {
    const environment = environmentOf({ provider: "emulated", providerPort: 4711 });
    assert.equal(environment["PULUMI_DEBUG_PROVIDERS"], "aws:4711");
  });

  it("makes the engine start the official provider, with a host name for S3 Control", () => {
    const environment = environmentOf({ provider: "official", url: "http://127.0.0.1:4566" });
    assert.equal(environment["PULUMI_DEBUG_PROVIDERS"], undefined);
    assert.equal(environment["AWS_ENDPOINT_URL_S3_CONTROL"], "http://s3-control.localhost:4566");
    assert.equal(environment["PULUMI_HOME"], statePaths(join(folder, "state")).pulumiHome);
  });
});
