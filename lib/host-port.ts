// Text of the form ADDRESS:PORT; an IPv6 address is in brackets.
import { isIP } from 'node:net';

/** The IP address and port in a text; null if it has another form. */
export function splitAddress(text: string): { readonly address: string; readonly port: number } | null {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  const port = Number(digits);
  if (isIP(address) !== (bracketed === undefined ? 4 : 6) || port < 1 || port > 65_535) return null;
  return { address, port };
}

/** The inverse, also for the name of a host. */
export function joinAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
