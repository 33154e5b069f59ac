// `weir tail --since` and `weir trace` at `weir up` with two workers, as processes, whose access log is off.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { TraceAnswer } from '../../controller/operations/recent.ts';
import { Backend } from '../support/backend.ts';
import { startUp } from '../support/up.ts';
import type { Up } from '../support/up.ts';

let backend: Backend;
let up: Up;

beforeAll(async () => {
  backend = await new Backend('one').start();
  up = await startUp([backend.port], '--workers', '2');
});
afterAll(async () => {
  await up.stop();
  await backend.stop();
});

/** A request on a new connection, which may reach either worker. Resolves to the status. */
function ask(host: string, id: string): Promise<number> {
  const headers = { host, 'x-request-id': id, authorization: 'Bearer hunter2-hunter2-hunter2' };
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: up.port, headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
  });
}

/** What is known of a request, once its failure is reported. */
async function traced(id: string): Promise<TraceAnswer> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    const response = await fetch(`http://127.0.0.1:${up.adminPort}/trace?id=${id}`);
    const answer = (await response.json()) as TraceAnswer;
    if (answer.failures.length > 0) return answer;
    await wait(100);
  }
  throw new Error('waited in vain for the sample of the failure');
}

interface Line {
  readonly requestId?: string;
  readonly time: string;
}

function linesOf(stdout: string): readonly Line[] {
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Line);
}

function requestIds(stdout: string): readonly unknown[] {
  return linesOf(stdout).map(({ requestId }) => requestId);
}

describe('lines of failed requests', () => {
  beforeAll(async () => {
    // A report has three samples of a group.
    for (const id of ['r-1', 'r-2', 'r-3']) expect(await ask('other.test', id)).toBe(404);
    expect(await ask('app.test', 'r-5')).toBe(200);
  });

  test('of all workers are printed in the order of their ends', async () => {
    const { code, stdout } = await up.weir('tail', '--since', '5m');
    expect({ code, ids: requestIds(stdout).toSorted() }).toEqual({ code: 0, ids: ['r-1', 'r-2', 'r-3'] });
    const ends = linesOf(stdout).map(({ time }) => Date.parse(time));
    expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    const { stdout: none } = await up.weir('tail', '--since', '5m', '--status', '5xx');
    expect(none).toBe('');
  });

  test('and samples of failures are what is known of a request', async () => {
    expect(await traced('r-2')).toMatchObject({
      lines: [{ proxy: 'weir-up', line: expect.stringContaining('"requestId":"r-2"') }],
      failures: [{ proxy: 'weir-up', requestId: 'r-2', status: 404, group: expect.stringMatching(/^[0-9a-f]{10}$/) }],
      missing: [],
      missingControllers: [],
    });
    const { code, stdout } = await up.weir('trace', 'r-2');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/weir-up \{.*"requestId":"r-2"[^]*weir errors [0-9a-f]{10}/),
    });
    expect(stdout).not.toContain('hunter2');
  });

  test('are not those of other requests', async () => {
    const { code, stdout } = await up.weir('trace', 'r-5');
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining('nothing is known of it') });
  });
});

test.each([
  [['tail', '--since', '2h'], /since: must be from 1ms to 1h/],
  [['tail', '--since', '5m', 'nowhere'], /no proxy reports under the name nowhere/],
  [['trace'], /takes one id/],
])('weir %j is refused', async (args, message) => {
  const { code, stderr } = await up.weir(...args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
});
