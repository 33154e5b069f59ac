// Whether this proxy should get traffic: once a complete configuration is applied, until it drains.

export class Readiness {
  readonly #serving: () => number;
  #configured = false;
  #draining = false;

  /** `serving`: workers that serve. */
  constructor(serving: () => number) {
    this.#serving = serving;
  }

  /** A complete configuration was applied, from a controller, from disk or from files. */
  configured(): void {
    this.#configured = true;
  }

  /** Traffic should go elsewhere from now on. */
  drain(): void {
    this.#draining = true;
  }

  /** Why there should be no traffic, or null. */
  get reason(): string | null {
    if (this.#draining) return 'draining';
    if (!this.#configured) return 'no complete configuration yet';
    return this.#serving() === 0 ? 'no worker serves' : null;
  }
}
