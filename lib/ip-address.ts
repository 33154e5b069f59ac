// IP addresses as octets and numbers (RFC 791, RFC 4291 section 2.2).
import net from 'node:net';

/** The octets of an IPv4 or IPv6 address without a zone: 4 or 16. */
export function octetsOf(address: string): Buffer {
  if (net.isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The tail of a mapped address is written as IPv4.
  const tail = /(?<=:)\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0] ?? null;
  const last = tail === null ? Buffer.alloc(0) : Buffer.from(tail.split('.').map(Number));
  const text = tail === null ? address : address.slice(0, -tail.length).replace(/(?<=[^:]):$/, '');
  return Buffer.concat([groups(text, 8 - last.length / 2), last]);
}

/** `count` groups of sixteen bits; `::` stands for those that are left out. */
function groups(text: string, count: number): Buffer {
  const [before = '', after = ''] = text.split('::', 2);
  const [head, tail] = [before, after].map((part) => (part === '' ? [] : part.split(':')));
  const known = [head ?? [], tail ?? []] as const;
  const gap = Array.from({ length: count - known[0].length - known[1].length }, () => '0');
  const bytes = Buffer.alloc(count * 2);
  [...known[0], ...gap, ...known[1]].forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i));
  return bytes;
}

/** The address as a number. */
export function numberOf(address: string): bigint {
  return BigInt(`0x${octetsOf(address).toString('hex')}`);
}

/** Undoes numberOf; in the one spelling of RFC 5952. */
export function addressOf(number: bigint, version: 4 | 6): string {
  const hex = number.toString(16).padStart(version === 4 ? 8 : 32, '0');
  if (version === 4) return [...Buffer.from(hex, 'hex')].join('.');
  return new net.SocketAddress({ address: hex.replace(/(.{4})(?=.)/g, '$1:'), family: 'ipv6' }).address;
}

/** The one spelling of an address; '' for what is none. */
export function canonicalAddress(text: string): string {
  const version = text.includes('%') ? 0 : net.isIP(text);
  return version === 4 || version === 6 ? addressOf(numberOf(text), version) : '';
}
