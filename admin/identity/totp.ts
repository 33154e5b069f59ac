// One-time passwords by time (RFC 6238, RFC 4226): SHA-1, six digits, steps of 30 seconds, as all apps know them.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const STEP = 30_000;
const DIGITS = 6;
/** RFC 4226, section 4, wants 160 bits. */
const SECRET_BYTES = 20;
/** Steps that a clock may be wrong by, to each side. */
const DRIFT = 1;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A new secret in base32 (RFC 4648). */
export function makeTotpSecret(): string {
  return base32(randomBytes(SECRET_BYTES));
}

/** The code of a secret at a time, milliseconds since the epoch. */
export function totpCode(secret: string, time: number): string {
  return codeOfStep(secret, stepAt(time));
}

/**
 * The step of a code that is valid at a time; null for a wrong code. A code of a step up to `lastStep` was used already, so it is wrong
 * (RFC 6238, section 5.2).
 */
export function totpStep(secret: string, code: string, time: number, lastStep: number): number | null {
  const now = stepAt(time);
  let found: number | null = null;
  // All steps are compared, so that the time tells nothing.
  for (let step = now - DRIFT; step <= now + DRIFT; step++) {
    if (isSameText(codeOfStep(secret, step), code) && step > lastStep) found = step;
  }
  return found;
}

/** The address that apps read from a QR code (https://github.com/google/google-authenticator/wiki/Key-Uri-Format). */
export function totpUri(secret: string, user: string): string {
  const query = new URLSearchParams({ secret, issuer: 'Weir', algorithm: 'SHA1', digits: String(DIGITS), period: String(STEP / 1_000) });
  return `otpauth://totp/Weir:${encodeURIComponent(user)}?${query.toString()}`;
}

function stepAt(time: number): number {
  return Math.floor(time / STEP);
}

function codeOfStep(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.max(step, 0)));
  const mac = createHmac('sha1', bytesOf(secret)).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, '0');
}

function isSameText(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => ALPHABET[parseInt(group.padEnd(5, '0'), 2)]).join('');
}

function bytesOf(text: string): Buffer {
  const bits = [...text].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => parseInt(octet, 2)));
}
