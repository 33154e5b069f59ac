// Results in parts through another replica: a tail with its lines, a caller that leaves or does not read; files, whole and torn.
import { afterEach, describe, expect, test } from '@jest/globals';
import http from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { AdminServer, refuseWebPages } from '#lib/admin-server.ts';
import { ok } from '#lib/result.ts';
import { operationPaths } from '../../controller/operations/operations.ts';
import { processFileOperations } from '../../controller/operations/process-files.ts';
import { tailOperation } from '../../controller/operations/tail.ts';
import type { TailEnd } from '../../controller/operations/tail.ts';
import { PeerLinks } from '../../controller/relay/peer-links.ts';
import { Fleet } from '../../controller/telemetry/fleet.ts';
import { Commands } from '../../proxy/reporting/commands.ts';
import type { Running } from '../../proxy/reporting/commands.ts';
import { GivenReports, IDLE_COMMANDS, LOG, reportTo, serveHub } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

/** The caller that does not read is not cut off before it reads, however busy the machine is. */
const STALLED_MS = 120_000;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/**
 * Two controllers; a proxy reports to the second, and operators ask the first. Returns the admin port of the first. `run` is the command
 * of the proxy.
 */
async function replicas(run: (running: Running) => Promise<void>): Promise<number> {
  const held: { links?: PeerLinks } = {};
  const leader = await serveHub({ reports: (_stream, end) => end(null, {}), links: (stream) => held.links?.accept(stream) });
  const [asked, other] = [(held.links = new PeerLinks(leader.hub, LOG)), await serveHub()];
  const links = new PeerLinks(other.hub, LOG);
  closers.push(
    () => leader.server.stop(),
    () => other.server.stop(),
    () => links.follow(null, () => credentials.createInsecure()),
  );
  const command = async (_: object, running: Running) => {
    await run(running);
    return ok(undefined);
  };
  const table = { ...IDLE_COMMANDS, tail: command, heapSnapshot: command };
  const reporting = reportTo(other.port, new GivenReports(), { nodeId: 'far', commands: new Commands(table, LOG) });
  closers.push(() => reporting.stop());
  links.follow(`127.0.0.1:${leader.port}`, () => credentials.createInsecure());
  const fleet = new Fleet({ hub: leader.hub, peers: asked, resources: () => [], version: '1' });
  const paths = operationPaths([tailOperation(fleet), ...processFileOperations(fleet, LOG)], LOG);
  const server = new AdminServer({ host: '127.0.0.1', port: 0, paths, refuse: refuseWebPages, stalledMs: STALLED_MS });
  closers.push(() => server.stop());
  await linked(fleet);
  return server.start();
}

async function linked(fleet: Fleet): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await fleet.proxies()).length === 0) {
    if (performance.now() > deadline) throw new Error('waited in vain for the link with the proxy');
    await setTimeout(5);
  }
}

function open(port: number, path = '/proxies/tail', body: object = { duration: '1m' }): Promise<http.IncomingMessage> {
  const options = { host: '127.0.0.1', port, path, method: 'POST', agent: false };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...options, headers: { 'content-type': 'application/json' } }, resolve);
    request.on('error', reject).end(JSON.stringify(body));
  });
}

describe('a tail through another replica', () => {
  test('has the lines and the end of the proxy', async () => {
    const port = await replicas(({ chunk }) => chunk(Buffer.from('one\ntwo\n')));
    let text = '';
    for await (const part of (await open(port)).setEncoding('utf8') as AsyncIterable<string>) text += part;
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { proxy: 'far', line: 'one' },
      { proxy: 'far', line: 'two' },
      { proxies: [{ proxy: 'far', scope: 'shared', outcome: 'done', reason: '' }], dropped: 0 },
    ]);
  });

  test('ends at the proxy when the caller leaves', async () => {
    const states: string[] = [];
    const port = await replicas(async ({ chunk, signal }) => {
      await chunk(Buffer.from('one\n'));
      signal.addEventListener('abort', () => states.push('ended'));
      await until(() => signal.aborted, 'the end of the tail');
    });
    const response = await open(port);
    response.on('error', () => undefined);
    response.once('data', () => response.destroy());
    await until(() => states.length === 1, 'the end at the proxy');
  });

  test('loses lines of a caller that does not read, and delays no other answer', async () => {
    const line = `${'x'.repeat(999)}\n`;
    let isDone = false;
    const port = await replicas(async ({ chunk }) => {
      for (let i = 0; i < 600; i++) await chunk(Buffer.from(line.repeat(60)));
      isDone = true;
    });
    const response = await open(port);
    // 36 MB are more than the buffers of the sockets hold.
    await until(() => isDone, 'the end of the lines');
    let text = '';
    for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) text = (text + part).slice(-1_000);
    const end = JSON.parse(text.trim().split('\n').at(-1) ?? '') as TailEnd;
    expect(end).toMatchObject({ proxies: [{ outcome: 'done' }] });
    expect(end.dropped).toBeGreaterThan(0);
  });
});

describe('a file through another replica', () => {
  const openFile = (port: number) => open(port, '/proxies/heap-snapshot', { proxy: 'far' });

  test('arrives whole', async () => {
    const part = Buffer.alloc(64 * 1_024, 'x');
    const port = await replicas(async ({ chunk }) => {
      for (let i = 0; i < 100; i++) await chunk(part);
    });
    const response = await openFile(port);
    let bytes = 0;
    for await (const data of response as AsyncIterable<Buffer>) bytes += data.length;
    expect([response.statusCode, bytes]).toEqual([200, 100 * part.length]);
  });

  test('that fails after its first part does not look complete', async () => {
    const port = await replicas(async ({ chunk }) => {
      await chunk(Buffer.from('{'));
      throw new Error('the worker has ended');
    });
    const response = await openFile(port);
    await expect(
      (async () => {
        for await (const _ of response);
      })(),
    ).rejects.toThrow('aborted');
  });

  test('that fails before its first part is a refusal with the reason', async () => {
    const port = await replicas(() => Promise.reject(new Error('no room')));
    const response = await openFile(port);
    let text = '';
    for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) text += part;
    expect(JSON.parse(text)).toMatchObject({ status: 503, detail: 'no room' });
  });
});
