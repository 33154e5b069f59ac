// The overrides of operators in this proxy: passes them to its workers. They hold until they are withdrawn, also without a controller.
import type { OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { splitAddress } from '#lib/host-port.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { endpointKey } from '../exchange/notices.ts';
import type { Broadcast } from '../exchange/notices.ts';

export class OverrideKeeper {
  readonly #broadcast: Pick<Broadcast, 'publish'>;
  /** The key of the notice of each override in force, by endpoint. */
  readonly #keys = new Map<string, string>();

  constructor(broadcast: Pick<Broadcast, 'publish'>) {
    this.#broadcast = broadcast;
  }

  /** Sets these; if they are complete, all others end. Those that this release does not know have no effect. */
  take(overrides: readonly OverrideMessage[], complete: boolean): void {
    if (complete) this.#endOthers(overrides);
    for (const override of overrides) this.set(override);
  }

  #endOthers(overrides: readonly OverrideMessage[]): void {
    const meant = new Set(overrides.map(({ endpoint }) => endpoint));
    for (const endpoint of [...this.#keys.keys()])
      if (!meant.has(endpoint)) this.set({ kind: 'endpoint', backend: '', endpoint, state: 'auto' });
  }

  /** Sets or withdraws one. The error is why this proxy cannot. */
  set({ kind, endpoint, state }: OverrideMessage): Result<undefined> {
    if (kind !== 'endpoint') return err(`this proxy does not know overrides of a ${kind}`);
    const address = splitAddress(endpoint);
    if (address === null) return err(`${JSON.stringify(endpoint)} is not ADDRESS:PORT`);
    const key = endpointKey(address.address, address.port);
    if (state === 'auto') this.#keys.delete(endpoint);
    else if (state === 'out' || state === 'in') this.#keys.set(endpoint, key);
    else return err(`${JSON.stringify(state)} is none of out, in, auto`);
    this.#broadcast.publish('override', key, state === 'auto' ? null : state);
    return ok(undefined);
  }
}
