// The alerts of the leader in memory, and their changes that the store lacks. A store that is away stops nothing: the changes wait.
import type { Alert } from './alert.ts';
import type { AlertChanges, KeptAlerts } from '../store/kept-alerts.ts';

/** How long resolved alerts are listed, milliseconds. */
export const RESOLVED_MS = 24 * 3_600_000;
/** Alerts in all. More are counted and not kept. */
export const MAX_ALERTS = 5_000;

export class AlertBook {
  readonly #kept: KeptAlerts;
  readonly #alerts = new Map<string, Alert>();
  /** When the condition of an alert held last. */
  readonly #lastHeld = new Map<string, number>();
  readonly #unwritten = new Set<string>();
  #forgotten = new Map<string, Pick<Alert, 'rule' | 'fingerprint'>>();
  /** Alerts that had no room in the last evaluation. */
  excess = 0;

  constructor(kept: KeptAlerts) {
    this.#kept = kept;
  }

  /** Takes the alerts of the store, as if their conditions had held at `now`. */
  restore(alerts: readonly Alert[], now: number): void {
    this.clear();
    for (const alert of alerts) {
      this.#alerts.set(idOf(alert), alert);
      this.#lastHeld.set(idOf(alert), now);
    }
  }

  clear(): void {
    this.#alerts.clear();
    this.#lastHeld.clear();
    this.#unwritten.clear();
    this.#forgotten.clear();
  }

  get(rule: string, fingerprint: string): Alert | undefined {
    return this.#alerts.get(`${rule} ${fingerprint}`);
  }

  lastHeld(alert: Alert): number {
    return this.#lastHeld.get(idOf(alert)) ?? 0;
  }

  all(): Iterable<Alert> {
    return this.#alerts.values();
  }

  ofRule(rule: string): readonly Alert[] {
    return [...this.#alerts.values()].filter((alert) => alert.rule === rule);
  }

  /** Sets an alert. `heldAt`: the condition held then; null if it does not hold. */
  put(alert: Alert, heldAt: number | null): void {
    const id = idOf(alert);
    const before = this.#alerts.get(id);
    if (before === undefined && this.#alerts.size >= MAX_ALERTS) return void this.excess++;
    this.#alerts.set(id, alert);
    if (heldAt !== null) this.#lastHeld.set(id, heldAt);
    // Values and texts change with each evaluation; the store has those of the last change of state.
    if (before?.state !== alert.state || before.activeAt !== alert.activeAt) {
      this.#unwritten.add(id);
      this.#forgotten.delete(id);
    }
  }

  forget(alert: Alert): void {
    const id = idOf(alert);
    this.#alerts.delete(id);
    this.#lastHeld.delete(id);
    this.#unwritten.delete(id);
    this.#forgotten.set(id, alert);
  }

  /** Forgets alerts that were resolved long ago. */
  prune(now: number): void {
    for (const alert of this.#alerts.values()) if (alert.state === 'resolved' && now - alert.resolvedAt > RESOLVED_MS) this.forget(alert);
  }

  /** Writes what the store lacks. Resolves to the reason if it cannot; ''if it can. */
  async flush(): Promise<string> {
    if (!this.#kept.isKept || (this.#unwritten.size === 0 && this.#forgotten.size === 0)) return '';
    const [ids, forgotten] = [[...this.#unwritten], this.#forgotten];
    const changes: AlertChanges = { written: ids.flatMap((id) => this.#alerts.get(id) ?? []), forgotten: [...forgotten.values()] };
    this.#unwritten.clear();
    this.#forgotten = new Map();
    const result = await this.#kept.change(changes);
    if (result.ok) return '';
    for (const id of ids) this.#unwritten.add(id);
    this.#forgotten = new Map([...forgotten, ...this.#forgotten]);
    return result.error;
  }
}

function idOf({ rule, fingerprint }: Pick<Alert, 'rule' | 'fingerprint'>): string {
  return `${rule} ${fingerprint}`;
}
