// Reads a `FileDescriptorSet` (google/protobuf/descriptor.proto), as `protoc --include_imports --descriptor_set_out` and
// `buf build -o` write it, into a schema.
import type { Result } from '../result.ts';
import { EnumBuilder } from './enum-builder.ts';
import { guarded, ProtobufFault } from './fault.ts';
import { featuresOfSyntax, withFeatures } from './features.ts';
import type { Features } from './features.ts';
import { FieldBuilder } from './field-builder.ts';
import type { FieldScope } from './field-builder.ts';
import { MessageBuilder } from './message-builder.ts';
import { qualified } from './type-names.ts';
import { RawFields } from './raw-fields.ts';
import { serviceOf } from './service-builder.ts';
import type { Method, Schema, Service } from './types.ts';
import { checkShape } from './well-known-types.ts';

/** The most bytes of a set. */
export const MAX_DESCRIPTOR_BYTES = 8_388_608;
/** Messages inside of messages. */
const MAX_NESTING = 32;

const FILE = { name: 1, package: 2, imports: 3, messages: 4, enums: 5, services: 6, extensions: 7, options: 8, syntax: 12, edition: 14 };
const MESSAGE = { name: 1, fields: 2, messages: 3, enums: 4, extensions: 6, options: 7, oneofs: 8 };
const FEATURES_OF_FILE = 50;
const FEATURES_OF_MESSAGE = 12;
const FILES = 1;

/** Reads a set. The error says which type is wrong, and why. */
export function readDescriptorSet(bytes: Buffer): Result<Schema> {
  return guarded(() => {
    if (bytes.length > MAX_DESCRIPTOR_BYTES) throw new ProtobufFault(`it has more than ${MAX_DESCRIPTOR_BYTES} bytes`);
    return new SchemaBuilder(readFiles(new RawFields(bytes).all(FILES))).build();
  });
}

/** The same for the single files of a set, each a `FileDescriptorProto`, as server reflection sends them. */
export function readFileDescriptors(files: readonly Buffer[]): Result<Schema> {
  return guarded(() => new SchemaBuilder(readFiles(files)).build());
}

/** The files by name; the same one may come twice. */
function readFiles(files: readonly Buffer[]): ReadonlyMap<string, RawFields> {
  const byName = new Map<string, RawFields>();
  for (const bytes of files) {
    const file = new RawFields(bytes);
    const name = file.text(FILE.name);
    if (!byName.has(name)) byName.set(name, file);
  }
  if (byName.size === 0) throw new ProtobufFault('it holds no file: it is no FileDescriptorSet');
  return byName;
}

class SchemaBuilder {
  readonly #files: ReadonlyMap<string, RawFields>;
  readonly #messages = new Map<string, MessageBuilder>();
  readonly #enums = new Map<string, EnumBuilder>();
  readonly #extensions: (() => void)[] = [];

  constructor(files: ReadonlyMap<string, RawFields>) {
    this.#files = files;
  }

  build(): Schema {
    for (const [name, file] of this.#files) inFile(name, () => this.#declare(file));
    const types = { messages: this.#messages, enums: this.#enums };
    for (const message of this.#messages.values()) message.addFields(types);
    for (const extend of this.#extensions) extend();
    for (const message of this.#messages.values()) message.finish();
    for (const message of this.#messages.values()) checkShape(message);
    return { ...types, ...this.#services() };
  }

  /** Makes the types without their fields: these refer to other types. */
  #declare(file: RawFields): void {
    for (const name of file.texts(FILE.imports)) this.#checkImport(name);
    const syntax = featuresOfSyntax(file.text(FILE.syntax), file.number(FILE.edition));
    const features = withFeatures(syntax, file.message(FILE.options), FEATURES_OF_FILE);
    const scope = file.text(FILE.package);
    for (const each of file.messages(FILE.messages)) this.#declareMessage(each, scope, features, MAX_NESTING);
    for (const each of file.messages(FILE.enums)) this.#declareEnum(each, scope);
    this.#declareExtensions(file.messages(FILE.extensions), { name: scope, features });
  }

  #checkImport(name: string): void {
    if (this.#files.has(name)) return;
    throw new ProtobufFault(`it imports ${name}, which the set does not hold (protoc: --include_imports)`);
  }

  #declareMessage(raw: RawFields, scope: string, outer: Features, nesting: number): void {
    if (nesting === 0) throw new ProtobufFault('its messages are nested too deeply');
    const name = qualified(scope, raw.text(MESSAGE.name));
    const features = withFeatures(outer, raw.message(MESSAGE.options), FEATURES_OF_MESSAGE);
    this.#claim(name);
    this.#messages.set(name, new MessageBuilder(name, raw, features));
    for (const each of raw.messages(MESSAGE.messages)) this.#declareMessage(each, name, features, nesting - 1);
    for (const each of raw.messages(MESSAGE.enums)) this.#declareEnum(each, name);
    this.#declareExtensions(raw.messages(MESSAGE.extensions), { name, features });
  }

  #declareEnum(raw: RawFields, scope: string): void {
    const built = new EnumBuilder(raw, scope);
    this.#claim(built.name);
    this.#enums.set(built.name, built);
  }

  #claim(name: string): void {
    if (this.#messages.has(name) || this.#enums.has(name)) throw new ProtobufFault(`it has two types ${name}`);
  }

  #declareExtensions(all: readonly RawFields[], scope: FieldScope): void {
    for (const raw of all) this.#extensions.push(() => this.#extend(raw, scope));
  }

  #extend(raw: RawFields, scope: FieldScope): void {
    const builder = new FieldBuilder(raw, scope, { messages: this.#messages, enums: this.#enums });
    builder.extendee().addExtension(builder.extension());
  }

  #services(): Pick<Schema, 'services' | 'methods'> {
    const services = new Map<string, Service>();
    const methods = new Map<string, Method>();
    for (const [name, file] of this.#files) {
      inFile(name, () => {
        for (const raw of file.messages(FILE.services)) {
          const service = serviceOf(raw, file.text(FILE.package), this.#messages);
          if (services.has(service.name)) throw new ProtobufFault(`it has two services ${service.name}`);
          services.set(service.name, service);
          for (const method of service.methods) methods.set(method.path, method);
        }
      });
    }
    return { services, methods };
  }
}

function inFile(name: string, work: () => void): void {
  try {
    work();
  } catch (fault) {
    if (fault instanceof ProtobufFault) throw new ProtobufFault(`${name}: ${fault.message}`);
    throw fault;
  }
}
