// The resource /cache: stored answers of all proxies.
import { Type } from '#lib/typebox.ts';
import { isAnswerLine, type AnswerFilter, type AnswerLine } from '#api/wire/stored-answers.ts';
import { MAX_CACHE_SUBJECT, MAX_LISTED_ANSWERS, MAX_NAME } from '#api/wire/telemetry-limits.ts';
import type { Action, PurgeCacheMessage } from '#api/wire/telemetry-messages.ts';
import { ok } from '#lib/result.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandList, commandSum, type Commanding } from './command-lines.ts';
import { invalid, operation, type Operation, type Outcome } from './operation.ts';

/** Answers in a list that names no number. */
const TOP = 100;

const CLOSED = { additionalProperties: false };
const Subject = Type.Optional(Type.String({ minLength: 1, maxLength: MAX_CACHE_SUBJECT }));
const ListInput = Type.Object(
  {
    ...{ url: Subject, prefix: Subject, tag: Subject },
    route: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_NAME })),
    top: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$' })),
  },
  CLOSED,
);
const PurgeInput = Type.Object({ ...{ url: Subject, prefix: Subject, tag: Subject }, all: Type.Optional(Type.Literal(true)) }, CLOSED);

/** A stored answer, and its proxy. */
export interface ShownAnswer extends AnswerLine {
  readonly proxy: string;
}

/** The answer of `GET /cache`. */
export interface AnswerList {
  /** The largest first. */
  readonly answers: readonly ShownAnswer[];
  /** Answers that have no room in this list, one for each worker that has them. */
  readonly more: number;
  /** Proxies that do not tell their answers. */
  readonly missing: readonly ProxyEnd[];
}

/** The answer to a purge. */
export interface CachePurged {
  /** The number of answers that were dropped, over all workers. */
  readonly answers: number;
  readonly proxies: readonly ProxyEnd[];
}

/** `GET /cache` and `DELETE /cache`. */
export function cacheOperations(fleet: Commanding): readonly Operation[] {
  return [
    operation('GET /cache', ListInput, ({ top, ...filter }) => list(fleet, filter, top === undefined ? TOP : Number(top))),
    operation('DELETE /cache', PurgeInput, async ({ url, prefix, tag, all }) => {
      const named = [
        ...(url === undefined ? [] : [{ by: 'url' as const, value: url }]),
        ...(prefix === undefined ? [] : [{ by: 'prefix' as const, value: prefix }]),
        ...(tag === undefined ? [] : [{ by: 'tag' as const, value: tag }]),
        ...(all === undefined ? [] : [{ by: 'all' as const, value: '' }]),
      ];
      const [subject] = named;
      if (subject === undefined || named.length > 1) return invalid([{ field: 'url', reason: 'must be one of url, prefix, tag and all' }]);
      return purge(fleet, subject);
    }),
  ];
}

async function list(fleet: Commanding, wanted: Partial<AnswerFilter>, top: number): Promise<Outcome> {
  if (top < 1 || top > MAX_LISTED_ANSWERS) return invalid([{ field: 'top', reason: `must be from 1 to ${MAX_LISTED_ANSWERS}` }]);
  const { url = '', prefix = '', tag = '', route = '' } = wanted;
  const action: Action = { action: 'storedAnswers', storedAnswers: { url, prefix, tag, route, top } };
  const { lines, ...rest } = await commandList<AnswerLine>(fleet, action, { isLine: isAnswerLine, rank: ({ bytes }) => -bytes, top });
  return ok({ answers: lines, ...rest } satisfies AnswerList);
}

async function purge(fleet: Commanding, subject: PurgeCacheMessage): Promise<Outcome> {
  const { sum, proxies } = await commandSum(fleet, { action: 'purgeCache', purgeCache: subject });
  return ok({ answers: sum, proxies } satisfies CachePurged);
}
