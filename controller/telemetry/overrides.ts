// Endpoints and breakers in a state that an operator has chosen. An override lasts until it is withdrawn (`auto`). Replicas exchange their
// overrides; the newest of an endpoint or breaker wins.
import type { OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { MAX_OVERRIDES } from '#api/wire/telemetry-limits.ts';
import { err, ok, type Result } from '#lib/result.ts';

/** An override with the time of the operator's command, milliseconds since the epoch. */
export interface Override extends OverrideMessage {
  readonly at: number;
}

/** How long a replica that was away may bring back an override that was withdrawn meanwhile, milliseconds. */
const WITHDRAWN_MS = 24 * 3_600_000;

export class Overrides {
  readonly #entries = new Map<string, Override>();

  /** Those in force. */
  inForce(): readonly Override[] {
    return this.all().filter(({ state }) => state !== 'auto');
  }

  /** Those in force and those withdrawn lately, for other replicas and the store. */
  all(): readonly Override[] {
    return [...this.#entries.values()];
  }

  /** Sets an override; refuses one too many. The result is whether its state is new. */
  set(override: Override): Result<boolean> {
    const id = idOf(override);
    const known = this.#entries.get(id);
    if (known !== undefined && known.at > override.at) return ok(false);
    if (override.state !== 'auto' && known?.state !== override.state && this.inForce().length >= MAX_OVERRIDES)
      return err(`${MAX_OVERRIDES} overrides are in force, which is the maximum: withdraw one first`);
    this.#forget(override.at);
    this.#entries.set(id, override);
    return ok((known?.state ?? 'auto') !== override.state);
  }

  #forget(now: number): void {
    for (const [id, { state, at }] of this.#entries) if (state === 'auto' && at < now - WITHDRAWN_MS) this.#entries.delete(id);
  }
}

function idOf({ kind, backend, endpoint }: OverrideMessage): string {
  return `${kind}|${backend}|${endpoint}`;
}
