// What a worker does with the notices of other workers and of the supervisor.
import type { SharedCache } from './cache/shared-cache.ts';
import type { EndpointRegistry } from './cluster/endpoint.ts';
import type { ProbeBook } from './cluster/health/probe-book.ts';
import { splitTrippedKey } from './exchange/notices.ts';
import type { Broadcast } from './exchange/notices.ts';
import type { OpenSessions } from './exchange/open-sessions.ts';
import type { WorkerLimits } from './limit/worker-limits.ts';
import type { RuntimeBuilder } from './runtime/build.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** The parts of a worker that notices change. */
export interface NotifiedParts {
  readonly limits: WorkerLimits;
  readonly cache: SharedCache;
  readonly sessions: OpenSessions;
  readonly endpoints: EndpointRegistry;
  readonly probes: ProbeBook;
  readonly builder: RuntimeBuilder;
  readonly telemetry: Telemetry;
}

export function followNotices(broadcast: Broadcast, parts: NotifiedParts): void {
  const { limits, cache, sessions, endpoints, probes, builder, telemetry } = parts;
  broadcast.subscribe('proxies', (_, proxies) => (limits.proxies = proxies ?? 1));
  broadcast.subscribe('revision', (_, revision) => telemetry.revised(revision ?? ''));
  broadcast.subscribe('invalidated', (url) => cache.forget(url));
  broadcast.subscribe('loggedOut', (session) => sessions.ended(session));
  broadcast.subscribe('override', (key, override) => endpoints.override(key, override));
  broadcast.subscribe('health', (id, health) => probes.take(id, health));
  broadcast.subscribe('breaker', (key, forced) => builder.forceBreaker(key, forced));
  broadcast.subscribe('tripped', (key, notice) => followBreaker(key, notice !== null, parts));
  broadcast.subscribe('security', (_, notice) => {
    if (notice !== null) telemetry.security.emit(notice.name, null, notice.fields);
  });
  broadcast.subscribe('ejected', (key, notice) => endpoints.ejected(key, notice));
}

function followBreaker(key: string, opened: boolean, { endpoints, builder }: NotifiedParts): void {
  const [scope, owner, id] = splitTrippedKey(key);
  if (scope === 'Endpoint') endpoints.tripped(owner, id, opened);
  else builder.clusters.get(owner)?.breakers.follow(id, opened);
}
