// The hash of an endpoint by its address. All proxies and workers compute the same, so that all send a key to the same endpoint.
import { murmur } from '#lib/murmur.ts';
import type { Endpoint } from '../endpoint.ts';

export function identityHash({ address, port }: Endpoint): number {
  return murmur(`${address}|${port}`, 0);
}
