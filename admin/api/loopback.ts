// Addresses that only programs of the same machine reach.

/** Whether a host of a bind address is loopback. '' is every address. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}
