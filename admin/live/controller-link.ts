// The connection to one controller: opened again with back-off, with the certificates that the files have then.
import { setTimeout as delay } from 'node:timers/promises';
import { connectivityState, status } from '@grpc/grpc-js';
import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import { loadCredentials } from '#api/wire/credentials.ts';
import type { TlsFiles } from '#api/wire/credentials.ts';
import { MAX_CALL_MS, PART_BYTES } from '#api/wire/operator-limits.ts';
import { connectOperator } from '#api/wire/operator.ts';
import type { CallStream, OperatorClient, OperatorHead, OperatorPart } from '#api/wire/operator.ts';
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { ControllerState, LiveAnswer, LiveCall, LiveFault } from './live.ts';

/** How to reach a controller. */
export interface LinkOptions {
  /** `host:port`. */
  readonly address: string;
  readonly tls: TlsFiles;
  /** The name in its certificate; '' for the host of the address. */
  readonly serverName: string;
  readonly log: Log;
  /** Called when it is connected, and when a connection has failed. */
  readonly changed: () => void;
  readonly backoff?: { readonly minimum: number; readonly maximum: number };
}

const BACKOFF = { minimum: 200, maximum: 5_000 };
/** The time for a connection, milliseconds. */
const CONNECT_MS = 5_000;
const CHANNEL = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // A message has one part of an answer.
  'grpc.max_receive_message_length': PART_BYTES + 1_024,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
};

const FAULTS: Readonly<Partial<Record<status, LiveFault['code']>>> = {
  [status.UNAVAILABLE]: 'controllers-away',
  [status.CANCELLED]: 'controllers-away',
  [status.DEADLINE_EXCEEDED]: 'controller-silent',
  [status.RESOURCE_EXHAUSTED]: 'controller-busy',
  [status.UNIMPLEMENTED]: 'operation-unknown',
};

export class ControllerLink {
  readonly #options: LinkOptions;
  readonly #stop = new AbortController();
  /** Connected. */
  #client: OperatorClient | null = null;
  /** Connected, or about to. */
  #opened: OperatorClient | null = null;
  #since = new Date();
  #lastError = '';
  #wasTried = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#opened?.close();
    await this.#running;
  }

  /** Whether a connection has succeeded or failed. */
  get wasTried(): boolean {
    return this.#wasTried;
  }

  get state(): ControllerState {
    const { address } = this.#options;
    return { address, connected: this.#client !== null, since: this.#since.toISOString(), lastError: this.#lastError };
  }

  /** Runs an operation; null without a connection. Never rejects. */
  async call({ operation, input, caller, deadlineMs, signal }: LiveCall): Promise<Result<LiveAnswer, LiveFault> | null> {
    const client = this.#client;
    if (client === null) return null;
    const message = { operation, input: Buffer.from(JSON.stringify(input)), caller };
    const stream = client.run(message, { deadline: Date.now() + MAX_CALL_MS });
    return new RunningOperation(stream, signal, this.#options.address).head(deadlineMs);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const backoff = new Backoff(this.#options.backoff ?? BACKOFF);
    while (!signal.aborted) {
      const reason = await this.#connection(() => backoff.reset());
      if (signal.aborted) return;
      this.#failed(reason);
      await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves to the reason of its end. Never rejects. */
  async #connection(connected: () => void): Promise<string> {
    const { address, tls, serverName } = this.#options;
    let client: OperatorClient | null = null;
    try {
      const { channel, options } = await loadCredentials(tls, address, serverName);
      client = connectOperator(address, channel, { ...CHANNEL, ...options });
      this.#opened = client;
      await accepted(client);
      connected();
      this.#became(client);
      await lost(client);
      return 'the connection ended';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      this.#client = null;
      client?.close();
    }
  }

  #became(client: OperatorClient): void {
    const { address, log, changed } = this.#options;
    this.#client = client;
    this.#since = new Date();
    this.#wasTried = true;
    log.info({ controller: address }, 'connected to a controller');
    changed();
  }

  #failed(reason: string): void {
    const { address, log, changed } = this.#options;
    if (this.#lastError !== reason || !this.#wasTried) {
      this.#since = new Date();
      log.warn({ controller: address, reason }, 'not connected to a controller');
    }
    this.#lastError = reason;
    this.#wasTried = true;
    changed();
  }
}

/** Calls no operation: the controller says so if it accepts the connection and the certificate. Rejects with the reason otherwise. */
async function accepted(client: OperatorClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<StatusObject>();
  const nothing = { operation: '', input: Buffer.from('{}'), caller: '' };
  const stream = client.run(nothing, { deadline: Date.now() + CONNECT_MS });
  stream.on('error', () => undefined);
  stream.on('status', resolve);
  stream.resume();
  const { code, details } = await promise;
  if (code !== status.UNIMPLEMENTED) throw new Error(details);
}

/** Resolves once the connection is lost, or the client is closed. */
function lost(client: OperatorClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.getChannel().watchConnectivityState(connectivityState.READY, Infinity, () => resolve());
  return promise;
}

/** A call from its beginning to the end of its answer. */
class RunningOperation {
  readonly #stream: CallStream;
  readonly #parts: AsyncIterator<OperatorPart>;
  readonly #address: string;

  constructor(stream: CallStream, signal: AbortSignal, address: string) {
    this.#stream = stream;
    this.#address = address;
    this.#parts = (stream as AsyncIterable<OperatorPart>)[Symbol.asyncIterator]();
    // After the end of the reading, too.
    stream.on('error', () => undefined);
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel);
    stream.once('close', () => signal.removeEventListener('abort', cancel));
    if (signal.aborted) cancel();
  }

  /** Waits for the head. */
  async head(deadlineMs: number): Promise<Result<LiveAnswer, LiveFault>> {
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      this.#stream.cancel();
    }, deadlineMs);
    try {
      const head = await this.#readHead();
      return head === null ? err({ code: 'controller-refuses', reason: 'the answer has no head' }) : ok({ ...head, body: this.#body() });
    } catch (error) {
      return err(isLate ? { code: 'controller-silent', reason: `${this.#address} does not answer in time` } : this.#faultOf(error));
    } finally {
      clearTimeout(late);
    }
  }

  async #readHead(): Promise<OperatorHead | null> {
    const first = await this.#parts.next();
    return first.done !== true && first.value.part === 'head' ? first.value.head : null;
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = await this.#parts.next();
        if (next.done === true) return;
        if (next.value.part === 'data') yield next.value.data;
      }
    } catch (error) {
      throw new Error(`${this.#address}: ${(error as Error).message}`, { cause: error });
    } finally {
      this.#stream.cancel();
    }
  }

  #faultOf(error: unknown): LiveFault {
    const { code, details } = error as ServiceError;
    return { code: FAULTS[code] ?? 'controller-refuses', reason: `${this.#address}: ${details}` };
  }
}
