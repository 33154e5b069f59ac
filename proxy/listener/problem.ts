// Problems of listeners that the proxy detects. It reports them to the controller, which turns them into conditions.
import type { BindingState, UnboundPort } from '../exchange/binding-state.ts';

/** The reason why a listener, or a part of it, is not served. */
export type ListenerProblemReason =
  | 'AddressInUse'
  | 'PermissionDenied'
  | 'AddressUnavailable'
  | 'BindFailed'
  | 'ProtocolConflict'
  | 'UnsupportedProtocol'
  | 'InvalidCertificate'
  | 'InvalidTrustBundle';

export interface ListenerProblem {
  /** Key of the listener. */
  readonly listener: string;
  readonly reason: ListenerProblemReason;
  /** A sentence for users. */
  readonly message: string;
  /** The problem may go away by itself: the port is retried. */
  readonly waits?: true;
}

const BIND_REASONS: ReadonlyMap<string, ListenerProblemReason> = new Map([
  ['EADDRINUSE', 'AddressInUse'],
  ['EACCES', 'PermissionDenied'],
  ['EPERM', 'PermissionDenied'],
  ['EADDRNOTAVAIL', 'AddressUnavailable'],
  ['ENOTFOUND', 'AddressUnavailable'],
]);

/** The action for the user. */
const ADVICE: { readonly [Reason in ListenerProblemReason]?: string } = {
  AddressInUse: 'another process has the port, or the proxy itself for probes or metrics',
  PermissionDenied:
    'ports below 1024 need the capability NET_BIND_SERVICE, or the sysctl net.ipv4.ip_unprivileged_port_start=0, or a port from 1024 on that a Service or a port map leads to',
  AddressUnavailable: 'the machine does not have the address',
};

/** The problem of all listeners of a port that cannot be bound. */
export function bindProblem(listener: string, error: NodeJS.ErrnoException): ListenerProblem {
  const { reason, message } = describeBindError(error);
  return { listener, reason, message, waits: true };
}

/** The reason why a port cannot be bound, and the action for the user. */
export function describeBindError(error: NodeJS.ErrnoException): Pick<ListenerProblem, 'reason' | 'message'> {
  const reason = BIND_REASONS.get(error.code ?? '') ?? 'BindFailed';
  const advice = ADVICE[reason];
  return { reason, message: `${error.message}${advice === undefined ? '' : ` (${advice})`}; it is tried again` };
}

/** The binding state of one port. */
export function bindingState(
  { port, transport }: Pick<UnboundPort, 'port' | 'transport'>,
  sockets: number,
  failures: ReadonlyMap<string, NodeJS.ErrnoException>,
): BindingState {
  return {
    bound: sockets > 0 ? 1 : 0,
    unbound: Array.from(failures, ([address, error]) => ({ port, transport, address, ...describeBindError(error) })),
  };
}
