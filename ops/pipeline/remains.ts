/** Removes the remains of earlier deployments of a stack's endpoint, which has the same name each time: for `pipeline up` and `pipeline destroy`. */
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { SageMakerClient } from "@aws-sdk/client-sagemaker";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { z } from "zod";
import { endpointNameOf, logGroupOf } from "../../infra/endpoint-name.ts";
import { closing } from "../../lib/closing.ts";
import { defaultWait, deleteLogGroup, endpointStatus, hasLogGroup, waitWhile } from "../../lib/endpoint-remains.ts";
import type { Wait } from "../../lib/endpoint-remains.ts";
import { printable } from "../../lib/printable.ts";
import { describe, UserError } from "../../lib/errors.ts";
import { remedyFor } from "../../lib/remedies.ts";
import { requestHandler } from "../../lib/proxies.ts";
import type { Job } from "./job.ts";
import { projectRoot, stackResources } from "./pulumi.ts";
import { namespace } from "../deployment/settings-file.ts";
import { readStackFile } from "../doctor/stack-file.ts";
import type { StackFile } from "../doctor/stack-file.ts";
import type { StateResource } from "./pulumi.ts";

/** AWS as the stack's provider accesses it, and the name of the stack's endpoint. */
interface Place extends Disposable {
  readonly sagemaker: SageMakerClient;
  readonly logs: CloudWatchLogsClient;
  readonly endpointName: string;
}

/** Determines the account and the name; undefined if the provider assumes a role, whose account is not known here. */
async function placeOf(stack: string, job: Job): Promise<Place | undefined> {
  const name = stack.split("/").at(-1) ?? stack;
  const file = await readStackFile(projectRoot, name, "{}");
  if (file.assumesRole) return undefined;
  const { profile } = file;
  const rollbackAlarms = rollbackAlarmsOf(file);
  const region = file.region ?? job.environment["AWS_REGION"] ?? job.environment["AWS_DEFAULT_REGION"];
  if (region === undefined) {
    throw new UserError(
      `The stack ${stack} has no region. Set it: pulumi config set aws:region us-east-1 --stack ${stack}`,
    );
  }
  const access = { region, requestHandler, ...(profile === undefined ? {} : { profile }) };
  using sts = closing(new STSClient(access));
  const { Account: accountId = "" } = await sts.send(new GetCallerIdentityCommand({}));
  const [sagemaker, logs] = [new SageMakerClient(access), new CloudWatchLogsClient(access)];
  return {
    sagemaker,
    logs,
    endpointName: endpointNameOf({ accountId, region, project: namespace, stack: name, rollbackAlarms }),
    [Symbol.dispose]() {
      sagemaker.destroy();
      logs.destroy();
    },
  };
}

function rollbackAlarmsOf({ file, values }: StackFile): string[] {
  const key = `${namespace}:rollbackAlarms`;
  try {
    return z.array(z.string()).parse(JSON.parse(values[key] ?? "[]"));
  } catch {
    throw new UserError(`${file}: ${key} must be a list of names of alarms.`);
  }
}

/**
 * Clears the endpoint's name for a deployment. An endpoint that is being deleted still has its name, and an existing log group outside
 * the stack's state would make the deployment fail. Waits for the endpoint, and removes the log group.
 * @throws UserError if an endpoint of that name is not in the stack's state, or is not deleted in time
 */
export async function clearRemains(stack: string, job: Job, wait = defaultWait): Promise<void> {
  await working(`Remains of earlier deployments of ${stack} cannot be removed`, async () => {
    using place = await placeOf(stack, job);
    if (place === undefined) {
      job.stdout.write(`Did not check for remains of earlier deployments: the provider of ${stack} assumes a role.\n`);
      return;
    }
    const { sagemaker, logs, endpointName } = place;
    let status = await endpointStatus(sagemaker, endpointName);
    if (status === "Deleting") {
      job.stdout.write(`The endpoint ${printable(endpointName)} is still being deleted; waiting for it.\n`);
      status = await waitWhile(sagemaker, endpointName, ["Deleting"], wait);
    }
    const group = logGroupOf(endpointName);
    const isLeft = await hasLogGroup(logs, group);
    if (status === undefined && !isLeft) return;
    const known = new Set((await stackResources(stack, job)).map(({ id }) => id));
    if (status !== undefined) {
      if (known.has(endpointName)) return;
      throw new UserError(
        `The endpoint ${endpointName} (${status}) exists but is not in the state of the stack ${stack}. Delete it, which drops its queue: ` +
          `aws sagemaker delete-endpoint --endpoint-name ${endpointName}`,
      );
    }
    if (!known.has(group) && (await deleteLogGroup(logs, group))) {
      job.stdout.write(`Removed the log group ${printable(group)}, which an earlier deployment left.\n`);
    }
  });
}

/** Waits for a deletion and removes its remains. */
export class Remains {
  readonly #place: Place | undefined;
  readonly #endpoints: readonly string[];
  readonly #groups: readonly string[];
  readonly #job: Job;
  readonly #wait: Wait;

  private constructor(place: Place | undefined, resources: readonly StateResource[], job: Job, wait: Wait) {
    const idsOf = (type: string): string[] =>
      resources.flatMap((resource) => (resource.type === type && resource.id !== undefined ? [resource.id] : []));
    const own = place === undefined ? [] : [place.endpointName];
    this.#place = place;
    this.#endpoints = [...new Set([...own, ...idsOf("aws:sagemaker/endpoint:Endpoint")])];
    this.#groups = [...new Set([...own.map(logGroupOf), ...idsOf("aws:cloudwatch/logGroup:LogGroup")])];
    this.#job = job;
    this.#wait = wait;
  }

  /** Records the endpoint before a deletion; afterwards the stack's state does not contain it. */
  static async of(stack: string, job: Job, wait = defaultWait): Promise<Remains> {
    return await working(`The resources of ${stack} cannot be looked up`, async () => {
      const resources = await stackResources(stack, job);
      return new Remains(await placeOf(stack, job), resources, job, wait);
    });
  }

  /** Waits until SageMaker has finished its change of the endpoint. Until then it refuses to delete it. */
  async settle(): Promise<void> {
    await this.#waitWhile(this.#endpoints, "Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting");
  }

  /** After a destroy: waits until the endpoint is deleted, and removes its log group if SageMaker created it again. */
  async remove(): Promise<void> {
    await this.#remove(() => true);
  }

  /**
   * The same after an update, for an endpoint that it replaced.
   * @param now the stack's resources
   */
  async removeReplaced(now: readonly StateResource[]): Promise<void> {
    const own = this.#place?.endpointName ?? "";
    const kept = new Set([own, logGroupOf(own), ...now.map(({ id }) => id)]);
    await this.#remove((name) => !kept.has(name));
  }

  async #remove(isGone: (name: string) => boolean): Promise<void> {
    const place = this.#place;
    if (place === undefined) return;
    await this.#waitWhile(this.#endpoints.filter(isGone), "Deleting");
    await working("A log group cannot be removed", async () => {
      for (const group of this.#groups.filter(isGone)) {
        if (await deleteLogGroup(place.logs, group)) {
          this.#job.stdout.write(`Removed the log group ${printable(group)}, which SageMaker created again.\n`);
        }
      }
    });
  }

  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
  }

  async #waitWhile(endpoints: readonly string[], ...statuses: string[]): Promise<void> {
    const place = this.#place;
    if (place === undefined) return;
    await working("The endpoint's deletion could not be awaited", async () => {
      for (const name of endpoints) await waitWhile(place.sagemaker, name, statuses, this.#wait);
    });
  }
}

/** Runs an action; converts its error into the step's. */
async function working<Result>(failed: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${failed}: ${describe(error)}`, { cause: error, hint: remedyFor(error) });
  }
}
