// Response filters that wait, and stages that change the bodies of answers, with real clients and backends.
import { describe, expect, test } from '@jest/globals';
import type { BodyStage, StageOutlet } from '../../proxy/exchange/body-stage.ts';
import { ERRORS } from '../../proxy/exchange/errors.ts';
import type { Exchange } from '../../proxy/exchange/exchange.ts';
import { removeHeader, setHeader } from '../../proxy/exchange/headers.ts';
import type { AnswerChange } from '../../proxy/exchange/plan.ts';
import { UNKNOWN_LENGTH } from '../../proxy/exchange/stream.ts';
import { openFiltered, type MakeFilter } from '../support/filtered.ts';
import { closeAfterEach, get } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header, status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { still } from '../support/still.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const codeOf = (answer: { readonly body: string }): unknown => (JSON.parse(answer.body) as { readonly code: string }).code;

/** A response filter that decides on command. */
function waitingFilter(patience?: { readonly timeout: number; readonly failOpen: boolean }) {
  const { promise, resolve, reject } = Promise.withResolvers<AnswerChange>();
  const seen: Exchange[] = [];
  const make: MakeFilter = () => ({
    ...(patience === undefined ? {} : { patience }),
    response: (exchange) => {
      seen.push(exchange);
      return promise;
    },
  });
  return { make, decide: resolve, fail: reject, seen };
}

/** Puts a mark behind each piece of the body, and another behind its end. */
function marking(mark: string): BodyStage {
  return {
    data: (chunk, out) => out.data(Buffer.concat([chunk, Buffer.from(mark)])),
    end: (trailers, out) => {
      out.data(Buffer.from(`${mark}end`));
      out.end(trailers);
    },
  };
}

/** Passes each piece on in a later turn, one at a time. */
class LateStage implements BodyStage {
  readonly #waiting: Buffer[] = [];
  #end: (() => void) | null = null;
  #isBlocked = false;
  #isBusy = false;
  stopped = 0;
  /** The most bytes that waited. */
  held = 0;

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#waiting.push(Buffer.from(chunk));
    this.held = Math.max(
      this.held,
      this.#waiting.reduce((sum, { length }) => sum + length, 0),
    );
    this.#goOn(out);
    return false;
  }

  end(trailers: Parameters<StageOutlet['end']>[0], out: StageOutlet): void {
    this.#end = () => out.end(trailers);
    this.#goOn(out);
  }

  drained(out: StageOutlet): void {
    this.#isBlocked = false;
    this.#goOn(out);
    if (this.#waiting.length === 0) out.ready();
  }

  stop(): void {
    this.stopped++;
  }

  #goOn(out: StageOutlet): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => {
      this.#isBusy = false;
      if (this.stopped > 0 || this.#isBlocked) return;
      const next = this.#waiting.shift();
      if (next === undefined) return this.#end?.();
      this.#isBlocked = !out.data(next);
      if (this.#waiting.length > 0 || this.#end !== null) this.#goOn(out);
      else if (!this.#isBlocked) out.ready();
    });
  }
}

/** Adds a stage to every answer. */
function staged(make: () => BodyStage): MakeFilter {
  return () => ({
    response: (exchange) => {
      removeHeader(exchange.responseHeaders, 'content-length');
      exchange.responseLength = UNKNOWN_LENGTH;
      return make();
    },
  });
}

describe('a response filter that waits', () => {
  test('delays the head and the body, and may change the head', async () => {
    const waiting = waitingFilter();
    const { client } = await openFiltered([waiting.make], { behaviour: ok('x'.repeat(300_000)) });
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    expect(client.received).toBe('');
    setHeader((waiting.seen[0] as Exchange).responseHeaders, 'x-late', 'yes');
    waiting.decide();
    const answer = await client.answer();
    expect([status(answer), header(answer, 'x-late'), answer.body.length]).toEqual([200, 'yes', 300_000]);
  });

  test('delays an answer without a body', async () => {
    const waiting = waitingFilter();
    const { client } = await openFiltered([waiting.make], { behaviour: ok('') });
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    waiting.decide();
    expect(status(await client.answer())).toBe(200);
    expect(status(await client.ask(get()))).toBe(200);
  });

  test('delays an error of the proxy', async () => {
    const waiting = waitingFilter();
    const { client, upstream } = await openFiltered([waiting.make]);
    await upstream.close();
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    waiting.decide();
    expect(status(await client.answer())).toBe(502);
  });

  test('is cancelled when the client leaves', async () => {
    const waiting = waitingFilter();
    const { client, proxy } = await openFiltered([waiting.make]);
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    const { signal } = waiting.seen[0] as Exchange;
    client.destroy();
    await until(() => signal.aborted, 'the filter is cancelled');
    waiting.decide();
    await proxy.quiet();
    expect([proxy.worker.timers, proxy.metric('weir_bugs_total')]).toEqual([0, 0]);
  });

  test('that is out of time costs the answer, and the error passes no filter', async () => {
    const waiting = waitingFilter({ timeout: 50, failOpen: false });
    const { client } = await openFiltered([waiting.make]);
    const answer = await client.ask(get());
    expect([status(answer), codeOf(answer), waiting.seen.length]).toEqual([503, 'filter_timeout', 1]);
  });

  test('that is out of time is skipped if it fails open', async () => {
    const waiting = waitingFilter({ timeout: 50, failOpen: true });
    const { client } = await openFiltered([waiting.make], { behaviour: ok('done') });
    expect((await client.ask(get())).body).toBe('done');
  });

  test('that rejects costs one exchange', async () => {
    const waiting = waitingFilter();
    const { client, proxy } = await openFiltered([waiting.make]);
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    waiting.fail(new Error('a bug'));
    expect(codeOf(await client.answer())).toBe('internal_error');
    expect(proxy.metric('weir_bugs_total')).toBe(1);
  });

  test('whose backend breaks off afterwards gives no complete answer, and no other attempt', async () => {
    const waiting = waitingFilter();
    const { client, upstream } = await openFiltered([waiting.make], { behaviour: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345' });
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    waiting.decide();
    await until(() => client.received.includes('12345'), 'the beginning');
    upstream.connections[0]?.socket.destroy();
    await client.over();
    client.destroy();
    expect(upstream.requests).toHaveLength(1);
  });
});

describe('stages', () => {
  test('change a body in the order of the filters', async () => {
    // Answers pass filters in reverse.
    const { client } = await openFiltered([staged(() => marking('b')), staged(() => marking('a'))], { behaviour: ok('x') });
    expect((await client.ask(get())).body).toBe('xabaendbbend');
  });

  test('change an error of the proxy', async () => {
    const { client, upstream } = await openFiltered([staged(() => marking('!'))]);
    await upstream.close();
    expect((await client.ask(get())).body).toContain('!!end');
  });

  test('work in later turns, before and behind others', async () => {
    const late = () => staged(() => new LateStage());
    const { client } = await openFiltered([late(), staged(() => marking('.')), late()], { behaviour: ok('hello') });
    expect((await client.ask(get())).body).toBe('hello..end');
    expect((await client.ask(get())).body).toBe('hello..end');
  });

  test('get what arrived while a filter waited', async () => {
    const waiting = waitingFilter();
    const { client } = await openFiltered([staged(() => marking('.')), waiting.make], { behaviour: ok('hello') });
    client.write(get());
    await until(() => waiting.seen.length === 1, 'the filter has the answer');
    const { responseHeaders } = waiting.seen[0] as Exchange;
    removeHeader(responseHeaders, 'content-length');
    waiting.decide(new LateStage());
    expect((await client.answer()).body).toBe('hello..end');
  });

  test('slow the backend down to the speed of the client', async () => {
    const body = 'x'.repeat(20_000_000);
    const stage = new LateStage();
    const { client, upstream } = await openFiltered([staged(() => stage)], { behaviour: ok(body) });
    client.socket.pause();
    client.write(get());
    await still(() => upstream.connections[0]?.socket.bytesWritten ?? -1);
    // A few reads of the socket, however long the body is.
    expect(stage.held).toBeLessThan(1_000_000);
    client.socket.resume();
    expect((await client.answer()).body.length).toBe(body.length);
  });

  test('are told once that the exchange is over', async () => {
    const stage = new LateStage();
    const { client, proxy } = await openFiltered([staged(() => stage)], { behaviour: ok('hello') });
    expect((await client.ask(get())).body).toBe('hello');
    client.destroy();
    await proxy.quiet();
    expect(stage.stopped).toBe(1);
  });

  test('let the connection of the backend serve others as soon as the answer has come', async () => {
    const { client, upstream } = await openFiltered([staged(() => new LateStage())], { behaviour: ok('hello') });
    for (let i = 0; i < 5; i++) expect((await client.ask(get())).body).toBe('hello');
    expect(upstream.connections).toHaveLength(1);
  });

  test('may refuse a body: an answer that has begun is cut', async () => {
    const refusing: BodyStage = {
      data: (_, out) => {
        out.fail(ERRORS.upstreamMalformed);
        return true;
      },
      end: (trailers, out) => out.end(trailers),
    };
    const { client, proxy } = await openFiltered([staged(() => refusing)], { behaviour: ok('hello') });
    client.write(get());
    await client.over();
    client.destroy();
    await proxy.quiet();
    expect(client.received).not.toContain('hello');
  });

  test('with a bug in a later turn cost one exchange', async () => {
    const { client, proxy } = await openFiltered([staged(() => new LateStage()), staged(() => new LateStage())], {
      behaviour: ok('hello'),
    });
    const broken = Object.assign(new LateStage(), {
      data: () => {
        throw new Error('a bug');
      },
    });
    const other = await openFiltered([staged(() => broken), staged(() => new LateStage())], { behaviour: ok('hello') });
    other.client.write(get());
    await other.client.over();
    other.client.destroy();
    await other.proxy.quiet();
    expect(other.proxy.metric('weir_bugs_total')).toBe(1);
    expect((await client.ask(get())).body).toBe('hello');
    expect(proxy.metric('weir_bugs_total')).toBe(0);
  });

  test('send nothing for HEAD', async () => {
    const { client } = await openFiltered([staged(() => marking('.'))], { behaviour: 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n' });
    const answer = await client.ask(get('/').replace('GET', 'HEAD'), true);
    expect([status(answer), answer.body]).toEqual([200, '']);
  });

  test('change bodies of HTTP/2 clients', async () => {
    const { proxy } = await openFiltered([staged(() => marking('.')), staged(() => new LateStage())], { behaviour: ok('hello') });
    const session = openSession(proxy.port);
    const answer = await request(session);
    expect(String(answer.body)).toBe('hello..end');
    session.close();
  });
});
