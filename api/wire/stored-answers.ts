// The stored answers that a proxy or a controller tells: lines of JSON in the answer to the command `storedAnswers`, and after them the number of
// answers without room.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { fits } from '#lib/json-schema.ts';
import { MAX_LISTED_TAGS, MAX_NAME, MAX_SHOWN_URL } from './telemetry-limits.ts';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Milliseconds = Type.Integer({ minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER });
const Name = Type.String({ maxLength: MAX_NAME });

const AnswerLine = Type.Object({
  /** A digest of its key and variant: the same at all workers and proxies. */
  id: Type.String({ minLength: 1, maxLength: 64 }),
  /** As clients ask for it, without the values of the query, which may be tokens. */
  url: Type.String({ maxLength: MAX_SHOWN_URL }),
  /** The key of the rule. */
  route: Name,
  status: Type.Integer({ minimum: 100, maximum: 599 }),
  /** Names of the headers that it varies by, with commas between them. */
  vary: Name,
  /** `memory`, or `redis`: it came from Redis or was given to it too. */
  level: Name,
  /** What it takes of the memory of a worker. */
  bytes: Count,
  /** Its age (RFC 9111 section 4.2.3) at the worker where it is youngest. */
  ageMs: Count,
  /** How long it is fresh; negative: how long it has been stale. */
  ttlMs: Milliseconds,
  /** Requests that have found it since it was stored or confirmed. */
  hits: Count,
  /** Workers that have it. */
  workers: Count,
  tags: Type.Array(Name, { maxItems: MAX_LISTED_TAGS }),
  /** Tags without room. */
  moreTags: Count,
});

/** A stored answer, in the memory of one or more workers of a proxy. */
export type AnswerLine = Readonly<Static<typeof AnswerLine>>;

const LineOrCount = Type.Union([Type.Object({ more: Count }), AnswerLine]);

/** Whether a proxy may say so. */
export function isAnswerLine(line: unknown): line is AnswerLine | { readonly more: number } {
  return fits(LineOrCount, line);
}

/** Which stored answers are meant: those that all set fields fit; '' is not set. */
export interface AnswerFilter {
  /** The whole URL with its query. */
  readonly url: string;
  /** The beginning of URLs. */
  readonly prefix: string;
  readonly tag: string;
  /** The key of a rule, or its beginning up to a `/`, with or without the kind. */
  readonly route: string;
}
