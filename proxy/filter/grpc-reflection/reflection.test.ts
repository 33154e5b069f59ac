// Reflection of backends that divide their files in another way than grpc-go, or that are hostile. test/grpc/methods.tool.test.ts has the usual ones.
import { describe, expect, test } from '@jest/globals';
import { WireWriter } from '#lib/protobuf/wire-writer.ts';
import { WIRE } from '#lib/protobuf/wire-reader.ts';
import { RawFields } from '#lib/protobuf/raw-fields.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';
import { contentOf, messageFrame } from '../../exchange/message-frame.ts';
import { MessageReader } from '../../exchange/message-reader.ts';
import type { Ask, Subrequest, SubrequestAnswer } from '../../exchange/subrequest.ts';
import { reflect } from './reflection.ts';

function fields(...all: readonly (readonly [number: number, value: string | Buffer])[]): Buffer {
  const writer = new WireWriter();
  for (const [number, value] of all.toReversed()) {
    writer.bytes(Buffer.from(value));
    writer.tag(number, WIRE.bytes);
  }
  return writer.finish();
}

const services = (...names: readonly string[]): Buffer => fields([6, fields(...names.map((name) => [1, fields([1, name])] as const))]);
const files = (...all: readonly Buffer[]): Buffer => fields([4, fields(...all.map((file) => [1, file] as const))]);
const file = (name: string, ...imports: readonly string[]): Buffer => fields([1, name], ...imports.map((each) => [3, each] as const));
const NOT_FOUND = fields([7, Buffer.from([8, 5])]);

const TYPE: Headers = ['content-type', 'application/grpc'];
const OK: Headers = ['grpc-status', '0'];

/** The names that a call asks for. */
function asked({ body }: Subrequest): readonly string[] {
  const reader = new MessageReader(1_000_000);
  reader.feed(body ?? Buffer.alloc(0));
  const names: string[] = [];
  for (let frame = reader.next(); Buffer.isBuffer(frame); frame = reader.next()) {
    const question = new RawFields(contentOf(frame));
    names.push(question.text(3) || question.text(4));
  }
  return names;
}

/** A backend that lists these services, and has an answer for each name. */
function backend(listed: Buffer, answer: (name: string, request: Subrequest) => Buffer, more: Partial<SubrequestAnswer> = {}): Ask {
  return (_, request) => {
    const bodies = asked(request).map((name) => messageFrame(name === '' ? listed : answer(name, request)));
    return Promise.resolve({ status: 200, headers: TYPE, body: Buffer.concat(bodies), trailers: OK, ...more });
  };
}

async function outcome(ask: Ask): Promise<string> {
  const reflected = await reflect(ask, 'Service/shop/orders/80');
  return reflected.ok ? reflected.value.map((bytes) => new RawFields(bytes).text(1)).join() : reflected.error;
}

describe('a backend', () => {
  test('that sends each file alone is asked for the imports', async () => {
    const tree: Readonly<Record<string, Buffer>> = {
      'shop.Orders': file('orders.proto', 'card.proto', 'time.proto'),
      'shop.Users': file('users.proto', 'card.proto'),
      'card.proto': file('card.proto', 'time.proto'),
      'time.proto': file('time.proto'),
    };
    const names: string[] = [];
    const ask = backend(services('shop.Orders', 'shop.Users'), (name) => {
      names.push(name);
      return files(tree[name] as Buffer);
    });
    expect(await outcome(ask)).toBe('orders.proto,users.proto,card.proto,time.proto');
    expect(names).toEqual(['shop.Orders', 'shop.Users', 'card.proto', 'time.proto']);
  });

  test('that does not describe one of its services describes the others', async () => {
    const ask = backend(services('a.A', 'b.B'), (name) => (name === 'a.A' ? NOT_FOUND : files(file('b.proto'))));
    expect(await outcome(ask)).toBe('b.proto');
  });

  const any = (): Buffer => files(file('a.proto'));
  const many = Array.from({ length: 1_001 }, (_, i) => `a.S${i}`);
  const endless = (name: string): Buffer => files(file(name === 'a.A' ? '0' : name, String(Number(name) + 1 || 1)));

  test.each([
    [
      'is not gRPC',
      backend(services('a.A'), any, { status: 404, headers: ['content-type', 'text/html'] }),
      'does not speak gRPC: it answers with 404',
    ],
    ['has no reflection', backend(services('a.A'), any, { trailers: ['grpc-status', '12'] }), 'does not serve reflection'],
    ['wants credentials', backend(services('a.A'), any, { trailers: ['grpc-status', '16'] }), 'refuses reflection with status 16'],
    ['sends no status', backend(services('a.A'), any, { trailers: null }), 'refuses reflection with status unknown'],
    ['is away', (): ReturnType<Ask> => Promise.resolve(ERRORS.upstreamConnectFailed), 'does not answer: upstream_connect_failed'],
    ['lists nothing', backend(services(), any), 'lists no service'],
    ['lists too much', backend(services(...many), any), 'has more than 1000 services'],
    ['sends no messages', backend(services('a.A'), any, { body: Buffer.from('<html>') }), 'sends an answer that cannot be read'],
    ['sends other messages', backend(Buffer.from([0xff]), any), 'sends an answer that cannot be read'],
    ['answers too little', backend(services('a.A'), any, { body: Buffer.alloc(0) }), 'sends 0 answers to 1 questions'],
    [
      'keeps an import',
      backend(services('a.A'), (name) => (name === 'a.A' ? files(file('a.proto', 'b.proto')) : NOT_FOUND)),
      'does not tell its file "b.proto"',
    ],
    ['sends another file', backend(services('a.A'), () => files(file('a.proto', 'b.proto'))), 'does not tell its file "b.proto"'],
    ['makes up imports', backend(services('a.A'), endless), 'has files that import each other too deeply'],
    [
      'sends too many files',
      backend(services('a.A'), () => files(...Array.from({ length: 2_001 }, (_, i) => file(`${i}`)))),
      'has more than 2000 files',
    ],
  ])('that %s gives no descriptors', async (_, ask, reason) => {
    expect(await outcome(ask)).toBe(reason);
  });
});

test('all calls together have a limit of time and bytes', async () => {
  const limits: number[] = [];
  const ask = backend(services('a.A'), (_, request) => {
    limits.push(request.maxAnswerBytes);
    expect(request.timeout).toBeLessThanOrEqual(3_000);
    return files(file('a.proto'));
  });
  await outcome(ask);
  expect(limits[0]).toBeLessThan(8_388_608);
});
