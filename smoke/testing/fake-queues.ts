/** For tests: the queues and topics that the smoke test uses. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

interface QueueInput {
  readonly QueueName?: string;
  readonly QueueUrl?: string;
  readonly QueueNamePrefix?: string;
  readonly NextToken?: string;
  readonly Attributes?: Record<string, string>;
}

/** SQS and SNS on a free port of 127.0.0.1, once `server` listens. */
export class FakeQueuesAndTopics {
  /** Creation time of each queue, seconds since 1970. */
  readonly queues = new Map<string, number>();
  /** Endpoint of each subscription of the success topic; `sqs` is the protocol. */
  readonly subscriptions = new Map<string, string>();
  /** Operations that are denied. */
  readonly denied = new Set<string>();
  /** Attributes of the queues that were created. */
  readonly attributes = new Map<string, Record<string, string>>();
  readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        const target = request.headers["x-amz-target"];
        const isSqs = typeof target === "string";
        const operation = isSqs ? (target.split(".")[1] ?? "") : (new URLSearchParams(body).get("Action") ?? "");
        const answer = this.denied.has(operation)
          ? undefined
          : isSqs
            ? this.#sqs(operation, JSON.parse(body) as QueueInput)
            : this.#sns(operation, new URLSearchParams(body));
        const isDenied = this.denied.has(operation);
        response.writeHead(answer === undefined ? 400 : 200, {
          "content-type": isSqs ? "application/x-amz-json-1.0" : "text/xml",
          // SQS's older name for the error is included.
          ...(isDenied ? {} : { "x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender" }),
        });
        const code = isDenied ? "AccessDenied" : "com.amazonaws.sqs#QueueDoesNotExist";
        response.end(answer ?? (isSqs ? JSON.stringify({ __type: code, message: code }) : errorXml(code)));
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  #sqs(operation: string, input: QueueInput): string | undefined {
    const name = input.QueueName ?? input.QueueUrl?.split("/").at(-1) ?? "";
    const urlOf = (queue: string) => `${this.url}/000000000000/${queue}`;
    if (operation === "ListQueues") {
      // Two pages, as SQS returns them beyond a thousand queues.
      const all = [...this.queues.keys()].filter((queue) => queue.startsWith(input.QueueNamePrefix ?? ""));
      const isSecond = input.NextToken !== undefined;
      const page = isSecond ? all.slice(1) : all.slice(0, 1);
      return JSON.stringify({ QueueUrls: page.map(urlOf), ...(isSecond ? {} : { NextToken: "second" }) });
    }
    if (operation === "CreateQueue") {
      this.queues.set(name, Date.now() / 1000);
      this.attributes.set(name, input.Attributes ?? {});
      return JSON.stringify({ QueueUrl: urlOf(name) });
    }
    const created = this.queues.get(name);
    if (created === undefined) return undefined;
    if (operation === "DeleteQueue") this.queues.delete(name);
    if (operation === "GetQueueUrl") return JSON.stringify({ QueueUrl: urlOf(name) });
    return JSON.stringify({ Attributes: { CreatedTimestamp: String(created) } });
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

function errorXml(code: string): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`;
}
