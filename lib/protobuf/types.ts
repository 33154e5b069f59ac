// The types of a descriptor set, in the form that the codec follows.

export type ScalarKind =
  | 'double'
  | 'float'
  | 'int64'
  | 'uint64'
  | 'int32'
  | 'fixed64'
  | 'fixed32'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'uint32'
  | 'sfixed32'
  | 'sfixed64'
  | 'sint32'
  | 'sint64';

/** `group`: a message between two tags, and not with its length before it. */
export type FieldKind = ScalarKind | 'enum' | 'message' | 'group';

/** Fields of a message of which at most one has a value. */
export interface Oneof {
  readonly name: string;
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly number: number;
  /** The name in JSON; `[full.name]` for an extension. */
  readonly jsonName: string;
  readonly kind: FieldKind;
  readonly isList: boolean;
  /** The fields of the entries; null: it is no map. */
  readonly map: { readonly key: Field; readonly value: Field } | null;
  /** Whether a list is written as one value. It is read either way. */
  readonly isPacked: boolean;
  /** Whether an unset field differs from one with the zero value. */
  readonly hasPresence: boolean;
  readonly isRequired: boolean;
  readonly oneof: Oneof | null;
  /** Of `message` and `group`. */
  readonly message: MessageType | null;
  /** Of `enum`. */
  readonly enum: EnumType | null;
}

/** The types with a JSON form of their own. */
export type WellKnown = 'Any' | 'Timestamp' | 'Duration' | 'FieldMask' | 'Struct' | 'Value' | 'ListValue' | 'Empty' | 'wrapper';

export interface MessageType {
  /** With the package, without a dot before it. */
  readonly name: string;
  /** In the order of their numbers, without extensions. */
  readonly fields: readonly Field[];
  /** Those of `fields` that every message must have. */
  readonly required: readonly Field[];
  /** With extensions. */
  readonly byNumber: ReadonlyMap<number, Field>;
  /** By name, by the name in JSON, and `[full.name]` of extensions. */
  readonly byName: ReadonlyMap<string, Field>;
  readonly wellKnown: WellKnown | null;
}

/** Every enum is open: a number without a name is kept, also where proto2 has it as an unknown field. */
export interface EnumType {
  readonly name: string;
  readonly byName: ReadonlyMap<string, number>;
  /** The first name of each number. */
  readonly byNumber: ReadonlyMap<number, string>;
}

export interface Method {
  readonly name: string;
  /** With the package. */
  readonly service: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly input: MessageType;
  readonly output: MessageType;
  readonly clientStreaming: boolean;
  readonly serverStreaming: boolean;
  /** The bytes of its `MethodOptions`, with all extensions. */
  readonly options: Buffer;
}

export interface Service {
  readonly name: string;
  readonly methods: readonly Method[];
}

/** All types of a descriptor set, by full name. */
export interface Schema {
  readonly messages: ReadonlyMap<string, MessageType>;
  readonly enums: ReadonlyMap<string, EnumType>;
  readonly services: ReadonlyMap<string, Service>;
  /** By path. */
  readonly methods: ReadonlyMap<string, Method>;
}
