// Endpoints and breakers in a state that an operator has chosen, and blocks. An override lasts until it is withdrawn (`auto`), or its end. Replicas exchange their
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
    const now = Date.now();
    return this.all().filter((override) => override.state !== 'auto' && !isOver(override, now));
  }

  /** The blocks in force. */
  blocks(): readonly Override[] {
    return this.inForce().filter(isBlock);
  }

  /** When an operator has ended the blocks of a source last, milliseconds since the epoch; 0: never, or long ago. */
  blockEndedAt(source: string): number {
    const known = this.#entries.get(idOf({ kind: 'block', backend: '', endpoint: source }));
    return known?.state === 'auto' ? known.at : 0;
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
    const state = known?.state ?? 'auto';
    if (override.state !== 'auto' && state !== override.state && this.#isFull(override))
      return err(`${MAX_OVERRIDES} ${isBlock(override) ? 'blocks' : 'overrides'} are in force, which is the maximum: withdraw one first`);
    this.#forget(override.at);
    this.#entries.set(id, override);
    return ok(isBlock(override) || state !== override.state);
  }

  /** Blocks take no room of other overrides. */
  #isFull(override: Override): boolean {
    return this.inForce().filter((each) => isBlock(each) === isBlock(override)).length >= MAX_OVERRIDES;
  }

  #forget(now: number): void {
    for (const [id, override] of this.#entries)
      if (isOver(override, now) || (override.state === 'auto' && override.at < now - WITHDRAWN_MS)) this.#entries.delete(id);
  }
}

function idOf({ kind, backend, endpoint }: Pick<OverrideMessage, 'kind' | 'backend' | 'endpoint'>): string {
  return `${kind}|${backend}|${endpoint}`;
}

export function isBlock({ kind }: Pick<OverrideMessage, 'kind'>): boolean {
  return kind === 'block';
}

function isOver({ until = 0 }: OverrideMessage, now: number): boolean {
  return until !== 0 && until <= now;
}
