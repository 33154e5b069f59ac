// The live state of the admin program over real TLS: several controllers, their loss in the middle of an answer, wrong certificates and slow
// readers; and the controller in the same process, which behaves alike.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Type } from '#lib/typebox.ts';
import type { Body } from '#lib/admin-server.ts';
import { createLog } from '#lib/log.ts';
import { ok } from '#lib/result.ts';
import { Controllers } from '../../admin/live/controllers.ts';
import { gathered } from '../../admin/live/live.ts';
import type { Live, LiveCall } from '../../admin/live/live.ts';
import { LocalController } from '../../admin/live/local-controller.ts';
import { operation, streamedOperation } from '../../controller/operations/operation.ts';
import type { Operation } from '../../controller/operations/operation.ts';
import { operationRunner } from '../../controller/operations/operations.ts';
import { operatorService } from '../../controller/operations/operator-service.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

const LOG = createLog('silent');
const CLOSED = { additionalProperties: false };
const FAST = { minimum: 1, maximum: 20 };

/** The running streamed operation of a test. */
interface Opened {
  readonly body: Body;
  readonly signal: AbortSignal;
  readonly caller: string;
  readonly end: () => void;
  readonly fail: () => void;
}

let ca: TestCa;
let controller: IssuedFiles;
let admin: IssuedFiles;
let proxy: IssuedFiles;
let opened: PromiseWithResolvers<Opened>;
let changes: string[];
const servers: HubServer[] = [];
const lives: Live[] = [];

function operations(name: string): readonly Operation[] {
  return [
    operation('GET /name', Type.Object({}, CLOSED), () => Promise.resolve(ok({ name }))),
    operation('PUT /name', Type.Object({ name: Type.String() }, CLOSED), (input) => {
      changes.push(`${name}: ${input.name}`);
      return Promise.resolve(ok({ name: input.name }));
    }),
    streamedOperation('POST /open', Type.Object({}, CLOSED), (_, signal, caller) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stream = async (body: Body): Promise<void> => {
        opened.resolve({ body, signal, caller, end: resolve, fail: () => reject(new Error('the proxy left')) });
        await promise;
      };
      return Promise.resolve(ok({ status: 200, type: 'application/x-ndjson', stream }));
    }),
    operation('GET /never', Type.Object({}, CLOSED), () => new Promise(() => undefined)),
  ];
}

async function serve(name: string, port = 0): Promise<HubServer> {
  const served = await serveHub({ tls: controller, admin: operatorService(operations(name), LOG) }, {}, port);
  servers.push(served);
  return served;
}

function connect(ports: readonly number[], own = admin): Live {
  const addresses = ports.map((port) => `127.0.0.1:${port}`);
  return started(new Controllers({ addresses, tls: { ...own, ca: controller.ca }, serverName: '', log: LOG, backoff: FAST }));
}

function started(live: Live): Live {
  lives.push(live);
  live.start();
  return live;
}

function local(): Live {
  return started(new LocalController(operationRunner(operations('local'), LOG)));
}

function call(operationId: string, rest: Partial<LiveCall> = {}): LiveCall {
  return { operation: operationId, input: {}, caller: 'ann', deadlineMs: 10_000, signal: new AbortController().signal, ...rest };
}

async function ask(live: Live, id: string, rest: Partial<LiveCall> = {}): Promise<unknown> {
  const answer = await live.call(call(id, rest));
  if (!answer.ok) return answer.error;
  const whole = await gathered(answer.value);
  return whole.ok ? whole.value : whole.error;
}

beforeAll(async () => {
  ca = await TestCa.create();
  controller = await ca.issue('controller', 'IP:127.0.0.1');
  admin = await ca.issue('weir-admin', 'URI:spiffe://weir/admin');
  proxy = await ca.issue('proxy', 'URI:spiffe://weir/shared');
});
afterAll(() => ca.remove());
beforeEach(() => {
  opened = Promise.withResolvers();
  changes = [];
});
afterEach(async () => {
  await Promise.all(lives.splice(0).map((live) => live.stop()));
  await Promise.all(servers.splice(0).map(({ server }) => server.stop()));
});

describe('several controllers', () => {
  test('one that is connected answers, and the state says which are', async () => {
    const [one, two] = [await serve('one'), await serve('two')];
    const live = connect([one.port, two.port]);
    await until(() => live.states().every(({ connected }) => connected));
    expect(await ask(live, 'GET /name')).toEqual({ name: 'one' });
    await one.server.stop();
    expect(await ask(live, 'GET /name')).toEqual({ name: 'two' });
    await until(() => live.states()[0]?.connected === false && live.states()[0]?.lastError !== '');
    expect(live.states()[1]).toMatchObject({ connected: true });
    // It comes back at the same address.
    await serve('one again', one.port);
    await until(() => live.states().every(({ connected }) => connected));
    expect(await ask(live, 'GET /name')).toEqual({ name: 'one again' });
  });

  test('a change goes to one of them only', async () => {
    const [one, two] = [await serve('one'), await serve('two')];
    const live = connect([one.port, two.port]);
    await ask(live, 'PUT /name', { input: { name: 'x' } });
    expect(changes).toHaveLength(1);
  });

  test('none that can be reached gives a reason for each, at once', async () => {
    const gone = await serve('gone');
    await gone.server.stop();
    const fault = await ask(connect([gone.port]), 'GET /name');
    expect(fault).toMatchObject({ code: 'controllers-away', reason: expect.stringContaining(`127.0.0.1:${gone.port}: `) });
    expect(await ask(connect([]), 'GET /name')).toEqual({ code: 'controllers-away', reason: 'no controller is configured' });
  });

  test('the certificate of a proxy is never connected, and the state says why', async () => {
    const live = connect([(await serve('one')).port], proxy);
    expect(await ask(live, 'GET /name')).toMatchObject({
      code: 'controllers-away',
      reason: expect.stringContaining('not that of spiffe://weir/admin'),
    });
    expect(live.states()[0]).toMatchObject({ connected: false });
  });

  test('a server whose certificate has another name is refused', async () => {
    const { port } = await serve('one');
    const live = started(
      new Controllers({
        addresses: [`127.0.0.1:${port}`],
        tls: { ...admin, ca: ca.certificate },
        serverName: 'other.test',
        log: LOG,
        backoff: FAST,
      }),
    );
    expect(await ask(live, 'GET /name')).toMatchObject({ code: 'controllers-away' });
  });

  test('a controller that dies in the middle of a stream ends it with an error', async () => {
    const one = await serve('one');
    const live = connect([one.port]);
    const answer = await live.call(call('POST /open'));
    const { body } = await opened.promise;
    if (!answer.ok) throw new Error(answer.error.reason);
    const parts = answer.value.body[Symbol.asyncIterator]();
    await body.write('first\n');
    expect(Buffer.from((await parts.next()).value as Uint8Array).toString()).toBe('first\n');
    const cut = expect(parts.next()).rejects.toThrow(`127.0.0.1:${one.port}`);
    await one.server.stop();
    await cut;
  });
});

describe.each([
  ['over gRPC', async () => connect([(await serve('one')).port])],
  ['in the same process', () => Promise.resolve(local())],
])('a controller %s', (_, make) => {
  test('takes the caller, input and defaults, and answers refusals with their status', async () => {
    const live = await make();
    expect(await ask(live, 'PUT /name', { input: { name: 'x' } })).toEqual({ name: 'x' });
    const refused = await live.call(call('PUT /name', { input: { nam: 'x' } }));
    expect(refused).toMatchObject({ ok: true, value: { status: 400, type: 'application/problem+json' } });
    expect(await ask(live, 'PUT /nothing')).toMatchObject({ code: 'operation-unknown' });
  });

  test('that is silent costs the deadline only', async () => {
    expect(await ask(await make(), 'GET /never', { deadlineMs: 20 })).toMatchObject({ code: 'controller-silent' });
  });

  test('sees the caller, and an end of its reading', async () => {
    const live = await make();
    const answer = await live.call(call('POST /open', { caller: 'bob' }));
    if (!answer.ok) throw new Error(answer.error.reason);
    const parts = answer.value.body[Symbol.asyncIterator]();
    const next = parts.next();
    const { body, signal, caller } = await opened.promise;
    expect(caller).toBe('bob');
    await body.write('a');
    await next;
    await parts.return?.();
    await until(() => signal.aborted);
  });

  test('sees a caller that leaves', async () => {
    const live = await make();
    const leaving = new AbortController();
    const answer = await live.call(call('POST /open', { signal: leaving.signal }));
    if (!answer.ok) throw new Error(answer.error.reason);
    const reading = gathered(answer.value);
    const { signal } = await opened.promise;
    leaving.abort();
    await until(() => signal.aborted);
    expect((await reading).ok).toBe(false);
  });

  test('waits for a slow reader, with a few parts in memory', async () => {
    const live = await make();
    const answer = await live.call(call('POST /open'));
    if (!answer.ok) throw new Error(answer.error.reason);
    const parts = answer.value.body[Symbol.asyncIterator]();
    const first = parts.next();
    const { body, signal } = await opened.promise;
    let written = 0;
    const writing = (async () => {
      while (!signal.aborted && written < 1_000) await body.write(Buffer.alloc(64 * 1_024)).then(() => written++);
    })();
    await first;
    expect(await still(() => written)).toBeLessThan(500);
    await parts.return?.();
    await writing;
  });

  test('whose answer is cut is an error, not half an answer', async () => {
    const answer = await (await make()).call(call('POST /open'));
    if (!answer.ok) throw new Error(answer.error.reason);
    const whole = gathered(answer.value);
    const { body, fail } = await opened.promise;
    await body.write('{}');
    fail();
    expect(await whole).toMatchObject({ ok: false, error: expect.stringContaining('the proxy left') });
  });

  test('whose answer is too large is an error', async () => {
    const answer = await (await make()).call(call('GET /name'));
    if (!answer.ok) throw new Error(answer.error.reason);
    expect(await gathered(answer.value, 3)).toEqual({ ok: false, error: 'the answer is larger than 3 bytes' });
  });
});
