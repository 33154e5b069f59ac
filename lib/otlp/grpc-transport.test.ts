// The queue with collectors over gRPC that reset, answer nonsense, too much, slowly or never. Each costs its records at most, which are counted.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { answerCall, answerForever, FaultyGrpcCollector, frameOf } from '../../test/support/grpc-faults.ts';
import type { GrpcAnswer } from '../../test/support/grpc-faults.ts';
import { FlagValues } from '../flags.ts';
import { createLog } from '../log.ts';
import { Otlp } from './otlp.ts';
import { SEVERITY } from './records.ts';
import type { LogRecord } from './records.ts';
import { OTLP_FLAGS, readOtlp } from './settings.ts';
import { MAX_ANSWER_BYTES } from './transport.ts';

const LOG: LogRecord = {
  ...{ time: 1_700_000_000_000, severity: SEVERITY.info, severityText: 'INFO', eventName: '', body: 'a line', attributes: [] },
  ...{ traceId: '', spanId: '' },
};
/** An answer that is too long is not taken beyond the windows of HTTP/2. */
const MOST_TAKEN = 1_048_576;
let collector: FaultyGrpcCollector;

beforeAll(async () => void (collector = await FaultyGrpcCollector.start()));
beforeEach(() => collector.answerWith((stream) => answerCall(stream)));
afterAll(() => collector.stop());

function otlpOf(lines: string[] = [], batchLife = 60_000, timeout = '10s'): Otlp {
  const args = ['--otlp-endpoint', collector.url, '--otlp-protocol', 'grpc', '--otlp-timeout', timeout];
  const settings = readOtlp(new FlagValues(args, OTLP_FLAGS, {}), {}, 'test')!;
  const log = createLog('info', { write: (line) => void lines.push(line) });
  return new Otlp({ settings, maxBytes: 1_048_576, log, times: { minimum: 1, maximum: 5, batchLife } });
}

/** Sends one record, with one attempt; how its request ended, and what the log says. */
async function outcomeOf(answer: GrpcAnswer, timeout?: string): Promise<{ readonly ended: string; readonly text: string }> {
  const lines: string[] = [];
  const otlp = otlpOf(lines, 0, timeout);
  collector.answerWith(answer);
  otlp.logs!.add(LOG);
  otlp.logs!.flush();
  expect(await collector.next()).toBe('/opentelemetry.proto.collector.logs.v1.LogsService/Export');
  await otlp.logs!.idle();
  await otlp.close(0);
  const { requests, exported, dropped, bytes, records } = otlp.logs!;
  expect([bytes, records]).toEqual([0, 0]);
  const ended = Object.entries({ ...requests, exported, ...dropped }).filter(([, count]) => count > 0);
  return { ended: ended.map(([name, count]) => `${name} ${count}`).join(', '), text: lines.join('') };
}

const FAILED = 'failed 1, undelivered 1';
const REFUSED = 'refused 1, rejected 1';
const TAKEN = 'delivered 1, exported 1';

describe('the record of a call', () => {
  test.each<[string, GrpcAnswer, string, RegExp]>([
    ['is refused by a reset for an error of the collector', (stream) => stream.close(2), REFUSED, /INTERNAL/],
    ['is lost if the stream is refused', (stream) => stream.close(7), FAILED, /UNAVAILABLE/],
    ['is lost if the connection ends', (stream) => stream.session?.destroy(), FAILED, /UNAVAILABLE/],
    ['is lost if the connection goes away', (stream) => stream.session?.goaway(11), FAILED, /UNAVAILABLE|EXHAUSTED/],
    ['is lost with a status that asks for another attempt', (stream) => answerCall(stream, { status: '14' }), FAILED, /UNAVAILABLE/],
    ['is refused with other statuses', (stream) => answerCall(stream, { status: '3' }), REFUSED, /INVALID_ARGUMENT/],
    ['is refused with a status that is no number', (stream) => answerCall(stream, { status: 'none' }), REFUSED, /NaN/],
    ['is refused with a status beyond those that exist', (stream) => answerCall(stream, { status: '999999999999' }), REFUSED, /9999/],
    ['is refused without a status', (stream) => answerCall(stream, { status: '' }), REFUSED, /INTERNAL/],
    ['is lost if a proxy says so', (stream) => stream.respond({ ':status': 503 }, { endStream: true }), FAILED, /UNAVAILABLE/],
    ['is refused by a web server', (stream) => stream.respond({ ':status': 404 }, { endStream: true }), REFUSED, /UNIMPLEMENTED/],
    ['is taken with a message of nonsense', (stream) => answerCall(stream, { message: frameOf(Buffer.from('0aff', 'hex')) }), TAKEN, /^$/],
    [
      'is rejected by a partial success',
      (stream) => answerCall(stream, { message: frameOf(Buffer.from('0a0608011202' + '6e6f', 'hex')) }),
      'delivered 1, rejected 1',
      /"reason":"no"/,
    ],
    [
      'is lost with a message beyond the limit',
      (stream) => answerCall(stream, { message: frameOf(Buffer.alloc(MAX_ANSWER_BYTES + 1)) }),
      FAILED,
      /EXHAUSTED/,
    ],
    [
      'is lost with a message that unpacks beyond the limit',
      (stream) => answerCall(stream, { headers: { 'grpc-encoding': 'gzip' }, message: frameOf(gzipSync(Buffer.alloc(16 << 20)), 1) }),
      FAILED,
      /EXHAUSTED/,
    ],
    [
      'is refused with the reason in a few safe letters',
      (stream) => answerCall(stream, { status: '3', trailers: { 'grpc-message': `%0A%1B[31m${'x'.repeat(10_000)}` } }),
      REFUSED,
      /"reason":"it answers INVALID_ARGUMENT: \?\?\[31mx{100,250}"/,
    ],
    ['is lost if a message of 4 GiB begins', (stream) => answerForever(stream, Buffer.alloc(65_536, 0xff)), FAILED, /EXHAUSTED/],
  ])('%s', async (_, answer, ended, reason) => {
    const before = collector.sent;
    const outcome = await outcomeOf(answer);
    expect([outcome.ended, outcome.text]).toEqual([ended, expect.stringMatching(reason)]);
    expect(collector.sent - before).toBeLessThan(MOST_TAKEN);
  });

  test.each<[string, GrpcAnswer]>([
    ['nothing comes', () => undefined],
    ['only the head comes', (stream) => stream.respond({ ':status': 200, 'content-type': 'application/grpc' })],
    [
      'a second message follows',
      (stream) => answerCall(stream, { message: Buffer.concat([frameOf(Buffer.alloc(1)), frameOf(Buffer.alloc(1))]) }),
    ],
    ['messages never end', (stream) => answerForever(stream, frameOf(Buffer.alloc(16_384)))],
    [
      'a message begins and does not end',
      (stream) => void (stream.respond({ ':status': 200, 'content-type': 'application/grpc' }), stream.write(Buffer.from([0, 0, 0, 0, 9]))),
    ],
  ])('is lost after the timeout if %s', async (_, answer) => {
    const before = collector.sent;
    const { ended, text } = await outcomeOf(answer, '50ms');
    expect([ended, text]).toEqual([FAILED, expect.stringContaining('it does not answer in time')]);
    expect(collector.sent - before).toBeLessThan(MOST_TAKEN);
  });
});

test('records go to a collector that is back after it cut its connections', async () => {
  const lines: string[] = [];
  const otlp = otlpOf(lines);
  let calls = 0;
  collector.answerWith((stream) => (++calls < 4 ? void stream.session?.destroy() : answerCall(stream)));
  for (let i = 0; i < 5; i++) otlp.logs!.add(LOG);
  await otlp.close(30_000);
  expect([otlp.logs!.exported, otlp.logs!.requests.delivered, otlp.logs!.dropped.undelivered]).toEqual([5, 1, 0]);
  expect(lines.filter((line) => line.includes('takes nothing'))).toHaveLength(1);
  expect(lines.at(-1)).toContain('answers again');
  for (let i = 0; i < calls; i++) await collector.next();
});

test('a collector that never answers holds no more than the queue has room for', async () => {
  const otlp = otlpOf([], 200, '50ms');
  collector.answerWith(() => undefined);
  for (let i = 0; i < 10_000; i++) otlp.logs!.add({ ...LOG, body: 'x'.repeat(200) });
  expect(otlp.logs!.bytes).toBeLessThanOrEqual(1_048_576);
  await otlp.logs!.idle();
  await otlp.close(0);
  const { dropped, exported } = otlp.logs!;
  expect([dropped.queue_full > 0, exported]).toEqual([true, 0]);
  expect(dropped.queue_full + dropped.undelivered + dropped.stopped).toBe(10_000);
});
