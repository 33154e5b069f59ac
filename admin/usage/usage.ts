// What is known of the use of the API: calls, logins, sessions.
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { Store } from '#lib/store/store.ts';
import type { Auditor } from '../api/authenticator.ts';
import { LoginWatch, type LoginAnomaly } from './login-watch.ts';
import { usageFamilies, type UsageFacts } from './metrics.ts';
import { UsageRecorder } from './usage-recorder.ts';

export interface UsageOptions {
  readonly store: Store;
  readonly auditor: Auditor & UsageFacts['audit'];
  /** When sessions end, milliseconds. */
  readonly sessions: { readonly idle: number; readonly absolute: number };
  /** Hears of each unusual login. */
  readonly unusual?: (anomaly: Omit<LoginAnomaly, 'id'>) => void;
  readonly log: Log;
}

export class Usage {
  readonly recorder: UsageRecorder;
  /** Keeps the entries of the audit log, and watches logins by them. */
  readonly logins: LoginWatch;
  readonly families: readonly MetricFamily[];
  readonly #options: UsageOptions;
  #sessions = 0;

  constructor(options: UsageOptions) {
    const { store, auditor, log } = options;
    this.#options = options;
    this.recorder = new UsageRecorder(store, log);
    this.logins = new LoginWatch(auditor, store, log, options.unusual);
    this.families = usageFamilies({ audit: auditor, logins: this.logins, sessions: () => this.#sessions });
  }

  start(): void {
    this.recorder.start();
  }

  /** Counts sessions anew. */
  async look(): Promise<void> {
    const { store, sessions } = this.#options;
    const counted = await store.read(async (t) => {
      const now = await t.now();
      const bounds = [now - sessions.idle, now - sessions.absolute];
      const [row] = await t.rows('SELECT COUNT(*) AS sessions FROM weir_admin_sessions WHERE last_used >= ? AND created >= ?', bounds);
      return Number(row?.['sessions']);
    });
    if (counted.ok) this.#sessions = counted.value;
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await this.logins.settled();
    await this.recorder.close();
  }
}
