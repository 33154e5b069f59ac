// User keys of NATS: an Ed25519 seed in base32 with a checksum (https://docs.nats.io/using-nats/developer/connecting/nkey).
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** A key of a user. */
export interface UserKey {
  /** The public key in the form of NATS, `U...`. */
  readonly publicKey: string;
  /** Signs the nonce of a server; the result is base64url. */
  sign(nonce: string): string;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** Type prefixes, which make the first letters `S` and `U`. */
const SEED_PREFIX = 18 << 3;
const USER_PREFIX = 20 << 3;
/** Two bytes of prefixes, the seed, two bytes of checksum. */
const SEED_BYTES = 36;
/** Beginning of a PKCS #8 structure with an Ed25519 seed (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Reads a seed of a user, `SU...`. The reason never contains the seed. */
export function parseSeed(text: string): Result<UserKey> {
  const bytes = decodeBase32(text.trim());
  if (bytes === null || bytes.length !== SEED_BYTES) return err('is not a seed of an nkey');
  if (bytes.readUInt16LE(SEED_BYTES - 2) !== checksum(bytes.subarray(0, -2))) return err('is a seed with a wrong checksum');
  const [first = 0, second = 0] = bytes;
  if ((first & 0xf8) !== SEED_PREFIX || (((first & 7) << 5) | (second >> 3)) !== USER_PREFIX) return err('is not the seed of a user');
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, bytes.subarray(2, -2)]), format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  const publicKey = encodeWithChecksum(Buffer.concat([Buffer.of(USER_PREFIX), Buffer.from(x, 'base64url')]));
  return ok({ publicKey, sign: (nonce) => sign(null, Buffer.from(nonce), key).toString('base64url') });
}

function encodeWithChecksum(bytes: Buffer): string {
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(checksum(bytes));
  return encodeBase32(Buffer.concat([bytes, sum]));
}

/** CRC-16 of XMODEM. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) sum = ((sum << 1) ^ ((sum & 0x8000) === 0 ? 0 : 0x1021)) & 0xffff;
  }
  return sum;
}

function encodeBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => ALPHABET.charAt(Number.parseInt(five.padEnd(5, '0'), 2))).join('');
}

/** Null if a character is not of the alphabet. Bits that form no whole byte are dropped. */
function decodeBase32(text: string): Buffer | null {
  if (!/^[A-Z2-7]{1,128}$/.test(text)) return null;
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
