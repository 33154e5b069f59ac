// An own non-loopback address on this machine, since a real API server refuses loopback addresses in EndpointSlices.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/** Adds an address of 100.64.0.0/10 (RFC 6598), which real networks seldom use, to the loopback device. Needs root and `ip`. */
export function addAddress(): string {
  const address = `100.${randomInt(64, 128)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
  ip('add', address);
  return address;
}

/** Removes the address. */
export function removeAddress(address: string): void {
  ip('del', address);
}

/** As many addresses as a /22 has (1,024), all of this machine until `remove`. */
export interface AddressRange {
  readonly addresses: readonly string[];
  remove(): void;
}

/** Adds a range of such addresses. */
export function addRange(): AddressRange {
  const [second, third] = [randomInt(64, 128), 4 * randomInt(0, 64)];
  const addresses = Array.from({ length: 1_024 }, (_, i) => `100.${second}.${third + (i >> 8)}.${i & 255}`);
  const first = addresses[0] ?? '';
  ip('add', first, 22);
  return { addresses, remove: () => ip('del', first, 22) };
}

function ip(verb: 'add' | 'del', address: string, bits = 32): void {
  const { status, stderr } = spawnSync('ip', ['address', verb, `${address}/${bits}`, 'dev', 'lo'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip address ${verb} ${address}: ${stderr}`);
}
