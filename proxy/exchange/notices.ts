// What the workers of a proxy and their supervisor tell each other, so that they act as one proxy.
import type { SecurityEventFields, SecurityEventName } from './security-events.ts';
import type { Health, WantedProbes } from './probe-target.ts';

/** Why an endpoint is ejected: too many failures in a row of a kind, too large a share of failures, or answers that take too long. */
export type EjectionCause = '5xx' | 'gateway_errors' | 'local_errors' | 'failure_ratio' | 'latency';

/** An ejection of an endpoint. */
export interface EjectionNotice {
  readonly cause: EjectionCause;
  /** The ejections so far that count for its length. */
  readonly times: number;
  /** Milliseconds, and the end as Date.now(). */
  readonly length: number;
  readonly until: number;
}

/** A block of a source of requests. */
export interface BlockNotice {
  /** The end, as Date.now(). */
  readonly until: number;
  /** The blocks so far that count for its length, until they are forgotten. */
  readonly times: number;
  readonly forgottenAt: number;
  /** The number that the source has reached, and all signs together in percent of their numbers. */
  readonly cause: string;
  readonly score: number;
  /** The other proxies of the fleet block the source too. */
  readonly isShared: boolean;
}

/** A block of a source that another proxy of the fleet has made. */
export interface SharedBlockNotice extends Pick<BlockNotice, 'until' | 'times' | 'forgottenAt'> {
  /** When this proxy has learned of it, as Date.now(). */
  readonly since: number;
}

/** A security event that does not belong to an exchange. */
export interface SecurityNotice {
  readonly name: SecurityEventName;
  readonly fields: SecurityEventFields;
}

/** The topics, with the values of their notices. A notice has a key; a later one with the same key replaces it. */
export interface Notices {
  /** An operator takes an endpoint out of use, or into use whatever its health. Key: `endpointKey`. */
  readonly override: 'out' | 'in';
  /** A worker wants probes. For the supervisor only. Key: the id of the check. */
  readonly probesWanted: WantedProbes;
  /** The result of a probe. Key: `probeId`. */
  readonly health: Health;
  /** A worker ejects an endpoint, until the end of the notice. Key: `ejectionKey`. */
  readonly ejected: EjectionNotice;
  /** An operator opens or closes the circuit breaker of a backend, whatever happens. Key: that of the cluster. */
  readonly breaker: 'open' | 'closed';
  /** A circuit breaker opened in a worker, and does not hold any more when it closes. Key: `trippedKey`. */
  readonly tripped: true;
  /** A worker blocks a source of requests. Key: `blockKey`. */
  readonly blocked: BlockNotice;
  /** Another proxy blocks a source of requests. Key: `blockKey`. */
  readonly shared: SharedBlockNotice;
  /** An operator blocks an address, a range or a caller. Key: the text of `lib/block-subject.ts`. */
  readonly refused: true;
  /** The number of proxies of the fleet. Key: ''. */
  readonly proxies: number;
  /** The revision of the configuration that all workers serve. Key: ''. */
  readonly revision: string;
  /** Stored answers of a URL do not hold any more. Key: the URL; the value is always null, so that nothing is kept. */
  readonly invalidated: never;
  /** A session of a user has ended. Key: its name; the value is always null, so that nothing is kept. */
  readonly loggedOut: never;
  /** What a worker has added to a counter of a plugin since its start. Key: worker, plugin and counter as JSON. */
  readonly pluginCounted: number;
  /** One worker writes a security event to its log. */
  readonly security: SecurityNotice;
}

export type Topic = keyof Notices;

/** Topics that concern the supervisor, and no other worker. */
export const FOR_SUPERVISOR: ReadonlySet<Topic> = new Set(['probesWanted']);

/** Topics for a single worker, whichever it is. Their notices are not kept. */
export const FOR_ONE: ReadonlySet<Topic> = new Set(['security']);

/** One notice. Value null: it does not hold any more. */
export type Notice = {
  readonly [T in Topic]: { readonly topic: T; readonly key: string; readonly value: Notices[T] | null };
}[Topic];

/** Gets the notices of others about one topic. `from`: the worker, or '' for the supervisor. */
export type NoticeListener<T extends Topic> = (key: string, value: Notices[T] | null, from: string) => void;

/** The way to all other workers of the proxy and their supervisor; the same interface in each of them. */
export interface Broadcast {
  /** Tells all others. */
  publish<T extends Topic>(topic: T, key: string, value: Notices[T] | null): void;
  /** Gets what others publish. */
  subscribe<T extends Topic>(topic: T, listener: NoticeListener<T>): void;
}

/** Hands the notices of others to the listeners of this process. */
export class NoticeListeners {
  readonly #byTopic = new Map<Topic, NoticeListener<Topic>[]>();

  add<T extends Topic>(topic: T, listener: NoticeListener<T>): void {
    const known = this.#byTopic.get(topic) ?? [];
    this.#byTopic.set(topic, [...known, listener as NoticeListener<Topic>]);
  }

  tell({ topic, key, value }: Notice, from: string): void {
    for (const listener of this.#byTopic.get(topic) ?? []) listener(key, value, from);
  }
}

/** An endpoint and the id of a detection as a key of notices. */
export function ejectionKey(endpoint: string, detection: string): string {
  return `${endpoint}|${detection}`;
}

/** The parts of an ejectionKey. */
export function splitEjectionKey(key: string): { readonly endpoint: string; readonly detection: string } {
  const end = key.lastIndexOf('|');
  return { endpoint: key.slice(0, end), detection: key.slice(end + 1) };
}

/** An endpoint as a key of notices. */
export function endpointKey(address: string, port: number): string {
  return `${address}|${port}`;
}

/** A breaker as a key of notices. `owner`: the key of a cluster, or the key of an endpoint; `id`: of its settings. */
export function trippedKey(scope: 'Backend' | 'Endpoint', owner: string, id: string): string {
  return JSON.stringify([scope, owner, id]);
}

export function splitTrippedKey(key: string): readonly ['Backend' | 'Endpoint', string, string] {
  return JSON.parse(key) as ['Backend' | 'Endpoint', string, string];
}

/** A block of a policy as a key of notices. */
export function blockKey(policy: string, source: string): string {
  return JSON.stringify([policy, source]);
}

export function splitBlockKey(key: string): readonly [policy: string, source: string] {
  return JSON.parse(key) as [string, string];
}
