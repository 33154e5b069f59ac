// The client of operations against real servers: tokens, refusals, and servers that are none.
import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { AdminServer, json, refuseWebPages } from '#lib/admin-server.ts';
import { FlagValues } from '#lib/flags.ts';
import { callOperation } from './client.ts';
import { CONNECTION_FLAGS, connectionOf } from './connection.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(token: string): Promise<number> {
  const paths = { 'GET /endpoints': () => json({ endpoints: [] }) };
  const server = new AdminServer({ host: '127.0.0.1', port: 0, token, paths, refuse: refuseWebPages });
  closers.push(() => server.stop());
  return server.start();
}

/** A server that answers each connection with these bytes, and closes it. */
async function raw(bytes: string): Promise<number> {
  const server = net.createServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(bytes)));
  closers.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}

async function call(port: number, ...args: readonly string[]): Promise<unknown> {
  const values = new FlagValues(['--controller', `127.0.0.1:${port}`, ...args], CONNECTION_FLAGS, {});
  return callOperation(await connectionOf(values), { method: 'GET', path: '/endpoints' });
}

describe('the client of operations', () => {
  test('sends the token of a file', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-token-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'token');
    writeFileSync(file, 'secret\n');
    const port = await serve('secret');
    expect(await call(port, '--admin-token-file', file)).toEqual({ endpoints: [] });
    await expect(call(port)).rejects.toThrow(/with 401: a bearer token is needed; give --admin-token-file/);
  });

  test('names an operation that a server does not have', async () => {
    const server = new AdminServer({ host: '127.0.0.1', port: 0, paths: {} });
    closers.push(() => server.stop());
    await expect(call(await server.start())).rejects.toThrow(/answers GET \/endpoints with 404/);
  });

  test.each([
    ['closes at once', '', /socket hang up/],
    ['speaks another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', /Parse Error|Expected HTTP/],
    ['answers half', 'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"endpoints"', /aborted/],
    ['answers no JSON', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok', /is no controller of this release/],
  ])('names a server that %s', async (_, bytes, message) => {
    const port = await raw(bytes);
    await expect(call(port)).rejects.toThrow(message);
    await expect(call(port)).rejects.toThrow(`127.0.0.1:${port}`);
  });
});
