// The keys of limits, and their resets.
import { Type } from '#lib/typebox.ts';
import { err, ok } from '#lib/result.ts';
import { MAX_LISTED_KEYS, MAX_SHOWN_KEY } from '#api/wire/telemetry-limits.ts';
import type { LimitBook, ResetRefusal } from '../telemetry/limit-book.ts';
import { invalid, operation } from './operation.ts';
import type { Operation, Outcome, Problem } from './operation.ts';

/** Keys in an answer that names no number. */
const TOP = 100;

const CLOSED = { additionalProperties: false };
const Name = Type.String({ minLength: 1, maxLength: 512 });
const ListInput = Type.Object(
  {
    /** `<namespace>/<policy>` or `<namespace>/<policy>/<limit>`; absent for all. */
    limit: Type.Optional(Name),
    top: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$' })),
  },
  CLOSED,
);
const ResetInput = Type.Object(
  {
    /** `<namespace>/<policy>/<limit>`. */
    limit: Name,
    /** As `GET /limits` shows it. */
    key: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_SHOWN_KEY })),
    all: Type.Optional(Type.Literal(true)),
  },
  CLOSED,
);

const STATUSES: Readonly<Record<ResetRefusal['cause'], Problem['status']>> = { absent: 404, conflict: 409, away: 503 };

/** `GET /limits` and `DELETE /limits`. */
export function limitOperations(book: LimitBook): readonly Operation[] {
  return [
    operation('GET /limits', ListInput, ({ limit, top }) => list(book, limit ?? '', top === undefined ? TOP : Number(top))),
    operation('DELETE /limits', ResetInput, ({ limit, key, all }) => reset(book, limit, key, all === true)),
  ];
}

async function list(book: LimitBook, limit: string, top: number): Promise<Outcome> {
  if (top < 1 || top > MAX_LISTED_KEYS) return invalid([{ field: 'top', reason: `must be from 1 to ${MAX_LISTED_KEYS}` }]);
  const listed = await book.list(limit, top);
  return listed.ok ? listed : err({ status: 404, detail: listed.error });
}

async function reset(book: LimitBook, limit: string, key: string | undefined, all: boolean): Promise<Outcome> {
  if ((key !== undefined) === all) return invalid([{ field: 'key', reason: 'must be one key, or all must be true' }]);
  const done = await book.reset(limit, key ?? null);
  return done.ok ? ok(done.value) : err({ status: STATUSES[done.error.cause], detail: done.error.reason });
}
