// API keys that Weir makes: 256 random bits after `weir_`, then a checksum, so that scanners for leaked secrets find them and a cut-off key
// is noticed.
import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'weir_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62 to the power of 43 is more than 2 to the power of 256. */
const RANDOM_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;

/** A new key. */
export function makeApiKey(): string {
  const random = textOf(BigInt(`0x${randomBytes(32).toString('hex')}`), RANDOM_CHARACTERS);
  return `${PREFIX}${random}${checksumOf(random)}`;
}

/** Whether a text looks like a key that Weir made, but is not one: cut off, or mistyped. */
export function isDamagedApiKey(text: string): boolean {
  if (!text.startsWith(PREFIX)) return false;
  const random = text.slice(PREFIX.length, PREFIX.length + RANDOM_CHARACTERS);
  return text !== `${PREFIX}${random}${checksumOf(random)}`;
}

/** The form of a key at rest: `sha256:` and its digest. */
export function storedApiKey(key: string): string {
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

function checksumOf(random: string): string {
  return textOf(BigInt(crc32(random)), CHECKSUM_CHARACTERS);
}

function textOf(number: bigint, characters: number): string {
  let text = '';
  for (let rest = number; text.length < characters; rest /= 62n) text = `${ALPHABET[Number(rest % 62n)] ?? ''}${text}`;
  return text;
}
