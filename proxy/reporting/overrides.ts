// The overrides of operators in this proxy: passes them to its workers. They hold until they are withdrawn, also without a controller.
import type { OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { splitAddress } from '#lib/host-port.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { endpointKey } from '../exchange/notices.ts';
import type { Broadcast, Notices } from '../exchange/notices.ts';
import type { BlockBook } from './block-book.ts';

/** What workers are told of a state; null: the operator takes it back. */
type States<T extends 'override' | 'breaker'> = Readonly<Record<string, Notices[T] | null>>;

const ENDPOINT_STATES: States<'override'> = { out: 'out', in: 'in', auto: null };
const BREAKER_STATES: States<'breaker'> = { open: 'open', close: 'closed', auto: null };

export class OverrideKeeper {
  readonly #broadcast: Pick<Broadcast, 'publish'>;
  readonly #blocks: BlockBook;
  /** Those of endpoints and breakers in force, by their object. */
  readonly #inForce = new Map<string, OverrideMessage>();

  constructor(broadcast: Pick<Broadcast, 'publish'>, blocks: BlockBook) {
    this.#broadcast = broadcast;
    this.#blocks = blocks;
  }

  /** Sets these; if they are complete, all others end. Those that this release does not know have no effect. */
  take(overrides: readonly OverrideMessage[], complete: boolean): void {
    if (complete) this.#endOthers(overrides);
    for (const override of overrides) {
      if (override.kind === 'block' && override.state === 'auto') this.#blocks.withdraw(override.endpoint);
      else this.set(override);
    }
  }

  #endOthers(overrides: readonly OverrideMessage[]): void {
    const meant = new Set(overrides.map(idOf));
    for (const [id, override] of [...this.#inForce]) if (!meant.has(id)) this.set({ ...override, state: 'auto' });
    this.#blocks.endOthers(new Set(overrides.filter(({ kind }) => kind === 'block').map(({ endpoint }) => endpoint)));
  }

  /** Sets or withdraws one. The error is why this proxy cannot. */
  set(override: OverrideMessage): Result<undefined> {
    if (override.kind === 'block') return this.#blocks.set(override);
    const done = this.#tell(override);
    if (!done.ok) return done;
    if (override.state === 'auto') this.#inForce.delete(idOf(override));
    else this.#inForce.set(idOf(override), override);
    return done;
  }

  #tell({ kind, backend, endpoint, state }: OverrideMessage): Result<undefined> {
    if (kind === 'breaker') return this.#publish('breaker', backend, state, BREAKER_STATES);
    if (kind !== 'endpoint') return err(`this proxy does not know overrides of a ${kind}`);
    const address = splitAddress(endpoint);
    if (address === null) return err(`${JSON.stringify(endpoint)} is not ADDRESS:PORT`);
    return this.#publish('override', endpointKey(address.address, address.port), state, ENDPOINT_STATES);
  }

  #publish<T extends 'override' | 'breaker'>(topic: T, key: string, state: string, states: States<T>): Result<undefined> {
    if (!Object.hasOwn(states, state)) return err(`${JSON.stringify(state)} is none of ${Object.keys(states).join(', ')}`);
    this.#broadcast.publish(topic, key, states[state] ?? null);
    return ok(undefined);
  }
}

function idOf({ kind, backend, endpoint }: OverrideMessage): string {
  return `${kind}|${backend}|${endpoint}`;
}
