// The proxy of the soaks with WebSockets, as a separate process with its own memory: takes resources, reports its port, and its resident
// memory and CPU time on request.
import process from 'node:process';
import type * as ir from '#api/ir/ir.ts';
import { startProxy } from '../support/proxy.ts';

/** Messages to and from this process. */
export type ToProxy = { readonly resources: readonly ir.Resource[] } | { readonly ask: 'memory' };
export type FromProxy = { readonly port: number } | { readonly resident: number; readonly open: number; readonly cpuMicros: number };

async function take(message: ToProxy): Promise<void> {
  if ('resources' in message) {
    const proxy = await startProxy(message.resources, { maxConnections: 20_000 });
    opened = () => proxy.metric('weir_downstream_connections_active');
    process.send?.({ port: proxy.port } satisfies FromProxy);
  } else {
    const { user, system } = process.cpuUsage();
    process.send?.({ resident: process.memoryUsage.rss(), open: opened(), cpuMicros: user + system } satisfies FromProxy);
  }
}

let opened = (): number => 0;
process.on('message', (message: ToProxy) => void take(message));
process.on('disconnect', () => process.exit());
