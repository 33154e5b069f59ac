import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AdminServer, text } from '#lib/admin-server.ts';
import { runWeir } from '../test/support/child.ts';

let port = 0;
let asked = 0;
const server = new AdminServer({
  host: '127.0.0.1',
  port: 0,
  paths: {
    'GET /ready': () => text(200, 'ready'),
    'GET /late': () => (++asked < 3 ? text(503, 'not yet') : text(200, 'ready')),
    'GET /never': () => text(503, 'no worker serves'),
  },
});
beforeAll(async () => {
  port = await server.start();
});
afterAll(() => server.stop());

const probe = (...args: string[]) => runWeir(['probe', ...args]);

test('ends with 0 once every URL answers 200', async () => {
  const { code, stdout } = await probe(`http://127.0.0.1:${port}/ready`, `http://127.0.0.1:${port}/late`);
  expect(stdout).toBe(`http://127.0.0.1:${port}/ready: ok\nhttp://127.0.0.1:${port}/late: ok\n`);
  expect(code).toBe(0);
});

test('prints the answer if it is not 200, and ends with 1', async () => {
  const { code, stdout } = await probe(`http://127.0.0.1:${port}/ready`, `http://127.0.0.1:${port}/never`, '--within', '10ms');
  expect(stdout).toContain('/never: 503 no worker serves\n');
  expect(code).toBe(1);
});

test.each([[[]], [['ftp://a']], [['http://']], [['http://a', '--within', 'soon']]])('refuses %j', async (args) => {
  expect((await probe(...args)).code).toBe(2);
});
