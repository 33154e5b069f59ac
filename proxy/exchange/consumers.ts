// Consumers for filters: which consumer a credential names now. Implemented by runtime/.
import type { CertificateNames } from '#lib/certificate-names.ts';

/** A consumer. */
export interface Consumer {
  readonly namespace: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** '' without a plan. */
  readonly plan: string;
}

/** Why a known credential is refused. */
export type ConsumerRefusal = 'disabled' | 'expired' | 'not yet valid';

/** A credential of a consumer. */
export interface FoundConsumer {
  readonly consumer: Consumer;
  /** Null if the credential is valid now. */
  readonly refusal: ConsumerRefusal | null;
  /** The value to verify with: the hash of a password, a shared secret in base64, or a public key in PEM; '' if there is nothing to verify. */
  readonly value: string;
  /** Identifies the credential for `watch`. */
  readonly credential: object;
}

/** The consumers of a namespace. Lookups see every change at once. Several results: a rotation is under way, valid credentials come first. */
export interface ConsumersOf {
  /** By an API key as the client sent it. */
  byApiKey(key: string): FoundConsumer | null;
  /** By user name; `value` is a hash of the password. */
  byUserName(name: string): readonly FoundConsumer[];
  /** By the key of HMAC signatures; `value` is the secret. */
  byHmacKey(keyId: string): readonly FoundConsumer[];
  /** By the key of other signatures; `value` is the public key. */
  byPublicKey(keyId: string): readonly FoundConsumer[];
  /** By the claims of a verified token. */
  byToken(issuer: string, claims: Readonly<Record<string, unknown>>): FoundConsumer | null;
  /** By a verified client certificate: its fingerprint, a URI, a DNS name, or its subject, in this order. */
  byCertificate(names: CertificateNames): FoundConsumer | null;
}

/** All consumers of a proxy. */
export interface Consumers {
  of(namespace: string): ConsumersOf;
  /**
   * Calls the listener when the credential is no longer valid (null; then the watch has ended), and when the groups or the plan of its
   * consumer change, until the returned function is called. For streams and WebSockets, which outlive the check of a credential.
   */
  watch(found: FoundConsumer, listener: (now: FoundConsumer | null) => void): () => void;
}
