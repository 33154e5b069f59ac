// Bodies that can be sent again: small ones, as far as they have arrived.
import { describe, expect, test } from '@jest/globals';
import { attemptOf } from '../../test/support/pool-rig.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { UNKNOWN_LENGTH } from '../exchange/stream.ts';
import type { UpstreamStream } from '../exchange/stream.ts';
import { canReplay, isIdempotent, keepForReplay, sentKept, startReplay } from './replay.ts';

const LIMIT = 10;

/** An exchange with this announced length, whose attempt has a connection unless it waits for one. */
function exchangeOf(requestLength: number, waits = false): Exchange {
  const attempt = attemptOf({ requestLength });
  attempt.stream = waits ? null : ({} as UpstreamStream);
  attempt.exchange.attempt = attempt;
  return attempt.exchange;
}

/** Passes the pieces of a body, as on the request path. */
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
  test('is kept completely up to the limit', () => {
    const exchange = exchangeOf(LIMIT);
    startReplay(exchange, LIMIT);
    take(exchange, 'hello', 'world');
    expect([kept(exchange), canReplay(exchange)]).toEqual(['helloworld', true]);
  });

  test('of unknown length is kept until it exceeds the limit, and then dropped', () => {
    const exchange = exchangeOf(UNKNOWN_LENGTH);
    startReplay(exchange, LIMIT);
    take(exchange, 'hello', 'world');
    expect(canReplay(exchange)).toBe(true);
    take(exchange, '!');
    expect([kept(exchange), canReplay(exchange)]).toEqual([null, false]);
    take(exchange, 'more');
    expect([kept(exchange), canReplay(exchange)]).toEqual([null, false]);
  });

  test('is kept beyond the limit as long as no attempt can take it', () => {
    const exchange = exchangeOf(UNKNOWN_LENGTH, true);
    startReplay(exchange, LIMIT);
    take(exchange, 'hello', 'world', '!');
    expect([kept(exchange), canReplay(exchange)]).toEqual(['helloworld!', true]);
  });

  test('announced as too large is not kept, and can be sent until its first bytes arrive', () => {
    const exchange = exchangeOf(LIMIT + 1);
    startReplay(exchange, LIMIT);
    expect([exchange.replay, canReplay(exchange)]).toEqual([null, true]);
    take(exchange, 'h');
    expect(canReplay(exchange)).toBe(false);
  });

  test('is copied, because a chunk is valid only during the call', () => {
    const exchange = exchangeOf(LIMIT);
    startReplay(exchange, LIMIT);
    const chunk = Buffer.from('hello');
    exchange.requestBytes = chunk.length;
    keepForReplay(exchange, chunk, LIMIT);
    chunk.fill('x');
    expect(kept(exchange)).toBe('hello');
  });

  test('that was only collected cannot be sent twice if it is too large', () => {
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

  test('that is absent needs nothing kept', () => {
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
