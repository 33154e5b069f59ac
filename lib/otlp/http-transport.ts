// OTLP over HTTP with bodies in protobuf.
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { Agent, request } from 'undici';
import { parseAnswer } from './answer.ts';
import { failureOf } from './failure.ts';
import { MAX_ANSWER_BYTES } from './transport.ts';
import type { Headers } from './headers.ts';
import type { Delivery, Transport, TransportOptions } from './transport.ts';

const compressed = promisify(gzip);
/** Records repeat one another: the best level makes them 4 % smaller for two and a half times the CPU. */
const COMPRESSION = { level: constants.Z_BEST_SPEED };

/** Answers after which the protocol has another attempt. */
const RETRIED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export class HttpTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #agent: Agent;

  constructor(options: TransportOptions) {
    this.#options = options;
    const { ca, certificate, key } = options.tls;
    const connect = { ...(ca === '' ? {} : { ca }), ...(certificate === '' ? {} : { cert: certificate, key }) };
    this.#agent = new Agent({ connect, connections: 1, maxHeaderSize: 16_384 });
  }

  async send(body: Buffer, headers: Headers, stopped: AbortSignal): Promise<Delivery> {
    const { url, timeoutMs, compression } = this.#options;
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]);
    const encoding: Headers = compression === 'gzip' ? [['content-encoding', 'gzip']] : [];
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: Object.fromEntries([...headers, ['content-type', 'application/x-protobuf'], ['user-agent', 'weir'], ...encoding]),
        body: compression === 'gzip' ? await compressed(body, COMPRESSION) : body,
        dispatcher: this.#agent,
        signal,
      });
      return await deliveryOf(answer.statusCode, answer.headers['retry-after'], answer.body);
    } catch (error) {
      return failureOf(error);
    }
  }

  close(): void {
    void this.#agent.destroy();
  }
}

async function deliveryOf(status: number, retryAfter: string | string[] | undefined, body: AsyncIterable<Buffer>): Promise<Delivery> {
  const answer = await read(body);
  if (status >= 200 && status < 300) return parseAnswer(answer);
  const reason = `it answers ${status}`;
  return RETRIED.has(status) ? { kind: 'failed', afterMs: secondsOf(retryAfter), reason } : { kind: 'refused', reason };
}

/** Seconds of Retry-After; its form with a date is not used by collectors. */
function secondsOf(text: string | string[] | undefined): number | null {
  return typeof text === 'string' && /^[0-9]{1,6}$/.test(text) ? Number(text) * 1_000 : null;
}

/** The body, or nothing if it is too long or does not end: its status has come, and says enough. */
async function read(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) return Buffer.alloc(0);
      chunks.push(chunk);
    }
  } catch {
    return Buffer.alloc(0);
  }
  return Buffer.concat(chunks);
}
