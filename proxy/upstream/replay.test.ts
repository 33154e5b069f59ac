// Which bodies can be sent again: those that are small, as far as they have come.
import { describe, expect, test } from '@jest/globals';
import { attemptOf } from '../../test/support/pool-rig.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { UNKNOWN_LENGTH } from '../exchange/stream.ts';
import { canReplay, isIdempotent, keepForReplay, sentKept, startReplay } from './replay.ts';

const LIMIT = 10;

/** An exchange whose body is to be so long. */
function exchangeOf(requestLength: number): Exchange {
  return attemptOf({ requestLength }).exchange;
}

/** The body comes piece by piece, as on the request path. */
function take(exchange: Exchange, ...pieces: readonly string[]): void {
  for (const piece of pieces) {
    exchange.requestBytes += piece.length;
    keepForReplay(exchange, Buffer.from(piece), LIMIT);
  }
}

function kept({ replay }: Exchange): string | null {
  return replay === null ? null : Buffer.concat(replay.pieces).toString();
}

describe('a body', () => {
  test('is kept to its last byte as long as it is within the bound', () => {
    const exchange = exchangeOf(LIMIT);
    startReplay(exchange, LIMIT);
    take(exchange, 'hello', 'world');
    expect([kept(exchange), canReplay(exchange)]).toEqual(['helloworld', true]);
  });

  test('of no known length is kept until it is beyond the bound, and nothing of it after that', () => {
    const exchange = exchangeOf(UNKNOWN_LENGTH);
    startReplay(exchange, LIMIT);
    take(exchange, 'hello', 'world');
    expect(canReplay(exchange)).toBe(true);
    take(exchange, '!');
    expect([kept(exchange), canReplay(exchange)]).toEqual([null, false]);
    take(exchange, 'more');
    expect([kept(exchange), canReplay(exchange)]).toEqual([null, false]);
  });

  test('that says it is too large is not kept, and can be sent as long as nothing of it has come', () => {
    const exchange = exchangeOf(LIMIT + 1);
    startReplay(exchange, LIMIT);
    expect([exchange.replay, canReplay(exchange)]).toEqual([null, true]);
    take(exchange, 'h');
    expect(canReplay(exchange)).toBe(false);
  });

  test('is a copy: what arrives is valid during the call only', () => {
    const exchange = exchangeOf(LIMIT);
    startReplay(exchange, LIMIT);
    const chunk = Buffer.from('hello');
    exchange.requestBytes = chunk.length;
    keepForReplay(exchange, chunk, LIMIT);
    chunk.fill('x');
    expect(kept(exchange)).toBe('hello');
  });

  test('that was only gathered before it was sent cannot be sent twice where it is too large', () => {
    for (const [length, can] of [
      [LIMIT, true],
      [LIMIT + 1, false],
    ] as const) {
      const exchange = exchangeOf(LIMIT);
      startReplay(exchange, LIMIT);
      take(exchange, 'hello');
      exchange.requestLength = length;
      sentKept(exchange, LIMIT);
      expect(canReplay(exchange)).toBe(can);
    }
  });

  test('there is none of needs nothing kept', () => {
    const exchange = exchangeOf(0);
    startReplay(exchange, LIMIT);
    expect([exchange.replay, canReplay(exchange)]).toEqual([null, true]);
  });
});

test.each([
  ['GET', true],
  ['HEAD', true],
  ['PUT', true],
  ['DELETE', true],
  ['POST', false],
  ['PATCH', false],
  ['CONNECT', false],
  ['get', false],
  ['UNKNOWN', false],
])('%s does no more when it is sent twice: %s', (method, twice) => {
  expect(isIdempotent(attemptOf({ method }).exchange)).toBe(twice);
});
