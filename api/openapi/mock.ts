// Answers in place of a backend, made of the examples and schemas of a document. The same request always gets the same answer.
import type { Answer, Media, Operation } from './document.ts';
import { isJsonType } from './media-types.ts';
import { isObject, type References } from './references.ts';
import { sampleOf } from './sample.ts';

/** What the client asks for by `Prefer` (RFC 7240); empty: nothing. */
export interface Preference {
  readonly code?: string;
  readonly example?: string;
}

export interface MockAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Null: none. */
  readonly body: Buffer | null;
}

/** The preferences of a header; others are not for mocks. */
export function preferenceOf(prefer: string | null): Preference {
  const pairs = (prefer ?? '').split(/[,;]/).map((part) => /^\s*(code|example)\s*=\s*"?([\w.-]{1,128})"?\s*$/.exec(part));
  return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1], pair[2]]])));
}

/** Statuses of answers without a body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Final statuses: others end no request. */
const FINAL = /^[2-5]\d\d$/;

/** An answer of an operation. `choose` returns the index of the media type that the client prefers; -1: none of them. */
export function mockAnswer(
  operation: Operation,
  preference: Preference,
  references: References,
  choose: (types: readonly string[]) => number,
): MockAnswer {
  const [key, answer] = chosenAnswer(operation, preference.code);
  const status = statusOf(key, preference.code);
  const applied = preference.code === String(status) ? [`code=${preference.code}`] : [];
  const headers = headersOf(answer, references);
  const content = answer?.content ?? [];
  const chosen = content[Math.max(0, choose(content.map(([type]) => typeOf(type))))];
  if (chosen === undefined || BODILESS.has(status)) return { status, headers: [...headers, ...told(applied)], body: null };
  const [range, media] = chosen;
  const { value, name } = exampleOf(media, preference.example, references);
  const all = [...applied, ...(name !== null && name === preference.example ? [`example=${name}`] : [])];
  return { status, headers: ['content-type', typeOf(range), ...headers, ...told(all)], body: bytesOf(typeOf(range), value) };
}

function told(applied: readonly string[]): readonly string[] {
  return applied.length === 0 ? [] : ['preference-applied', applied.join(', ')];
}

/** The answer for a status that the client prefers, or the first success, with its name in the document. */
function chosenAnswer({ answers }: Operation, code: string | undefined): readonly [string, Answer | null] {
  const wanted = code === undefined || !FINAL.test(code) ? [] : [code, `${code.charAt(0)}XX`, 'default'];
  const known = wanted.find((key) => answers.has(key));
  const first = known ?? [...answers.keys()].filter((key) => /^2(\d\d|XX)$/.test(key)).sort()[0];
  const key = first ?? (answers.has('default') ? 'default' : [...answers.keys()][0]);
  return key === undefined ? ['200', null] : [key, answers.get(key) ?? null];
}

/** The status of a description, which may be for a range of them. */
function statusOf(key: string, code: string | undefined): number {
  if (FINAL.test(key)) return Number(key);
  if (code !== undefined && FINAL.test(code)) return Number(code);
  return key === 'default' ? 200 : Math.max(200, Number(key.charAt(0)) * 100);
}

/** Samples of the headers that are described. */
function headersOf(answer: Answer | null, references: References): readonly string[] {
  return (answer?.headers ?? []).flatMap(({ name, schema }) => {
    const sample = schema === null ? null : sampleOf(schema, references);
    return typeof sample === 'object' ? [] : [name, String(sample).replaceAll(/[^\x20-\x7e]/g, '')];
  });
}

/** The type of a body for a range of types. */
function typeOf(range: string): string {
  return range.includes('*') ? (range.startsWith('text/') ? 'text/plain' : 'application/json') : range;
}

/** The example with this name, the first one, or a sample of the schema. */
function exampleOf(
  { described, schema }: Media,
  wanted: string | undefined,
  references: References,
): { readonly value: unknown; readonly name: string | null } {
  const { example } = described;
  const [name, object] = namedExample(described['examples'], wanted, example !== undefined);
  if (name === null && example !== undefined) return { value: example, name: null };
  const found = name === null ? null : references.objectAt({ value: object, path: [] });
  if (found !== null && Object.hasOwn(found.value, 'value')) return { value: found.value['value'], name };
  return { value: schema === null ? null : sampleOf(schema, references), name: null };
}

/** The example with a name, or the first one unless there is another. */
function namedExample(examples: unknown, wanted: string | undefined, hasOther: boolean): readonly [string | null, unknown] {
  const named = isObject(examples) ? Object.entries(examples) : [];
  return named.find(([name]) => name === wanted) ?? (hasOther ? undefined : named[0]) ?? [null, null];
}

function bytesOf(type: string, value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' && !isJsonType(type) ? value : JSON.stringify(value));
}
