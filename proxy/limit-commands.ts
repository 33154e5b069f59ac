// The commands of operators about limits: the keys with least left, and resets.
import { limitsIn, limitsNamed } from '#api/policy/rate-limits.ts';
import type { KnownLimit } from '#api/policy/rate-limits.ts';
import { latestOf, limitKey, placeOf } from '#api/wire/limit-keys.ts';
import type { LimitKey } from '#api/wire/limit-keys.ts';
import type { ResetLimitMessage } from '#api/wire/telemetry-messages.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import { isLimited, Listing } from '#lib/limit/listing.ts';
import type { KeyState, LimitListing, LimitReset } from '#lib/limit/listing.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { CommandTable, Running } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** The supervisor, as these commands see it. */
type Limited = Pick<Supervisor, 'workers' | 'inspect' | 'limits' | 'resources'>;

/** The commands for the limits of a proxy. */
export function limitCommands(supervisor: Limited): CommandTable {
  return {
    limits: async ({ limits: { limit, top } }, { chunk, signal }) => {
      const known = limitsNamed(limitsIn(supervisor.resources()), limit);
      const { values, more } = await listKeys(supervisor, known, top, signal);
      for (const lines of packLines([...values, { more }], PART_BYTES)) await chunk(lines);
      return ok(undefined);
    },
    resetLimit: ({ resetLimit }, running) => resetKeys(supervisor, resetLimit, running),
  };
}

async function listKeys(supervisor: Limited, known: readonly KnownLimit[], top: number, signal: AbortSignal): Promise<Listing<LimitKey>> {
  const { proxies } = supervisor.limits;
  const byId = new Map(known.map((limit) => [limit.id, limit]));
  const of = (store: KnownLimit['store']): readonly KnownLimit[] =>
    known.filter((limit) => limit.store === store).map((limit) => weighted(limit, proxies));
  const own = new Listing<KeyState>(top);
  const isAlone = supervisor.workers === 1;
  if (!isAlone) await supervisor.limits.list(of('Local'), own);
  const { states, more } = await askWorkers(
    supervisor,
    { local: isAlone ? of('Local').map(plain) : [], redis: of('Redis').map(plain), top },
    signal,
  );
  const keys = [...own.values, ...states].flatMap((state) => {
    const limit = byId.get(state.id);
    return limit === undefined ? [] : [shareOf(limitKey(limit, state), limit.isShared ? proxies : 1)];
  });
  const listing = new Listing<LimitKey>(top, more + own.more);
  for (const key of latestOf(keys)) listing.add(placeOf(key), key);
  return listing;
}

/** A request at a shared limit takes the units of one at each proxy. */
function weighted(limit: KnownLimit, proxies: number): KnownLimit {
  return limit.isShared ? { ...limit, cost: Math.min(limit.capacity, limit.cost * proxies) } : limit;
}

/** What this proxy may use of a shared limit. */
function shareOf(key: LimitKey, proxies: number): LimitKey {
  const [left, of] = [Math.floor(key.left / proxies), Math.max(1, Math.floor(key.of / proxies))];
  return proxies === 1 ? key : { ...key, left, of, limited: isLimited(key.cost, left) };
}

/** Without what workers need not know. */
function plain({ id, capacity, cost }: KnownLimit): LimitListing['local'][number] {
  return { id, capacity, cost };
}

async function askWorkers(
  supervisor: Limited,
  listing: LimitListing,
  signal: AbortSignal,
): Promise<{ readonly states: readonly KeyState[]; readonly more: number }> {
  if (listing.local.length + listing.redis.length === 0) return { states: [], more: 0 };
  const states: KeyState[] = [];
  const part = async (data: Buffer): Promise<void> => void states.push(...(readLines(data) as KeyState[]));
  const inspected = await supervisor.inspect({ kind: 'limits', listing }, null, { part, signal });
  return { states, more: inspected.ok ? inspected.value.dropped : 0 };
}

async function resetKeys(
  supervisor: Limited,
  { limit, key, whole }: ResetLimitMessage,
  { chunk, signal }: Running,
): Promise<Result<string | undefined>> {
  const known = limitsNamed(limitsIn(supervisor.resources()), limit).filter((each) => each.limit === limit);
  const [first] = known;
  if (first === undefined) return err(`this proxy has no limit ${limit}`);
  const reset: LimitReset = { store: first.store, ids: known.map(({ id }) => id), form: first.form, key: whole ? null : key };
  let count = await supervisor.limits.reset(reset);
  const part = async (data: Buffer): Promise<void> => void (count += (readLines(data) as number[]).reduce((sum, each) => sum + each, 0));
  const workers = Array.from({ length: supervisor.workers }, (_, worker) => {
    const isFirst = worker === 0;
    return supervisor.inspect({ kind: 'limitReset', reset, limit, isFirst }, worker, { part, signal });
  });
  await Promise.all(workers);
  for (const lines of packLines([count], PART_BYTES)) await chunk(lines);
  return ok(undefined);
}
