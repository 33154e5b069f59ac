// Requests that ended lately: their lines in the memory of proxies, and all that the fleet still knows of one request.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { parseFilter } from '#api/access-log/filter.ts';
import { isRecentLine, type RecentLine } from '#api/wire/recent-lines.ts';
import { MAX_RECENT_LINES, MAX_RECENT_MS } from '#api/wire/telemetry-limits.ts';
import type { RecentRequestsMessage } from '#api/wire/telemetry-messages.ts';
import { parseDuration } from '#lib/duration.ts';
import { Listing } from '#lib/limit/listing.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { FieldError } from '#api/k8s/field-error.ts';
import type { TracedSample } from '../telemetry/errors/error-book.ts';
import type { Fleet } from '../telemetry/fleet.ts';
import type { ProxyEnd } from '../telemetry/hub.ts';
import { commandLines } from './command-lines.ts';
import { ProxyNames, strangerAmong } from './fleet.ts';
import { invalid, operation } from './operation.ts';
import type { Operation, Outcome } from './operation.ts';

/** The line of a request, and its proxy. */
export interface ShownLine extends RecentLine {
  readonly proxy: string;
}

/** The answer of `POST /proxies/recent`. */
export interface RecentList {
  /** The oldest first. */
  readonly lines: readonly ShownLine[];
  /** Older lines that have no room in this answer. */
  readonly more: number;
  /** Proxies that do not tell their lines. */
  readonly missing: readonly ProxyEnd[];
}

/** The answer of `GET /trace`. */
export interface TraceAnswer extends RecentList {
  /** The failures among the samples of the controllers, the oldest first. */
  readonly failures: readonly TracedSample[];
  /** Controllers that do not answer for theirs. */
  readonly missingControllers: readonly string[];
}

const CLOSED = { additionalProperties: false };
const RecentInput = Type.Object(
  {
    /** As --access-log-filter; '' for all lines. */
    filter: Type.String({ maxLength: 4_096, default: '' }),
    /** How long ago the requests may have ended. */
    since: Type.String({ maxLength: 32, default: '1h' }),
    top: Type.Integer({ minimum: 1, maximum: MAX_RECENT_LINES, default: MAX_RECENT_LINES }),
    proxies: ProxyNames,
  },
  CLOSED,
);
const TraceInput = Type.Object(
  {
    /** Of a request or a trace. */
    id: Type.String({ minLength: 1, maxLength: 256 }),
  },
  CLOSED,
);

/** `POST /proxies/recent` and `GET /trace`. */
export function recentOperations(fleet: Pick<Fleet, 'command' | 'samplesOf'>): readonly Operation[] {
  return [
    operation('POST /proxies/recent', RecentInput, (input) => recent(fleet, input)),
    operation('GET /trace', TraceInput, ({ id }) => trace(fleet, id)),
  ];
}

async function recent(fleet: Pick<Fleet, 'command'>, input: Static<typeof RecentInput>): Promise<Outcome> {
  const ageMs = checked(input);
  if (!ageMs.ok) return invalid(ageMs.error);
  const { filter, top, proxies = null } = input;
  const { list, ends } = await linesOf(fleet, { filter, ageMs: ageMs.value, id: '', top }, proxies);
  const names = ends.map(({ proxy }) => proxy);
  return strangerAmong(proxies, names) ?? ok(list);
}

/** The time in milliseconds, or the wrong fields. */
function checked({ filter, since }: Static<typeof RecentInput>): Result<number, readonly FieldError[]> {
  const [rules, age] = [parseFilter(filter), parseDuration(since)];
  const errors: FieldError[] = rules.ok ? [] : [{ field: 'filter', reason: rules.error }];
  const isPossible = age.ok && age.value >= 1 && age.value <= MAX_RECENT_MS;
  if (!isPossible) errors.push({ field: 'since', reason: age.ok ? 'must be from 1ms to 1h' : age.error });
  return isPossible && errors.length === 0 ? ok(age.value) : err(errors);
}

async function trace(fleet: Pick<Fleet, 'command' | 'samplesOf'>, id: string): Promise<Outcome> {
  const question = { filter: '', ageMs: MAX_RECENT_MS, id, top: MAX_RECENT_LINES };
  const [{ list }, { samples, missing }] = await Promise.all([linesOf(fleet, question, null), fleet.samplesOf(id)]);
  return ok({ ...list, failures: samples, missingControllers: missing } satisfies TraceAnswer);
}

async function linesOf(
  fleet: Pick<Fleet, 'command'>,
  recentRequests: RecentRequestsMessage,
  proxies: readonly string[] | null,
): Promise<{ readonly list: RecentList; readonly ends: readonly ProxyEnd[] }> {
  const listing = new Listing<ShownLine>(recentRequests.top);
  let untold = 0;
  const take = (proxy: string, line: unknown): void => {
    if (!isRecentLine(line)) return;
    if ('more' in line) untold += line.more;
    else listing.add(-line.at, { proxy, at: line.at, line: line.line });
  };
  const ends = await commandLines(fleet, { action: 'recentRequests', recentRequests }, take, { proxies });
  const missing = ends.filter(({ outcome }) => outcome !== 'done');
  return { list: { lines: listing.values.toReversed(), more: listing.more + untold, missing }, ends };
}
