// What can be wrong with a listener as far as this proxy can tell. Reported to the controller, which makes conditions of it.

/** Why a listener, or a part of it, is not served. */
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
  /** Sentence for people. */
  readonly message: string;
}

const BIND_REASONS: ReadonlyMap<string, ListenerProblemReason> = new Map([
  ['EADDRINUSE', 'AddressInUse'],
  ['EACCES', 'PermissionDenied'],
  ['EPERM', 'PermissionDenied'],
  ['EADDRNOTAVAIL', 'AddressUnavailable'],
  ['ENOTFOUND', 'AddressUnavailable'],
]);

/** The problem every listener of a port has when it cannot be bound. */
export function bindProblem(listener: string, error: NodeJS.ErrnoException): ListenerProblem {
  return { listener, reason: BIND_REASONS.get(error.code ?? '') ?? 'BindFailed', message: error.message };
}
