// Events that an API server does not accept at once: a right is missing, or the server fails.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLog } from '#lib/log.ts';
import { FaultServer, sendJson } from '../../test/support/fault-server.ts';
import { until } from '../../test/support/until.ts';
import { ApiClient } from '../watch/api-client.ts';
import { EventWriter } from './event-writer.ts';
import type { EventReport } from './event-writer.ts';

interface Sent {
  readonly note: string;
  readonly eventTime: string;
}

function report(name: string, namespace = 'ns'): EventReport {
  const ref = { kind: 'HTTPRoute', namespace, name };
  return { ref, identity: name, type: 'Warning', reason: 'R', action: 'A', note: `note of ${name}` };
}

let server: FaultServer;
let client: ApiClient;
let writer: EventWriter;
let leads: boolean;

beforeEach(async () => {
  server = new FaultServer();
  client = new ApiClient(await server.start());
  leads = true;
  writer = new EventWriter({
    client,
    uidOf: () => 'uid',
    controllerName: 'example.net/c',
    instance: 'me',
    leads: () => leads,
    log: createLog('silent'),
    backoff: { minimum: 5, maximum: 20 },
  });
});

afterEach(async () => {
  await writer.stop();
  await client.close();
  await server.stop();
});

/** An API server that gives these answers and then accepts all Events; records the accepted ones. */
function answering(...refusals: readonly { readonly status: number; readonly body?: object }[]): { taken: string[]; asked: () => number } {
  const left = [...refusals];
  const taken: string[] = [];
  let asked = 0;
  server.answer((_url, response, request) => {
    asked++;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const refusal = left.shift();
      if (refusal !== undefined) return sendJson(response, refusal.status, refusal.body ?? { message: 'no' });
      taken.push((JSON.parse(body) as Sent).note);
      return sendJson(response, 201, {});
    });
  });
  return { taken, asked: () => asked };
}

describe('EventWriter', () => {
  test('an Event refused for a missing right is written once the right is back', async () => {
    const { taken, asked } = answering({ status: 403 }, { status: 403 }, { status: 403 }, { status: 503 });
    writer.report(report('a'));
    writer.report(report('b'));
    await until(() => taken.length === 2);
    expect(taken.toSorted()).toEqual(['note of a', 'note of b']);
    expect(asked()).toBe(6);
  });

  test.each([
    ['is not valid', { status: 422 }],
    ['is in a terminating namespace', { status: 403, body: { message: 'no', details: { causes: [{ reason: 'NamespaceTerminating' }] } } }],
  ])('an Event that %s is dropped', async (_name, refusal) => {
    const { taken, asked } = answering(refusal);
    writer.report(report('a'));
    writer.report(report('b'));
    await until(() => taken.length === 1);
    expect(taken).toEqual(['note of b']);
    expect(asked()).toBe(2);
  });

  test('waiting Events are dropped when another controller leads', async () => {
    const { taken, asked } = answering({ status: 403 });
    writer.report(report('a'));
    await until(() => asked() === 1);
    leads = false;
    await writer.stop();
    expect(taken).toEqual([]);
    expect(asked()).toBe(1);
  });

  test('stop does not wait for a missing right', async () => {
    server.answer((_url, response) => sendJson(response, 403, { message: 'no' }));
    writer.report(report('a'));
    await writer.stop();
  });
});
