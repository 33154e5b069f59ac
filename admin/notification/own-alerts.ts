// The alerts of the admin API about itself: conditions that begin and end, and unusual logins. Each is told once.
import os from 'node:os';
import type { AdminAlertName } from '#api/alert/admin-alerts.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { CallListener } from '../api/calls.ts';
import type { Live } from '../live/live.ts';
import { placeOf, type LoginAnomaly } from '../usage/login-watch.ts';
import { AlertOutbox } from './alert-outbox.ts';
import { FailureRate } from './failure-rate.ts';

export interface OwnAlertOptions {
  readonly live: Pick<Live, 'call'>;
  /** Why the audit log cannot be written, and why the key of second factors cannot be used; null if they can. */
  readonly troubles: () => { readonly audit: string | null; readonly key: string | null };
  readonly log: Log;
  /** For tests. */
  readonly now?: () => number;
  readonly backoff?: BackoffOptions;
}

/** A condition that holds, or has ended a short time ago. */
interface Episode {
  readonly starts: number;
  readonly summary: string;
  /** Since when it does not hold; null while it holds. */
  endedAt: number | null;
}

/** A condition has ended if it does not hold for this time, milliseconds: what comes and goes is told once. */
const SETTLED_MS = 60_000;
/** The same unusual login is not told again within this time, milliseconds. */
const QUIET_MS = 900_000;
/** Logins that are remembered. */
const MAX_RECENT = 1_000;

export class OwnAlerts {
  readonly #options: OwnAlertOptions;
  readonly #now: () => number;
  readonly #outbox: AlertOutbox;
  readonly #failures: FailureRate;
  readonly #instance = os.hostname();
  readonly #episodes = new Map<AdminAlertName, Episode>();
  /** When logins were told, by user, kind and network. */
  readonly #recent = new Map<string, number>();

  constructor(options: OwnAlertOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => Date.now());
    this.#outbox = new AlertOutbox(options);
    this.#failures = new FailureRate(this.#now);
  }

  get families(): readonly MetricFamily[] {
    return this.#outbox.families;
  }

  /** Hears of all calls. */
  get calls(): CallListener {
    return this.#failures;
  }

  /** Looks at the conditions. Call it every few seconds. */
  look(): void {
    const { audit, key } = this.#options.troubles();
    this.#observe('WeirAdminAuditFailing', audit === null ? null : `The audit log cannot be written, so changes are refused: ${audit}`);
    this.#observe('WeirAdminKeyFailing', key === null ? null : `Second factors cannot be checked: ${key}`);
    this.#observe('WeirAdminFailing', this.#failures.trouble);
  }

  /** Tells an unusual login. */
  login({ kind, user, address, detail, time }: Omit<LoginAnomaly, 'id'>): void {
    const key = JSON.stringify([kind, user, placeOf(address)]);
    if (time - (this.#recent.get(key) ?? -Infinity) < QUIET_MS) return;
    this.#recent.delete(key);
    this.#recent.set(key, time);
    if (this.#recent.size > MAX_RECENT) this.#recent.delete(this.#recent.keys().next().value ?? '');
    const alert = kind === 'new-place' ? 'WeirAdminNewPlace' : 'WeirAdminUnusualLogin';
    this.#outbox.tell({
      alert,
      labels: { kind, user, address },
      summary: `Unusual login at the admin API: ${detail}`,
      starts: time,
      ends: 0,
    });
  }

  close(): void {
    this.#outbox.close();
  }

  #observe(alert: AdminAlertName, trouble: string | null): void {
    const now = this.#now();
    const episode = this.#episodes.get(alert);
    if (trouble !== null) {
      if (episode === undefined) this.#begin(alert, { starts: now, summary: trouble, endedAt: null });
      else episode.endedAt = null;
      return;
    }
    if (episode === undefined) return;
    episode.endedAt ??= now;
    if (now - episode.endedAt < SETTLED_MS) return;
    this.#episodes.delete(alert);
    this.#tell(alert, episode, episode.endedAt);
  }

  #begin(alert: AdminAlertName, episode: Episode): void {
    this.#episodes.set(alert, episode);
    this.#tell(alert, episode, 0);
  }

  #tell(alert: AdminAlertName, { starts, summary }: Episode, ends: number): void {
    this.#outbox.tell({ alert, labels: { instance: this.#instance }, summary, starts, ends });
  }
}
