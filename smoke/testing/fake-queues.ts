/** For tests: the queues and topics that the smoke test uses. */
import { errorAnswer, FakeAwsServer, json, xml } from "../../lib/testing/fake-aws.ts";
import type { Answer } from "../../lib/testing/fake-aws.ts";

interface QueueInput {
  readonly QueueName?: string;
  readonly QueueUrl?: string;
  readonly QueueNamePrefix?: string;
  readonly NextToken?: string;
  readonly Attributes?: Record<string, string>;
}

/** SQS and SNS. */
export class FakeQueuesAndTopics extends FakeAwsServer {
  /** Creation time of each queue, seconds since 1970. */
  readonly queues = new Map<string, number>();
  /** Endpoint of each subscription of the success topic; `sqs` is the protocol. */
  readonly subscriptions = new Map<string, string>();
  /** Operations that are denied. */
  readonly denied = new Set<string>();
  /** Attributes of the queues that were created. */
  readonly attributes = new Map<string, Record<string, string>>();

  constructor() {
    super(({ operation = "", headers, body }) => {
      const isSqs = "x-amz-target" in headers;
      if (this.denied.has(operation)) return errorAnswer(isSqs ? "json" : "query", 400, "AccessDenied");
      const text = body.toString();
      return isSqs
        ? this.#sqs(operation, JSON.parse(text) as QueueInput)
        : xml(this.#sns(operation, new URLSearchParams(text)));
    });
  }

  #sqs(operation: string, input: QueueInput): Answer {
    const name = input.QueueName ?? input.QueueUrl?.split("/").at(-1) ?? "";
    const urlOf = (queue: string) => `${this.url}/000000000000/${queue}`;
    if (operation === "ListQueues") {
      // Two pages, as SQS returns them beyond a thousand queues.
      const all = [...this.queues.keys()].filter((queue) => queue.startsWith(input.QueueNamePrefix ?? ""));
      const isSecond = input.NextToken !== undefined;
      const page = isSecond ? all.slice(1) : all.slice(0, 1);
      return json({ QueueUrls: page.map(urlOf), ...(isSecond ? {} : { NextToken: "second" }) });
    }
    if (operation === "CreateQueue") {
      this.queues.set(name, Date.now() / 1000);
      this.attributes.set(name, input.Attributes ?? {});
      return json({ QueueUrl: urlOf(name) });
    }
    const created = this.queues.get(name);
    if (created === undefined) {
      const answer = errorAnswer("json", 400, "com.amazonaws.sqs#QueueDoesNotExist");
      // SQS's older name for the error is included.
      return {
        ...answer,
        headers: { ...answer.headers, "x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender" },
      };
    }
    if (operation === "DeleteQueue") this.queues.delete(name);
    if (operation === "GetQueueUrl") return json({ QueueUrl: urlOf(name) });
    return json({ Attributes: { CreatedTimestamp: String(created) } });
  }

  #sns(operation: string, input: URLSearchParams): string {
    if (operation === "Subscribe") {
      const arn = `${input.get("TopicArn") ?? ""}:${this.subscriptions.size}`;
      this.subscriptions.set(arn, input.get("Endpoint") ?? "");
      return `<SubscribeResponse><SubscribeResult><SubscriptionArn>${arn}</SubscriptionArn></SubscribeResult></SubscribeResponse>`;
    }
    if (operation === "Unsubscribe") this.subscriptions.delete(input.get("SubscriptionArn") ?? "");
    const members = [...this.subscriptions].map(
      ([arn, endpoint]) =>
        `<member><SubscriptionArn>${arn}</SubscriptionArn><Protocol>${endpoint.startsWith("arn:aws:sqs:") ? "sqs" : "email"}</Protocol><Endpoint>${endpoint}</Endpoint></member>`,
    );
    const listed = input.get("TopicArn")?.endsWith(":success") === true ? members.join("") : "";
    return `<${operation}Response><${operation}Result><Subscriptions>${listed}</Subscriptions></${operation}Result></${operation}Response>`;
  }
}
