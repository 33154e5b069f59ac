// The service for the admin program over real TLS: which certificate may call it, and what a call costs a controller.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { credentials, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { Type } from '#lib/typebox.ts';
import { loadCredentials } from '#api/wire/credentials.ts';
import type { LoadedCredentials } from '#api/wire/credentials.ts';
import { connectDiscovery } from '#api/wire/discovery.ts';
import { MAX_OPERATION_BYTES } from '#api/wire/operator-limits.ts';
import { connectOperator } from '#api/wire/operator.ts';
import type { CallStream, OperatorCall, OperatorClient, OperatorPart } from '#api/wire/operator.ts';
import { connectRelay } from '#api/wire/relay.ts';
import { connectTelemetry } from '#api/wire/telemetry.ts';
import type { Body } from '#lib/admin-server.ts';
import { createLog } from '#lib/log.ts';
import type { Log } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import { operation, streamedOperation } from '../../controller/operations/operation.ts';
import { operatorService } from '../../controller/operations/operator-service.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

const CLOSED = { additionalProperties: false };
const PAINT = Type.Object({ name: Type.String({ maxLength: 10 }), size: Type.Integer({ default: 1 }) }, CLOSED);

interface Files {
  readonly controller: IssuedFiles;
  readonly admin: IssuedFiles;
  readonly proxy: IssuedFiles;
  readonly stranger: IssuedFiles;
}

let ca: TestCa;
let otherCa: TestCa;
let files: Files;
let served: HubServer;
let log: Log;
let lines: unknown[];
/** The body of the stream that a test writes, and its signal. */
let opened: PromiseWithResolvers<{ readonly body: Body; readonly signal: AbortSignal; readonly end: () => void }>;
let painted: unknown[];
const clients: { close(): void }[] = [];

beforeAll(async () => {
  [ca, otherCa] = await Promise.all([TestCa.create(), TestCa.create()]);
  const [controller, admin, proxy, stranger] = await Promise.all([
    ca.issue('controller', 'IP:127.0.0.1'),
    ca.issue('weir-admin', 'URI:spiffe://weir/admin'),
    ca.issue('proxy', 'URI:spiffe://weir/shared'),
    otherCa.issue('weir-admin', 'URI:spiffe://weir/admin'),
  ]);
  files = { controller, admin, proxy, stranger };
});

afterAll(() => Promise.all([ca.remove(), otherCa.remove()]));

beforeEach(async () => {
  lines = [];
  log = createLog('info', { write: (line) => void lines.push(JSON.parse(line)) });
  painted = [];
  opened = Promise.withResolvers();
  const operations = [
    operation('PUT /colour', PAINT, (input) => {
      if (input.name === 'bug') throw new Error('secret');
      if (input.name === 'none') return Promise.resolve(err({ status: 404, detail: 'no such colour' }));
      painted.push(input);
      return Promise.resolve(ok({ ...input, text: 'x'.repeat(200_000) }));
    }),
    streamedOperation('POST /open', Type.Object({}, CLOSED), (_, signal) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stream = async (body: Body): Promise<void> => {
        opened.resolve({ body, signal, end: resolve });
        await promise;
      };
      return Promise.resolve(ok({ status: 200, type: 'application/x-ndjson', stream }));
    }),
  ];
  served = await serveHub({
    tls: files.controller,
    admin: operatorService(operations, log, 2),
    reports: (_, end) => end(null, {}),
    links: () => undefined,
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await served.server.stop();
});

const address = (): string => `127.0.0.1:${served.port}`;

/** Of a client that trusts the controller. */
function credentialsOf(own: IssuedFiles): Promise<LoadedCredentials> {
  return loadCredentials({ ...own, ca: files.controller.ca }, address(), '');
}

async function operator(own: IssuedFiles = files.admin): Promise<OperatorClient> {
  const { channel, options } = await credentialsOf(own);
  const client = connectOperator(address(), channel, options);
  clients.push(client);
  return client;
}

function begin(client: OperatorClient, call: Partial<OperatorCall>): CallStream {
  const stream = client.run({ operation: 'PUT /colour', input: Buffer.from('{}'), caller: 'ann', ...call }, {});
  stream.on('error', () => undefined);
  return stream;
}

function endOf(stream: CallStream | ReturnType<ReturnType<typeof connectDiscovery>['subscribe']>): Promise<StatusObject> {
  return new Promise((resolve) => stream.on('status', resolve));
}

interface Ran {
  readonly code: status;
  readonly details: string;
  readonly head: { readonly status: number; readonly type: string } | null;
  readonly body: string;
}

async function run(client: OperatorClient, call: Partial<OperatorCall>): Promise<Ran> {
  const stream = begin(client, call);
  const parts: OperatorPart[] = [];
  stream.on('data', (part: OperatorPart) => parts.push(part));
  const { code, details } = await endOf(stream);
  const heads = parts.flatMap((part) => (part.part === 'head' ? [part.head] : []));
  const data = parts.flatMap((part) => (part.part === 'data' ? [part.data] : []));
  return { code, details, head: heads[0] ?? null, body: Buffer.concat(data).toString() };
}

const paint = (input: object): Partial<OperatorCall> => ({ input: Buffer.from(JSON.stringify(input)) });

describe('the certificate of the admin program', () => {
  test('runs operations, with defaults, answers of any size and the caller in the log', async () => {
    const { code, head, body } = await run(await operator(), { ...paint({ name: 'red' }), caller: 'ann\nforged line' });
    expect({ code, head }).toEqual({ code: status.OK, head: { status: 200, type: 'application/json' } });
    expect(JSON.parse(body)).toMatchObject({ name: 'red', size: 1, text: 'x'.repeat(200_000) });
    expect(painted).toEqual([{ name: 'red', size: 1 }]);
    expect(lines).toContainEqual(expect.objectContaining({ operation: 'PUT /colour', caller: 'ann?forged line' }));
  });

  test('gets refusals with their status, and no details of a bug', async () => {
    const client = await operator();
    expect(await run(client, paint({ name: 'none' }))).toMatchObject({ code: status.OK, head: { status: 404 } });
    const wrong = await run(client, paint({ nam: 1 }));
    expect(JSON.parse(wrong.body)).toMatchObject({ status: 400, errors: [{ field: 'name' }, { field: 'nam' }] });
    const bug = await run(client, paint({ name: 'bug' }));
    expect(bug.head?.status).toBe(500);
    expect(bug.body).not.toContain('secret');
  });

  test('reads neither configuration nor reports nor the relay', async () => {
    const { channel, options } = await credentialsOf(files.admin);
    const discovery = connectDiscovery(address(), channel, options);
    const telemetry = connectTelemetry(address(), channel, options);
    const relay = connectRelay(address(), channel, options);
    clients.push(discovery, telemetry, relay);
    const ends = [discovery.subscribe(), telemetry.report(), relay.link()].map((stream) => {
      stream.on('error', () => undefined);
      stream.on('data', () => undefined);
      return new Promise<StatusObject>((resolve) => stream.on('status', resolve));
    });
    for (const { code } of await Promise.all(ends)) expect(code).toBe(status.PERMISSION_DENIED);
  });
});

describe('other certificates run nothing', () => {
  test('that of a proxy, of a controller, and one whose common name looks like the admin program', async () => {
    const named = await ca.issue('spiffe:\\/\\/weir\\/admin', '');
    const longer = await ca.issue('weir-admin', 'URI:spiffe://weir/admin/x');
    const spelt = await ca.issue('weir-admin', 'URI:spiffe://weir/ADMIN');
    for (const own of [files.proxy, files.controller, named, longer, spelt]) {
      expect((await run(await operator(own), paint({ name: 'red' }))).code).toBe(status.PERMISSION_DENIED);
    }
    expect(painted).toEqual([]);
  });

  test('one of another CA, and none', async () => {
    expect((await run(await operator(files.stranger), paint({ name: 'red' }))).code).toBe(status.UNAVAILABLE);
    const { options } = await credentialsOf(files.admin);
    const bare = connectOperator(address(), credentials.createSsl(readFileSync(files.controller.ca)), options);
    clients.push(bare);
    expect((await run(bare, paint({ name: 'red' }))).code).toBe(status.UNAVAILABLE);
    expect(painted).toEqual([]);
  });

  test('also without TLS', async () => {
    const plain = await serveHub({ admin: operatorService([], log) });
    const client = connectOperator(`127.0.0.1:${plain.port}`, credentials.createInsecure(), {});
    clients.push(client);
    expect((await run(client, {})).code).toBe(status.PERMISSION_DENIED);
    await plain.server.stop();
  });
});

describe('limits of a call', () => {
  test('an unknown operation, input that is too large, and input that is not JSON are refused', async () => {
    const client = await operator();
    expect((await run(client, { operation: 'PUT /nothing' })).code).toBe(status.UNIMPLEMENTED);
    expect((await run(client, { operation: '__proto__' })).code).toBe(status.UNIMPLEMENTED);
    expect((await run(client, { input: Buffer.alloc(MAX_OPERATION_BYTES + 1, ' ') })).code).toBe(status.INVALID_ARGUMENT);
    expect((await run(client, { input: Buffer.from('{') })).code).toBe(status.INVALID_ARGUMENT);
  });

  test('a call beyond the number at once is refused, until another one ends', async () => {
    const client = await operator();
    const calls = [begin(client, { operation: 'POST /open' }), begin(client, { operation: 'POST /open' })];
    await Promise.all(calls.map((call) => new Promise((resolve) => call.once('data', resolve))));
    expect((await run(client, paint({ name: 'red' }))).code).toBe(status.RESOURCE_EXHAUSTED);
    const { signal } = await opened.promise;
    for (const call of calls) call.cancel();
    await until(() => signal.aborted);
  });

  test('a cancelled call ends its operation', async () => {
    const call = begin(await operator(), { operation: 'POST /open' });
    const { signal } = await opened.promise;
    expect(signal.aborted).toBe(false);
    call.cancel();
    await until(() => signal.aborted);
  });

  test('a reader that stops makes the operation wait: the controller keeps a few messages only', async () => {
    const call = begin(await operator(), { operation: 'POST /open' });
    const { body, signal, end } = await opened.promise;
    call.pause();
    const chunk = Buffer.alloc(64 * 1_024);
    let written = 0;
    const writing = (async () => {
      while (!signal.aborted && written < 1_000) await body.write(chunk).then(() => written++);
    })();
    // The windows of HTTP/2 and the buffers of both ends take some, then the controller waits.
    expect(await still(() => written)).toBeLessThan(500);
    call.cancel();
    await writing;
    end();
  });
});
