// Which addresses a port binds, and for which of its listeners.
import type * as ir from '#api/ir/ir.ts';
import { bindProblem } from './problem.ts';
import type { ListenerProblem } from './problem.ts';

/** Stands for every address of the machine. */
export const EVERY_ADDRESS = '';

/** The addresses to bind, listeners without one at `bindAddress`. Every address covers those that are some. */
export function wantedAddresses(listeners: readonly ir.Listener[], bindAddress: string): Set<string> {
  const wanted = new Set(listeners.flatMap(({ addresses }) => (addresses.length === 0 ? [bindAddress] : addresses)));
  return wanted.has(EVERY_ADDRESS) ? new Set([EVERY_ADDRESS]) : wanted;
}

/** The problems of listeners that lack an address. */
export function bindProblems(
  listeners: readonly ir.Listener[],
  failures: ReadonlyMap<string, NodeJS.ErrnoException>,
  bindAddress: string,
): ListenerProblem[] {
  return [...failures].flatMap(([address, error]) =>
    listeners.filter((listener) => wants(listener, address, bindAddress)).map(({ key }) => bindProblem(key, error)),
  );
}

/** Whether a listener wants an address that is bound. */
function wants(listener: ir.Listener, address: string, bindAddress: string): boolean {
  if (listener.addresses.length === 0) return address === bindAddress;
  return address === EVERY_ADDRESS || listener.addresses.includes(address);
}
