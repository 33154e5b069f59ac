// What a block refuses: requests of an address, of a range of addresses, or of an authenticated caller. Its text is a key: texts that mean the
// same are equal.
import { parseAddressRange } from './address-range.ts';
import type { AddressRange } from './address-range.ts';
import { addressOf, canonicalAddress, numberOf } from './ip-address.ts';
import { err, ok, type Result } from './result.ts';

/** The longest name of a caller, characters. */
const MAX_NAME = 317;

/** `principal`: the id of a caller; `consumer`: `<namespace>/<name>` of a Consumer. */
export type BlockSubject =
  | { readonly type: 'range'; readonly range: AddressRange; readonly text: string }
  | { readonly type: 'principal' | 'consumer'; readonly name: string; readonly text: string };

/** Parses ADDRESS, PREFIX, `principal:ID` or `consumer:NAMESPACE/NAME`. The error is the end of a sentence. */
export function parseBlockSubject(text: string): Result<BlockSubject> {
  const caller = /^(principal|consumer):(.*)$/su.exec(text);
  if (caller !== null) return callerOf(caller[1] as 'principal' | 'consumer', caller[2] ?? '');
  const address = canonicalAddress(text);
  if (address !== '') return rangeOf(address, address.includes(':') ? 128 : 32);
  const range = parseAddressRange(text);
  if (!range.ok) return err('must be an address, a range like 10.0.0.0/8 or fd00::/8, principal:ID, or consumer:NAMESPACE/NAME');
  if (range.value.bits === 0) return err('has all addresses, which would stop all requests');
  return rangeOf(range.value.address, range.value.bits);
}

/** The texts under which a caller may be blocked. */
export function subjectsOf(id: string, consumer: string): readonly string[] {
  return consumer === '' ? [`principal:${id}`] : [`principal:${id}`, `consumer:${consumer}`];
}

function callerOf(type: 'principal' | 'consumer', name: string): Result<BlockSubject> {
  if (name === '' || name.length > MAX_NAME || /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(name))
    return err(`must have 1 to ${MAX_NAME} characters after ${type}:, without control characters`);
  if (type === 'consumer' && !/^[^/]+\/[^/]+$/.test(name)) return err('must be consumer:NAMESPACE/NAME');
  return ok({ type, name, text: `${type}:${name}` });
}

function rangeOf(address: string, bits: number): Result<BlockSubject> {
  const version = address.includes(':') ? 6 : 4;
  const length = version === 6 ? 128 : 32;
  const free = BigInt(length - bits);
  const first = addressOf((numberOf(address) >> free) << free, version);
  const text = bits === length ? first : `${first}/${bits}`;
  return ok({ type: 'range', range: { address: first, bits, version }, text });
}
