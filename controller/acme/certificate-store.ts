// Where certificates, their states and the keys of accounts are kept: Secrets, or files.

import type { KubernetesObject } from '#api/k8s/object.ts';

/** The content of a Secret as text, by entry. */
export type SecretEntries = Readonly<Record<string, string>>;

/** A Secret as read; `version` is what a later write is based on. */
export interface StoredSecret {
  readonly entries: SecretEntries;
  readonly version: unknown;
}

/** A Secret to write. */
export interface SecretWrite {
  /** `<namespace>/<name>`. */
  readonly key: string;
  readonly type: 'kubernetes.io/tls' | 'Opaque';
  readonly entries: SecretEntries;
  /** The Secret as it was read; null if there was none. */
  readonly before: StoredSecret | null;
}

/** Another writer was faster. */
export class WriteConflict extends Error {}

export interface CertificateStore {
  /** Null if it does not exist. */
  read(key: string): Promise<StoredSecret | null>;
  /** Rejects with a WriteConflict if the Secret is not as `before` any more. */
  write(secret: SecretWrite): Promise<StoredSecret>;
  /** Why another program is in charge of the certificates of a Gateway (`<namespace>/<name>`); null if none is. */
  ownerOf(gateway: string): Promise<string | null>;
  /** For a store whose Secrets no other source reports: calls `changed` with each that is written or recalled. */
  follow?(changed: (secret: KubernetesObject) => void): void;
  /** Reports a stored Secret. */
  recall?(key: string): Promise<void>;
}
