// `requestId` of TelemetryPolicies: the same id at the backend, in the answer, in the log and in the problem document.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig, securityPolicy } from '../security/rig.ts';
import { closeAfterAll, get } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';

closeAfterAll();

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-request-ids-'));
const file = path.join(folder, 'access.log');
let rig: SecurityRig;

beforeAll(async () => {
  rig = await SecurityRig.start([], {}, { accessLog: file });
});
beforeEach(() => truncateSync(file));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function policy(requestId: object, target: object = { kind: 'Gateway', name: 'gw' }): Manifest {
  return manifest('TelemetryPolicy', 'ids', { targetRefs: [target], requestId });
}

/** An answer with the settings in force, what the backend got, and the line in the log. */
async function ask(requestId: object, request: string) {
  await rig.change([policy(requestId)]);
  const before = rig.upstream.requests.length;
  const answer = await rig.ask(request);
  await until(() => readFileSync(file, 'utf8').endsWith('\n'), 'a line');
  const line = JSON.parse(readFileSync(file, 'utf8').trim()) as Record<string, unknown>;
  return { answer, sent: rig.upstream.requests[before] as Message, line };
}

describe('a request', () => {
  test('gets an id that backend, answer and log have', async () => {
    const { answer, sent, line } = await ask({ enabled: true }, get());
    const id = header(answer, 'x-request-id');
    expect(id).toMatch(UUID);
    expect([header(sent, 'x-request-id'), line['requestId']]).toEqual([id, id]);
  });

  test('gets another one than the client says', async () => {
    const { answer, sent, line } = await ask({ enabled: true }, get('/', 'X-Request-ID: mine\r\nX-Request-ID: yours\r\n'));
    const id = header(answer, 'x-request-id');
    expect(id).toMatch(UUID);
    expect([sent.raw.match(/x-request-id/gi)?.length, header(sent, 'x-request-id'), line['requestId']]).toEqual([1, id, id]);
  });

  test('keeps the id of a client that the policy trusts', async () => {
    const { answer, sent, line } = await ask({ trustIncoming: true }, get('/', 'X-Request-ID: order-7/3\r\n'));
    expect([header(answer, 'x-request-id'), header(sent, 'x-request-id'), line['requestId']]).toEqual(Array(3).fill('order-7/3'));
  });

  test.each([
    ['too long', 'x'.repeat(129)],
    ['with markup', '<script>alert(1)</script>'],
    ['with quotes', 'a"b'],
    ['with a blank', 'a b'],
    ['empty', ''],
    ['beyond ASCII', 'caf\u00e9'],
  ])('gets a new id instead of one that is %s', async (_, id) => {
    const { answer, sent } = await ask({ trustIncoming: true }, get('/', `X-Request-ID: ${id}\r\n`));
    expect(header(answer, 'x-request-id')).toMatch(UUID);
    expect(header(sent, 'x-request-id')).toBe(header(answer, 'x-request-id'));
  });

  test('has its id in another header, and answers have none', async () => {
    const { answer, sent, line } = await ask({ header: 'X-Correlation-ID', echo: false }, get('/', 'X-Request-ID: other\r\n'));
    expect([header(sent, 'x-correlation-id'), header(sent, 'x-request-id')]).toEqual([line['requestId'], 'other']);
    expect(line['requestId']).toMatch(UUID);
    expect(header(answer, 'x-correlation-id')).toBeUndefined();
  });

  test('keeps the header of the client without ids', async () => {
    const { answer, sent, line } = await ask({ enabled: false }, get('/', 'X-Request-ID: mine\r\n'));
    expect([header(sent, 'x-request-id'), line['requestId'], header(answer, 'x-request-id')]).toEqual(['mine', 'mine', undefined]);
  });
});

describe('the problem document', () => {
  test('of a refusal has the id', async () => {
    await rig.change([securityPolicy('closed', { ipAccess: { deny: ['127.0.0.0/8'] } })]);
    const { answer, line } = await ask({ enabled: true }, get());
    await rig.change([], [securityPolicy('closed', {})]);
    expect([status(answer), JSON.parse(answer.body)]).toEqual([403, expect.objectContaining({ requestId: line['requestId'] })]);
    expect(header(answer, 'x-request-id')).toBe(line['requestId']);
  });

  test('of a request that no route gets has the id', async () => {
    await rig.change([manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], hostnames: ['only.example'], rules: [{}] })]);
    const { answer, line } = await ask({ enabled: true }, get());
    expect([status(answer), JSON.parse(answer.body)]).toEqual([404, expect.objectContaining({ requestId: line['requestId'] })]);
    expect(line['requestId']).toMatch(UUID);
  });
});

test.each([
  [{ header: 'Content-Length' }, 'spec.requestId.header'],
  [{ header: 'a b' }, 'spec.requestId.header'],
])('%j is refused', (requestId, field) => {
  const validated = validateObject(policy(requestId), { strict: true });
  expect(validated.ok ? [] : validated.error.map(describeError)).toEqual([expect.stringContaining(field)]);
});
