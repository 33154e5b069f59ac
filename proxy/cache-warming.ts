// Fills caches before clients ask: the command of operators, and its part in each worker, which requests URLs through its routes.
import type { WarmCacheMessage } from '#api/wire/telemetry-messages.ts';
import { MAX_REASON } from '#api/wire/telemetry-limits.ts';
import { isWarmLine, worse, type WarmLine, type WarmOutcome } from '#api/wire/warmed-urls.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import { err, ok } from '#lib/result.ts';
import type { SharedCache } from './cache/shared-cache.ts';
import { ERRORS } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import { joinHeader } from './exchange/headers.ts';
import { CACHE_USE } from './filter/cache/cache-use.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { CacheWarmInspection, Inspected, Inspecting } from './inspection/inspection.ts';
import { targetOf, type OwnRequests, type Target } from './own-requests.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** The longest time of one request with its answer, milliseconds. */
const REQUEST_MS = 15_000;

/** What a worker needs to request URLs. */
export interface WarmingParts {
  readonly requests: OwnRequests;
  readonly cache: SharedCache;
  /** What the listeners of a port speak; null: there is none. */
  readonly spokenAt: (port: number) => 'HTTP' | 'TLS' | 'TCP' | null;
}

/** How the request for a URL has ended. */
type Result = Omit<WarmLine, 'index'>;

/** Requests URLs, so many at once and so many per second, and sends a line about each. */
export async function warmCache(
  { urls, headers, port, concurrency, rate }: CacheWarmInspection,
  { part, signal }: Inspecting,
  parts: WarmingParts,
): Promise<Inspected> {
  const lines: WarmLine[] = [];
  const began = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < urls.length && !signal.aborted) {
      const index = next++;
      if (!(await isDue(began + (index * 1_000) / rate, signal))) return;
      lines.push({ index, ...(await resultFor(urls[index] as string, { headers, port, signal }, parts)) });
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, urls.length) }, lane));
  // Other workers look there next.
  await parts.cache.settled();
  for (const packed of packLines(lines, PART_BYTES)) await part(packed);
  return ok({ dropped: 0 });
}

/** Waits until a moment of `performance.now`. False: nothing more is wanted. */
async function isDue(moment: number, signal: AbortSignal): Promise<boolean> {
  const wait = moment - performance.now();
  if (wait > 0) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, wait);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
  return !signal.aborted;
}

interface Asked extends Pick<WarmCacheMessage, 'headers' | 'port'> {
  readonly signal: AbortSignal;
}

async function resultFor(url: string, { headers, port, signal }: Asked, { requests, cache, spokenAt }: WarmingParts): Promise<Result> {
  const target = targetOf(url);
  if (!target.ok) return without('failed', `the URL ${target.error}`);
  const obstacle = obstacleAt(target.value, port, spokenAt);
  if (obstacle !== null) return without('unrouted', obstacle);
  const late = AbortSignal.timeout(REQUEST_MS);
  const exchange = await requests.get(target.value, port || target.value.port, headers, AbortSignal.any([signal, late]));
  if (late.aborted) return without('failed', `it took longer than ${REQUEST_MS} ms`);
  return signal.aborted ? without('failed', 'the command is over') : resultOf(exchange, cache);
}

/** Why no listener takes requests for the URL; null: one does. */
function obstacleAt(target: Target, port: number, spokenAt: WarmingParts['spokenAt']): string | null {
  const spoken = spokenAt(port || target.port);
  if (spoken === null || spoken === 'TCP') return `no listener of the proxy takes HTTP at port ${port || target.port}`;
  const fits = port !== 0 || (spoken === 'TLS') === (target.scheme === 'https');
  return fits ? null : `the listeners at port ${target.port} do not speak ${target.scheme}`;
}

function without(outcome: WarmOutcome, reason: string): Result {
  return { outcome, status: 0, reason: reason.slice(0, MAX_REASON) };
}

function resultOf(exchange: Exchange, { store }: SharedCache): Result {
  const { status, error } = exchange;
  const told = (outcome: WarmOutcome, reason = ''): Result => ({ outcome, status, reason: reason.slice(0, MAX_REASON) });
  if (error !== null) return told(error.code === ERRORS.routeNotFound.code ? 'unrouted' : 'failed', error.code);
  const use = CACHE_USE.get(exchange);
  if (use === null) return told('unstored', 'no policy of the rule has a cache');
  if (use.type === 'answered' || use.type === 'follows') return told('found');
  if (use.type === 'leads' && store.peek(use.request.key, use.request.headers) !== null) return told('stored');
  const directives = joinHeader(exchange.responseHeaders, 'cache-control');
  return told('unstored', `the answer may not be stored; its Cache-Control is ${directives ?? 'absent'}`);
}

/** The command for all workers of a proxy, one after the other: what the first one stores in Redis, the others find there. */
export function warmCommands(supervisor: Pick<Supervisor, 'workers' | 'inspect'>): CommandTable {
  return {
    warmCache: async ({ warmCache: { urls, headers, port, concurrency, rate } }, { chunk, signal }) => {
      const worst = new Map<number, WarmLine>();
      const part = async (data: Buffer): Promise<void> => {
        for (const line of readLines(data).filter(isWarmLine)) worst.set(line.index, worse(worst.get(line.index), line));
      };
      const inspection = { kind: 'cacheWarm' as const, urls, headers, port, concurrency, rate };
      for (let worker = 0; worker < supervisor.workers && !signal.aborted; worker++) {
        const inspected = await supervisor.inspect(inspection, worker, { part, signal });
        if (!inspected.ok) return err(`worker ${worker} has not filled its cache: ${inspected.error}`);
      }
      for (const lines of packLines(worst.values(), PART_BYTES)) await chunk(lines);
      return ok(undefined);
    },
  };
}
