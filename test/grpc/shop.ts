// A client of the service of orders in peer/shop.go.
import path from 'node:path';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

/** An order as a test writes it, and as it comes back: only what is set. */
export interface Order {
  readonly id?: string;
  readonly card?: { readonly number?: string; readonly holder?: string; readonly digits?: number } | null;
  readonly items?: readonly { readonly sku?: string; readonly price?: number }[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly cents?: string;
  readonly status?: 'NEW' | 'PAID';
  readonly note?: string;
  readonly token?: Buffer;
}

/** `Missing` is not in the service. */
export type Method = 'Create' | 'Upload' | 'List' | 'Chat' | 'Missing';

const SERVICE = loadSync(path.join(import.meta.dirname, 'shop.proto'), { longs: String, enums: String, keepCase: true })[
  'shop.Orders'
] as ServiceDefinition;

/** The outcome of a call: orders, and `<status>: <message>` unless it succeeded. */
export interface Called {
  readonly orders: readonly Order[];
  readonly error: string;
}

/** Calls a method of the host shop.example with these orders at a port. `compressed`: with gzip. */
export async function callShop(port: number, name: Method, orders: readonly Order[], compressed = false): Promise<Called> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.default_authority': 'shop.example',
    'grpc.default_compression_algorithm': compressed ? 2 : 0,
  });
  const method = { ...(SERVICE[name] ?? SERVICE['Create']), path: `/shop.Orders/${name}` } as MethodDefinition<Order, Order>;
  const received: Order[] = [];
  try {
    return await new Promise((resolve) => {
      const call = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, new Metadata());
      call.on('data', (order: Order) => received.push(order));
      call.on('error', ({ code, details }: ServiceError) => resolve({ orders: received, error: `${code}: ${details}` }));
      call.on('end', () => undefined);
      call.on('status', ({ code }) => {
        if (code === 0) resolve({ orders: received, error: '' });
      });
      for (const order of orders) call.write(order);
      call.end();
    });
  } finally {
    client.close();
  }
}
