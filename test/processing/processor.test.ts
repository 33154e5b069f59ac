// External processors, from the user's ExtensionPolicy to what a client and a backend get.
import { describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig as PolicyRig, securityPolicy } from '../security/rig.ts';
import { ExternalProcessor, sentHeader, setHeader, type ProcessorMessage, type ProcessorStream } from '../support/external-processor.ts';
import { closeAfterEach, closeLater, get, openClient, openUpstream, post } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header, status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const ROUTE = { kind: 'HTTPRoute', name: 'app' };
const SERVICE = { group: 'gateway.weir.dev', kind: 'Backend', name: 'processor' };

function policy(processor: object, more: object = {}): Manifest {
  return manifest('ExtensionPolicy', 'own', {
    targetRefs: [ROUTE],
    processor: { backendRef: SERVICE, messageTimeout: '20s', ...processor },
    ...more,
  });
}

/** The bytes of a body that no buffers on its way can hold. */
const TOTAL = 32 * 1_048_576;

type Misbehave = (message: ProcessorMessage, stream: ProcessorStream, processor: ExternalProcessor) => void;

interface Opened {
  readonly rig: PolicyRig;
  readonly processor: ExternalProcessor;
}

async function open(settings: object = {}, more: readonly Manifest[] = [], fields: object = {}): Promise<Opened> {
  const processor = await new ExternalProcessor().start();
  closeLater(() => processor.stop());
  const backend = manifest('Backend', 'processor', { endpoints: [{ ip: '127.0.0.1', port: processor.port }] });
  const rig = await PolicyRig.start([backend, policy(settings, fields), ...more]);
  return { rig, processor };
}

const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;
const changes = (part: string, response: object): object => ({ [part]: { response } });
const sets = (...headers: readonly object[]): object => ({ header_mutation: { set_headers: headers } });

describe('heads', () => {
  test('are sent, changed both ways, and what the processor may not change stays', async () => {
    const { rig, processor } = await open();
    processor.answer = ({ request }, stream) => {
      const own = setHeader(`x-${request.slice(0, 7)}`, 'seen');
      stream.write(
        changes(request, {
          header_mutation: {
            set_headers: [own, setHeader('transfer-encoding', 'x'), setHeader(':path', '/other'), setHeader('x-forwarded-for', '1.2.3.4')],
            remove_headers: ['x-frame-options', 'host', 'x-gone'],
          },
        }),
      );
    };
    const answer = await rig.ask(get('/a?b').replace('Host: a', 'Host: a\r\nX-Gone: 1'));
    expect([status(answer), header(answer, 'x-respons'), header(answer, 'x-frame-options'), answer.body]).toEqual([
      200,
      'seen',
      undefined,
      'ok',
    ]);
    const request = rig.upstream.requests[0]?.raw;
    expect(request).toMatch(/^GET \/a\?b HTTP\/1.1\r\nHost: a\r\n/i);
    expect(request).toMatch(/x-request: seen/);
    expect(request).not.toMatch(/x-gone|1\.2\.3\.4|transfer-encoding/i);
    expect(processor.parts).toEqual(['request_headers', 'response_headers']);
    await until(() => processor.ended === 1, 'the stream has ended');
    const [first, second] = processor.messages as [ProcessorMessage, ProcessorMessage];
    expect([sentHeader(first.request_headers, ':path'), sentHeader(first.request_headers, ':method')]).toEqual(['/a?b', 'GET']);
    expect(first.request_headers?.end_of_stream).toBe(true);
    expect(sentHeader(second.response_headers, ':status')).toBe('200');
  });

  test('have only the headers that the policy names', async () => {
    const { rig, processor } = await open({ headersToService: ['X-Seen'] });
    await rig.ask(get().replace('Host: a', 'Host: a\r\nX-Seen: 1\r\nAuthorization: secret'));
    const names = processor.messages[0]?.request_headers?.headers.headers.map(({ key }) => key);
    expect(names).toEqual([':method', ':scheme', ':authority', ':path', 'x-seen']);
    expect(rig.upstream.requests[0]?.raw).toMatch(/authorization: secret/);
  });

  test('an immediate response answers, and no backend is asked', async () => {
    const { rig, processor } = await open();
    processor.answer = (_, stream) => {
      stream.write({
        immediate_response: {
          status: { code: 418 },
          headers: { set_headers: [setHeader('x-why', 'tea')] },
          body: Buffer.from('short and stout'),
        },
      });
    };
    const answer = await rig.ask(get());
    expect([status(answer), header(answer, 'x-why'), answer.body]).toEqual([418, 'tea', 'short and stout']);
    expect([header(answer, 'content-type'), header(answer, 'cache-control')]).toEqual(['text/plain; charset=utf-8', 'no-store']);
    expect(rig.upstream.requests).toEqual([]);
  });
});

const upper = ({ request, request_body: body }: ProcessorMessage): object => {
  const bytes = Buffer.from((body?.body ?? Buffer.alloc(0)).toString().toUpperCase());
  return request === 'request_body' ? changes(request, { body_mutation: { body: bytes } }) : { [request]: {} };
};

describe('bodies', () => {
  test.each(['Buffered', 'BufferedPartial', 'Streamed'])('%s are changed, with the right length', async (requestBody) => {
    const { rig, processor } = await open({ requestBody, responseBody: requestBody });
    processor.answer = (message, stream) => {
      const { request, response_body: body } = message;
      const last = body?.end_of_stream === true && body.body.length === 0;
      if (request === 'response_body' && !last) stream.write(changes(request, { body_mutation: { body: Buffer.from('[changed]') } }));
      else stream.write(upper(message));
    };
    const answer = await rig.ask(post('hello'));
    expect([status(answer), answer.body]).toEqual([200, '[changed]']);
    expect(rig.upstream.requests[0]?.body).toBe('HELLO');
    expect(processor.parts.includes('request_body')).toBe(true);
  });

  test.each(['Streamed', 'FullDuplexStreamed'])('that are large pass %s both ways, in order and without loss', async (responseBody) => {
    const { rig, processor } = await open({ requestBody: 'Streamed', responseBody, maxBodyBytes: '4Mi' });
    const text = Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join('');
    rig.upstream.become(ok(text));
    processor.answer = (message, stream) => {
      const { response_body: body } = message;
      if (body === undefined) return void stream.write(upper(message));
      const bytes = Buffer.from(body.body.toString('latin1').toUpperCase(), 'latin1');
      const piece =
        responseBody === 'Streamed' ? { body: bytes } : { streamed_response: { body: bytes, end_of_stream: body.end_of_stream } };
      stream.write(changes('response_body', { body_mutation: piece }));
    };
    const answer = await rig.ask(post(text));
    expect(rig.upstream.requests[0]?.body === text.toUpperCase()).toBe(true);
    expect(answer.body === text.toUpperCase()).toBe(true);
  });

  test('are cut if the processor dies after the head of the answer', async () => {
    const { rig, processor } = await open({ responseBody: 'Streamed' });
    processor.answer = (message, stream) => (message.request === 'response_body' ? processor.stop() : void stream.write(upper(message)));
    const client = await openClient(rig.proxy.port);
    client.write(get());
    await client.over();
    expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  test('trailers are sent and changed', async () => {
    const { rig, processor } = await open({ responseTrailers: 'Send' });
    rig.upstream.become('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n');
    processor.answer = ({ request }, stream) =>
      void stream.write(request === 'response_trailers' ? { [request]: sets(setHeader('x-sum', '2')) } : { [request]: {} });
    const answer = await rig.ask(get().replace('Host: a', 'Host: a\r\nTE: trailers'));
    expect([answer.body.includes('ok'), answer.trailers]).toEqual([true, 'x-sum: 2']);
  });

  test('in full duplex trailers end a body', async () => {
    const { rig, processor } = await open({ responseBody: 'FullDuplexStreamed', responseTrailers: 'Send' });
    rig.upstream.become('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n');
    processor.answer = ({ request, response_body: body }, stream) => {
      const streamed = changes(request, { body_mutation: { streamed_response: { body: body?.body } } });
      stream.write(body === undefined ? { [request]: {} } : streamed);
    };
    const answer = await rig.ask(get().replace('Host: a', 'Host: a\r\nTE: trailers'));
    expect([answer.body.includes('ok'), answer.trailers]).toEqual([true, 'x-sum: 1']);
    expect(processor.parts.slice(-2)).toEqual(['response_body', 'response_trailers']);
  });

  test('pass as they are when the processor is done with them, or are replaced without being sent', async () => {
    const { rig, processor } = await open({ requestBody: 'Buffered', responseBody: 'Buffered' });
    processor.answer = ({ request }, stream) => {
      const change = request === 'response_headers' ? { body_mutation: { body: Buffer.from('other') } } : {};
      stream.write(changes(request, { status: 'CONTINUE_AND_REPLACE', ...change }));
    };
    const answer = await rig.ask(post('hello'));
    expect([rig.upstream.requests[0]?.body, answer.body, header(answer, 'content-length')]).toEqual(['hello', 'other', '5']);
    expect(processor.parts).toEqual(['request_headers', 'response_headers']);
  });

  test('in full duplex the processor waits for all of a body before it answers', async () => {
    const { rig, processor } = await open({ requestBody: 'FullDuplexStreamed', responseBody: 'FullDuplexStreamed' });
    const piece = (part: string, text: string, end: boolean): object =>
      changes(part, { body_mutation: { streamed_response: { body: Buffer.from(text), end_of_stream: end } } });
    processor.answer = ({ request, request_body: body, response_body: answered }, stream) => {
      if (request === 'response_headers') stream.write({ response_headers: {} });
      if (body?.end_of_stream === true) {
        stream.write(changes('request_headers', sets(setHeader('x-model', 'small'))));
        for (const [text, end] of [
          ['a', false],
          ['b', true],
        ] as const)
          stream.write(piece('request_body', text, end));
      }
      if (answered?.end_of_stream === false) stream.write(piece('response_body', `<${answered.body.toString()}>`, false));
      if (answered?.end_of_stream === true) stream.write(piece('response_body', '!', true));
    };
    const answer = await rig.ask(post('{"model":"large"}'));
    expect(rig.upstream.requests[0]?.raw).toMatch(/x-model: small/);
    expect([rig.upstream.requests[0]?.body, answer.body]).toEqual(['ab', '<ok>!']);
  });

  test('in full duplex requests larger than the limit stream, and a slow backend slows the client down', async () => {
    const { rig, processor } = await open({ requestBody: 'FullDuplexStreamed', messageTimeout: '1h', maxBodyBytes: '64Ki' });
    let [sent, isBackendOpen] = [0, false];
    const [connected, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    processor.answer = ({ request, request_body: body }, stream) => {
      if (body === undefined) return void stream.write({ [request]: {} });
      sent += body.body.length;
      const room = stream.write(changes(request, { body_mutation: { streamed_response: body } }));
      if (room) return;
      stream.pause();
      stream.once('drain', () => stream.resume());
    };
    rig.upstream.become({
      keep: false,
      connected: ({ socket }) => {
        socket.pause();
        connected.resolve();
        void released.promise.then(() => socket.resume());
      },
      data: (connection) => {
        if (isBackendOpen || connection.octets < TOTAL) return;
        isBackendOpen = true;
        connection.socket.write(ok());
      },
    });
    const client = await openClient(rig.proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    client.write(Buffer.alloc(TOTAL, 'x'));
    await connected.promise;
    const full = await still(() => sent);
    expect(full).toBeGreaterThan(262_144);
    expect(client.socket.writableLength).toBeGreaterThan(TOTAL / 2);
    released.resolve();
    expect(status(await client.answer())).toBe(200);
    expect(sent).toBe(TOTAL);
  });

  test('in full duplex a processor that does not read slows the client down, and fails in time', async () => {
    const { rig, processor } = await open({ requestBody: 'FullDuplexStreamed', messageTimeout: '300ms' });
    processor.answer = (_, stream) => void stream.pause();
    const client = await openClient(rig.proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    client.write(Buffer.alloc(TOTAL, 'x'));
    const answer = await client.answer();
    expect([status(answer), code(answer)]).toEqual([503, 'processor_failed']);
    expect(client.socket.writableLength).toBeGreaterThan(TOTAL / 2);
  });

  test.each([
    ['goes on as it is', 'hello', 200],
    ['that is larger than the limit is refused', 'x'.repeat(100_000), 503],
  ])('in full duplex a body %s when the processor fails open before it sends a piece', async (_, text, expected) => {
    const { rig, processor } = await open({ requestBody: 'FullDuplexStreamed', onError: 'Open', maxBodyBytes: '64Ki' });
    processor.answer = ({ request_body: body }, stream) => {
      if (body?.end_of_stream === true) stream.emit('error', { code: 13, details: 'no' });
    };
    const answer = await rig.ask(post(text));
    expect([status(answer), rig.upstream.requests.map(({ body }) => body)]).toEqual([expected, expected === 200 ? [text] : []]);
  });

  test('in full duplex a body is not replaced by the answer to its head', async () => {
    const { rig, processor } = await open({ requestBody: 'FullDuplexStreamed' });
    processor.answer = (_, stream) => void stream.write(changes('request_headers', { status: 'CONTINUE_AND_REPLACE' }));
    const answer = await rig.ask(post('hello'));
    expect([status(answer), code(answer), rig.upstream.requests]).toEqual([503, 'processor_failed', []]);
  });

  test('in full duplex an answer comes although the backend does not take the request', async () => {
    const { rig, processor } = await open({ requestBody: 'FullDuplexStreamed' });
    processor.answer = ({ request, request_body: body }, stream) => {
      stream.write(body === undefined ? { [request]: {} } : changes(request, { body_mutation: { streamed_response: body } }));
    };
    rig.upstream.become({
      keep: false,
      connected: ({ socket }) => void socket.pause().write('HTTP/1.1 413 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno'),
    });
    const client = await openClient(rig.proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    client.write(Buffer.alloc(TOTAL, 'x'));
    expect(status(await client.answer())).toBe(413);
  });

  test('beyond the limit are refused', async () => {
    const { rig } = await open({ requestBody: 'Buffered', maxBodyBytes: 4 });
    expect(status(await rig.ask(post('hello')))).toBe(413);
    expect(rig.upstream.requests).toEqual([]);
  });

  test('the modes of one exchange are those that the processor asks for, if it may', async () => {
    const { rig, processor } = await open({ allowModeOverride: true });
    processor.answer = (message, stream) => {
      const override = { mode_override: { request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' } };
      stream.write(message.request === 'request_headers' ? { request_headers: {}, ...override } : upper(message));
    };
    await rig.ask(post('hello'));
    expect([processor.parts, rig.upstream.requests[0]?.body]).toEqual([['request_headers', 'request_body'], 'HELLO']);
  });
});

test('an endpoint picker chooses the endpoint, by a header or by metadata', async () => {
  const { rig, processor } = await open({ responseHeaders: 'Skip' });
  const other = await openUpstream('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother');
  const ports = [rig.upstream.port, other.port];
  const loadBalancer = { overrideHeader: 'x-gateway-destination-endpoint' };
  await rig.change([
    manifest('Backend', 'app', { endpoints: ports.map((port) => ({ ip: '127.0.0.1', port })) }),
    manifest('BackendTrafficPolicy', 'pick', { targetRefs: [ROUTE], loadBalancer }),
  ]);
  const picked = `127.0.0.1:1, 127.0.0.1:${other.port}`;
  const struct = (fields: object): object => ({ structValue: { fields } });
  const inMetadata = { fields: { 'envoy.lb': struct({ 'x-gateway-destination-endpoint': { stringValue: picked } }) } };
  const byHeader = changes('request_headers', sets(setHeader('x-gateway-destination-endpoint', picked)));
  for (const answer of [byHeader, { request_headers: {}, dynamic_metadata: inMetadata }, byHeader]) {
    processor.answer = (_, stream) => void stream.write(answer);
    const forged = `Host: a\r\nX-Gateway-Destination-Endpoint: 127.0.0.1:${rig.upstream.port}`;
    expect((await rig.ask(get().replace('Host: a', forged))).body).toBe('other');
  }
});

/** Another request of the same proxy passes meanwhile. */
async function get200(rig: PolicyRig): Promise<void> {
  expect(status(await rig.ask(get()))).toBe(200);
}

/** Sends empty pieces for as long as the call lasts. */
const endless: Misbehave = ({ request }, stream) => {
  if (request !== 'request_headers') return;
  stream.write({ request_headers: {} });
  const empty = changes('request_body', { body_mutation: { streamed_response: {} } });
  const send = (): void => {
    for (let i = 0; i < 100; i++) stream.write(empty);
    if (!stream.cancelled) setImmediate(send);
  };
  send();
};

describe('a processor that', () => {
  const ways: readonly (readonly [name: string, misbehave: Misbehave, settings?: object])[] = [
    ['answers too late', () => undefined, { messageTimeout: '50ms' }],
    [
      'answers twice',
      (_, stream) => void [stream.write({ request_headers: {} }), stream.write({ request_headers: {} })],
      { requestBody: 'Streamed' },
    ],
    ['answers another question', (_, stream) => void stream.write({ response_headers: {} })],
    ['answers with nothing', (_, stream) => void stream.write({})],
    ['sends a line break', ({ request }, stream) => void stream.write(changes(request, sets(setHeader('x-a', 'b\r\nx-c: d'))))],
    ['sends giant headers', ({ request }, stream) => void stream.write(changes(request, sets(setHeader('x-a', 'b'.repeat(70_000)))))],
    ['sends a name that is none', ({ request }, stream) => void stream.write(changes(request, sets(setHeader('x a', 'b'))))],
    [
      'sends a giant message',
      ({ request }, stream) => void stream.write(changes(request, { body_mutation: { body: Buffer.alloc(2_000_000) } })),
    ],
    ['sends pieces without end', endless, { requestBody: 'FullDuplexStreamed' }],
    ['sends a status that is none', (_, stream) => void stream.write({ immediate_response: { status: { code: 101 } } })],
    ['dies', (_, __, processor) => processor.stop()],
    ['ends with an error', (_, stream) => void stream.emit('error', { code: 13, details: 'no' })],
    [
      'changes what it may not',
      ({ request }, stream) => void stream.write(changes(request, sets(setHeader('host', 'b')))),
      { headers: { onRefused: 'Fail' } },
    ],
  ];

  test.each(ways)('%s is a failure, which refuses the request', async (_, misbehave, settings = {}) => {
    const { rig, processor } = await open(settings);
    processor.answer = (message, stream) => misbehave(message, stream, processor);
    const answer = await rig.ask(post('hello'));
    expect([status(answer), code(answer), rig.upstream.requests]).toEqual([503, 'processor_failed', []]);
  });

  test('asks for more time gets it once, up to the limit', async () => {
    const { rig, processor } = await open({ messageTimeout: '100ms', maxMessageTimeout: '20s', responseHeaders: 'Skip' });
    const streams: ProcessorStream[] = [];
    processor.answer = (_, stream) => {
      if (streams.push(stream) === 1) stream.write({ override_message_timeout: { seconds: 19 } });
    };
    const answer = rig.ask(get());
    await until(() => streams.length === 1, 'the processor has asked for more time');
    // The usual time of a later request is over, and so is that of the first one.
    expect(status(await rig.ask(get()))).toBe(503);
    streams[0]?.write({ request_headers: {} });
    expect(status(await answer)).toBe(200);
    processor.answer = (_, stream) => void stream.write({ override_message_timeout: { seconds: 21 } });
    expect(status(await rig.ask(get()))).toBe(503);
  });

  test('is slow slows the client down', async () => {
    const { rig, processor } = await open({ requestBody: 'Streamed', messageTimeout: '1h' });
    let bytes = 0;
    processor.answer = ({ request, request_body: body }, stream) => {
      if (body === undefined) stream.write({ [request]: {} });
      else bytes += body.body.length;
    };
    const client = await openClient(rig.proxy.port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${TOTAL}\r\n\r\n`);
    client.write(Buffer.alloc(TOTAL));
    await until(() => bytes >= 262_144, 'the processor has all that it may have');
    await get200(rig);
    expect(bytes).toBeLessThan(2 * 262_144);
    expect(client.socket.writableLength).toBeGreaterThan(0);
  });

  test('waits while the client leaves learns it', async () => {
    const { rig, processor } = await open({ messageTimeout: '1h' });
    processor.answer = () => undefined;
    const client = await openClient(rig.proxy.port);
    client.write(get());
    await until(() => processor.messages.length === 1, 'the processor is asked');
    client.reset();
    await until(() => processor.ended === 1, 'the stream has ended');
  });

  test('dies while the backend works is a failure, so that no answer passes without it', async () => {
    const { rig, processor } = await open();
    rig.upstream.become((_, { socket }) => {
      processor.stop();
      void until(() => processor.ended === 1, 'the processor has ended').then(() => socket.write(ok()));
      return null;
    });
    const answer = await rig.ask(get());
    expect([status(answer), code(answer)]).toEqual([503, 'processor_failed']);
  });

  test('fails open lets requests pass as they are', async () => {
    const { rig, processor } = await open({ onError: 'Open', requestBody: 'Streamed' });
    processor.answer = (message, stream) =>
      message.request === 'request_headers' ? void stream.write({ request_headers: {} }) : processor.stop();
    const answer = await rig.ask(post('hello'));
    expect([status(answer), rig.upstream.requests[0]?.body]).toEqual([200, 'hello']);
    const metrics = await rig.proxy.worker.registry.metrics();
    expect(metrics).toContain('weir_processor_exchanges_total{policy="ExtensionPolicy/default/own",outcome="passed"} 1');
  });

  test('ends its work without an error lets the rest pass as it is', async () => {
    const { rig, processor } = await open();
    processor.answer = ({ request }, stream) => {
      stream.write(changes(request, sets(setHeader('x-a', '1'))));
      stream.end();
    };
    expect(status(await rig.ask(get()))).toBe(200);
    expect(processor.parts).toEqual(['request_headers']);
  });

  test('is the proxy itself ends in time', async () => {
    const { rig } = await open({ messageTimeout: '100ms' });
    await rig.change([manifest('Backend', 'processor', { endpoints: [{ ip: '127.0.0.1', port: rig.proxy.port }] })]);
    expect(status(await rig.ask(get()))).toBe(503);
    await rig.change([policy({ mode: 'Disabled' })]);
    expect(status(await rig.ask(get()))).toBe(200);
  });

  test('observes gets copies, and nothing waits for it', async () => {
    const { rig, processor } = await open({ mode: 'Observe', requestBody: 'Streamed' });
    processor.answer = (_, stream) => void stream.write({ immediate_response: { status: { code: 403 } } });
    const answer = await rig.ask(post('hello'));
    expect([status(answer), rig.upstream.requests[0]?.body]).toEqual([200, 'hello']);
    await until(() => processor.ended === 1, 'the stream has ended');
    expect(processor.messages.every((message) => message.observability_mode)).toBe(true);
    expect(processor.parts).toEqual(['request_headers', 'request_body', 'request_body', 'response_headers']);
  });
});

test('a field of an answer without effect is counted', async () => {
  const { rig, processor } = await open({ requestBody: 'Streamed' });
  processor.answer = ({ request }, stream) => {
    const ignored = { clear_route_cache: true, trailers: { headers: [] }, ...sets(setHeader('x-a', '1'), setHeader('host', 'b')) };
    const metadata = { fields: { other: { stringValue: 'x' } } };
    const override = { request_body_mode: 'BUFFERED' };
    stream.write({ ...changes(request, ignored), dynamic_metadata: metadata, mode_override: override });
  };
  await rig.ask(get());
  const counted = (await rig.proxy.worker.registry.metrics()).match(/^weir_processor_ignored_fields_total.*$/gm);
  const sample = (field: string, count: number): string =>
    `weir_processor_ignored_fields_total{policy="ExtensionPolicy/default/own",field="${field}"} ${count}`;
  expect(counted?.sort()).toEqual([
    sample('clear_route_cache', 2),
    sample('dynamic_metadata', 2),
    sample('headers', 2),
    sample('mode_override', 2),
    sample('trailers', 2),
  ]);
  await rig.ask(post('hello'));
  expect(await rig.proxy.worker.registry.metrics()).toContain(sample('header_mutation', 2));
});

test('a call gets the status that the processor has for it', async () => {
  const { rig, processor } = await open();
  processor.answer = (_, stream) => void stream.write({ immediate_response: { status: { code: 403 }, grpc_status: { status: 5 } } });
  const session = openSession(rig.proxy.port);
  closeLater(() => session.destroy());
  const call = { ':method': 'POST', ':path': '/a.B/C', ':authority': 'a', 'content-type': 'application/grpc' };
  const { headers } = await request(session, call);
  expect([headers['grpc-status'], rig.upstream.requests]).toEqual(['5', []]);
});

describe('the policy', () => {
  test('without its backend refuses the requests of its targets', async () => {
    const { rig } = await open({ backendRef: { ...SERVICE, name: 'none' } });
    const answer = await rig.ask(get());
    expect([status(answer), code(answer)]).toEqual([500, 'policy_unresolved']);
  });

  test('keeps headers about the caller from the processor', async () => {
    const headersToBackend = [{ name: 'x-user', value: "'alice'" }];
    const { rig, processor } = await open({}, [
      securityPolicy('who', { headersToBackend: [{ name: 'x-user', value: 'principal.id' }, ...headersToBackend].slice(0, 1) }),
    ]);
    processor.answer = ({ request }, stream) =>
      void stream.write(changes(request, sets(setHeader('X_User', 'admin'), setHeader('x-user', 'admin'))));
    await rig.ask(get());
    expect(rig.upstream.requests[0]?.raw).not.toMatch(/admin/);
  });

  test('places its extensions in the chain', async () => {
    const rule = { filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-rule', value: '1' }] } }] };
    const { rig, processor } = await open({ responseHeaders: 'Skip' }, [], { position: { after: 'RequestHeaderModifier' } });
    await rig.change([
      manifest('HTTPRoute', 'app', {
        parentRefs: [{ name: 'gw' }],
        rules: [{ name: 'all', ...rule, backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }],
      }),
    ]);
    await rig.ask(get());
    expect(sentHeader(processor.messages[0]?.request_headers, 'x-rule')).toBe('1');
    await rig.change([policy({ responseHeaders: 'Skip' })]);
    await rig.ask(get());
    expect(sentHeader(processor.messages[1]?.request_headers, 'x-rule')).toBeUndefined();
  });

  test.each([
    [{ position: { before: 'nowhere' } }, /spec\.position\.before.*authentication/s],
    [{ position: { before: 'limits', after: 'limits' } }, /spec\.position: must have either before or after/],
    [{ processor: {} }, /spec\.processor\.backendRef: is missing/],
    [
      { processor: { backendRef: SERVICE, mode: 'Observe', requestBody: 'Buffered' } },
      /spec\.processor\.requestBody: is for the mode Process/,
    ],
  ])('with a mistake says it: %j', (settings, reason) => {
    const found = validateObject(manifest('ExtensionPolicy', 'own', { targetRefs: [ROUTE], ...settings }), { strict: true });
    expect(found.ok ? '' : found.error.map(describeError).join('; ')).toMatch(reason);
  });
});
