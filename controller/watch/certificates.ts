// The certificates that listeners want from a certificate authority (ACME, RFC 8555), and the state that Weir keeps of each.

/** How to obtain certificates: spec.acme of GatewayParameters, with the content of its Secrets. Plain data. */
export interface AcmeSettings {
  /** The URL of the directory. */
  readonly server: string;
  /** PEM of the authorities for the server and the webhook; '': the public ones. */
  readonly caBundle: string;
  /** The contact of the account; '' for none. */
  readonly email: string;
  /** The Secret with the key of the account, `<namespace>/<name>`. */
  readonly account: string;
  /** The key that the account is bound to, base64url; null for none. */
  readonly binding: { readonly keyId: string; readonly key: string } | null;
  readonly challenge: ChallengeType;
  /** For DNS01. */
  readonly webhook: { readonly url: string; readonly token: string } | null;
  /** How long before its end a certificate is renewed, milliseconds; null: as the server proposes, or after two thirds of its lifetime. */
  readonly renewBefore: number | null;
}

export type ChallengeType = 'HTTP01' | 'TLSALPN01' | 'DNS01';

/** A certificate that listeners want. */
export interface WantedCertificate {
  /** The Secret that it goes into, `<namespace>/<name>`. */
  readonly secret: string;
  /** The Gateway, `<namespace>/<name>`. */
  readonly gateway: string;
  /** The names of the certificate, sorted. */
  readonly hosts: readonly string[];
  readonly settings: AcmeSettings;
  /** Whether the Secret exists. A Secret of somebody else is never wanted. */
  readonly exists: boolean;
}

/** The entry of a Secret with the state of its certificate. A Secret with this entry belongs to Weir. */
export const STATE_ENTRY = 'acme.json';

/** One challenge of an order. */
export interface PendingChallenge {
  readonly host: string;
  /** The URLs of the authorization and the challenge. */
  readonly authorization: string;
  readonly url: string;
  readonly answer:
    | { readonly type: 'HTTP01'; readonly token: string; readonly text: string }
    | { readonly type: 'TLSALPN01'; readonly certificate: string; readonly privateKey: string }
    | { readonly type: 'DNS01'; readonly record: string; readonly value: string };
}

/** An order under way. */
export interface PendingOrder {
  readonly url: string;
  /** The key of the certificate to come, PEM. */
  readonly privateKey: string;
  readonly challenges: readonly PendingChallenge[];
}

/** The state of a certificate. Times are milliseconds since the epoch. */
export interface CertificateState {
  readonly server: string;
  readonly hosts: readonly string[];
  readonly order: PendingOrder | null;
  /** Orders that failed in a row. */
  readonly failures: number;
  /** No order is begun before this time. */
  readonly notBefore: number;
  /** Why the last order failed; '' if it did not. */
  readonly problem: string;
  /** When the certificate is to be renewed; 0 if that is not decided. */
  readonly renewAt: number;
}

const INITIAL: Omit<CertificateState, 'hosts'> = { server: '', order: null, failures: 0, notBefore: 0, problem: '', renewAt: 0 };

/** Reads the entry; null if it is not one of Weir. */
export function parseState(text: string): CertificateState | null {
  try {
    const value = JSON.parse(text) as Partial<CertificateState> | null;
    return Array.isArray(value?.hosts) ? { ...INITIAL, ...value, hosts: value.hosts } : null;
  } catch {
    return null;
  }
}
