// What operators see of the stored answers of a proxy: the command, and its part in each worker.
import { createHash } from 'node:crypto';
import type { AnswerFilter, AnswerLine } from '#api/wire/stored-answers.ts';
import { MAX_LISTED_TAGS, MAX_NAME, MAX_SHOWN_URL } from '#api/wire/telemetry-limits.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import { Listing } from '#lib/limit/listing.ts';
import { ok } from '#lib/result.ts';
import type { SharedCache } from './cache/shared-cache.ts';
import type { StoreEntry } from './cache/store.ts';
import { ageOf, type StoredAnswer } from './cache/stored-answer.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { Inspected, Inspecting, StoredAnswersInspection } from './inspection/inspection.ts';
import { isOfRoute } from './inspection/route-filter.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** Other work goes on after so many. */
const ANSWERS_PER_TURN = 2_000;

/** Lists answers of one worker. */
export async function listAnswers(
  { filter, top }: StoredAnswersInspection,
  { part, signal }: Inspecting,
  { store }: SharedCache,
): Promise<Inspected> {
  const listing = new Listing<StoreEntry>(top);
  let seen = 0;
  for (const entry of store.entries()) {
    if (++seen % ANSWERS_PER_TURN === 0) await new Promise((resolve) => void setImmediate(resolve));
    if (signal.aborted) break;
    if (isMeant(filter, entry.answer)) listing.add(-entry.bytes, entry);
  }
  const now = Date.now();
  const found = listing.values.map((entry) => lineOf(entry, now));
  for (const lines of packLines(found, PART_BYTES)) await part(lines);
  return ok({ dropped: listing.more });
}

function isMeant({ url, prefix, tag, route }: AnswerFilter, answer: StoredAnswer): boolean {
  if (url !== '' && answer.url !== url) return false;
  if (!answer.url.startsWith(prefix)) return false;
  if (tag !== '' && !answer.tags.includes(tag)) return false;
  return route === '' || isOfRoute(routeOf(answer), route);
}

/** The first part of the key. */
function routeOf({ key }: StoredAnswer): string {
  return key.slice(0, key.indexOf('\n'));
}

function lineOf({ answer, bytes, hits, level }: StoreEntry, now: number): AnswerLine {
  const { key, variant, url, status, varyNames, lifetime, tags } = answer;
  const ageMs = Math.round(ageOf(answer, now) * 1_000);
  return {
    id: createHash('sha256')
      .update(JSON.stringify([key, varyNames, variant]))
      .digest('base64url')
      .slice(0, 16),
    ...{ url: shownUrl(url), route: named(routeOf(answer)), status, vary: named(varyNames.join(',')), level, bytes },
    ...{ ageMs, ttlMs: Math.round(lifetime * 1_000) - ageMs, hits, workers: 1 },
    ...{ tags: tags.slice(0, MAX_LISTED_TAGS).map(named), moreTags: Math.max(0, tags.length - MAX_LISTED_TAGS) },
  };
}

/** Values of the query may be tokens: names show which parameters make answers differ. */
function shownUrl(url: string): string {
  const at = url.indexOf('?');
  if (at < 0) return url.slice(0, MAX_SHOWN_URL);
  const pairs = url
    .slice(at + 1)
    .split('&')
    .map((pair) => (pair.includes('=') ? `${pair.split('=', 1)[0] ?? ''}=*` : '*'));
  return `${url.slice(0, at)}?${pairs.join('&')}`.slice(0, MAX_SHOWN_URL);
}

function named(text: string): string {
  return text.slice(0, MAX_NAME);
}

/** The command for all workers of a proxy. The answer that several workers have is told once. */
export function storedAnswerCommands(supervisor: Pick<Supervisor, 'inspect'>): CommandTable {
  return {
    storedAnswers: async ({ storedAnswers: { url, prefix, tag, route, top } }, { chunk, signal }) => {
      const found = new Map<string, AnswerLine>();
      const part = async (data: Buffer): Promise<void> => {
        for (const line of readLines(data) as AnswerLine[]) found.set(line.id, together(found.get(line.id), line));
      };
      const filter = { url, prefix, tag, route };
      const inspected = await supervisor.inspect({ kind: 'storedAnswers', filter, top }, null, { part, signal });
      if (!inspected.ok) return inspected;
      const listing = new Listing<AnswerLine>(top, inspected.value.dropped);
      for (const line of found.values()) listing.add(-line.bytes, line);
      for (const lines of packLines([...listing.values, { more: listing.more }], PART_BYTES)) await chunk(lines);
      return ok(undefined);
    },
  };
}

function together(known: AnswerLine | undefined, line: AnswerLine): AnswerLine {
  if (known === undefined) return line;
  const youngest = known.ageMs <= line.ageMs ? known : line;
  return { ...youngest, hits: known.hits + line.hits, workers: known.workers + line.workers };
}
