// Replaces the key of sessions without a lost session: all proxies know the next key before one of them signs with it, and the former one
// verifies until the next rotation. A proxy gives a client with a token of the former key a new one.
import { randomBytes } from 'node:crypto';

/** The data of a Secret or file as text, by entry. Empty before the first key. */
export type SessionKeyData = Readonly<Record<string, string>>;

/** How long a key signs, and how long the next one is known before it signs, milliseconds. */
export const KEY_LIFETIME = 30 * 86_400_000;
export const ANNOUNCEMENT = 3_600_000;

const KEY_BYTES = 32;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;

/** The usable keys; the first one signs. */
export function keysOf({ current = '', next = '', previous = '' }: SessionKeyData): readonly string[] {
  return [current, next, previous].filter((key) => BASE64.test(key));
}

/** The data as it should be now; the same object if no step is due. Unusable data is replaced. */
export function advanceSessionKeys(data: SessionKeyData, now: number): SessionKeyData {
  const time = new Date(now).toISOString();
  const signing = ageOf(data['current'], data['currentSince'], now);
  if (signing === null) return { current: newKey(), currentSince: time };
  if (signing < KEY_LIFETIME) return data;
  const known = ageOf(data['next'], data['nextSince'], now);
  if (known === null) return { ...data, next: newKey(), nextSince: time };
  return known < ANNOUNCEMENT ? data : { current: data['next'] ?? '', currentSince: time, previous: data['current'] ?? '' };
}

/** Milliseconds; null if there is no usable key with a time. */
function ageOf(key: string | undefined, since: string | undefined, now: number): number | null {
  const start = Date.parse(since ?? '');
  return BASE64.test(key ?? '') && !Number.isNaN(start) ? now - start : null;
}

function newKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}
