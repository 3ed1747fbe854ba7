/** Converts between the engine's messages and plain values: structs, and errors with partial state. */
import { Metadata, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import { CancelledError, PartialStateError } from "./errors.ts";
import type { Values } from "./values.ts";

/** Returns the values of a struct; none for a missing one. */
export function fromStruct(struct: structProto.Struct | undefined): Values {
  return struct?.toJavaScript() ?? {};
}

/** Makes a struct from values. */
export function toStruct(values: Values): structProto.Struct {
  return structProto.Struct.fromJavaScript(values);
}

/** Converts an error for gRPC; the status details contain the partial state, as the engine requires. */
export function toServiceError(error: unknown, about: string | undefined): Partial<ServiceError> {
  const said = error instanceof Error ? error.message : String(error);
  const message = about === undefined ? said : `${about}: ${said}`;
  if (!(error instanceof PartialStateError)) {
    return { code: error instanceof CancelledError ? status.ABORTED : status.UNKNOWN, details: message };
  }
  const half = new provider.ErrorResourceInitFailed()
    .setId(error.id)
    .setProperties(toStruct(error.state))
    .setInputs(toStruct(error.inputs))
    .setReasonsList([message]);
  const detail = new anyProto.Any();
  detail.pack(half.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const whole = new statusProto.Status().setCode(status.UNKNOWN).setMessage(message).setDetailsList([detail]);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(whole.serializeBinary()));
  return { code: status.UNKNOWN, details: message, metadata };
}
