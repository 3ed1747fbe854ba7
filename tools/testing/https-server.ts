/** A local web server for a test's downloads: https with a self-signed certificate, or plain http. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";

/** A server on a free port of 127.0.0.1: `await using server = await startHttps(…)`. */
export interface TestServer extends AsyncDisposable {
  /** URL without a path. */
  readonly url: string;
  /** Paths of the requests, in order. */
  readonly requests: string[];
}

/** Paths of a certificate, for curl's environment variable CURL_CA_BUNDLE, and of its key. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Creates a certificate for 127.0.0.1 with openssl in a folder; returns the paths of both files. */
export function makeCertificate(folder: string): Certificate {
  const files = { certificate: join(folder, "certificate.pem"), key: join(folder, "key.pem") };
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", [...kind, ...names, "-keyout", files.key, "-out", files.certificate], { stdio: "pipe" });
  return files;
}

/** Starts an https server. */
export function startHttps({ certificate, key }: Certificate, answer: RequestListener): Promise<TestServer> {
  const requests: string[] = [];
  const options = { cert: readFileSync(certificate), key: readFileSync(key) };
  return start("https", createServer(options, recorded(requests, answer)), requests);
}

/** Starts a plain http server. */
export function startHttp(answer: RequestListener): Promise<TestServer> {
  const requests: string[] = [];
  return start("http", createPlainServer(recorded(requests, answer)), requests);
}

function recorded(requests: string[], answer: RequestListener): RequestListener {
  return (request, response) => {
    requests.push(request.url ?? "");
    answer(request, response);
  };
}

async function start(
  scheme: string,
  server: ReturnType<typeof createPlainServer>,
  requests: string[],
): Promise<TestServer> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `${scheme}://127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
