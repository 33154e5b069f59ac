// The sessions of this controller's own proxies. Passes their events on, counts nacks, and can repeat the current state to a new leader.
import type { ResourceKind } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import type { AckedMessage, NackedMessage, SessionEvent } from '#api/wire/relay.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import type { PushObserver } from '../push/observer.ts';

interface OwnSession {
  readonly scope: string;
  /** By resource id: the version that the proxy serves, of the kinds that a leader counts. */
  readonly serves: Map<string, AckedMessage>;
  /** By resource id. */
  readonly nacks: Map<string, NackedMessage>;
}

/** Listeners for statuses, challenges for certificate authorities. No part of the controller needs acks of other kinds. */
const COUNTED: ReadonlySet<ResourceKind> = new Set(['Listener', 'Challenge']);

type Nack = Parameters<PushObserver['nacked']>[3];

export class OwnSessions implements PushObserver {
  readonly #observer: PushObserver;
  readonly #guard: Guard;
  readonly #refused: (kind: ResourceKind) => void;
  readonly #sessions = new Map<string, OwnSession>();
  #follower: ((event: SessionEvent) => void) | null = null;

  /**
   * `observer` gets every event at once. `refused` is called once per refused version, for metrics. An exception in either does not affect
   * the sessions.
   */
  constructor(observer: PushObserver, refused: (kind: ResourceKind) => void, guard: Guard = UNGUARDED) {
    this.#observer = observer;
    this.#refused = refused;
    this.#guard = guard;
  }

  /** Sends the current state and every later event to `follower`. Only one follower at a time. Returns a function that ends it. */
  follow(follower: (event: SessionEvent) => void): () => void {
    for (const [session, { scope, serves, nacks }] of this.#sessions) {
      follower({ session, event: 'connected', connected: { scope } });
      for (const acked of serves.values()) follower({ session, event: 'acked', acked });
      for (const nacked of nacks.values()) follower({ session, event: 'nacked', nacked });
    }
    this.#follower = follower;
    return () => {
      if (this.#follower === follower) this.#follower = null;
    };
  }

  connected(session: string, scope: string): void {
    this.#sessions.set(session, { scope, serves: new Map(), nacks: new Map() });
    this.#report({ session, event: 'connected', connected: { scope } });
    this.#tell((observer) => observer.connected(session, scope));
  }

  disconnected(session: string): void {
    this.#sessions.delete(session);
    this.#report({ session, event: 'disconnected', disconnected: {} });
    this.#tell((observer) => observer.disconnected(session));
  }

  acked(session: string, kind: ResourceKind, key: string, version: string): void {
    const own = this.#sessions.get(session);
    const id = resourceId(kind, key);
    const acked = { kind, key, version };
    const recovers = own?.nacks.delete(id) === true;
    const counts = COUNTED.has(kind);
    if (counts) own?.serves.set(id, acked);
    if (counts || recovers) this.#report({ session, event: 'acked', acked });
    this.#tell((observer) => observer.acked(session, kind, key, version));
  }

  nacked(session: string, kind: ResourceKind, key: string, nack: Nack): void {
    const own = this.#sessions.get(session);
    const nacked = { kind, key, ...nack };
    const id = resourceId(kind, key);
    // A session repeats a nack after a version in between has replaced it; the metric counts it once.
    if (own?.nacks.get(id)?.version !== nack.version) this.#refused(kind);
    own?.serves.delete(id);
    own?.nacks.set(id, nacked);
    this.#report({ session, event: 'nacked', nacked });
    this.#tell((observer) => observer.nacked(session, kind, key, nack));
  }

  #tell(call: (observer: PushObserver) => void): void {
    this.#guard.guard('observer', () => call(this.#observer));
  }

  #report(event: SessionEvent): void {
    if (this.#follower !== null) this.#guard.guard('reporter', () => this.#follower?.(event));
  }
}
