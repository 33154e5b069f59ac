// What is decided at the end of an exchange: slow requests, gRPC calls, and the bound of spans.
import { describe, expect, test } from '@jest/globals';
import type { SpanRecord } from '#lib/otlp/records.ts';
import { Attempt } from '../../exchange/attempt.ts';
import { Exchange } from '../../exchange/exchange.ts';
import { DEFAULT_TRACING } from '../../exchange/tracing.ts';
import type { TracingSettings } from '../../exchange/tracing.ts';
import { Tracer } from './tracer.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CONNECTION = { remoteAddress: '192.0.2.7', remotePort: 4_711, tls: null };
const CLUSTER = { key: 'Service/shop/cart/80', transport: { tls: null } };
const ENDPOINT = { address: '10.0.0.1', port: 8_080 };

function open(settings: Partial<TracingSettings> = {}) {
  const spans: SpanRecord[] = [];
  const add = (span: SpanRecord): void => void spans.push({ ...span, attributes: [...span.attributes] });
  return { spans, tracer: new Tracer({ ...DEFAULT_TRACING, share: 0, ...settings }, { add }) };
}

function exchangeOf(fields: Partial<Exchange> = {}): Exchange {
  const route = { key: 'HTTPRoute/shop/cart/0', requestFilters: null, pathTemplate: '' };
  return Object.assign(new Exchange(CONNECTION as never, {} as never, performance.now()), { method: 'GET', route, status: 200, ...fields });
}

function attemptOf(exchange: Exchange): Attempt {
  return new Attempt(exchange, CLUSTER as never, ENDPOINT as never, {} as never);
}

function attributesOf({ attributes }: SpanRecord): Record<string, unknown> {
  return Object.fromEntries(attributes.flatMap((name, i) => (i % 2 === 0 ? [[name, attributes[i + 1]]] : [])) as [string, unknown][]);
}

describe('a request', () => {
  test.each([
    [499, 0],
    [500, 1],
  ])('that takes %d ms has %d spans if 500 ms are slow', (ms, count) => {
    const { tracer, spans } = open({ slowMs: 500 });
    const exchange = exchangeOf();
    tracer.matched(exchange);
    tracer.ended(exchange, ms);
    expect(spans).toHaveLength(count);
    if (count === 1) expect((spans[0] as SpanRecord).endTime - (spans[0] as SpanRecord).startTime).toBeCloseTo(ms, 1);
  });

  test.each([
    [0, undefined],
    [5, undefined],
    [13, '13'],
    [14, '14'],
  ])('of gRPC with status %d has the error %s', (grpcStatus, error) => {
    const { tracer, spans } = open({ share: 1 });
    const exchange = exchangeOf({ grpc: true, path: '/shop.Carts/Get', method: 'POST', grpcStatus });
    tracer.matched(exchange);
    tracer.ended(exchange, 1);
    const found = attributesOf(spans[0] as SpanRecord);
    expect(spans[0]?.name).toBe('shop.Carts/Get');
    expect(found).toMatchObject({
      'rpc.system': 'grpc',
      'rpc.service': 'shop.Carts',
      'rpc.method': 'Get',
      'rpc.grpc.status_code': grpcStatus,
    });
    expect(found['error.type']).toBe(error);
  });

  test('has the revision of the configuration at its match', () => {
    const { tracer, spans } = open({ share: 1 });
    const exchange = exchangeOf();
    tracer.revision = '00000000000000aa';
    tracer.matched(exchange);
    tracer.revision = '00000000000000bb';
    tracer.ended(exchange, 1);
    expect(attributesOf(spans[0] as SpanRecord)['weir.config.revision']).toBe('00000000000000aa');
  });

  test('has a bound of spans', () => {
    const { tracer, spans } = open({ share: 1 });
    const exchange = exchangeOf();
    tracer.matched(exchange);
    for (let i = 0; i < 1_000; i++) {
      const attempt = attemptOf(exchange);
      tracer.attemptBegan(attempt);
      tracer.attemptEnded(attempt, 'failed', null);
      tracer.filterWaited(exchange, 'jwt', performance.now());
    }
    tracer.ended(exchange, 1);
    expect(spans).toHaveLength(1 + 65 + 64);
  });
});

describe('attempts at the same time', () => {
  test('have contexts of their own', () => {
    const { tracer } = open();
    const exchange = exchangeOf({ requestHeaders: ['accept', '*/*', 'traceparent', `00-${TRACE}-00f067aa0ba902b7-01`] });
    tracer.matched(exchange);
    const attempts = [attemptOf(exchange), attemptOf(exchange)];
    for (const attempt of attempts) tracer.attemptBegan(attempt);
    expect(exchange.requestHeaders).toEqual(['accept', '*/*']);
    expect(attempts.map(({ ownHeaders }) => ownHeaders)).toEqual(attempts.map(({ spanId }) => ['traceparent', `00-${TRACE}-${spanId}-01`]));
    expect(attempts[0]?.spanId).not.toBe(attempts[1]?.spanId);
  });

  test('of a request with filters: the filters see the span of the request', () => {
    const { tracer } = open();
    const route = { key: 'r', requestFilters: [], pathTemplate: '' };
    const exchange = exchangeOf({ route: route as never, requestHeaders: [] });
    tracer.matched(exchange);
    expect(exchange.requestHeaders).toEqual(['traceparent', `00-${exchange.trace?.traceId}-${exchange.trace?.spanId}-00`]);
  });
});
