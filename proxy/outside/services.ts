// Questions to services by URL: only to permitted addresses, without redirects, with limits of time and size, and with a breaker for each
// origin, so that a service that is away costs no time.
import CircuitBreaker from 'opossum';
import { Agent, request } from 'undici';
import { checkHost, guardedLookup, quoted, RefusedDestination, type AddressGuard } from '#lib/destination.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { OutsideAnswer, OutsideRequest } from '../exchange/outside.ts';
import type { ServiceCall } from '../exchange/tracing.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_BYTES = 1_048_576;
/** Connections to services with the same authorities share an agent. */
const MAX_AGENTS = 32;
const MAX_BREAKERS = 256;
const KEEP_ALIVE_MS = 30_000;
const CONNECTIONS = 16;

/** Half of the calls of the last seconds have failed: the breaker opens, and lets one call try again later. */
const BREAKER = {
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 5,
  rollingCountTimeout: 10_000,
  resetTimeout: 2_000,
  // A caller that leaves says nothing about the service.
  errorFilter: (error: unknown) => error instanceof Left || error instanceof RefusedDestination,
} as const;

class Left extends Error {}
class TooLarge extends Error {}

type Breaker = CircuitBreaker<[OutsideRequest], OutsideAnswer>;

export class OutsideServices {
  readonly #guard: AddressGuard;
  /** By authorities, the one used last at the end. */
  readonly #agents = new Map<string, Agent>();
  /** By origin, the one used last at the end. */
  readonly #breakers = new Map<string, Breaker>();

  constructor(guard: AddressGuard) {
    this.#guard = guard;
  }

  /** See Outside.ask. */
  async ask(asked: OutsideRequest): Promise<Result<OutsideAnswer>> {
    const url = URL.parse(asked.url);
    if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
      return err('is not a URL of http or https without credentials');
    const span = asked.trace?.call(callOf(asked, url)) ?? null;
    try {
      checkHost(url.hostname.replace(/^\[|\]$/g, ''), this.#guard);
      const answer = await this.#breakerOf(url.origin).fire(asked);
      span?.ended({ status: answer.status, error: '', endpoint: null });
      return ok(answer);
    } catch (error) {
      span?.ended({ status: -1, error: errorTypeOf(error), endpoint: null });
      return err(wordsFor(error));
    }
  }

  close(): void {
    for (const breaker of this.#breakers.values()) breaker.shutdown();
    for (const agent of this.#agents.values()) void agent.destroy();
    this.#breakers.clear();
    this.#agents.clear();
  }

  #breakerOf(origin: string): Breaker {
    const make = () => new CircuitBreaker((asked: OutsideRequest) => this.#send(asked), BREAKER);
    return recent(this.#breakers, origin, MAX_BREAKERS, make, (breaker) => breaker.shutdown());
  }

  #agentOf(ca: string): Agent {
    const make = () =>
      new Agent({
        connect: { lookup: guardedLookup(this.#guard), ...(ca === '' ? {} : { ca }) },
        keepAliveTimeout: KEEP_ALIVE_MS,
        connections: CONNECTIONS,
      });
    return recent(this.#agents, ca, MAX_AGENTS, make, (agent) => void agent.close());
  }

  async #send({ url, method = 'GET', headers = {}, body, ca = '', signal: left, ...limits }: OutsideRequest): Promise<OutsideAnswer> {
    const { timeout = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES } = limits;
    const timer = AbortSignal.timeout(timeout);
    const signal = left === undefined ? timer : AbortSignal.any([timer, left]);
    const dispatcher = this.#agentOf(ca);
    const options = { method, headers: { 'user-agent': 'weir', ...headers }, dispatcher, signal } as const;
    try {
      const answer = await request(url, body === undefined ? options : { ...options, body });
      return { status: answer.statusCode, headers: flat(answer.headers), body: await read(answer.body, maxBytes) };
    } catch (error) {
      throw hasLeft(left) ? new Left() : error;
    }
  }
}

function hasLeft(left: AbortSignal | undefined): boolean {
  return left?.aborted === true;
}

/** The entry with the key, made if it is missing; the one not used for the longest time goes if there are too many. */
function recent<T>(all: Map<string, T>, key: string, most: number, make: () => T, drop: (value: T) => void): T {
  const value = all.get(key) ?? make();
  all.delete(key);
  all.set(key, value);
  const [oldest] = all;
  if (all.size > most && oldest !== undefined) {
    all.delete(oldest[0]);
    drop(oldest[1]);
  }
  return value;
}

async function read(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new TooLarge(`answers with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function callOf({ method = 'GET' }: OutsideRequest, { origin, pathname }: URL): ServiceCall {
  return { protocol: 'http', method, url: origin + pathname, backend: '' };
}

/** A code of the system, or the class of the error. */
function errorTypeOf(error: unknown): string {
  const { name = '', code } = error as { readonly name?: string; readonly code?: unknown };
  return typeof code === 'string' ? code : name;
}

function wordsFor(error: unknown): string {
  const { name = '', code, message = '' } = error as { readonly name?: string; readonly code?: unknown; readonly message?: string };
  if (error instanceof TooLarge || error instanceof RefusedDestination) return message;
  if (error instanceof Left) return 'is no longer asked';
  if (name === 'TimeoutError') return 'does not answer in time';
  if (code === 'EOPENBREAKER') return 'has not answered lately';
  return `cannot be reached: ${typeof code === 'string' ? code : quoted(message)}`;
}
