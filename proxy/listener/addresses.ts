// The addresses that a port binds, and their listeners.
import type * as ir from '#api/ir/ir.ts';
import { bindProblem } from './problem.ts';
import type { ListenerProblem } from './problem.ts';

/** All addresses of the machine. */
export const EVERY_ADDRESS = '';

/** The addresses to bind; listeners without one use `bindAddress`. All addresses include the specific ones. */
export function wantedAddresses(listeners: readonly ir.Listener[], bindAddress: string): Set<string> {
  const wanted = new Set(listeners.flatMap(({ addresses }) => (addresses.length === 0 ? [bindAddress] : addresses)));
  return wanted.has(EVERY_ADDRESS) ? new Set([EVERY_ADDRESS]) : wanted;
}

/** The problems of listeners without a bound address. */
export function bindProblems(
  listeners: readonly ir.Listener[],
  failures: ReadonlyMap<string, NodeJS.ErrnoException>,
  bindAddress: string,
): ListenerProblem[] {
  return [...failures].flatMap(([address, error]) =>
    listeners.filter((listener) => wants(listener, address, bindAddress)).map(({ key }) => bindProblem(key, error)),
  );
}

/** Whether one of a listener's addresses is bound. */
function wants(listener: ir.Listener, address: string, bindAddress: string): boolean {
  if (listener.addresses.length === 0) return address === bindAddress;
  return address === EVERY_ADDRESS || listener.addresses.includes(address);
}
