/** For tests: SageMaker's models, configurations and endpoints as answers of a fake AWS. */
import { FakeAwsError } from "./fake-aws.ts";
import type { Answers } from "./fake-aws.ts";

type Fields = Record<string, unknown>;

/** A SageMaker that stores its inputs and moves an endpoint through given states. */
export class FakeSageMaker {
  readonly made = new Map<string, Fields>();
  readonly tags = new Map<string, Map<string, string>>();
  /** States that DescribeEndpoint answers next; the last one stays. */
  states = ["InService"];
  failureReason: string | undefined;
  /** Number of times that CreateModel is refused first. */
  refusals = 0;

  readonly answers: Answers = {
    CreateModel: (input) => {
      if (this.refusals > 0) {
        this.refusals -= 1;
        throw new FakeAwsError("ValidationException", "Could not assume role arn:aws:iam::1:role/new.");
      }
      return { ModelArn: this.#make("model", "Model", input) };
    },
    DescribeModel: (input) => this.#find("model", "Model", input),
    DeleteModel: (input) => this.#remove("model", "Model", input),
    CreateEndpointConfig: (input) => ({
      EndpointConfigArn: this.#make("endpoint configuration", "EndpointConfig", input),
    }),
    DescribeEndpointConfig: (input) => this.#find("endpoint configuration", "EndpointConfig", input),
    DeleteEndpointConfig: (input) => this.#remove("endpoint configuration", "EndpointConfig", input),
    CreateEndpoint: (input) => ({ EndpointArn: this.#make("endpoint", "Endpoint", input) }),
    UpdateEndpoint: (input) => {
      const found = this.#find("endpoint", "Endpoint", input);
      Object.assign(found, input, { LastDeploymentConfig: input["DeploymentConfig"] });
      return { EndpointArn: found["EndpointArn"] };
    },
    DescribeEndpoint: (input) => {
      const found = this.#find("endpoint", "Endpoint", input);
      const EndpointStatus = found["EndpointStatus"] ?? (this.states.length > 1 ? this.states.shift() : this.states[0]);
      return { ...found, EndpointStatus, FailureReason: this.failureReason };
    },
    DeleteEndpoint: (input) => {
      this.#find("endpoint", "Endpoint", input)["EndpointStatus"] = "Deleting";
      return {};
    },
    ListTags: ({ ResourceArn }) => ({
      Tags: [...(this.tags.get(String(ResourceArn)) ?? [])].map(([Key, Value]) => ({ Key, Value })),
    }),
    AddTags: ({ ResourceArn, Tags }) => {
      this.#tag(String(ResourceArn), Tags);
      return { Tags };
    },
    DeleteTags: ({ ResourceArn, TagKeys }) => {
      for (const key of TagKeys as string[]) this.tags.get(String(ResourceArn))?.delete(key);
      return {};
    },
  };

  #tag(arn: string, given: unknown): void {
    const tags = this.tags.get(arn) ?? new Map<string, string>();
    for (const { Key, Value } of (given ?? []) as { Key: string; Value: string }[]) tags.set(Key, Value);
    this.tags.set(arn, tags);
  }

  #make(what: string, prefix: string, input: Fields): string {
    const name = String(input[`${prefix}Name`]);
    const arn = `arn:aws:sagemaker:us-east-1:000000000000:${what.replace("figuration", "fig").replace(" ", "-")}/${name}`;
    this.made.set(`${what} ${name}`, {
      ...input,
      [`${prefix}Arn`]: arn,
      LastDeploymentConfig: input["DeploymentConfig"],
    });
    this.#tag(arn, input["Tags"]);
    return arn;
  }

  #find(what: string, prefix: string, input: Fields): Fields {
    const name = String(input[`${prefix}Name`]);
    const found = this.made.get(`${what} ${name}`);
    if (found === undefined) throw new FakeAwsError("ValidationException", `Could not find ${what} "${name}".`);
    return found;
  }

  #remove(what: string, prefix: string, input: Fields): object {
    this.#find(what, prefix, input);
    this.made.delete(`${what} ${String(input[`${prefix}Name`])}`);
    return {};
  }
}
