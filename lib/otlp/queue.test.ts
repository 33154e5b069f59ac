// The queue with collectors that answer errors, slowly, too much or nothing.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FaultyCollector } from '../../test/support/collector-faults.ts';
import { FlagValues } from '../flags.ts';
import { createLog } from '../log.ts';
import { Otlp } from './otlp.ts';
import type { LogRecord } from './records.ts';
import { SEVERITY } from './records.ts';
import { OTLP_FLAGS, readOtlp } from './settings.ts';

const TIMES = { minimum: 1, maximum: 5, batchLife: 60_000 };
const folder = mkdtempSync(path.join(tmpdir(), 'weir-otlp-'));
let collector: FaultyCollector;

beforeAll(async () => void (collector = await FaultyCollector.start()));
beforeEach(() => collector.answerWith((response) => void response.end()));
afterAll(async () => {
  await collector.stop();
  rmSync(folder, { recursive: true });
});

function otlpOf(args: readonly string[], more: { maxBytes?: number; lines?: string[]; batchLife?: number } = {}): Otlp {
  const { lines = [], maxBytes = 1_048_576, batchLife = TIMES.batchLife } = more;
  const settings = readOtlp(new FlagValues(['--otlp-endpoint', collector.url, ...args], OTLP_FLAGS, {}), {}, 'test')!;
  const log = createLog('info', { write: (line) => void lines.push(line) });
  return new Otlp({ settings, maxBytes, log, times: { ...TIMES, batchLife } });
}

function logOf(body: string): LogRecord {
  return {
    time: 1_700_000_000_000,
    severity: SEVERITY.info,
    severityText: 'INFO',
    eventName: '',
    body,
    attributes: [],
    traceId: '',
    spanId: '',
  };
}

describe('a batch', () => {
  test('goes to the path of its signal, with the headers of the file as they are now', async () => {
    const file = path.join(folder, 'headers');
    writeFileSync(file, '# the token\nAuthorization: Bearer one\n');
    const otlp = otlpOf(['--otlp-headers-file', file]);
    otlp.logs!.add(logOf('first'));
    otlp.logs!.flush();
    const first = await collector.next();
    expect([first.path, first.headers.authorization, first.headers['content-type']]).toEqual([
      '/v1/logs',
      'Bearer one',
      'application/x-protobuf',
    ]);
    expect(first.body.includes('first')).toBe(true);
    writeFileSync(`${file}.new`, 'Authorization: Bearer two\n');
    renameSync(`${file}.new`, file);
    otlp.logs!.add(logOf('second'));
    otlp.logs!.flush();
    expect((await collector.next()).headers.authorization).toBe('Bearer two');
    await otlp.close(1_000);
    expect(otlp.logs!.exported).toBe(2);
  });

  test('is full with 512 records, without a wait', async () => {
    const otlp = otlpOf([]);
    for (let i = 0; i < 600; i++) otlp.logs!.add(logOf('x'));
    await collector.next();
    await otlp.close(1_000);
    await collector.next();
    expect(otlp.logs!.exported).toBe(600);
  });

  test('counts with its head, so that many small ones keep the bound', async () => {
    const otlp = otlpOf([], { maxBytes: 4_096 });
    for (let i = 0; i < 200; i++) {
      otlp.logs!.add(logOf('x'));
      otlp.logs!.flush();
      expect(otlp.logs!.bytes).toBeLessThanOrEqual(4_096);
    }
    const { queue_full: dropped } = otlp.logs!.dropped;
    expect(dropped).toBeGreaterThan(0);
    await otlp.close(60_000);
    expect([otlp.logs!.exported, otlp.logs!.bytes]).toEqual([200 - dropped, 0]);
    for (let i = 0; i < otlp.logs!.requests.delivered; i++) await collector.next();
  });

  test('waits for a file with a token that is missing, and does not go without it', async () => {
    const file = path.join(folder, 'late');
    const lines: string[] = [];
    const otlp = otlpOf(['--otlp-headers-file', file], { lines });
    otlp.logs!.add(logOf('x'));
    otlp.logs!.flush();
    while (otlp.logs!.requests.failed === 0) await new Promise(setImmediate);
    writeFileSync(file, 'x-token: secret-token-1\n');
    expect((await collector.next()).headers['x-token']).toBe('secret-token-1');
    await otlp.close(1_000);
    expect(lines.join('')).toMatch(/ENOENT.*\n.*answers again/);
  });

  test('never has its token in the log, also if the line is none', async () => {
    const file = path.join(folder, 'broken');
    writeFileSync(file, 'secret-token-2\n');
    const lines: string[] = [];
    const otlp = otlpOf(['--otlp-headers-file', file], { lines });
    otlp.logs!.add(logOf('x'));
    otlp.logs!.flush();
    while (otlp.logs!.requests.failed === 0) await new Promise(setImmediate);
    await otlp.close(0);
    expect(lines.join('')).toContain('line 1 of the file of headers');
    expect(lines.join('')).not.toContain('secret-token-2');
  });
});

describe('a collector', () => {
  test('that answers 503 gets the batch again; that it fails is said once', async () => {
    const lines: string[] = [];
    const otlp = otlpOf([], { lines });
    let answers = 0;
    collector.answerWith((response) => void response.writeHead(++answers < 4 ? 503 : 200).end());
    otlp.logs!.add(logOf('again'));
    otlp.logs!.flush();
    for (let i = 0; i < 4; i++) expect((await collector.next()).body.includes('again')).toBe(true);
    await otlp.logs!.idle();
    expect(otlp.logs!.requests).toEqual({ delivered: 1, failed: 3, refused: 0 });
    expect(lines.filter((line) => line.includes('takes nothing'))).toHaveLength(1);
    await otlp.close(1_000);
  });

  test('that answers 400 gets it once', async () => {
    const otlp = otlpOf([]);
    collector.answerWith((response) => void response.writeHead(400).end());
    otlp.logs!.add(logOf('x'));
    await otlp.close(1_000);
    await collector.next();
    expect([otlp.logs!.dropped.rejected, otlp.logs!.requests.refused]).toEqual([1, 1]);
  });

  test('that rejects some records counts them', async () => {
    const otlp = otlpOf([]);
    // partial_success { rejected_log_records: 2, error_message: "no" }
    collector.answerWith((response) => void response.end(Buffer.from('0a0608021202' + '6e6f', 'hex')));
    for (let i = 0; i < 5; i++) otlp.logs!.add(logOf('x'));
    await otlp.close(1_000);
    await collector.next();
    expect([otlp.logs!.exported, otlp.logs!.dropped.rejected]).toEqual([3, 2]);
  });

  test.each(['ff', '0aff', '0a0008', 'not protobuf'])('that answers nonsense (%s) has taken the records', async (hex) => {
    const otlp = otlpOf([]);
    collector.answerWith((response) => void response.end(hex.includes(' ') ? hex : Buffer.from(hex, 'hex')));
    otlp.logs!.add(logOf('x'));
    await otlp.close(1_000);
    await collector.next();
    expect(otlp.logs!.exported).toBe(1);
  });

  test('whose answer does not end costs no memory and no second request', async () => {
    const otlp = otlpOf([]);
    collector.answerWith((response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        response.once('drain', more);
      };
      more();
    });
    otlp.logs!.add(logOf('x'));
    await otlp.close(5_000);
    await collector.next();
    expect([otlp.logs!.exported, otlp.logs!.bytes]).toEqual([1, 0]);
  });

  test('that does not answer holds no more than the queue has room for', async () => {
    const otlp = otlpOf(['--otlp-timeout', '50ms'], { maxBytes: 300_000, batchLife: 200 });
    const held: { end(): void }[] = [];
    collector.answerWith((response) => void held.push(response));
    for (let i = 0; i < 5_000; i++) otlp.logs!.add(logOf('x'.repeat(200)));
    expect(otlp.logs!.bytes).toBeLessThan(310_000);
    const { dropped, records } = otlp.logs!;
    expect(dropped.queue_full + records).toBe(5_000);
    await otlp.logs!.idle();
    expect(dropped.undelivered + dropped.queue_full + otlp.logs!.records).toBe(5_000);
    await otlp.close(0);
    for (const response of held) response.end();
  });

  test('that is not there ends nothing; what is left at the end is counted', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(port));
      });
    });
    for (const protocol of ['grpc', 'http/protobuf']) {
      const otlp = otlpOf(['--otlp-endpoint', `http://127.0.0.1:${port}`, '--otlp-protocol', protocol]);
      otlp.logs!.add(logOf('x'));
      otlp.logs!.flush();
      while (otlp.logs!.requests.failed < 3) await new Promise(setImmediate);
      await otlp.close(0);
      expect(otlp.logs!.dropped.stopped).toBe(1);
      otlp.logs!.add(logOf('late'));
      expect(otlp.logs!.dropped.stopped).toBe(2);
    }
  });
});

test('a record that is too large is dropped alone', async () => {
  const otlp = otlpOf([]);
  otlp.logs!.add(logOf('x'.repeat(70_000)));
  otlp.logs!.add(logOf('x'));
  await otlp.close(1_000);
  await collector.next();
  expect([otlp.logs!.exported, otlp.logs!.dropped.too_large]).toEqual([1, 1]);
});
