// Requests whose heads are torn, malformed or too large: each has a span, a line of the access log, a metric and a group of errors.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FlagValues } from '#lib/flags.ts';
import { readFamilies } from '#lib/metric.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import { DEFAULT_TRACING } from '../../proxy/exchange/tracing.ts';
import { SecurityRig } from '../security/rig.ts';
import { closeAfterAll, openClient } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { END_STREAM, frame, FrameClient, get, literals, GET, TYPE, END_HEADERS } from '../support/h2-client.ts';
import { until } from '../support/until.ts';
import { attributesOf, OTEL_COLLECTOR, OtelCollector } from './collector.ts';

closeAfterAll();

const LARGE = 'a'.repeat(70_000);
const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-refused-heads-'));
const file = path.join(folder, 'access.log');
let collector: OtelCollector;
let rig: SecurityRig;

beforeAll(async () => {
  buildGoTool(OTEL_COLLECTOR);
  collector = await OtelCollector.start();
  const flags = new FlagValues([`--otlp-endpoint=${collector.http}`], OTLP_FLAGS, {});
  const otlp = readOtlp(flags, { OTEL_BSP_SCHEDULE_DELAY: '1' }, 'pod-1');
  rig = await SecurityRig.start([], {}, { accessLog: file, otlp, tracing: { ...DEFAULT_TRACING, share: 1 } });
}, 600_000);
afterAll(async () => {
  await rig.proxy.close();
  await collector.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends bytes in HTTP/1.1, and ends the connection if nothing more is to come. */
async function sendH1(bytes: string, isTorn: boolean): Promise<void> {
  const client = await openClient(rig.proxy.port);
  client.write(bytes);
  if (isTorn) client.end();
  await client.over();
}

async function sendH2(bytes: Buffer): Promise<void> {
  const client = await FrameClient.connect(rig.proxy.port);
  client.write(bytes);
  await client.answered(1);
  client.socket.destroy();
}

/** `code` of the newest line of the access log, of the span that came, of the counter that grew, and of the group of errors. */
async function told(send: () => Promise<void>): Promise<readonly unknown[]> {
  truncateSync(file);
  rig.proxy.worker.report();
  const before = await counted();
  await send();
  const { attributes } = await collector.nextSpan();
  await until(() => readFileSync(file, 'utf8').endsWith('\n'), 'a line');
  const line = JSON.parse(readFileSync(file, 'utf8')) as { readonly error: string; readonly status: number };
  const grown = [...(await counted())].filter(([code, count]) => count > (before.get(code) ?? 0)).map(([code]) => code);
  const groups = rig.proxy.worker.report().errors?.map(({ code }) => code) ?? [];
  return [line.status, line.error, attributesOf(attributes)['weir.error'], ...grown, ...groups];
}

/** The series of a counter by their codes. */
async function counted(counter = 'weir_errors_total'): Promise<ReadonlyMap<string, number>> {
  const metric = (await readFamilies(rig.proxy.worker.registry)).find(({ name }) => name === counter);
  return new Map(metric?.values.map(({ labels, value }) => [String(labels['code']), value]));
}

describe('a head in HTTP/1.1', () => {
  test.each<[string, string, number, string]>([
    ['with a name that is none', 'GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n', 400, 'request_malformed'],
    ['with bytes that are not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'request_malformed'],
    ['of another protocol', 'GET / SPDY/3\r\n\r\n', 400, 'protocol_unknown'],
    ['of another version', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', 505, 'version_unsupported'],
    ['that is too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${LARGE}\r\n\r\n`, 431, 'request_head_too_large'],
    ['with a target that is too long', `GET /${LARGE} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, 'request_target_too_long'],
  ])('%s', async (_, bytes, status, code) => {
    expect(await told(() => sendH1(bytes, false))).toEqual([status, code, code, code, code]);
  });

  test('that its client does not finish', async () => {
    const code = 'downstream_reset';
    expect(await told(() => sendH1('GET /torn HTTP/1.1\r\nHost: a\r\nX-Ha', true))).toEqual([499, code, code, code, code]);
  });
});

describe('a head in HTTP/2', () => {
  test.each<[string, Buffer, number, string]>([
    ['with two paths', frame(TYPE.headers, END_STREAM | END_HEADERS, 1, literals(...GET, [':path', '/b'])), 400, 'request_malformed'],
    ['with a name in capitals', get(1, ['X-Y', 'z']), 400, 'request_malformed'],
    ['that is too large', large(), 431, 'request_head_too_large'],
  ])('%s', async (_, bytes, status, code) => {
    expect(await told(() => sendH2(bytes))).toEqual([status, code, code, code, code]);
  });

  test.each<[string, Buffer, string]>([
    [
      'that cannot be decompressed',
      frame(TYPE.headers, END_STREAM | END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0x7f])),
      'compression_error',
    ],
    ['that its client does not finish', frame(TYPE.headers, END_STREAM, 1, literals(...GET)), 'truncated'],
  ])('%s is a failure of the connection, and no request', async (_, bytes, code) => {
    const client = await FrameClient.connect(rig.proxy.port);
    client.write(bytes);
    if (code === 'truncated') client.socket.end();
    await until(() => client.closed, 'the end of the connection');
    expect([...(await counted('weir_http2_connection_errors_total'))]).toContainEqual([code, 1]);
    expect(rig.proxy.worker.report().errors).toEqual([]);
  });
});

/** A head in frames of the usual size. */
function large(): Buffer {
  const block = literals(...GET, ['x', LARGE.slice(0, 50_000)]);
  const [first, ...rest] = Array.from({ length: Math.ceil(block.length / 16_384) }, (_, i) => block.subarray(i * 16_384, (i + 1) * 16_384));
  const frames = rest.map((part, i) => frame(0x9, i === rest.length - 1 ? END_HEADERS : 0, 1, part));
  return Buffer.concat([frame(TYPE.headers, END_STREAM, 1, first), ...frames]);
}
