// The last phase of a stream: counts it, groups its failure, remembers it and, if there is an access log, logs it.
import type { StreamRecorder, StreamSession } from '../exchange/stream-session.ts';
import type { ErrorGroups } from './errors/error-groups.ts';
import type { Log } from './access-log/access-log.ts';
import type { RecentRequests } from './access-log/recent-requests.ts';
import type { StreamMetrics } from './stream-metrics.ts';

export class SessionRecorder implements StreamRecorder {
  readonly #metrics: StreamMetrics;
  readonly #errors: ErrorGroups;
  readonly #recent: RecentRequests | null;
  #log: Log | null = null;

  constructor(metrics: StreamMetrics, errors: ErrorGroups, recent: RecentRequests | null) {
    this.#metrics = metrics;
    this.#errors = errors;
    this.#recent = recent;
  }

  /** Sets the log from now on; null for none. */
  logTo(log: Log | null): void {
    this.#log = log;
  }

  started(session: StreamSession): void {
    this.#metrics.started(session);
  }

  ended(session: StreamSession): void {
    this.#metrics.ended(session);
    this.#errors.sessionEnded(session);
    const ms = performance.now() - session.startedAt;
    this.#recent?.streamEnded(session, ms);
    this.#log?.logStream(session, ms);
  }
}
