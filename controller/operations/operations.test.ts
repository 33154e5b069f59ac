// The API for operators over real sockets: input, refusals, and attacks by web pages.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import { MAX_OPERATION_BYTES } from '#api/wire/operator-limits.ts';
import { Type } from '#lib/typebox.ts';
import { AdminServer, refuseWebPages } from '#lib/admin-server.ts';
import { createLog } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import { operation } from './operation.ts';
import { operationPaths } from './operations.ts';

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const COLOUR = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 10 }), size: Type.Integer({ minimum: 1, default: 1 }) },
  { additionalProperties: false },
);
const FILTER = Type.Object({ name: Type.Optional(Type.String({ maxLength: 10 })) }, { additionalProperties: false });

let server: AdminServer;
let port = 0;
let painted: unknown[] = [];

beforeEach(async () => {
  painted = [];
  const paint = operation('PUT /colour', COLOUR, (input) => {
    if (input.name === 'none') return Promise.resolve(err({ status: 404, detail: 'the colour none does not exist' }));
    if (input.name === 'bug') throw new Error('secret');
    painted.push(input);
    return Promise.resolve(ok({ painted: input.name }));
  });
  const list = operation('GET /colour', FILTER, (input) => Promise.resolve(ok({ filter: input })));
  const paths = operationPaths([paint, list], createLog('silent'));
  server = new AdminServer({ host: '127.0.0.1', port: 0, paths, refuse: refuseWebPages, maxBodyBytes: MAX_OPERATION_BYTES });
  port = await server.start();
});
afterEach(() => server.stop());

/** fetch sets Host itself; this function accepts any. */
function ask(method: string, path: string, body = '', headers: http.OutgoingHttpHeaders = JSON_TYPE): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const type = response.headers['content-type'] ?? '';
      response.on('end', () => resolve({ status: response.statusCode ?? 0, type, body: type.endsWith('json') ? JSON.parse(text) : text }));
    });
    request.on('error', reject).end(body);
  });
}

const put = (value: unknown, headers?: http.OutgoingHttpHeaders) => ask('PUT', '/colour', JSON.stringify(value), headers);

describe('operations', () => {
  test('take JSON, apply defaults and answer JSON', async () => {
    expect(await put({ name: 'red' })).toEqual({ status: 200, type: 'application/json', body: { painted: 'red' } });
    expect(painted).toEqual([{ name: 'red', size: 1 }]);
  });

  test('take the query of a GET', async () => {
    expect((await ask('GET', '/colour?name=a%20b')).body).toEqual({ filter: { name: 'a b' } });
    expect((await ask('GET', '/colour')).body).toEqual({ filter: {} });
  });

  test('refuse invalid input with each field and reason', async () => {
    const { status, type, body } = await put({ name: '', size: '7', sise: 1 });
    expect({ status, type }).toEqual({ status: 400, type: 'application/problem+json' });
    expect(body).toEqual({
      type: 'about:blank',
      title: 'The input is invalid',
      status: 400,
      detail: 'the input has invalid fields',
      errors: [
        { field: 'sise', reason: 'is not a known field; did you mean size?' },
        { field: 'name', reason: 'must not be empty' },
        { field: 'size', reason: 'must be an integer; write 7 without quotes' },
      ],
    });
    expect(painted).toEqual([]);
  });

  test.each([
    ['an array', '[]'],
    ['null', 'null'],
    ['a text', '"red"'],
    ['nothing', ''],
    ['half an object', '{"name":'],
    ['a prototype', '{"name":"red","__proto__":{"size":2}}'],
    ['a constructor', '{"name":"red","constructor":{}}'],
  ])('refuse %s', async (_, body) => {
    expect((await ask('PUT', '/colour', body)).status).toBe(400);
    expect(painted).toEqual([]);
  });

  test.each(['name=a&name=b', 'nam=a', '__proto__=a', `name=${'a'.repeat(11)}`])('refuse the query %s', async (query) => {
    expect((await ask('GET', `/colour?${query}`)).status).toBe(400);
  });

  test('name at most 20 errors', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, number) => [`field${number}`, number]));
    expect(((await put(many)).body as { errors: unknown[] }).errors).toHaveLength(20);
  });

  test('refuse a body that is too large', async () => {
    expect((await ask('PUT', '/colour', ' '.repeat(MAX_OPERATION_BYTES + 1))).status).toBe(413);
  });

  test('answer a refusal of their own, and a bug without its details', async () => {
    expect(await put({ name: 'none' })).toMatchObject({ status: 404, body: { detail: 'the colour none does not exist', errors: [] } });
    const bug = await put({ name: 'bug' });
    expect(bug.status).toBe(500);
    expect(JSON.stringify(bug.body)).not.toContain('secret');
  });
});

describe('web pages cannot use operations', () => {
  test.each([
    ['a page whose name was rebound to loopback', { ...JSON_TYPE, host: 'attacker.example:9081' }],
    ['a name that only begins like loopback', { ...JSON_TYPE, host: '127.0.0.1.attacker.example' }],
    ['a page of another site', { ...JSON_TYPE, origin: 'https://attacker.example' }],
    ['a page of another port of this machine', { ...JSON_TYPE, origin: 'http://localhost:3000' }],
    ['a page that hides its origin', { ...JSON_TYPE, origin: 'null' }],
    ['a link of another site', { ...JSON_TYPE, 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_, headers) => {
    expect((await put({ name: 'red' }, headers)).status).toBe(403);
    expect((await ask('GET', '/colour', '', headers)).status).toBe(403);
    expect(painted).toEqual([]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a', 'application/jsonx', ''])(
    'a form of type %j, in a browser that sends neither Origin nor Sec-Fetch-Site',
    async (type) => {
      expect((await put({ name: 'red' }, type === '' ? {} : { 'content-type': type })).status).toBe(415);
      expect(painted).toEqual([]);
    },
  );
});
