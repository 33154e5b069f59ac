// The messages of server reflection (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md), of which v1 and v1alpha have the same.
import { ProtobufFault } from '#lib/protobuf/fault.ts';
import { RawFields } from '#lib/protobuf/raw-fields.ts';
import { WireWriter } from '#lib/protobuf/wire-writer.ts';
import { WIRE } from '#lib/protobuf/wire-reader.ts';
import { messageFrame } from '../../exchange/message-frame.ts';

/** The versions of the service, the preferred one first. */
export const REFLECTION_PATHS = ['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);

/** Fields of ServerReflectionRequest. */
const ASK = { fileByName: 3, fileOfSymbol: 4, services: 7 } as const;
/** Fields of ServerReflectionResponse, and of the messages in it. */
const TOLD = { files: 4, services: 6, error: 7 } as const;
const FIRST = 1;
const ERROR_CODE = 1;
/** Fields of FileDescriptorProto. */
const FILE = { name: 1, imports: 3 } as const;

/** What to ask a server for. */
export interface ReflectionQuestion {
  readonly about: keyof typeof ASK;
  /** A name of a file or a symbol; '' for all services. */
  readonly name: string;
}

/** One question as a part of the call. */
export function encodeQuestion({ about, name }: ReflectionQuestion): Buffer {
  const writer = new WireWriter();
  writer.string(name);
  writer.tag(ASK[about], WIRE.bytes);
  return messageFrame(writer.finish());
}

/** A file of descriptors, as far as the client reads it. */
export interface DescriptorFile {
  readonly name: string;
  readonly imports: readonly string[];
  readonly bytes: Buffer;
}

/** An answer: one of the lists has entries, or the server says that it does not have the thing (a status of gRPC). */
export interface ReflectionAnswer {
  readonly files: readonly DescriptorFile[];
  readonly services: readonly string[];
  /** 0: none. */
  readonly error: number;
}

/** Null: the bytes are no answer. */
export function decodeAnswer(message: Buffer): ReflectionAnswer | null {
  try {
    const answer = new RawFields(message);
    const services = answer.message(TOLD.services).messages(FIRST);
    return {
      files: answer.message(TOLD.files).all(FIRST).map(fileOf),
      services: services.map((service) => service.text(FIRST)),
      error: answer.message(TOLD.error).number(ERROR_CODE),
    };
  } catch (fault) {
    if (fault instanceof ProtobufFault) return null;
    throw fault;
  }
}

function fileOf(bytes: Buffer): DescriptorFile {
  const file = new RawFields(bytes);
  return { name: file.text(FILE.name), imports: file.texts(FILE.imports), bytes };
}
