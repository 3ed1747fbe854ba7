/** Tests the download of the COCO weights from a local hub that does not answer, does not listen, or has another file. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttps } from "node:https";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { packageModel } from "../../ops/start/model.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { Progress } from "../../lib/progress.ts";
import { chooseWeights } from "../../ops/start/weights.ts";
import type { WeightsRequest } from "../../ops/start/weights.ts";

const footage = "clips/my.mp4";
const { signal } = new AbortController();

describe("the COCO weights", () => {
  const before = { ...process.env };
  let folder: string;
  let server: Server | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "weights-"));
  });

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
    server?.close();
    server = undefined;
    await rm(folder, { recursive: true });
  });

  async function listen(hub: Server): Promise<void> {
    server = hub.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    Object.assign(process.env, {
      ASYNC_VIDEO_INFERENCE_HUB: `https://127.0.0.1:${port}/models`,
      NO_PROXY: "127.0.0.1",
    });
  }

  /** Chooses weights with the real download into an empty cache; returns the choice and the progress output. */
  async function choose(request: WeightsRequest) {
    let output = "";
    const progress = new Progress({ write: (text) => (output += text) });
    const weights = await chooseWeights(request, progress, signal, (stop, options) =>
      packageModel(stop, { ...options, cache: join(folder, "cache") }),
    );
    return { weights, output };
  }

  it("are replaced by the small weights, with a notice, if the hub does not answer within 10 s", async () => {
    // Accepts connections, and never answers.
    await listen(createServer());
    const { weights, output } = await choose({ footage });
    assert.equal(weights, "small");
    assert.match(output, /\.pth cannot be downloaded: the server did not answer within 10 s\./);
    assert.match(output, /The small weights are used instead\./);
  });

  it("end the run if they were chosen and the hub does not listen", async () => {
    await listen(createServer());
    server?.close();
    await assert.rejects(choose({ footage, asked: "coco" }), (error) => {
      assert.ok(error instanceof InvalidInputError);
      assert.match(error.message, /\.pth cannot be downloaded: .*refused.* or use --weights small\.$/);
      return true;
    });
  });

  it("end the run if the hub has another file, which is not cached", async () => {
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", certificate, ...subject], {
      stdio: "ignore",
    });
    process.env["SSL_CERT_FILE"] = certificate;
    const requested: string[] = [];
    await listen(
      createHttps({ key: await readFile(key), cert: await readFile(certificate) }, (request, response) => {
        requested.push(request.url ?? "");
        response.end("another file");
      }),
    );
    await assert.rejects(choose({ footage }), (error) => {
      assert.ok(error instanceof InvalidInputError);
      assert.match(error.message, /has the SHA-256 [0-9a-f]{64} \(12 bytes\), but bf2d0c1e[0-9a-f]{56} is expected/);
      return true;
    });
    assert.deepEqual(requested, ["/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth"]);
    assert.equal(existsSync(join(folder, "cache")), false);
  });
});
