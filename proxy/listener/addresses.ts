// Which addresses a port binds, and for which of its listeners.
import type * as ir from '#api/ir/ir.ts';

/** Stands for every address of the machine. */
export const EVERY_ADDRESS = '';

/** The addresses to bind, listeners without one at `bindAddress`. Every address covers those that are some. */
export function wantedAddresses(listeners: readonly ir.Listener[], bindAddress: string): Set<string> {
  const wanted = new Set(listeners.flatMap(({ addresses }) => (addresses.length === 0 ? [bindAddress] : addresses)));
  return wanted.has(EVERY_ADDRESS) ? new Set([EVERY_ADDRESS]) : wanted;
}

/** Whether a listener wants an address that is bound. */
export function wants(listener: ir.Listener, address: string, bindAddress: string): boolean {
  if (listener.addresses.length === 0) return address === bindAddress;
  return address === EVERY_ADDRESS || listener.addresses.includes(address);
}
