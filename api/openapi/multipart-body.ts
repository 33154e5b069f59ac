// Bodies of multipart/form-data held to their schema: each part is a member of an object.
import { err, ok, type Result } from '#lib/result.ts';
import type { Media } from './document.ts';
import { isJsonType, mediaTypeOf } from './media-types.ts';
import { boundaryOf, partsOf, type FormPart } from './multipart.ts';
import { isObject, type Part, type References } from './references.ts';
import { scalarOf, shapeOf, type Shape } from './shapes.ts';

type ParseJson = (body: Buffer) => Result<unknown>;

/** Reads bodies as objects. */
export class MultipartReader {
  readonly #boundary: string | null;
  readonly #shape: Shape;
  readonly #references: References;
  readonly #parseJson: ParseJson;
  /** The media types that parts may have, by name (`encoding` of the document). */
  readonly #types: ReadonlyMap<string, readonly string[]>;

  constructor(contentType: string, { schema, described }: Media, references: References, parseJson: ParseJson) {
    this.#boundary = boundaryOf(contentType);
    this.#shape = shapeOf(schema, references);
    this.#references = references;
    this.#parseJson = parseJson;
    this.#types = typesOf(described['encoding']);
  }

  /** The object of a body. A file is a text with one character for each byte. */
  read(body: Buffer): Result<unknown> {
    if (this.#boundary === null) return err('has no usable boundary in its media type');
    const parts = partsOf(body, this.#boundary);
    if (!parts.ok) return parts;
    const members = new Map<string, unknown>();
    for (const part of parts.value) {
      const fault = this.#take(part, members);
      if (fault !== null) return err(fault);
    }
    return ok(Object.fromEntries(members));
  }

  /** Adds a part to the members. Null, or why it does not fit. */
  #take(part: FormPart, members: Map<string, unknown>): string | null {
    const { name } = part;
    const schema = this.#shape.properties.get(name) ?? this.#shape.others;
    const shape = shapeOf(schema, this.#references);
    const isList = shape.types.has('array') && !isJson(part);
    const value = this.#value(part, isList ? shape.items : schema);
    if (!value.ok) return value.error;
    const known = members.get(name);
    if (known !== undefined && !isList) return `has ${JSON.stringify(name)} more than once`;
    members.set(name, isList ? [...((known as readonly unknown[] | undefined) ?? []), value.value] : value.value);
    return null;
  }

  #value(part: FormPart, schema: Part | null): Result<unknown> {
    const { name, type, isFile, bytes } = part;
    const allowed = this.#types.get(name);
    const shape = shapeOf(schema, this.#references);
    const own = type ?? (isFile ? 'application/octet-stream' : shape.types.has('object') ? 'application/json' : 'text/plain');
    if (allowed !== undefined && !allowed.some((range) => isWithin(range, own)))
      return err(`has ${JSON.stringify(name)} with another type than ${allowed.join(', ')}`);
    if (isJsonType(own)) {
      const parsed = this.#parseJson(bytes);
      return parsed.ok ? parsed : err(`has ${JSON.stringify(name)}, which ${parsed.error}`);
    }
    return ok(isFile || !own.startsWith('text/') ? bytes.latin1Slice() : scalarOf(bytes.toString('utf8'), shape));
  }
}

function isJson({ type }: FormPart): boolean {
  return type !== null && isJsonType(type);
}

function typesOf(encoding: unknown): ReadonlyMap<string, readonly string[]> {
  const entries = isObject(encoding) ? Object.entries(encoding) : [];
  return new Map(
    entries.flatMap(([name, value]) => {
      const types = isObject(value) && typeof value['contentType'] === 'string' ? value['contentType'] : null;
      return types === null ? [] : [[name, types.split(',').map(mediaTypeOf)] as const];
    }),
  );
}

function isWithin(range: string, type: string): boolean {
  return range === type || range === '*/*' || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}
