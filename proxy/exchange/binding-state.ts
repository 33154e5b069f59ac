// Which of the ports that listeners want are bound: what a worker tells its supervisor, and that whoever asks for readiness.

/** An address of a port that listeners want and that cannot be bound. */
export interface UnboundPort {
  /** The port of the listeners. */
  readonly port: number;
  readonly transport: 'TCP' | 'UDP';
  /** '' is every address. */
  readonly address: string;
  /** A word for why. */
  readonly reason: string;
  /** A sentence that says what to do about it. */
  readonly message: string;
}

/** Whether both are about one address of one port. */
export function isSamePort(a: UnboundPort, b: UnboundPort): boolean {
  return a.port === b.port && a.transport === b.transport && a.address === b.address;
}

/** What of the ports that are wanted is bound. */
export interface BindingState {
  /** Ports that are bound, at one address at least. */
  readonly bound: number;
  readonly unbound: readonly UnboundPort[];
}
