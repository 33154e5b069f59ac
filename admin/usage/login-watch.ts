// Watches logins by their entries in the audit log: from a new place, in a burst of failures, or from two places at the same time.
import { randomUUID } from 'node:crypto';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { Store, Transaction } from '#lib/store/store.ts';
import type { AuditRecord, Auditor } from '../api/authenticator.ts';

/** The kinds of unusual logins. */
export const ANOMALIES = ['new-place', 'two-places', 'failure-burst'] as const;
export type AnomalyKind = (typeof ANOMALIES)[number];

/** An unusual login. */
export interface LoginAnomaly {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly kind: AnomalyKind;
  /** '' for a burst: names of refused logins are not kept, since people type passwords there. */
  readonly user: string;
  readonly address: string;
  readonly detail: string;
}

const LOGINS: ReadonlySet<string> = new Set(['account.login', 'oidc.finish']);
/** Two logins from different places within this time are not of one person, milliseconds. */
const TRAVEL_MS = 600_000;
/** A place that was not used for this time is new again, milliseconds. */
const PLACE_MS = 90 * 86_400_000;
/** So many refused logins of an address within so many milliseconds are a burst. */
const BURST = 10;
const BURST_MS = 300_000;
/** Addresses whose refused logins are counted. */
const MAX_ADDRESSES = 10_000;
/** Anomalies that are kept. */
const KEPT = 1_000;

interface Failures {
  count: number;
  readonly since: number;
}

export class LoginWatch implements Auditor {
  readonly #auditor: Auditor;
  readonly #store: Store;
  readonly #log: Log;
  readonly #unusual: (anomaly: Omit<LoginAnomaly, 'id'>) => void;
  readonly #failures = new Map<string, Failures>();
  readonly #counts = new Map<AnomalyKind, number>(ANOMALIES.map((kind) => [kind, 0]));
  #taking: Promise<void> = Promise.resolve();

  /** `unusual` hears of each unusual login. */
  constructor(auditor: Auditor, store: Store, log: Log, unusual: (anomaly: Omit<LoginAnomaly, 'id'>) => void = () => undefined) {
    this.#unusual = unusual;
    this.#auditor = auditor;
    this.#store = store;
    this.#log = log;
  }

  get trouble(): string | null {
    return this.#auditor.trouble;
  }

  /** Anomalies since the start, by kind. */
  get counts(): ReadonlyMap<AnomalyKind, number> {
    return this.#counts;
  }

  /** The answer of a login does not wait for the watch. */
  async record(entry: AuditRecord): Promise<Result<void>> {
    const kept = await this.#auditor.record(entry);
    if (LOGINS.has(entry.operation)) this.#taking = this.#taking.then(() => this.#take(entry)).catch((error: unknown) => this.#fail(error));
    return kept;
  }

  /** Resolves when all logins up to now are judged. */
  settled(): Promise<void> {
    return this.#taking;
  }

  /** The latest anomalies. */
  async list(limit: number): Promise<Result<readonly LoginAnomaly[]>> {
    await this.#taking;
    return this.#store.read(async (t) => {
      const rows = await t.rows('SELECT * FROM weir_admin_login_anomalies ORDER BY time DESC, id LIMIT ?', [limit]);
      return rows.map((row) => ({
        ...{ id: String(row['id']), time: Number(row['time']), kind: row['kind'] as AnomalyKind },
        ...{ user: String(row['user_name']), address: String(row['address']), detail: String(row['detail']) },
      }));
    });
  }

  async #take({ outcome, time, caller: { address }, changes }: AuditRecord): Promise<void> {
    if (outcome === 'refused') return this.#failed(address, time);
    const [session] = changes;
    const user = (session?.after as { readonly user?: unknown } | null | undefined)?.user;
    if (outcome === 'success' && typeof user === 'string') await this.#succeeded(user, address, time);
  }

  async #failed(address: string, time: number): Promise<void> {
    const place = placeOf(address);
    const known = this.#failures.get(place);
    const failures = known === undefined || time - known.since > BURST_MS ? { count: 0, since: time } : known;
    failures.count++;
    this.#failures.delete(place);
    this.#failures.set(place, failures);
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value ?? '');
    if (failures.count !== BURST) return;
    await this.#tell({
      time,
      kind: 'failure-burst',
      user: '',
      address,
      detail: `${BURST} refused logins within five minutes from ${place}`,
    });
  }

  async #succeeded(user: string, address: string, time: number): Promise<void> {
    const place = placeOf(address);
    const places = await this.#store.write(async (t) => {
      const rows = await placesOf(t, user, time);
      await t.run(
        `INSERT INTO weir_admin_login_places (user_name, place, last_login) VALUES (?, ?, ?)
          ON CONFLICT (user_name, place) DO UPDATE SET last_login = excluded.last_login`,
        [user, place, time],
      );
      return rows;
    });
    // The first login of a user has no place to compare with.
    if (!places.ok || places.value.size === 0) return;
    if (!places.value.has(place))
      await this.#tell({ time, kind: 'new-place', user, address, detail: `the first login of ${user} from ${place} within 90 days` });
    const other = [...places.value].find(([name, last]) => name !== place && time - last < TRAVEL_MS);
    if (other !== undefined)
      await this.#tell({
        time,
        kind: 'two-places',
        user,
        address,
        detail: `${user} logs in from ${place} and ${other[0]} within ten minutes`,
      });
  }

  async #tell(anomaly: Omit<LoginAnomaly, 'id'>): Promise<void> {
    this.#counts.set(anomaly.kind, (this.#counts.get(anomaly.kind) ?? 0) + 1);
    this.#log.warn({ event: 'admin_login_anomaly', ...anomaly }, 'a login is unusual');
    this.#unusual(anomaly);
    const { time, kind, user, address, detail } = anomaly;
    await this.#store.write(async (t) => {
      await t.run('INSERT INTO weir_admin_login_anomalies (id, time, kind, user_name, address, detail) VALUES (?, ?, ?, ?, ?, ?)', [
        ...[randomUUID(), time, kind, user, address, detail],
      ]);
      await t.run(
        'DELETE FROM weir_admin_login_anomalies WHERE id NOT IN (SELECT id FROM weir_admin_login_anomalies ORDER BY time DESC, id LIMIT ?)',
        [KEPT],
      );
    });
  }

  #fail(error: unknown): void {
    this.#log.error({ err: error }, 'a bug stopped the watch over a login');
  }
}

async function placesOf(t: Transaction, user: string, time: number): Promise<ReadonlyMap<string, number>> {
  await t.run('DELETE FROM weir_admin_login_places WHERE last_login < ?', [time - PLACE_MS]);
  const rows = await t.rows('SELECT place, last_login FROM weir_admin_login_places WHERE user_name = ?', [user]);
  return new Map(rows.map((row) => [String(row['place']), Number(row['last_login'])]));
}

/** The network of an address: 24 bits of IPv4, 48 bits of IPv6. */
export function placeOf(address: string): string {
  if (!address.includes(':')) return `${address.split('.').slice(0, 3).join('.')}.0/24`;
  const [head = ''] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  return `${[...groups, '0', '0', '0'].slice(0, 3).join(':')}::/48`;
}
