// Hashes of argon2 (RFC 9106), which Node.js computes in threads of its own.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Argon2 } from './password-hash.ts';

/** The costs of a new hash; memory in KiB. */
export interface Argon2Costs {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Whether a password has the hash. Rejects if there is too little memory. */
export async function matchesArgon2(hash: Argon2, password: string): Promise<boolean> {
  return timingSafeEqual(await derive(hash, password, hash.tag.length), hash.tag);
}

/** A new hash of a password, as a text that parsePasswordHash reads. Rejects if there is too little memory. */
export async function hashArgon2id(costs: Argon2Costs, password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await derive({ ...costs, algorithm: 'argon2id', salt }, password, TAG_BYTES);
  const { memory, passes, parallelism } = costs;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

function derive({ algorithm, salt, ...costs }: Omit<Argon2, 'tag'>, password: string, tagLength: number): Promise<Buffer> {
  const { memory, passes, parallelism } = costs;
  return new Promise((resolve, reject) => {
    argon2(algorithm, { message: password, nonce: salt, parallelism, tagLength, memory, passes }, (error, tag) => {
      if (error === null) resolve(tag);
      else reject(error);
    });
  });
}

/** Base64 without padding, as hashes have it. */
function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
