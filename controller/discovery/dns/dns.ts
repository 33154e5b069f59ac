// The source `dns`: looks a name up again and again, as often as its records allow.
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import { formatDuration, parseDuration } from '#lib/duration.ts';
import type { DnsSettings } from '#api/k8s/backend-source/dns.ts';
import type { SourceTrouble } from '../../watch/found.ts';
import type { AddressGuard } from '#lib/destination.ts';
import type { EndpointSource, Lookup } from '../source.ts';
import { lookUp, type Looked, type Memory } from './lookup.ts';
import { recordsOf } from './records.ts';

const MINIMUM_MS = 5_000;
const MAXIMUM_MS = 300_000;
/** node:dns tells no time to live of SRV records. */
const SRV_MAXIMUM_MS = 30_000;
const KEEP_MS = 300_000;
/** The pauses between lookups that fail or find nothing. */
const RETRY = { minimum: 500, maximum: 15_000 };
/** A refresh comes up to a tenth early, so that many names are not looked up at the same time. */
const JITTER = 0.1;

/** The endpoints of a name in DNS. `guard`: the resolvers that a Backend may name. */
export function dnsEndpoints(guard: AddressGuard): EndpointSource<DnsSettings> {
  return { name: 'dns', follow: (lookup) => follow(lookup, guard) };
}

async function follow(lookup: Lookup<DnsSettings>, guard: AddressGuard): Promise<SourceTrouble | null> {
  const refused = refusedServer(lookup.settings, guard);
  if (refused !== null) return { reason: 'AddressRefused', message: `the resolver ${refused}` };
  const name = new FollowedName(lookup);
  while (!lookup.signal.aborted) {
    const pause = await name.refresh();
    await delay(pause, undefined, { signal: lookup.signal, ref: false }).catch(() => undefined);
  }
  return null;
}

/** The first resolver to which the controller must not connect, with the reason. */
function refusedServer({ servers = [] }: DnsSettings, guard: AddressGuard): string | null {
  for (const server of servers) {
    const host = isIP(server) === 0 ? server.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') : server;
    const reason = guard(host);
    if (reason !== null) return `${server} ${reason}`;
  }
  return null;
}

/** A name with its last good answer. */
class FollowedName {
  readonly #lookup: Lookup<DnsSettings>;
  readonly #times: ReturnType<typeof timesOf>;
  readonly #retry = new Backoff(RETRY);
  readonly #memory: Memory = new Map();
  #hadEndpoints = false;
  /** Since when the name has no records, on the monotonic clock; null while it has some. */
  #emptySince: number | null = null;

  constructor(lookup: Lookup<DnsSettings>) {
    this.#lookup = lookup;
    this.#times = timesOf(lookup.settings);
  }

  /** Looks the name up once and reports the outcome; returns the pause before the next time, milliseconds. */
  async refresh(): Promise<number> {
    const { settings, signal } = this.#lookup;
    const looked = await lookUp(settings, recordsOf(settings.servers, signal), this.#memory);
    if (signal.aborted) return 0;
    if (looked.endpoints.length > 0) return this.#found(looked);
    if (looked.failure === null) this.#empty();
    else this.#lookup.troubled({ reason: 'LookupFailed', message: `${settings.name}: ${looked.failure}` });
    return this.#retry.next();
  }

  #found({ endpoints, ttl, failure }: Looked): number {
    this.#hadEndpoints = true;
    this.#emptySince = null;
    const { name } = this.#lookup.settings;
    this.#lookup.found(endpoints, failure === null ? null : { reason: 'LookupFailed', message: `${name}: ${failure}` });
    if (failure !== null) return this.#retry.next();
    this.#retry.reset();
    const { minimum, maximum } = this.#times;
    const pause = Math.max(minimum, Math.min(maximum, ttl === null ? Infinity : ttl * 1_000));
    return Math.max(minimum, pause * (1 - Math.random() * JITTER));
  }

  /** A name that loses all its records keeps its last addresses for a while: an operator's mistake, or a zone that is loaded anew. */
  #empty(): void {
    const { name, type } = this.#lookup.settings;
    const message = `${name} has no ${type === 'Any' ? 'A or AAAA' : type} records`;
    this.#emptySince ??= performance.now();
    const { keep } = this.#times;
    if (this.#hadEndpoints && performance.now() - this.#emptySince < keep) {
      const kept = `${message}; its last addresses stay in use for ${formatDuration(keep)}`;
      return this.#lookup.troubled({ reason: 'NoRecords', message: kept });
    }
    this.#lookup.found([], { reason: 'NoRecords', message });
  }
}

function timesOf({ type, minimumRefresh, maximumRefresh, keep }: DnsSettings) {
  const minimum = milliseconds(minimumRefresh, MINIMUM_MS);
  return {
    minimum,
    maximum: Math.max(minimum, milliseconds(maximumRefresh, type === 'SRV' ? SRV_MAXIMUM_MS : MAXIMUM_MS)),
    keep: milliseconds(keep, KEEP_MS),
  };
}

function milliseconds(text: string | undefined, byDefault: number): number {
  const parsed = text === undefined ? null : parseDuration(text);
  return parsed?.ok === true ? parsed.value : byDefault;
}
