// Secrets that the store must hold so that the program can read them again, such as those of second factors: sealed with a key that is not in
// the store (AES-256-GCM, NIST SP 800-38D), so that a copy of the store is not enough to log in.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { err, ok, type Result } from '#lib/result.ts';

const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v1\.([0-9a-f]{16})\.([\w-]+)$/;

interface Key {
  /** A part of its digest: names the key, and tells nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
}

export class SecretBox {
  readonly #keys: readonly Key[];
  readonly #own: Key;

  private constructor(own: Key, others: readonly Key[]) {
    this.#own = own;
    this.#keys = [own, ...others];
  }

  /** Keys in base64, one a line: the first one seals, all open. The error completes "the file". */
  static parse(text: string): Result<SecretBox> {
    const lines = text.split('\n').map((line) => line.trim());
    const keys = lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'base64'));
    const [own, ...others] = keys.map((bytes) => ({
      id: createHash('sha256').update('weir key id').update(bytes).digest('hex').slice(0, 16),
      bytes,
    }));
    if (own === undefined) return err('has no key');
    if (keys.some(({ length }) => length !== KEY_BYTES)) return err(`has a line that is not ${KEY_BYTES} bytes in base64`);
    return ok(new SecretBox(own, others));
  }

  /** The text of a file with a new key. */
  static makeText(): string {
    return `${randomBytes(KEY_BYTES).toString('base64')}\n`;
  }

  /** What all texts sealed with the first key begin with. */
  get prefix(): string {
    return `${VERSION}.${this.#own.id}.`;
  }

  /** Seals a text for one use: a text that is moved to another place, such as the row of another user, does not open there. */
  seal(text: string, use: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#own.bytes, nonce).setAAD(Buffer.from(use));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return this.prefix + sealed.toString('base64url');
  }

  /** The text; an error if no key opens it. A text that a former release stored as it is comes back unchanged. */
  open(sealed: string, use: string): Result<string> {
    const [, id, content] = SEALED.exec(sealed) ?? [];
    if (content === undefined) return sealed.includes('.') ? err('is malformed') : ok(sealed);
    const key = this.#keys.find((each) => each.id === id);
    if (key === undefined) return err(`is sealed with the key ${String(id)}, which is not at hand`);
    return opened(key, Buffer.from(content, 'base64url'), use);
  }
}

function opened(key: Key, bytes: Buffer, use: string): Result<string> {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return err('is malformed');
  const end = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(use)).setAuthTag(bytes.subarray(end));
  try {
    return ok(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]).toString());
  } catch {
    return err('was changed, or is of another place');
  }
}
