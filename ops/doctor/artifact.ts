/** Checks that the model artifact exists and is complete. SageMaker would report a fault only after minutes, on an instance. */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { list } from "tar";
import { z } from "zod";
import { describe } from "../../lib/errors.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { artifactKey } from "../deployment/settings-file.ts";
import type { StackFile } from "./stack-file.ts";

const { ok, problem, warning } = findingsOf("artifact");
const build = "Build it: npm run package:coco";
/** The artifact of the stack `local`, which its start builds (`ops/start/model.ts`). */
const builtOnStart = "model/dist/model.tar.gz";

/** Files that model/package.py adds to the model: the hashes of all files, and the model card. */
const manifestSchema = z.object({ files: z.record(z.string(), z.string()), model: z.object({ name: z.string() }) });
const cardSchema = z.object({ notice: z.string().nullish() });
/** Path at which SageMaker's PyTorch image expects the handler. */
const handler = "code/inference.py";
/** Files that are kept as text while the archive is read; all others are only hashed. */
const kept = ["manifest.json", "model.json"];

interface Contents {
  /** SHA-256 in hex by the file's name. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads the whole artifact. */
export async function checkArtifact(stack: StackFile): Promise<Finding> {
  const setting = stack.values[artifactKey];
  if (setting === undefined) {
    return problem(`${stack.file} does not set it`, `Set modelArtifact to a model.tar.gz. ${build}.`);
  }
  const file = resolve(stack.root, setting);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) {
    if (stack.name === "local" && setting === builtOnStart) {
      return ok(`${setting} does not exist: npm run local:up and npm start build it`);
    }
    return problem(`${setting} does not exist`, `${build}.`);
  }
  const rebuild = `${build}, or copy it again.`;
  if (!(await isGzip(file))) return problem(`${setting} is not compressed with gzip, as SageMaker requires`, rebuild);
  try {
    return resource(setting, found.size, await contentsOf(file), stack.name);
  } catch (error) {
    return problem(`${setting} cannot be read: ${describe(error)}`, rebuild);
  }
}

async function isGzip(file: string): Promise<boolean> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return buffer.equals(Buffer.from([0x1f, 0x8b]));
}

async function contentsOf(file: string): Promise<Contents> {
  const hashes = new Map<string, string>();
  const texts = new Map<string, string>();
  await list({
    file,
    strict: true,
    onReadEntry: (entry) => {
      if (entry.type !== "File" && entry.type !== "OldFile") return;
      // tar removes both when it unpacks.
      const path = entry.path.replace(/^(\.?\/)+/, "");
      const hash = createHash("sha256");
      const text: Buffer[] = [];
      entry.on("data", (chunk: Buffer) => {
        hash.update(chunk);
        if (kept.includes(path)) text.push(chunk);
      });
      entry.on("end", () => {
        hashes.set(path, hash.digest("hex"));
        if (kept.includes(path)) texts.set(path, Buffer.concat(text).toString());
      });
    },
  });
  return { hashes, texts };
}

function resource(setting: string, size: number, { hashes, texts }: Contents, stack: string): Finding {
  const shown = `${setting}, ${(size / 1e6).toFixed(0)} MB`;
  if (!hashes.has(handler)) {
    return problem(`${shown}, has no ${handler}, which the image runs`, `Add a handler. ${build}.`);
  }
  const text = texts.get("manifest.json");
  if (text === undefined) {
    return warning(
      `${shown}: a complete archive without the manifest.json of this project's artifacts`,
      "If it is meant to be this project's, check how it was built. Otherwise test it with npm run smoke after deploying.",
    );
  }
  const { files, model } = manifestSchema.parse(JSON.parse(text));
  const wrong = Object.entries(files).filter(([name, hash]) => hashes.get(name) !== hash);
  if (wrong.length > 0) {
    const names = wrong.map(([name]) => name).slice(0, 3);
    return problem(
      `${shown}: ${wrong.length} of its files differ from its manifest (${names.join(", ")})`,
      `${build}.`,
    );
  }
  const notice = cardSchema.parse(JSON.parse(texts.get("model.json") ?? "{}")).notice ?? "";
  const what = `${shown}: ${model.name}, ${hashes.size} files that match its manifest`;
  if (notice === "" || stack === "local") return ok(what);
  return warning(`${what}. ${notice}`, `Build another one for real footage: npm run package:coco.`);
}
