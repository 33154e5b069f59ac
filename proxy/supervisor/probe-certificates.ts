// The client certificates that probes present: those that the workers present with requests.
import type * as ir from '#api/ir/ir.ts';
import type { ClientIdentity } from '../exchange/plan.ts';
import { Pairs } from '../runtime/pairs.ts';
import { identityIn } from '../runtime/upstream-tls.ts';

export class ProbeCertificates {
  readonly #secretOf: (key: string) => ir.Secret | undefined;
  /** Of the Secrets that probes have asked for; as in a worker, a pair that does not load replaces nothing. */
  readonly #pairs = new Pairs();
  /** The form of each Secret that was taken last. */
  readonly #taken = new Map<string, ir.Secret>();

  /** `secretOf`: the Secret of a key in the configuration. */
  constructor(secretOf: (key: string) => ir.Secret | undefined) {
    this.#secretOf = secretOf;
  }

  /** The certificate of a Secret (key) in its current form; null if there is none. */
  of(key: string): ClientIdentity | null {
    const secret = this.#secretOf(key);
    if (secret === undefined) this.#forget(key);
    else if (this.#taken.get(key) !== secret) {
      this.#taken.set(key, secret);
      this.#pairs.take(secret);
    }
    return identityIn(this.#pairs.all, key);
  }

  #forget(key: string): void {
    if (this.#taken.delete(key)) this.#pairs.remove(key);
  }
}
