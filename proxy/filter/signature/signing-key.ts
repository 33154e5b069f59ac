// The key that signs requests to backends, of an entry of a Secret: parsed once after each change.
import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto';
import type { DataHandle } from '../../exchange/object-data.ts';
import { algorithmsOf, type Algorithm } from './algorithms.ts';

/** A key with the algorithm that it signs with. */
export interface UsableKey {
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

/** The same as for the secrets of Consumers. */
const MIN_SECRET_BYTES = 16;

export class SigningKey {
  readonly #handle: DataHandle;
  readonly #algorithm: Algorithm | null;
  #parsed: Buffer | null = null;
  #usable: UsableKey | null = null;

  /** `algorithm`: the only one that counts; null: the preferred one of the key. */
  constructor(handle: DataHandle, algorithm: Algorithm | null) {
    this.#handle = handle;
    this.#algorithm = algorithm;
  }

  /** Null: there is no key, or none for the algorithm. */
  get usable(): UsableKey | null {
    const { value } = this.#handle;
    if (value === this.#parsed) return this.#usable;
    this.#parsed = value;
    this.#usable = value === null ? null : usableKey(value, this.#algorithm);
    return this.#usable;
  }
}

function usableKey(bytes: Buffer, wanted: Algorithm | null): UsableKey | null {
  const key = parseKey(bytes);
  const algorithm = key === null ? undefined : algorithmsOf(key).find((each) => wanted === null || each === wanted);
  return key === null || algorithm === undefined ? null : { key, algorithm };
}

/** A text in PEM is never a shared secret: others may know a public key. */
function parseKey(bytes: Buffer): KeyObject | null {
  if (!bytes.includes('-----BEGIN')) return bytes.length < MIN_SECRET_BYTES ? null : createSecretKey(bytes);
  try {
    return createPrivateKey(bytes);
  } catch {
    return null;
  }
}
