/**
 * Entry point of the thread that reads a video's container with Mediabunny. It is a thread because the library may
 * compute for a long time on damaged data: `probe.ts` ends it at a deadline.
 */
import { parentPort, workerData } from "node:worker_threads";
import { ALL_FORMATS, CustomSource, EncodedPacketSink, Input } from "mediabunny";
import type { InputVideoTrack } from "mediabunny";
import type { ProbeAnswer, ProbeMessage } from "./probe-messages.ts";

/** Only times are needed: without this the library reads the packets, too. */
const onlyMetadata = { metadataOnly: true } as const;

/** Readers that wait for their bytes, by the id of the request. */
const readers = new Map<number, (bytes: Uint8Array<ArrayBuffer>) => void>();
let lastId = 0;

const requested = Promise.withResolvers<readonly number[]>();

function post(message: ProbeMessage): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (answer: ProbeAnswer) => {
  if (answer.kind === "times") {
    requested.resolve(answer.times);
  } else {
    readers.get(answer.id)?.(answer.bytes);
    readers.delete(answer.id);
  }
});

/** Requests bytes. A failed read has no answer: it ends this thread. */
async function read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  const id = ++lastId;
  readers.set(id, resolve);
  post({ kind: "read", id, from, to });
  return await promise;
}

/** Durations up to this are those of thumbnails that are stored as tracks of one picture, seconds. */
const thumbnailSeconds = 1;

/** Returns the track that the handler chooses: `choose_track` in model/video_inference/opening.py. */
async function mainTrack(input: Input): Promise<InputVideoTrack | undefined> {
  const tracks = await input.getVideoTracks();
  if (tracks.length < 2) return tracks[0];
  const ranked: { readonly track: InputVideoTrack; readonly rank: readonly number[] }[] = [];
  for (const track of tracks) {
    const stated = (await track.getDurationFromMetadata()) ?? Infinity;
    const { default: isDefault } = await track.getDisposition();
    const pixels = (await track.getCodedWidth()) * (await track.getCodedHeight());
    ranked.push({ track, rank: [Number(stated > thumbnailSeconds), Number(isDefault), pixels] });
  }
  // The sort is stable: among equals, the first one is chosen.
  ranked.sort((one, other) => {
    const index = one.rank.findIndex((value, position) => value !== other.rank[position]);
    return (other.rank[index] ?? 0) - (one.rank[index] ?? 0);
  });
  return ranked[0]?.track;
}

async function probe(bytes: number): Promise<void> {
  const source = new CustomSource({ getSize: () => bytes, read, prefetchProfile: "network" });
  using input = new Input({ formats: ALL_FORMATS, source });
  const track = await mainTrack(input);
  if (track === undefined) {
    post({ kind: "failed", problem: "the container has no video track that can be read" });
    return;
  }
  // An edit list hides the frames before 0.
  const start = Math.max(0, await track.getFirstTimestamp());
  // Transport streams and fragmented files state no duration: the end of the last packet is looked up.
  const end = (await track.getDurationFromMetadata()) ?? (await track.computeDuration(onlyMetadata));
  post({ kind: "duration", seconds: end - start });
  const sink = new EncodedPacketSink(track);
  const times: number[] = [];
  for (const time of await requested.promise) {
    const packet = await sink.getKeyPacket(start + time, onlyMetadata);
    times.push(Math.max(0, (packet?.timestamp ?? start) - start));
  }
  post({ kind: "keyframes", times });
}

try {
  await probe(workerData as number);
} catch (error) {
  post({ kind: "failed", problem: error instanceof Error ? error.message : String(error) });
}
