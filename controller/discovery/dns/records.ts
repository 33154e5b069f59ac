// Questions to resolvers: the records of one name and one type, with their time to live, or the reason why there are none.
import { Resolver } from 'node:dns/promises';

/** A target of SRV records (RFC 2782). */
export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
  /** The lowest first. */
  readonly priority: number;
  readonly weight: number;
}

/**
 * The outcome of a question. `none`: the name does not exist, or has no records of the type. `failed`: the resolvers do not say. `ttl` is in
 * seconds; null if it is not known.
 */
export type Answer<R> =
  | { readonly status: 'records'; readonly records: readonly R[]; readonly ttl: number | null }
  | { readonly status: 'none' }
  | { readonly status: 'failed'; readonly reason: string };

/** Asks the resolvers of a name. */
export interface Records {
  /** Addresses of one family. */
  addresses(name: string, type: 'A' | 'AAAA'): Promise<Answer<string>>;
  services(name: string): Promise<Answer<ServiceRecord>>;
}

/** How long a resolver may take, milliseconds, and how often all are asked. */
const PATIENCE = { timeout: 2_000, tries: 2 };
/** A name that does not exist, or one without records of this type. */
const NONE: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);
const REASONS: ReadonlyMap<string, string> = new Map([
  ['ESERVFAIL', 'the resolver fails (SERVFAIL)'],
  ['EREFUSED', 'the resolver refuses the question (REFUSED)'],
  ['ETIMEOUT', 'no resolver answers in time'],
  ['ECONNREFUSED', 'no resolver can be reached'],
  ['EBADRESP', 'the answer of the resolver is malformed'],
  ['EBADNAME', 'the name is malformed'],
]);

/** Asks these resolvers, or those of the system; `signal` ends the questions. node:dns tells no time to live of SRV records. */
export function recordsOf(servers: readonly string[] | undefined, signal: AbortSignal): Records {
  const resolver = new Resolver(PATIENCE);
  if (servers !== undefined) resolver.setServers(servers);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  return {
    addresses: (name, type) =>
      answer(async () => {
        const found = await (type === 'A' ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true }));
        return { records: found.map(({ address }) => address), ttl: Math.min(...found.map(({ ttl }) => ttl)) };
      }),
    services: (name) => answer(async () => ({ records: await resolver.resolveSrv(name), ttl: null })),
  };
}

async function answer<R>(ask: () => Promise<{ records: readonly R[]; ttl: number | null }>): Promise<Answer<R>> {
  try {
    const found = await ask();
    return found.records.length === 0 ? { status: 'none' } : { status: 'records', ...found };
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return NONE.has(code) ? { status: 'none' } : { status: 'failed', reason: REASONS.get(code) ?? `the lookup fails (${code})` };
  }
}
