/** Passes a request on to MiniStack as it is, bodies as streams, and its answer back with the local clock's Date. */

import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";

// Headers about one hop, not about the message (RFC 9110, 7.6.1); Node sets its own.
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export class Proxy {
  readonly #port: number;
  // Idle connections are closed before MiniStack closes them (75 s), so that no request meets a closing one.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: 30_000 });

  /** @param port MiniStack's own, on 127.0.0.1 */
  constructor(port: number) {
    this.#port = port;
  }

  /** @param stamp headers that replace MiniStack's own in the answer */
  forward(request: IncomingMessage, response: ServerResponse, stamp: () => Readonly<Record<string, string>>): void {
    const upstream = httpRequest({
      host: "127.0.0.1",
      port: this.#port,
      method: request.method ?? "GET",
      path: request.url ?? "/",
      // As they came, Host included: MiniStack reads buckets and signatures from it.
      headers: endToEnd(request.rawHeaders),
      agent: this.#agent,
    });
    // A client that waits before it sends its body (Expect: 100-continue) waits for MiniStack, not for us.
    upstream.on("continue", () => {
      response.writeContinue();
    });
    upstream.on("response", (answer) => {
      const stamped = stamp();
      const headers = endToEnd(answer.rawHeaders, new Set(Object.keys(stamped)));
      response.writeHead(answer.statusCode ?? 502, [...headers, ...Object.entries(stamped).flat()]);
      pipeline(answer, response, () => {
        // Either side broke off: pipeline has closed both, and nobody is left to tell.
      });
    });
    upstream.on("error", (error) => {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      response.writeHead(503, { "content-type": "application/xml", ...stamp() });
      response.end(
        `<?xml version="1.0" encoding="UTF-8"?><Error><Code>ServiceUnavailable</Code><Message>MiniStack, which serves this service in the local AWS, does not answer: ${error.message}</Message></Error>`,
      );
    });
    response.on("close", () => {
      if (!response.writableFinished) upstream.destroy();
    });
    pipeline(request, upstream, () => {
      // A request that breaks off is told by "close" above, an upstream that does by "error".
    });
    upstream.flushHeaders();
  }

  close(): void {
    this.#agent.destroy();
  }
}

function endToEnd(rawHeaders: readonly string[], replaced: ReadonlySet<string> = new Set()): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !replaced.has(lower)) kept.push(name, rawHeaders[index + 1] ?? "");
  }
  return kept;
}
