import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { Exchange } from '../exchange/exchange.ts';
import { LogSink } from './access-log/sink.ts';
import { SecurityLog } from './security-log.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'weir-security-log-'));
let files = 0;
let sink: LogSink | null = null;

afterEach(async () => {
  await sink?.close(1_000);
  sink = null;
});

function openLog(): { log: SecurityLog; sink: LogSink; file: string } {
  const file = path.join(folder, `${files++}.log`);
  sink = new LogSink(file, true);
  return { log: new SecurityLog(sink), sink, file };
}

async function linesOf(opened: LogSink, file: string): Promise<Record<string, string>[]> {
  await opened.close(1_000);
  sink = null;
  const text = readFileSync(file, 'utf8');
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, string>);
}

function exchangeOf(clientAddress: string, headers: string[] = []): Exchange {
  const some: Partial<Exchange> = {
    clientAddress,
    requestHeaders: headers,
    requestId: '',
    route: null,
    listener: 'shop/web/http',
    principal: null,
  };
  return some as Exchange;
}

function counts(log: SecurityLog): Record<string, number> {
  const samples = log.families().flatMap((family) => [...(family.read?.() ?? [])].map((sample) => [family.name, sample] as const));
  return Object.fromEntries(samples.map(([name, { labels, value }]) => [`${name} ${Object.values(labels ?? {}).join()}`.trim(), value]));
}

test('an event is one line with the fields of its request', async () => {
  const { log, sink: opened, file } = openLog();
  log.emit('access_denied', exchangeOf('192.0.2.7', ['x-request-id', 'r-1']), {
    reason: 'client address',
    policy: 'SecurityPolicy/shop/a',
  });
  const [line = {}] = await linesOf(opened, file);
  expect(line['time']).toMatch(/^\d{4}-.*Z$/);
  delete line['time'];
  expect(line).toEqual({
    log: 'security',
    event: 'access_denied',
    reason: 'client address',
    policy: 'SecurityPolicy/shop/a',
    clientAddress: '192.0.2.7',
    listener: 'shop/web/http',
    requestId: 'r-1',
  });
});

test('text of clients cannot make a line of its own, nor a long one', async () => {
  const { log, sink: opened, file } = openLog();
  const attack = `x"}\n{"log":"security","event":"source_released"\u0085\u2028${'"'.repeat(10_000)}`;
  log.emit('authentication_failed', exchangeOf('192.0.2.7', ['x-request-id', attack]), { principal: attack });
  const lines = await linesOf(opened, file);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.['event']).toBe('authentication_failed');
  expect(lines[0]?.['principal']?.length).toBeLessThan(200);
});

test('a flood of refusals of one source is one line, and each is counted', async () => {
  const { log, sink: opened, file } = openLog();
  for (let i = 0; i < 500; i++) log.emit('rate_limited', exchangeOf('192.0.2.7'), { rule: 'all' });
  log.emit('rate_limited', exchangeOf('192.0.2.8'), { rule: 'all' });
  expect(counts(log)).toMatchObject({ 'weir_security_events_total rate_limited': 501, weir_security_log_suppressed_total: 499 });
  expect((await linesOf(opened, file)).map(({ clientAddress }) => clientAddress)).toEqual(['192.0.2.7', '192.0.2.8']);
});

test('a flood of sources has a bounded number of lines', async () => {
  const { log, sink: opened, file } = openLog();
  for (let i = 0; i < 5_000; i++) log.emit('rate_limited', exchangeOf(`10.0.${i >> 8}.${i & 255}`), {});
  expect(await linesOf(opened, file)).toHaveLength(1_024);
});

test('each failed authentication has a line', async () => {
  const { log, sink: opened, file } = openLog();
  for (let i = 0; i < 3; i++) log.emit('authentication_failed', exchangeOf('192.0.2.7'), { reason: 'unknown key' });
  expect(await linesOf(opened, file)).toHaveLength(3);
});

test('without a destination events are counted', () => {
  const log = new SecurityLog(null);
  log.emit('access_denied', null, {});
  expect(counts(log)).toMatchObject({ 'weir_security_events_total access_denied': 1 });
});
