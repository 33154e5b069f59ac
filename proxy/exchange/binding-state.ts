// The state of the ports of listeners. A worker reports it to its supervisor, and the supervisor to readiness probes.

/** An address of a listener port that the proxy cannot bind. */
export interface UnboundPort {
  /** The port of the listeners. */
  readonly port: number;
  readonly transport: 'TCP' | 'UDP';
  /** '': all addresses. */
  readonly address: string;
  /** A reason in one word. */
  readonly reason: string;
  /** A sentence with the action to take. */
  readonly message: string;
}

/** Whether both have the same address and port. */
export function isSamePort(a: UnboundPort, b: UnboundPort): boolean {
  return a.port === b.port && a.transport === b.transport && a.address === b.address;
}

/** The listener ports that are bound and those that are not. */
export interface BindingState {
  /** Ports that are bound on at least one address. */
  readonly bound: number;
  readonly unbound: readonly UnboundPort[];
}
