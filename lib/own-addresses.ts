// The addresses of this machine, or of the network namespace of this pod.
import { networkInterfaces } from 'node:os';
import { readAddress, writeAddress } from './address-words.ts';

/** Every address except loopback addresses, in canonical form. */
export function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return new Set(all.filter(({ internal }) => !internal).map(({ address }) => canonical(address)));
}

function canonical(address: string): string {
  const version = readAddress(address);
  return version === 0 ? address : writeAddress(version);
}
