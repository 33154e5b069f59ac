// Connections to servers that users name: only to addresses that a guard permits, also if a name leads elsewhere.
import dns from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

/** Why a program must not connect to an address; null if it may. */
export type AddressGuard = (address: string) => string | null;

/** A server that must not be connected to. The message completes "<server> ...". */
export class RefusedDestination extends Error {}

/** Checks a host that is an address itself: `lookup` is not called for those. Throws a RefusedDestination. */
export function checkHost(host: string, guard: AddressGuard): void {
  const reason = isIP(host) === 0 ? null : guard(host);
  if (reason !== null) throw new RefusedDestination(reason);
}

/** A lookup for sockets that returns the permitted addresses only, as of the time of the connection. */
export function guardedLookup(guard: AddressGuard): LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const allowed = addresses.filter(({ address }) => guard(address) === null);
      const [first] = allowed;
      if (first === undefined) {
        const refused = addresses[0]?.address ?? '';
        return callback(new RefusedDestination(`has the address ${refused}, which ${guard(refused) ?? 'is not permitted'}`), '');
      }
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** The material of TLS connections to a server; PEM texts. */
export interface ServerTls {
  /** CA certificates; absent means those of the system. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name in the server's certificate; absent means the host of its address. */
  readonly serverName?: string;
}

/** The material as options of node:tls. */
export function secureOptions({ ca, certificate: cert, key }: ServerTls) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

const MAX_TOLD = 200;

/** Text of a server for messages: one line of printable characters, shortened. */
export function quoted(text: string): string {
  const line = text.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return line.length > MAX_TOLD ? `${line.slice(0, MAX_TOLD)}...` : line;
}
