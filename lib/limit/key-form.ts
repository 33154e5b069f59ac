// The parts of a key of a limit, and its form for operators: values of headers and cookies, which may be credentials, only as digests.
import { createHash } from 'node:crypto';

/** One part of keys. */
export interface KeyPartForm {
  /** Like `clientIP` or `header.x-tenant`. */
  readonly name: string;
  readonly isSecret: boolean;
}

/** The form of all keys of a limit. Plain data: it goes to workers as a message. */
export interface KeyForm {
  /** Empty: all requests count together. */
  readonly parts: readonly KeyPartForm[];
  /** A key is the digest of all its parts. */
  readonly isDigest: boolean;
}

const SHOWN_DIGEST = 16;
/** Other values are written in quotes, so that no value looks like two parts. */
const PLAIN = /^[A-Za-z0-9 !#$%&'()*+./:;<=>?@^_`{|}~[\]-]+$/;

/** The name of a secret key elsewhere. */
export function keyDigest(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/** One key of several parts: the length before each keeps two parts from looking like two others. */
export function joinedKey(values: readonly string[]): string {
  return values.map((value) => `${value.length}:${value}`).join('');
}

/** A key as operators see it, like `clientIP=192.0.2.7, method=GET`. */
export function shownKey({ parts, isDigest }: KeyForm, key: string): string {
  const [first, ...others] = parts;
  if (first === undefined) return 'all requests';
  if (isDigest) return `${parts.map(({ name }) => name).join('+')}=${digestText(key)}`;
  const values = others.length === 0 ? [key] : valuesOf(key);
  return parts.map((part, i) => `${part.name}=${shownValue(part, values[i] ?? '')}`).join(', ');
}

function shownValue({ isSecret }: KeyPartForm, value: string): string {
  if (value === '') return 'none';
  if (isSecret) return digestText(keyDigest(value));
  return PLAIN.test(value) && value !== 'none' ? value : JSON.stringify(value);
}

function digestText(digest: string): string {
  return `sha256:${digest.slice(0, SHOWN_DIGEST)}`;
}

function valuesOf(key: string): readonly string[] {
  const values: string[] = [];
  for (let start = 0; start < key.length;) {
    const colon = key.indexOf(':', start);
    const end = colon + 1 + Number(key.slice(start, colon));
    values.push(key.slice(colon + 1, end));
    start = end;
  }
  return values;
}
