// Requests held to the operations of a document: path, query, headers, cookies and body.
import type { Result } from '#lib/result.ts';
import type { ApiDocument, Media, Operation } from './document.ts';
import { FORM, isJsonType, mediaTypeOf, rangeFor } from './media-types.ts';
import { MULTIPART } from './multipart.ts';
import { MultipartReader } from './multipart-body.ts';
import type { Parameter } from './parameter.ts';
import type { Part } from './references.ts';
import type { Direction } from './schemas.ts';
import { formOf, pairsOf, ParameterReader, type Pairs } from './styles.ts';
import { validatorOf, type Validator, type ValueFault } from './validator.ts';

/** A fault of a request or an answer, as problem details name it. */
export interface MessageFault {
  readonly in: Parameter['in'] | 'body' | 'status';
  /** Of the parameter or header; absent for bodies. */
  readonly name?: string;
  /** Where in the value: a JSON pointer; absent for all of it. */
  readonly pointer?: string;
  /** The rest of a sentence about it. */
  readonly reason: string;
}

/** The head of a request. */
export interface RequestHead {
  readonly query: string;
  /** The values of a header joined by commas; null: there is none. */
  header(name: string): string | null;
  /** The variables of the path, as they were sent. */
  readonly variables: ReadonlyMap<string, string>;
}

interface Reading {
  readonly parameter: Parameter;
  readonly reader: ParameterReader;
  readonly validator: Validator | null;
}

/** How the body of a request is checked. */
export interface BodyCheck {
  /** The faults of a body; it is not empty. */
  check(body: Buffer): readonly MessageFault[];
}

/** Why a body is refused without a look at it. */
export type BodyObstacle = 'required' | 'media type';

/** Parses a JSON text strictly, or says why it is none. */
export type ParseJson = (body: Buffer) => Result<unknown>;

/** The validators of a document, each made when it is first needed. */
export class Validators {
  readonly #document: ApiDocument;
  readonly #byPart = new WeakMap<Part, Validator>();

  constructor(document: ApiDocument) {
    this.#document = document;
  }

  of(part: Part, direction: Direction): Validator {
    let known = this.#byPart.get(part);
    if (known === undefined) this.#byPart.set(part, (known = validatorOf(this.#document.translate(part, direction))));
    return known;
  }

  /** A validator that was made elsewhere. */
  set(part: Part, validator: Validator): void {
    this.#byPart.set(part, validator);
  }
}

/** Checks the requests of one operation. */
export class RequestCheck {
  readonly #operation: Operation;
  readonly #tools: BodyTools;
  readonly #readings: readonly Reading[];

  constructor(operation: Operation, tools: BodyTools) {
    const { document, validators } = tools;
    this.#operation = operation;
    this.#tools = tools;
    this.#readings = operation.parameters.map((parameter) => ({
      parameter,
      reader: new ParameterReader(parameter, document.references),
      validator: parameter.schema === null ? null : validators.of(parameter.schema, 'request'),
    }));
  }

  /** The faults of the parameters. */
  checkHead(head: RequestHead): readonly MessageFault[] {
    if (this.#readings.length === 0) return [];
    const query = pairsOf(head.query, '&');
    const cookies = this.#operation.parameters.some((parameter) => parameter.in === 'cookie')
      ? pairsOf(head.header('cookie') ?? '', ';')
      : [];
    return this.#readings.flatMap((reading) => checkParameter(reading, head, query, cookies));
  }

  /** What is to be done about a body: nothing (null), an obstacle, or a check of all of it. `contentType`: null without one. */
  body(contentType: string | null, hasBody: boolean): BodyObstacle | BodyCheck | null {
    const { body } = this.#operation;
    if (body === null) return null;
    if (!hasBody) return body.required ? 'required' : null;
    const media = rangeFor(body.content, mediaTypeOf(contentType ?? ''));
    if (media === null) return body.content.length === 0 ? null : 'media type';
    return bodyCheck(contentType ?? '', media, 'request', this.#tools);
  }

  /** The media types that the operation takes. */
  get mediaTypes(): readonly string[] {
    return (this.#operation.body?.content ?? []).map(([type]) => type);
  }
}

/** What checks of bodies need. */
export interface BodyTools {
  readonly document: ApiDocument;
  readonly validators: Validators;
  readonly parseJson: ParseJson;
}

/** The check of a body with a Content-Type; null: bodies of this type have no schema, or one that says nothing about their bytes. */
export function bodyCheck(contentType: string, media: Media, direction: Direction, tools: BodyTools): BodyCheck | null {
  const { schema } = media;
  if (schema === null) return null;
  const parse = parserOf(contentType, media, tools);
  if (parse === null) return null;
  const validator = tools.validators.of(schema, direction);
  return {
    check(body) {
      const parsed = parse(body);
      return parsed.ok ? inBody(validator.check(parsed.value)) : [{ in: 'body', reason: parsed.error }];
    },
  };
}

function parserOf(contentType: string, media: Media, { document, parseJson }: BodyTools): ParseJson | null {
  const type = mediaTypeOf(contentType);
  const { schema } = media;
  if (isJsonType(type)) return parseJson;
  if (type === MULTIPART) {
    const reader = new MultipartReader(contentType, media, document.references, parseJson);
    return (body) => reader.read(body);
  }
  if (type === FORM) return (body) => formOf(body.toString('utf8'), schema, document.references);
  if (type.startsWith('text/')) return (body) => ({ ok: true, value: body.toString('utf8') });
  return null;
}

function inBody(faults: readonly ValueFault[]): readonly MessageFault[] {
  return faults.map(({ pointer, reason }) => ({ in: 'body', ...(pointer === '' ? {} : { pointer }), reason }));
}

function checkParameter(
  { parameter, reader, validator }: Reading,
  head: RequestHead,
  query: Pairs,
  cookies: Pairs,
): readonly MessageFault[] {
  const { in: place, name, required } = parameter;
  const given = read(parameter, reader, head, query, cookies);
  if (!given.ok) return [{ in: place, name, reason: given.error }];
  if (given.value === undefined) return required ? [{ in: place, name, reason: 'is required' }] : [];
  const faults = validator?.check(given.value) ?? [];
  return faults.map(({ pointer, reason }) => ({ in: place, name, ...(pointer === '' ? {} : { pointer }), reason }));
}

function read({ in: place, name }: Parameter, reader: ParameterReader, head: RequestHead, query: Pairs, cookies: Pairs): Result<unknown> {
  if (place === 'path') return reader.ofText(head.variables.get(name) ?? null, true);
  if (place === 'header') return reader.ofText(head.header(name), false);
  return reader.ofPairs(place === 'query' ? query : cookies);
}
