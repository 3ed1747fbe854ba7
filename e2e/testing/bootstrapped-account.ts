/** An AWS account in which the bootstrap was deployed, on the emulator, for tests of what workflows do there. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { z } from "zod";
import { awsEnvironment, Deployment, pulumiPath } from "../../ops/deployment/deployment.ts";
import { spawnEmulator, type RunningEmulator } from "../../ops/local/emulator.ts";
import { statePaths } from "../../ops/local/state.ts";
import { freePort } from "../../lib/ports.ts";

const issuer = "token.actions.githubusercontent.com";

/**
 * The emulator's clock runs this many times as fast as real time while nothing starts and nothing works: zero instances are soon reached, and
 * an instance is still there for the next video of a smoke test.
 */
const speed = 200;

const outputs = z.object({
  repositoryVariables: z.record(z.string(), z.string()),
  /** By environment. */
  secretsProviders: z.record(z.string(), z.string()),
  permissionsBoundaries: z.record(z.string(), z.string()),
  encryptionKeyArns: z.record(z.string(), z.string()),
});

const state = z.object({
  deployment: z.object({ resources: z.array(z.object({ urn: z.string() })).default([]) }),
});

const trust = z.object({
  Statement: z.array(
    z.object({
      Action: z.literal("sts:AssumeRoleWithWebIdentity"),
      Condition: z.object({
        StringEquals: z.object({
          [`${issuer}:aud`]: z.literal("sts.amazonaws.com"),
          [`${issuer}:sub`]: z.union([z.string(), z.array(z.string())]),
        }),
      }),
    }),
  ),
});

/** Where the bootstrap's project is, and what it is checked with. */
export interface BootstrapProject {
  readonly stackName: string;
  readonly projectFolder: string;
  readonly policyConfigFile: string;
}

/** The account. Use `await using`. */
export class BootstrappedAccount implements AsyncDisposable {
  readonly aws: RunningEmulator;
  readonly bootstrap: z.infer<typeof outputs>;
  readonly #iam: IAMClient;

  private constructor(aws: RunningEmulator, bootstrap: z.infer<typeof outputs>) {
    this.aws = aws;
    this.bootstrap = bootstrap;
    this.#iam = new IAMClient(this.access);
  }

  /** Starts the emulator with its data in a folder, and deploys the bootstrap. */
  static async open(folder: string, project: BootstrapProject): Promise<BootstrappedAccount> {
    const { signal } = new AbortController();
    const paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    const aws = await spawnEmulator({ paths, port: await freePort(), speed, signal });
    try {
      const place = { ...project, paths, providerPort: aws.providerPort, environment: awsEnvironment(aws) };
      const deployment = await Deployment.openAt(place);
      const made = await deployment.up({ detail: () => undefined }, signal);
      return new BootstrappedAccount(aws, outputs.parse(made.outputs));
    } catch (error) {
      await aws.stop();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#iam.destroy();
    await this.aws.stop();
  }

  /** What an AWS SDK client needs. */
  get access() {
    const { url: endpoint, region, credentials } = this.aws;
    return { endpoint, region, credentials };
  }

  /** What the emulator needs in the environment of a job besides credentials: where AWS is, and the provider that stands for the official one. */
  get environment(): Record<string, string> {
    return { AWS_ENDPOINT_URL: this.aws.url, PULUMI_DEBUG_PROVIDERS: `aws:${this.aws.providerPort}` };
  }

  /** The repository's variables. Backends are addressed by path, because buckets have no host names on this machine. */
  get variables(): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.bootstrap.repositoryVariables).map(([name, value]) => [
        name,
        value.startsWith("s3://") ? `${value}&use_path_style=true` : value,
      ]),
    );
  }

  /**
   * Takes a role with a token of GitHub, as AssumeRoleWithWebIdentity does. The emulator knows one key pair, which is given to each role.
   * @param seconds how long the credentials are to be valid
   * @throws Error unless the role trusts exactly this subject, and allows sessions of this length
   */
  async assumeRole(role: string, subject: string, seconds: number): Promise<Record<string, string>> {
    const { Role } = await this.#iam.send(new GetRoleCommand({ RoleName: role.split("/").at(-1) }));
    const { Statement } = trust.parse(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")));
    const trusted = Statement.flatMap(({ Condition }) => Condition.StringEquals[`${issuer}:sub`]);
    if (!trusted.includes(subject)) {
      throw new Error(
        `Not authorized to perform sts:AssumeRoleWithWebIdentity: ${role} trusts ${trusted.join(", ")}, not ${subject}`,
      );
    }
    if (seconds > (Role?.MaxSessionDuration ?? 3600)) {
      throw new Error(`The requested DurationSeconds exceeds the MaxSessionDuration set for ${role}`);
    }
    const { accessKeyId, secretAccessKey } = this.aws.credentials;
    return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  }

  /** The URNs of a stack's resources, sorted. */
  async resources(stack: string, backend: string, cwd: string, home: string): Promise<string[]> {
    const exported = await this.pulumi(["stack", "export", "--stack", stack], backend, cwd, home);
    const { deployment } = state.parse(JSON.parse(exported));
    return deployment.resources.map(({ urn }) => urn).sort();
  }

  /** Runs the Pulumi CLI as an administrator. Returns its standard output. */
  async pulumi(args: readonly string[], backend: string, cwd: string, home: string): Promise<string> {
    const { stdout } = await promisify(execFile)("pulumi", ["--non-interactive", ...args], {
      cwd,
      maxBuffer: 2 ** 26,
      env: {
        ...process.env,
        ...this.environment,
        ...awsEnvironment(this.aws),
        PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter),
        PULUMI_BACKEND_URL: backend,
        PULUMI_HOME: join(home, ".pulumi"),
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    });
    return stdout;
  }
}
