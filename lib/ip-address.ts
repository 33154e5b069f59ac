// IP addresses as octets and numbers (RFC 791, RFC 4291 section 2.2).
import net from 'node:net';
import { addressWords, readAddress } from './address-words.ts';

/** The octets of an IPv4 or IPv6 address without a zone: 4 or 16. */
export function octetsOf(address: string): Buffer {
  readAddress(address);
  const octets = Buffer.alloc(16);
  addressWords.forEach((word, i) => octets.writeUInt32BE(word, 4 * i));
  return address.includes(':') ? octets : octets.subarray(12);
}

/** The address as a number. */
export function numberOf(address: string): bigint {
  return BigInt(`0x${octetsOf(address).toString('hex')}`);
}

/** The inverse of numberOf, in the canonical form of RFC 5952. */
export function addressOf(number: bigint, version: 4 | 6): string {
  const hex = number.toString(16).padStart(version === 4 ? 8 : 32, '0');
  if (version === 4) return [...Buffer.from(hex, 'hex')].join('.');
  return new net.SocketAddress({ address: hex.replace(/(.{4})(?=.)/g, '$1:'), family: 'ipv6' }).address;
}

/** The canonical form of an address; '' for other text. */
export function canonicalAddress(text: string): string {
  const version = text.includes('%') ? 0 : net.isIP(text);
  return version === 4 || version === 6 ? addressOf(numberOf(text), version) : '';
}
