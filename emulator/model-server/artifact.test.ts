/** Tests that model artifacts are fetched and unpacked once, completely, and copied for each instance, or refused. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { create } from "tar";
import { servingPython } from "../../tools/paths.mjs";
import { FakeObjects, testModelData } from "../testing/fake-aws.ts";
import type { S3Location } from "../s3-location.ts";
import { ArtifactCache, ArtifactError } from "./artifact.ts";

const data = testModelData;
const { url } = data;

describe("A model artifact", () => {
  let folder: string;
  let objects: FakeObjects;
  let fetched: number;
  let cache: ArtifactCache;

  const pack = async (text: string): Promise<Buffer> => {
    const source = await mkdtemp(join(folder, "source-"));
    await mkdir(join(source, "code"));
    await writeFile(join(source, "code", "inference.py"), text);
    const file = join(source, "model.tar.gz");
    await create({ file, cwd: source, gzip: true }, ["code"]);
    return await readFile(file);
  };
  const unpacked = (name: string) => readFile(join(folder, name, "code", "inference.py"), "utf8");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifact-"));
    fetched = 0;
    objects = new (class extends FakeObjects {
      override async get(location: S3Location) {
        fetched += 1;
        return await super.get(location);
      }
    })();
    objects.set(url, await pack("one"));
    cache = new ArtifactCache(join(folder, "cache"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("is given to each instance, and fetched once", async () => {
    await Promise.all([cache.unpack(data, join(folder, "a"), objects), cache.unpack(data, join(folder, "b"), objects)]);
    await cache.unpack(data, join(folder, "c"), objects);
    assert.deepEqual(await Promise.all(["a", "b", "c"].map(unpacked)), ["one", "one", "one"]);
    assert.equal(fetched, 1);
  });

  it("is unpacked once", async () => {
    await cache.unpack(data, join(folder, "a"), objects);
    const [tree = ""] = await readdir(join(folder, "cache"));
    await writeFile(join(folder, "cache", tree, "mark"), "");
    await cache.unpack(data, join(folder, "b"), objects);
    assert.deepEqual(await readdir(join(folder, "b")), ["code", "mark"]);
  });

  it("can be changed by an instance without effect on others", async () => {
    await Promise.all([cache.unpack(data, join(folder, "a"), objects), cache.unpack(data, join(folder, "b"), objects)]);
    await writeFile(join(folder, "a", "code", "inference.py"), "changed");
    await cache.unpack(data, join(folder, "c"), objects);
    assert.deepEqual(await Promise.all(["b", "c"].map(unpacked)), ["one", "one"]);
  });

  it("keeps its links within itself, and its files' modes", async () => {
    const source = await mkdtemp(join(folder, "source-"));
    await writeFile(join(source, "run.sh"), "exit 0", { mode: 0o755 });
    await symlink("run.sh", join(source, "link"));
    const file = join(folder, "links.tar.gz");
    await create({ file, cwd: source, gzip: true }, ["run.sh", "link"]);
    objects.set(url, await readFile(file));
    await cache.unpack(data, join(folder, "a"), objects);
    assert.equal(await readlink(join(folder, "a", "link")), "run.sh");
    assert.equal((await stat(join(folder, "a", "run.sh"))).mode & 0o777, 0o755);
  });

  it("is fetched again after a change", async () => {
    await cache.unpack(data, join(folder, "a"), objects);
    objects.set(url, await pack("another one"));
    await cache.unpack(data, join(folder, "b"), objects);
    assert.equal(await unpacked("b"), "another one");
  });

  const broken: [string, (whole: Buffer) => Buffer][] = [
    ["cut off", (whole) => whole.subarray(0, whole.byteLength - 20)],
    ["not an archive", () => Buffer.from("not an archive")],
  ];
  for (const [what, change] of broken) {
    it(`is refused if it is ${what}`, async () => {
      objects.set(url, change(await pack("x".repeat(100_000))));
      await assert.rejects(cache.unpack(data, join(folder, "a"), objects), (error: unknown) => {
        assert.ok(error instanceof ArtifactError);
        assert.match(error.message, /s3:\/\/models\/model.tar.gz is not a readable tar.gz archive: ./);
        return true;
      });
      assert.deepEqual(await readdir(join(folder, "cache")), []);
    });
  }

  it("is not blamed if the disk is full", async () => {
    const bin = join(folder, "bin");
    await mkdir(bin);
    // The words of GNU tar 1.34 on a tmpfs without free space.
    const words =
      "tar: code/libavfilter.so: Wrote only 3584 of 10240 bytes\ntar: code/_core.so: Cannot write: No space left on device";
    await writeFile(join(bin, "tar"), `#!/bin/sh\ncat >/dev/null\necho '${words}' >&2\nexit 2\n`, { mode: 0o755 });
    const path = process.env["PATH"];
    process.env["PATH"] = `${bin}:${path ?? ""}`;
    try {
      await assert.rejects(
        cache.unpack(data, join(folder, "a"), objects),
        /The model data at .* cannot be unpacked into .*: tar: code\/_core\.so: Cannot write: No space left on device$/,
      );
    } finally {
      process.env["PATH"] = path;
    }
    assert.deepEqual(await readdir(join(folder, "cache")), []);
  });

  /** Packs with Python's tarfile: `lines` write to the archive `t`, from the folder `model` or with `entry`. */
  const packInPython = (lines: string): Buffer => {
    const script = `
import io, os, sys, tarfile
os.makedirs("model/code", exist_ok=True)
with open("model/code/inference.py", "w") as file:
    file.write("one")
def entry(name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.devmajor, info.devminor = kind, link, len(data), 1, 3
    t.addfile(info, io.BytesIO(data))
with tarfile.open("packed.tar.gz", "w:gz") as t:
    ${lines}
`;
    execFileSync(servingPython, ["-c", script], { cwd: folder });
    return readFileSync(join(folder, "packed.tar.gz"));
  };

  const accepted: [string, string][] = [
    ["under the root folder, as the SageMaker SDK does", 't.add("model", arcname=os.path.sep)'],
    ["under the folder .", 't.add("model", arcname=".")'],
    ["with absolute names", 'entry("/code/inference.py", b"one")'],
    [
      "with an absolute hard link to one of its files",
      'entry("/code/one.py", b"one"); entry("/code/inference.py", kind=tarfile.LNKTYPE, link="/code/one.py")',
    ],
    [
      "with a link to nothing in its folder",
      'entry("code/inference.py", b"one"); entry("code/two", kind=tarfile.SYMTYPE, link="../nothing/two")',
    ],
    [
      "with a link upwards to one of its files",
      'entry("one.py", b"one"); entry("code/inference.py", kind=tarfile.SYMTYPE, link="../one.py")',
    ],
  ];
  for (const [how, lines] of accepted) {
    it(`may be packed ${how}`, async () => {
      objects.set(url, packInPython(lines));
      await cache.unpack(data, join(folder, "a"), objects);
      assert.equal(await unpacked("a"), "one");
    });
  }

  const hostile: [string, string, RegExp][] = [
    ["a name with ..", 'entry("../../evil", b"e")', /tar: \.\.\/\.\.\/evil: Member name contains '\.\.'$/],
    ["an absolute name with ..", 'entry("/../../evil", b"e")', /Member name contains '\.\.'$/],
    [
      "a file below an absolute link",
      'entry("link", kind=tarfile.SYMTYPE, link=os.getcwd()); entry("link/evil", b"e")',
      /link\/evil: Cannot open/,
    ],
    [
      "a file below a link upwards",
      'entry("link", kind=tarfile.SYMTYPE, link="../.."); entry("link/evil", b"e")',
      /link\/evil: Cannot open/,
    ],
    [
      "an absolute link",
      'entry("link", kind=tarfile.SYMTYPE, link="/etc/passwd")',
      /the link link to \/etc\/passwd, out/,
    ],
    ["a link upwards", 'entry("link", kind=tarfile.SYMTYPE, link="../..")', /the link link to \.\.\/\.\., outside/],
    [
      "a link to nothing outside",
      'entry("link", kind=tarfile.SYMTYPE, link="../nothing")',
      /the link link to \.\.\/nothing, outside/,
    ],
    [
      "a link out of the folder through another link",
      'entry("a/b/root", kind=tarfile.SYMTYPE, link="../.."); entry("up", kind=tarfile.SYMTYPE, link="a/b/root/..")',
      /the link up to a\/b\/root\/\.\., outside/,
    ],
    [
      "a link to nothing outside through another link",
      'entry("a/b/c/root", kind=tarfile.SYMTYPE, link="../../.."); entry("a/b/c/up", kind=tarfile.SYMTYPE, link="root/../../no")',
      /the link a\/b\/c\/up to root\/\.\.\/\.\.\/no, outside/,
    ],
    ["a hard link outside", 'entry("link", kind=tarfile.LNKTYPE, link="/etc/passwd")', /link: Cannot hard link to/],
    ["a pipe", 'entry("pipe", kind=tarfile.FIFOTYPE)', /contains pipe, which is not a file/],
    ["a device", 'entry("dev", kind=tarfile.CHRTYPE)', /contains dev, which is not|dev: Cannot mknod/],
  ];
  for (const [what, lines, message] of hostile) {
    it(`is refused if it has ${what}, which writes nothing elsewhere`, async () => {
      objects.set(url, packInPython(lines));
      const before = await readdir(folder);
      await assert.rejects(cache.unpack(data, join(folder, "a"), objects), { name: "ArtifactError", message });
      assert.deepEqual(new Set(await readdir(folder)), new Set([...before, "cache"]));
      assert.deepEqual(await readdir(join(folder, "cache")), []);
    });
  }

  describe("that is uncompressed", () => {
    const prefix = {
      url: "s3://models/video/",
      location: { bucket: "models", key: "video/" },
      form: "prefix",
    } as const;
    const unpackPrefix = (name: string) => cache.unpack(prefix, join(folder, name), objects);

    beforeEach(() => {
      objects.set("s3://models/video/code/inference.py", "one");
      objects.set("s3://models/video/model.pt", "weights");
      objects.set("s3://models/videos/other", "other");
    });

    it("has the objects below its prefix as files", async () => {
      await unpackPrefix("a");
      assert.deepEqual((await readdir(join(folder, "a"), { recursive: true })).sort(), [
        "code",
        "code/inference.py",
        "model.pt",
      ]);
      assert.equal(await unpacked("a"), "one");
    });

    it("is fetched again only after a change", async () => {
      await unpackPrefix("a");
      await unpackPrefix("b");
      assert.equal(fetched, 2);
      objects.set("s3://models/video/code/inference.py", "another one");
      await unpackPrefix("c");
      assert.equal(await unpacked("c"), "another one");
    });

    it("leaves no files if one of its objects cannot be fetched, and is fetched completely later", async () => {
      for (let index = 0; index < 20; index += 1) objects.set(`s3://models/video/part-${index}`, "part");
      const get = objects.get.bind(objects);
      objects.get = async (location) => {
        if (location.key === "video/model.pt") return undefined;
        await sleep(20);
        return await get(location);
      };
      await assert.rejects(unpackPrefix("a"), ArtifactError);
      assert.deepEqual(await readdir(join(folder, "cache")), []);
      assert.ok(fetched < 8, `${fetched} objects were fetched after the failure`);
      await sleep(100);
      assert.deepEqual(await readdir(join(folder, "cache")), []);
      objects.get = get;
      await unpackPrefix("b");
      assert.equal((await readdir(join(folder, "b"))).length, 22);
    });

    it("may be one object, named by the last part of its key", async () => {
      const location = { bucket: "models", key: "video/model.pt" };
      await cache.unpack({ url: "s3://models/video/model.pt", location, form: "file" }, join(folder, "a"), objects);
      assert.deepEqual(await readdir(join(folder, "a")), ["model.pt"]);
    });

    const invalid: [string, string, RegExp][] = [
      ["..", "../evil", /the object "\.\.\/evil", whose part "\.\." cannot be/],
      [".", "a/./b", /whose part "\." cannot be/],
      ["an empty name", "a//b", /whose part "" cannot be/],
      ["a blank name", "a/ /b", /whose part " " cannot be/],
      ["a folder of S3's console", "folder/", /the object "folder\/", whose part "" cannot be/],
      ["a name of 256 bytes", "ü".repeat(128), /cannot be the name/],
      ["a null byte", "a\0b", /cannot be the name/],
      ["a file that is a folder, too", "model.pt/part", /the objects "model.pt" and "model.pt\/part"/],
    ];
    for (const [what, key, message] of invalid) {
      it(`is refused if a key has ${what}`, async () => {
        objects.set(`s3://models/video/${key}`, "x");
        const before = await readdir(folder);
        await assert.rejects(unpackPrefix("a"), { name: "ArtifactError", message });
        assert.deepEqual(await readdir(folder), before);
      });
    }

    it("is refused if it has no objects", async () => {
      const none = { ...prefix, url: "s3://models/none/", location: { bucket: "models", key: "none/" } };
      await assert.rejects(cache.unpack(none, join(folder, "a"), objects), /Failed to download model data .*none\//);
    });
  });

  it("is refused if it does not exist", async () => {
    await assert.rejects(
      cache.unpack(
        { ...data, url: "s3://models/none.tar.gz", location: { ...data.location, key: "none.tar.gz" } },
        join(folder, "a"),
        objects,
      ),
      /^ArtifactError: Failed to download model data for container "container_1" from URL/,
    );
  });

  it("leaves nothing in the cache if the download breaks off", async () => {
    objects.get = async (location) => {
      const info = await objects.head(location);
      const body = new Readable({
        read() {
          this.destroy(new Error("connection reset"));
        },
      });
      return info && { ...info, body };
    };
    await assert.rejects(cache.unpack(data, join(folder, "a"), objects), /could not be fetched: connection reset/);
    assert.deepEqual(await readdir(join(folder, "cache")), []);
  });
});
