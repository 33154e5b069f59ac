// Reads the header of the PROXY protocol, version 1 or 2, before everything else on a connection: the client as seen by the balancer. The
// parser is strict, because the proxy trusts the content.
import net from 'node:net';
import { readAddress, writeAddress } from '#lib/address-words.ts';
import { crc32c } from './crc32c.ts';
import { COMMAND, FAMILY, SIGNATURE, TLV, TLV_HEADER, TRANSPORT, V2_HEADER } from './format.ts';

/** The client of a connection. */
export interface ProxiedPeer {
  readonly address: string;
  readonly port: number;
}

/** The result for the first bytes of a connection. */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  /** `length`: bytes of the header. `peer`: null if the balancer connects for itself (LOCAL) or does not know the client (UNKNOWN). */
  | { readonly kind: 'header'; readonly length: number; readonly peer: ProxiedPeer | null };

/** The maximum length of addresses and further fields; balancers send some hundred bytes. */
export const MAX_PROXY_HEADER_BYTES = 4_096;

/** Section 2.1: with CR and LF. */
const MAX_LINE = 107;
const V1_START = 'PROXY ';
const CR = 0x0d;
const LF = 0x0a;
const MAX_PORT = 65_535;

/** Bytes of two addresses with their ports. */
const ADDRESSES = Object.freeze({ [FAMILY.ipv4]: 12, [FAMILY.ipv6]: 36, [FAMILY.unix]: 216, [FAMILY.unspecified]: 0 });

const INCOMPLETE: ProxyHeader = Object.freeze({ kind: 'incomplete' });
const MALFORMED: ProxyHeader = Object.freeze({ kind: 'malformed' });

/** Reads the received bytes, from the first byte of the connection. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length === 0) return INCOMPLETE;
  return bytes[0] === SIGNATURE[0] ? readBinary(bytes) : readLine(bytes);
}

// Version 1

function readLine(bytes: Buffer): ProxyHeader {
  const start = bytes.latin1Slice(0, Math.min(bytes.length, V1_START.length));
  if (!V1_START.startsWith(start)) return MALFORMED;
  const end = bytes.subarray(0, MAX_LINE).indexOf(LF);
  if (end < 0) return bytes.length >= MAX_LINE ? MALFORMED : INCOMPLETE;
  if (bytes[end - 1] !== CR) return MALFORMED;
  const fields = bytes.latin1Slice(V1_START.length, end - 1).split(' ');
  const length = end + 1;
  // Section 2.1: the rest of such a line has no meaning.
  if (fields[0] === 'UNKNOWN') return { kind: 'header', length, peer: null };
  const peer = readFields(fields);
  return peer === null ? MALFORMED : { kind: 'header', length, peer };
}

const LINE_FAMILIES: ReadonlyMap<string, 4 | 6> = new Map([
  ['TCP4', 4],
  ['TCP6', 6],
]);

function readFields(fields: readonly string[]): ProxiedPeer | null {
  if (fields.length !== 5) return null;
  const [family, source, destination] = fields as [string, string, string];
  const version = LINE_FAMILIES.get(family);
  if (version === undefined || !isAddress(source, version) || !isAddress(destination, version)) return null;
  const [port, destinationPort] = fields.slice(3).map(readPort) as [number, number];
  return port < 0 || destinationPort < 0 ? null : { address: plainAddress(source), port };
}

/** Node accepts zones of IPv6 addresses, but they have no meaning on other hosts. */
function isAddress(text: string, version: 4 | 6): boolean {
  return net.isIP(text) === version && !text.includes('%');
}

/** The number, or -1: digits only, without leading zeros. */
function readPort(text: string): number {
  const port = Number(text);
  return String(port) === text && Number.isInteger(port) && port >= 0 && port <= MAX_PORT ? port : -1;
}

// Version 2

function readBinary(bytes: Buffer): ProxyHeader {
  const seen = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, seen, 0, seen) !== 0) return MALFORMED;
  if (bytes.length < V2_HEADER) return INCOMPLETE;
  const length = V2_HEADER + bytes.readUInt16BE(14);
  if (length > MAX_PROXY_HEADER_BYTES) return MALFORMED;
  const command = bytes[12];
  if (command !== COMMAND.local && command !== COMMAND.proxy) return MALFORMED;
  if (bytes.length < length) return INCOMPLETE;
  const header = bytes.subarray(0, length);
  // Section 2.2: further fields of LOCAL are skipped.
  if (command === COMMAND.local) return { kind: 'header', length, peer: null };
  return readProxied(header);
}

function readProxied(header: Buffer): ProxyHeader {
  const family = (header[13] as number) >> 4;
  const transport = (header[13] as number) & 0xf;
  const octets = family in ADDRESSES ? (ADDRESSES[family as keyof typeof ADDRESSES] ?? 0) : -1;
  if (octets < 0 || transport > TRANSPORT.datagram || header.length < V2_HEADER + octets) return MALFORMED;
  if (!areValid(header, V2_HEADER + octets)) return MALFORMED;
  return { kind: 'header', length: header.length, peer: transport === TRANSPORT.unspecified ? null : readPeer(header, family) };
}

/** Null for Unix sockets, which have no usable address. Datagrams are those of HTTP/3 at the balancer. */
function readPeer(header: Buffer, family: number): ProxiedPeer | null {
  if (family === FAMILY.ipv4) return { address: header.subarray(16, 20).join('.'), port: header.readUInt16BE(24) };
  if (family !== FAMILY.ipv6) return null;
  const groups = Array.from({ length: 8 }, (_, i) => header.readUInt16BE(16 + 2 * i).toString(16));
  return { address: plainAddress(groups.join(':')), port: header.readUInt16BE(48) };
}

/** In canonical form; the address of an IPv4 client of a dual-stack socket as IPv4. */
function plainAddress(text: string): string {
  const version = readAddress(text);
  return version === 0 ? '' : writeAddress(version);
}

/** Whether the fields after the addresses have valid lengths, and match their checksum. None of them is used. */
function areValid(header: Buffer, start: number): boolean {
  let at = start;
  while (at + TLV_HEADER <= header.length) {
    const end = at + TLV_HEADER + header.readUInt16BE(at + 1);
    if (end > header.length) return false;
    if (header[at] === TLV.crc32c && !isIntact(header, at + TLV_HEADER, end)) return false;
    at = end;
  }
  return at === header.length;
}

function isIntact(header: Buffer, start: number, end: number): boolean {
  return end - start === 4 && header.readUInt32BE(start) === crc32c(header, start, end);
}
