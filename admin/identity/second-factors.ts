// The second factors of all users, as the program looks after them at its start.
import { ok, type Result } from '#lib/result.ts';
import type { AdminProblem } from '../api/problem.ts';
import type { IdentityStore } from './identity-store.ts';
import type { Keys } from './key-file.ts';
import { resealFactors, type Resealed } from './sealed-factors.ts';

export class SecondFactors {
  readonly #store: IdentityStore;
  readonly #keys: Keys;

  constructor(store: IdentityStore, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Seals all secrets with the first key. */
  async reseal(): Promise<Result<Resealed, AdminProblem>> {
    const box = this.#keys.box();
    return box.ok ? this.#store.write(async (t) => ok(await resealFactors(t, box.value))) : box;
  }
}
