/** Sends an endpoint's output after a request has ended: failure objects and notifications. */

import { defaultEndpointAssumptions } from "../../core/assumptions.ts";
import type { Settlement } from "../../core/endpoint-api.ts";
import type { ActorPorts } from "../../aws-ports.ts";
import type { AsyncSpec } from "./endpoint-configs.ts";
import { executionActor } from "./dependencies.ts";
import type { SageMakerDependencies } from "./dependencies.ts";
import type { Invocation, ModelAnswer } from "./invocation.ts";
import { resultNotification, testNotification } from "./notifications.ts";

type OutboxDependencies = Pick<SageMakerDependencies, "region" | "clock" | "metrics" | "callAs" | "assumptions">;

/** Endpoint that sends output. */
export interface Sender {
  readonly endpointName: string;
  readonly variantName: string;
  /** ARN of the execution role, which writes and publishes. */
  readonly roleArn: string;
  readonly async: AsyncSpec;
}

/** Writes failure objects and publishes notifications, with retries. */
export class Outbox {
  readonly #aws: OutboxDependencies;
  readonly #pending = new Set<Promise<void>>();

  constructor(aws: OutboxDependencies) {
    this.#aws = aws;
  }

  /**
   * Writes the failure object, if there is a failure, then publishes. A log line and a metric report if either fails.
   */
  settled(sender: Sender, invocation: Invocation, settlement: Settlement): void {
    this.#track(async () => {
      if (settlement.status === "failed") await this.#writeFailure(sender, invocation, settlement.reason);
      const { endpointName, async } = sender;
      const { topic, includeResponse } = settlement.status === "completed" ? async.success : async.error;
      if (topic === undefined) return;
      const { region, clock } = this.#aws;
      const context = { region, endpointName, now: new Date(clock.now()), includeResponse };
      await this.#publish(sender, topic, resultNotification(invocation, settlement, context));
    });
  }

  /** Sends TestNotifications to the configured topics. */
  test(sender: Sender): void {
    for (const topic of new Set([sender.async.success.topic, sender.async.error.topic])) {
      if (topic !== undefined) this.#track(() => this.#publish(sender, topic, testNotification));
    }
  }

  /** Resolves when nothing is being sent. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #track(send: () => Promise<void>): void {
    // Sending is work: it takes its real time on the clock.
    const release = this.#aws.clock.hold();
    const sending = send().finally(() => {
      release();
      this.#pending.delete(sending);
    });
    this.#pending.add(sending);
  }

  async #publish(sender: Sender, topic: string, message: string): Promise<void> {
    try {
      await this.#portsOf(sender).topics.publish(topic, message);
    } catch (error) {
      console.error(`Endpoint ${sender.endpointName} could not publish to ${topic}:`, error);
      this.#count(sender, "NotificationFailures");
    }
  }

  /**
   * Writes the payload of the failure response (API reference: FailureLocation): the model's answer or, if it never
   * answered, the reason.
   */
  async #writeFailure(sender: Sender, invocation: Invocation, reason: string): Promise<void> {
    const { failure, answer } = invocation;
    if (failure === undefined) return;
    const { body, contentType } = this.#payload(answer, reason);
    try {
      await this.#portsOf(sender).objects.put(failure, body, { contentType, kmsKeyId: failure.kmsKeyId });
    } catch (error) {
      console.error(`Endpoint ${sender.endpointName} could not write to s3://${failure.bucket}/${failure.key}:`, error);
      this.#count(sender, "ResponseUploadFailures");
    }
  }

  #payload(answer: ModelAnswer | undefined, reason: string): { contentType: string | undefined; body: Uint8Array } {
    if (answer?.body !== undefined) return { contentType: answer.contentType, body: answer.body };
    const { failureBody } = { ...defaultEndpointAssumptions, ...this.#aws.assumptions };
    return failureBody === "json"
      ? { contentType: "application/json", body: Buffer.from(JSON.stringify({ failureReason: reason })) }
      : { contentType: "text/plain", body: Buffer.from(reason) };
  }

  #portsOf({ roleArn }: Sender): ActorPorts {
    return this.#aws.callAs(executionActor(roleArn));
  }

  #count({ endpointName, variantName }: Sender, name: string): void {
    this.#aws.metrics.put({
      namespace: "AWS/SageMaker",
      name,
      dimensions: { EndpointName: endpointName, VariantName: variantName },
      timestamp: this.#aws.clock.now(),
      value: 1,
      unit: "Count",
    });
  }
}
