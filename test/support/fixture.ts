// A backend and a proxy for one test. Everything that a test opens is closed at its end.
import { afterAll, afterEach } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import type { FilterKind } from '../../proxy/filter/filter.ts';
import { startProxy, toUpstream } from './proxy.ts';
import type { Proxy } from './proxy.ts';
import { RawClient } from './raw-client.ts';
import { RawUpstream } from './raw-upstream.ts';
import type { Respond, UpstreamBehaviour } from './raw-upstream.ts';

export { get, post } from './requests.ts';

const closers: (() => unknown)[] = [];

/** Call it once at the top of a test file: it closes everything that `open...` functions opened, newest first. */
export function closeAfterEach(): void {
  afterEach(closeNow);
}

/** The same after all tests of the file, which share what was opened. */
export function closeAfterAll(): void {
  afterAll(closeNow);
}

async function closeNow(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Registers a function that runs at the end of the test. */
export function closeLater(close: () => unknown): void {
  closers.push(close);
}

export async function openUpstream(behaviour?: string | Respond | UpstreamBehaviour): Promise<RawUpstream> {
  const upstream = await RawUpstream.start(behaviour);
  closers.push(() => upstream.close());
  return upstream;
}

/** `filterKinds`: the filters in place of those of Weir. */
export async function openProxy(
  resources: readonly ir.Resource[],
  limits: Partial<Limits> = {},
  filterKinds: readonly FilterKind[] = [],
): Promise<Proxy> {
  const proxy = await startProxy(resources, limits, 'off', filterKinds.length === 0 ? {} : { filterKinds });
  closers.push(() => proxy.close());
  return proxy;
}

export async function openClient(port: number, keep = true, from?: string): Promise<RawClient> {
  const client = await RawClient.connect(port, keep, from);
  closers.push(() => client.destroy());
  return client;
}

/** The usual setup: one backend, one route to it, one client. */
export interface Chain {
  readonly upstream: RawUpstream;
  readonly proxy: Proxy;
  readonly client: RawClient;
}

/** Opens all three. */
export async function openChain(
  behaviour?: string | Respond | UpstreamBehaviour,
  fields: Partial<ir.Route> = {},
  limits: Partial<Limits> = {},
): Promise<Chain> {
  const upstream = await openUpstream(behaviour);
  const proxy = await openProxy(toUpstream(upstream.port, fields), limits);
  return { upstream, proxy, client: await openClient(proxy.port) };
}
