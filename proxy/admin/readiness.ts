// Whether this proxy should get traffic: from the time when a complete configuration is applied and its ports are bound, until it drains.
//
// A port that cannot be bound keeps a starting proxy from becoming ready, so that a rollout waits instead of losing the port. It does so
// only for a limited time, and never after the proxy was ready: one listener must not take the traffic from all others. A proxy without any
// bound port is not ready.

/** A listener port that cannot be bound. */
interface UnboundPort {
  readonly port: number;
  readonly transport: string;
  readonly reason: string;
  readonly message: string;
}

export interface ReadinessOptions {
  /** The number of serving workers. */
  readonly serving: () => number;
  /** The listener ports that are bound, and those that are not. */
  readonly bindings: () => { readonly bound: number; readonly unbound: readonly UnboundPort[] };
  /** The time that a starting proxy waits for ports before it is ready with those that it has, milliseconds; 0: until it has all. */
  readonly bindTimeout: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #now: () => number;
  /** Null until there is a complete configuration. */
  #configuredAt: number | null = null;
  #wasReady = false;
  #draining = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** A complete configuration was applied: from a controller, from disk or from files. */
  configured(): void {
    this.#configuredAt ??= this.#now();
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Starts draining. */
  drain(): void {
    this.#draining = true;
  }

  /** The reason not to send traffic, or null. */
  get reason(): string | null {
    if (this.#draining) return 'draining';
    if (this.#configuredAt === null) return 'no complete configuration yet';
    if (this.#options.serving() === 0) return 'no worker serves';
    const unbound = this.#lacking(this.#configuredAt);
    if (unbound === null) this.#wasReady = true;
    return unbound;
  }

  #lacking(since: number): string | null {
    const { bindings, bindTimeout } = this.#options;
    const { bound, unbound } = bindings();
    if (unbound.length === 0) return null;
    if (bound === 0) return `no port is bound: ${describe(unbound)}`;
    const isPatient = bindTimeout === 0 || this.#now() - since < bindTimeout;
    return this.#wasReady || !isPatient ? null : `not bound yet: ${describe(unbound)}`;
  }
}

function describe(unbound: readonly UnboundPort[]): string {
  return unbound.map(({ transport, port, reason, message }) => `${transport} port ${port}: ${reason}: ${message}`).join('; ');
}
