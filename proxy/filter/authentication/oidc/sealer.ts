// Seals what browsers and stores keep: AES-256-GCM under keys of a Secret. The first key seals, all keys open, so that keys rotate.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const MIN_KEY_TEXT = 32;
const MAX_KEYS = 8;

/** Keys from the text of an entry: one on a line, newest first, each of at least 32 characters. Null if a line is no key. */
export function readSealKeys(entry: Buffer): readonly Buffer[] | null {
  const lines = entry
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0 || lines.length > MAX_KEYS || lines.some((line) => line.length < MIN_KEY_TEXT)) return null;
  return lines.map((line) => Buffer.from(hkdfSync('sha256', line, '', 'weir oidc', KEY_BYTES)));
}

export class Sealer {
  readonly #keys: readonly Buffer[];

  /** At least one key, newest first. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys;
  }

  /** `purpose` is authenticated too: a text that is sealed for one purpose opens for no other. Base64url. */
  seal(text: string, purpose: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys[0] as Buffer, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Null if no key has sealed exactly this text for this purpose. */
  open(sealed: string, purpose: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return null;
    for (const key of this.#keys) {
      const text = openWith(key, bytes, purpose);
      if (text !== null) return text;
    }
    return null;
  }
}

function openWith(key: Buffer, bytes: Buffer, purpose: string): string | null {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}
