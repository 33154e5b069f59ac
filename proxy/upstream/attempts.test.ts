// Every attempt is counted once, with any ending, and leaves no timer.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { Attempt, AttemptOutcome } from '../exchange/attempt.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { ExchangeEvents } from '../exchange/exchange-events.ts';
import { Exchange } from '../exchange/exchange.ts';
import { KeptBody } from '../exchange/kept-body.ts';
import { Attempts } from './attempts.ts';

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

const TIMEOUT_MS = 1_000;
const PAUSE_MS = 40;
const TRANSPORT = { protocol: 'http1', tls: null };

/** Records the calls to a stream of a backend. */
class FakeStream {
  readonly told: string[] = [];

  writeData(chunk: Buffer): boolean {
    this.told.push(chunk.toString());
    return true;
  }

  end(): void {
    this.told.push('end');
  }

  abort(): void {
    this.told.push('abort');
  }
}

/** An endpoint, and the attempts that its pool got and removed. */
class FakeEndpoint {
  active = 0;
  readonly sent: Attempt[] = [];
  readonly forgotten: Attempt[] = [];

  pool() {
    return { send: (attempt: Attempt) => void this.sent.push(attempt), forget: (attempt: Attempt) => void this.forgotten.push(attempt) };
  }
}

function open(endpoints: readonly FakeEndpoint[], retry: object | null = null) {
  const wheel = new TimerWheel();
  const told: [Attempt, AttemptOutcome, string | null][] = [];
  const deadlines: string[] = [];
  const attempts = new Attempts({
    wheel,
    limits: { maxReplayBytes: 10 },
    events: new ExchangeEvents(),
    deadlines: {
      timedOut: (_, { code }) => void deadlines.push(code),
      attemptTimedOut: () => void deadlines.push('attempt'),
      hedgeDue: () => void deadlines.push('hedge'),
      refusalOfWait: () => null,
      admitted: () => undefined,
      refused: () => undefined,
      retryDue: () => void deadlines.push('retry'),
    },
  });
  const client: string[] = [];
  const downstream = { pauseRequest: () => void client.push('pause'), resumeRequest: () => void client.push('resume') };
  const exchange = new Exchange({} as never, downstream as never, 0);
  const pick = (tried: readonly FakeEndpoint[]) => endpoints.find((each) => !tried.includes(each)) ?? null;
  exchange.method = 'GET';
  const attemptEnded = (attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null) =>
    void told.push([attempt, outcome, error?.code ?? null]);
  const retryBudget = { requested: () => undefined };
  exchange.backend = {
    cluster: {
      pick,
      lack: ERRORS.noEndpoints,
      gate: null,
      transport: TRANSPORT,
      attemptBegan: () => undefined,
      attemptAnswered: () => undefined,
      attemptEnded,
      retryBudget,
    },
  } as never;
  exchange.route = {
    backendRequestTimeout: TIMEOUT_MS,
    protocol: null,
    proxyProtocol: 0,
    retry,
    hedge: null,
    timeoutHeader: null,
  } as never;
  return { wheel, told, deadlines, attempts, client, exchange };
}

/** The last started attempt. */
function current(exchange: Exchange): Attempt {
  if (exchange.attempt === null) throw new Error('no attempt was begun');
  return exchange.attempt;
}

describe('an attempt', () => {
  test('counts at its endpoint until its end', () => {
    const endpoint = new FakeEndpoint();
    const { attempts, exchange } = open([endpoint]);
    expect(attempts.begin(exchange)).toBe(null);
    expect([endpoint.active, endpoint.sent, exchange.attempts]).toEqual([1, [exchange.attempt], 1]);
    attempts.ended(current(exchange), 'answered', null);
    expect(endpoint.active).toBe(0);
  });

  test.each<[AttemptOutcome, AttemptOutcome]>([
    ['answered', 'abandoned'],
    ['failed', 'failed'],
    ['abandoned', 'answered'],
  ])('that is %s is reported once, also after %s, and leaves no timer', (outcome, later) => {
    const endpoint = new FakeEndpoint();
    const { attempts, exchange, told, wheel, deadlines } = open([endpoint]);
    attempts.begin(exchange);
    const attempt = current(exchange);
    attempts.ended(attempt, outcome, outcome === 'failed' ? ERRORS.upstreamReset : null);
    attempts.ended(attempt, later, ERRORS.upstreamTimeout);
    attempts.stop(attempt, later);
    expect(told).toEqual([[attempt, outcome, outcome === 'failed' ? 'upstream_reset' : null]]);
    expect([endpoint.active, wheel.size]).toEqual([0, 0]);
    jest.advanceTimersByTime(2 * TIMEOUT_MS);
    expect(deadlines).toEqual([]);
  });

  test('with a deadline is reported when the deadline passes', () => {
    const { attempts, exchange, deadlines } = open([new FakeEndpoint()]);
    attempts.begin(exchange);
    jest.advanceTimersByTime(TIMEOUT_MS);
    expect(deadlines).toEqual([]);
    jest.advanceTimersByTime(100);
    expect(deadlines).toEqual(['attempt']);
  });

  test('that is stopped leaves the waiting line, or is cut on its connection', () => {
    const endpoint = new FakeEndpoint();
    const { attempts, exchange, told } = open([endpoint]);
    attempts.begin(exchange);
    const waiting = current(exchange);
    attempts.stop(waiting, 'abandoned');
    attempts.begin(exchange);
    const sent = current(exchange);
    const stream = new FakeStream();
    sent.stream = stream as never;
    attempts.stop(sent, 'declined');
    expect([endpoint.forgotten, stream.told, sent.stream]).toEqual([[waiting], ['abort'], null]);
    expect(told.map(([, outcome]) => outcome)).toEqual(['abandoned', 'declined']);
    attempts.stop(null, 'abandoned');
    expect(told).toHaveLength(2);
  });

  test('without any endpoint fails and is not counted', () => {
    const { attempts, exchange, told } = open([]);
    expect(attempts.begin(exchange)).toBe(ERRORS.noEndpoints);
    expect([exchange.attempt, exchange.attempts, told]).toEqual([null, 0, []]);
  });
});

describe('another attempt', () => {
  test('uses another endpoint, or the same after a connection that was dead before its use', () => {
    const [first, second] = [new FakeEndpoint(), new FakeEndpoint()];
    const { attempts, exchange } = open([first, second]);
    attempts.begin(exchange);
    const attempt = current(exchange);
    attempt.reused = true;
    attempts.ended(attempt, 'failed', ERRORS.upstreamReset);
    attempts.repeat(attempt);
    expect(current(exchange).endpoint).toBe(first);
    const again = current(exchange);
    attempts.ended(again, 'failed', ERRORS.upstreamConnectFailed);
    attempts.repeat(again);
    expect(current(exchange).endpoint).toBe(second);
    expect([first.active, second.active, exchange.attempts]).toEqual([0, 1, 3]);
  });

  test('starts after the pause of the route, with the client paused', () => {
    const endpoint = new FakeEndpoint();
    const { attempts, exchange, deadlines, client } = open([endpoint, new FakeEndpoint()]);
    exchange.requestLength = 5;
    attempts.begin(exchange);
    const attempt = current(exchange);
    attempts.ended(attempt, 'failed', ERRORS.upstreamReset);
    attempt.pause = PAUSE_MS;
    expect(attempts.repeat(attempt)).toBe(null);
    expect([exchange.attempts, deadlines, client]).toEqual([1, [], ['pause', 'pause']]);
    jest.advanceTimersByTime(PAUSE_MS + 50);
    expect(deadlines).toEqual(['retry']);
  });
});

describe('a body', () => {
  function begun(fields: Partial<Exchange>) {
    const opened = open([new FakeEndpoint()]);
    Object.assign(opened.exchange, fields);
    opened.attempts.begin(opened.exchange);
    const stream = new FakeStream();
    current(opened.exchange).stream = stream as never;
    opened.attempts.ready(current(opened.exchange));
    return { ...opened, stream };
  }

  function keptBody(text: string): KeptBody {
    const body = new KeptBody();
    body.keep(Buffer.from(text));
    return body;
  }

  test('is sent from its kept part, then resumes', () => {
    const { stream, client, exchange } = begun({ requestLength: 9, requestBytes: 5, replay: keptBody('hello') });
    expect([stream.told, client]).toEqual([['hello'], ['pause', 'resume']]);
    expect(exchange.replay).not.toBe(null);
  });

  test('that is complete is sent and ended, without a call to the client', () => {
    const { stream, client } = begun({ requestLength: 5, requestBytes: 5, requestBodyEnded: true, replay: keptBody('hello') });
    expect([stream.told, client]).toEqual([['hello', 'end'], []]);
  });

  test('that is too large to repeat is not kept after its beginning is sent', () => {
    const { stream, exchange } = begun({ requestLength: 11, requestBytes: 5, replay: keptBody('hello') });
    expect([stream.told, exchange.replay]).toEqual([['hello'], null]);
  });

  test('of an attempt that ended is not sent', () => {
    const { attempts, exchange, client } = open([new FakeEndpoint()]);
    exchange.requestLength = 5;
    attempts.begin(exchange);
    attempts.ready(current(exchange));
    expect(client).toEqual(['pause']);
  });
});
