// The keys by which limits count requests.
import { compileExpression, type Expression } from '#api/expression/expression.ts';
import type { LimitSettings } from '#api/policy/rate-limits.ts';
import { addressWords, readAddress, writeAddress } from '#lib/address-words.ts';
import { Memo } from '#lib/memo.ts';
import { joinedKey, keyDigest } from '#lib/limit/key-form.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';
import { claimText } from '../exchange/principal.ts';
import { cookieValue } from '../exchange/cookies.ts';

type KeyPart = NonNullable<LimitSettings['key']>[number];

/** A part of a key in a request; '' if the request lacks it. */
type Reader = (exchange: Exchange) => string;

/** Longer values are kept as a digest. */
const LONGEST_VALUE = 128;
const IPV4_PREFIX = 32;
const IPV6_PREFIX = 64;
/** The addresses whose beginnings a limit remembers. */
const ADDRESSES = { entries: 2_000, characters: 100_000 };

/** Whether the limit asks who the caller is: then it follows authentication. */
export function needsPrincipal({ match, key = [], plans = [], exempt = {} }: LimitSettings): boolean {
  const named = key.some(({ principal, consumer, claim }) => principal !== undefined || consumer !== undefined || claim !== undefined);
  const { consumers = [], groups = [] } = exempt;
  if (named || plans.length + consumers.length + groups.length > 0) return true;
  return match !== undefined && compiledMatch(match).readsPrincipal;
}

/** The rules of the policy have been checked: it compiles. */
export function compiledMatch(source: string): Expression {
  const expression = compileExpression(source, { result: 'bool' });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}

/** The key of requests. */
export function keyReader(parts: readonly KeyPart[]): Reader {
  const readers = parts.map(readerOf);
  const [first] = readers;
  if (first === undefined) return () => '';
  if (readers.length === 1) return (exchange) => bounded(first(exchange));
  return (exchange) => joinedKey(readers.map((read) => bounded(read(exchange))));
}

function bounded(value: string): string {
  return value.length <= LONGEST_VALUE ? value : keyDigest(value);
}

function readerOf(part: KeyPart): Reader {
  const { principal, consumer, claim, header, cookie, clientIP, path } = part;
  if (principal !== undefined)
    return (exchange) => (exchange.principal === null ? '' : `${exchange.principal.method} ${exchange.principal.id}`);
  if (consumer !== undefined) return (exchange) => exchange.principal?.consumer ?? '';
  if (claim !== undefined) return (exchange) => (exchange.principal === null ? '' : (claimText(exchange.principal, claim) ?? ''));
  if (header !== undefined) return headerReader(header.toLowerCase());
  if (cookie !== undefined) return (exchange) => cookieValue(exchange.requestHeaders, cookie) ?? '';
  if (clientIP !== undefined) return addressReader(clientIP.ipv4 ?? IPV4_PREFIX, clientIP.ipv6 ?? IPV6_PREFIX);
  return path === undefined ? (exchange) => exchange.method : (exchange) => exchange.path;
}

function headerReader(name: string): Reader {
  return (exchange) => getHeader(exchange.requestHeaders, name) ?? '';
}

/** Reads the beginning of the address of the client, by these prefixes; an address that cannot be read is a value of its own. */
export function addressReader(ipv4: number, ipv6: number): Reader {
  const known = new Memo<string>(ADDRESSES);
  return ({ clientAddress }) => {
    let beginning = known.get(clientAddress);
    if (beginning === undefined) known.set(clientAddress, (beginning = beginningOf(clientAddress, ipv4, ipv6)));
    return beginning;
  };
}

function beginningOf(address: string, ipv4: number, ipv6: number): string {
  const version = readAddress(address);
  if (version === 0) return address;
  mask(version === 4 ? ipv4 + 96 : ipv6);
  return writeAddress(version);
}

/** Clears all but so many bits of the last parsed address. */
function mask(bits: number): void {
  for (let i = 0; i < 4; i++) {
    const kept = Math.min(32, Math.max(0, bits - 32 * i));
    addressWords[i] = kept === 0 ? 0 : ((addressWords[i] as number) & (0xffffffff << (32 - kept))) >>> 0;
  }
}
