// Operations of the admin API about the running fleet, each run against a real `weir up`: answers have their schemas.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Ajv } from 'ajv';
import type { AdminOperation, StreamBody } from '../../admin/api/operation.ts';
import { LIVE_ROWS } from '../../admin/live/areas.ts';
import { exampleAnswer } from '../../admin/live/example-answers.ts';
import { Backend } from '../support/backend.ts';
import { HttpLive } from '../support/http-live.ts';
import { operationsAt, runLive } from '../support/live-operations.ts';
import type { Given } from '../support/live-operations.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';

/** Examples that name what the fleet of the test does not have. */
const REFUSED: Readonly<Record<string, readonly [number, string]>> = {
  'limits.reset': [404, 'limit-unknown'],
  'hubs.publish': [404, 'hub-unknown'],
  'errors.get': [404, 'group-of-failures-unknown'],
  'alerts.unsilence': [404, 'silence-unknown'],
  'alerts.test-channel': [404, 'channel-unknown'],
  'overrides.endpoint': [404, 'endpoint-unknown'],
};

/** Heap snapshots take ten seconds each. test/telemetry/process-files takes them, and a CPU profile has the same way here. */
const HEAPS = ['proxies.heap-snapshot', 'controllers.heap-snapshot'];

/** A drain ends the fleet of the test, so it comes last. */
const LEFT_OUT = ['proxies.drain', ...HEAPS];

const ROWS = Object.values(LIVE_ROWS).flatMap(({ rows }) => rows);
const ajv = new Ajv({ strict: false });

let folder: string;
let backend: Backend;
let up: OperatedWeir;
let live: HttpLive;
let operations: ReadonlyMap<string, AdminOperation>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-live-'));
  backend = await new Backend('app').start();
  up = await OperatedWeir.start(appAt([backend.port]), '--workers', '1', '--store', path.join(folder, 'store.sqlite'));
  live = new HttpLive(up.adminPort);
  operations = operationsAt(live);
  await up.statusWith(({ proxies }) => proxies[0]?.state === 'reporting');
});

afterAll(async () => {
  await up?.stop();
  await backend?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (id: string, given: Given = {}) => runLive(operations, id, given);

async function textOf(body: StreamBody): Promise<string> {
  let text = '';
  for await (const part of body) text += typeof part === 'string' ? part : Buffer.from(part).toString();
  return text;
}

/** The members of an example answer that the answer of a fleet does not have, as far as it has such objects. */
function inventedIn(example: unknown, real: unknown, at = ''): readonly string[] {
  if (Array.isArray(example) && Array.isArray(real)) {
    return example.length === 0 || real.length === 0 ? [] : inventedIn(example[0], real[0], `${at}[0]`);
  }
  if (typeof example !== 'object' || example === null || typeof real !== 'object' || real === null) return [];
  return Object.entries(example).flatMap(([name, value]) =>
    name in real ? inventedIn(value, (real as Record<string, unknown>)[name], `${at}.${name}`) : [`${at}.${name}`],
  );
}

describe('against a running fleet', () => {
  test.each(ROWS.filter(({ id }) => !LEFT_OUT.includes(id)).map((row) => [row.id, row] as const))('the example of %s', async (id, row) => {
    const { example, answer, streams, changes: changed } = row;
    const { outcome, changes } = await run(id, example);
    const refusal = REFUSED[id];
    if (refusal !== undefined) return expect(outcome).toMatchObject({ ok: false, error: { status: refusal[0], code: refusal[1] } });
    expect(outcome).toMatchObject({ ok: true });
    if (!outcome.ok) return;
    expect(changes).toHaveLength(changed === undefined ? 0 : 1);
    const { body } = outcome.value;
    if (streams === 'events') return expect(await textOf(body as StreamBody)).toMatch(/event: end\ndata: \{"proxies":/);
    const value: unknown = streams === 'file' ? JSON.parse(await textOf(body as StreamBody)) : body;
    const validate = ajv.compile(answer);
    expect(validate(value) ? [] : validate.errors).toEqual([]);
    expect(inventedIn(exampleAnswer(row), value)).toEqual([]);
  });

  test.each(ROWS.filter(({ example }) => example.unknown !== undefined).map((row) => [row.id, row] as const))(
    '%s refuses an unknown name with 404',
    async (id, { example }) => {
      expect((await run(id, { ...example, params: example.unknown })).outcome).toMatchObject({ ok: false, error: { status: 404 } });
    },
  );

  test('a tail tells each request as an event', async () => {
    // Its example opens the breaker.
    await run('overrides.breaker', { body: { backend: 'Backend/default/app', state: 'auto' } });
    const { outcome, leave } = await run('requests.tail', { query: { duration: '1m', filter: 'status=200' } });
    if (!outcome.ok) throw new Error(outcome.error.detail);
    const events = (outcome.value.body as AsyncIterable<string>)[Symbol.asyncIterator]();
    const first = events.next();
    // The proxy may learn of the tail after the first requests.
    let isTold = false;
    void first.then(() => (isTold = true));
    while (!isTold) await up.ask(1);
    expect((await first).value).toMatch(/^event: line\ndata: \{"proxy":"weir-up","line":/);
    leave();
    expect((await events.next()).value).toMatch(/^event: cut\n/);
  });

  test('a silence is made by the caller, whatever the body says, and ends by its id', async () => {
    const made = await run('alerts.silence', { body: { matchers: ['severity=info'], for: '1h', author: 'eve' } });
    if (!made.outcome.ok) throw new Error(made.outcome.error.detail);
    const { id, author } = made.outcome.value.body as { readonly id: string; readonly author: string };
    expect(author).toBe('ann');
    expect(made.changes).toEqual([{ object: 'silence/severity=info', before: null, after: expect.objectContaining({ for: '1h' }) }]);
    expect((await run('alerts.unsilence', { params: { id } })).outcome).toMatchObject({ ok: true });
  });

  test('an endpoint that is taken out is named by its proxies', async () => {
    const { outcome } = await run('overrides.endpoint', { body: { endpoint: `127.0.0.1:${backend.port}`, state: 'out' } });
    expect(outcome).toMatchObject({ ok: true, value: { body: { proxies: [{ proxy: 'weir-up', outcome: 'done' }] } } });
    await run('overrides.endpoint', { body: { endpoint: `127.0.0.1:${backend.port}`, state: 'auto' } });
  });

  test('a refusal names the field with its part of the request', async () => {
    const body = { backend: 'shop/legacy', endpoints: [{ address: 'nowhere', port: 80 }] };
    const { outcome, changes } = await run('registered-endpoints.put', { body });
    expect(outcome).toMatchObject({
      ok: false,
      error: { status: 400, code: 'invalid-fields', errors: [{ field: 'body.endpoints[0].address' }] },
    });
    expect(changes).toEqual([]);
  });

  test('the name of the caller reaches the controller', async () => {
    await run('fleet.status');
    expect(live.calls.at(-1)).toMatchObject({ operation: 'GET /status', caller: 'ann' });
  });

  test('a proxy drains by name', async () => {
    const { outcome } = await run('proxies.drain', ROWS.find(({ id }) => id === 'proxies.drain')?.example);
    expect(outcome).toMatchObject({ ok: true });
  });
});
