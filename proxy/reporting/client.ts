// The telemetry stream of a proxy over gRPC: connects to a controller, keeps one dialogue, and connects again when it ends. Nothing of the
// proxy waits for it.
import { setTimeout as wait } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '#api/wire/limits.ts';
import { connectTelemetry } from '#api/wire/telemetry.ts';
import type { ReportStream, TelemetryClient } from '#api/wire/telemetry.ts';
import type { FromProxy, ToProxy } from '#api/wire/telemetry-messages.ts';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import { loadCredentials } from '#api/wire/credentials.ts';
import type { TlsFiles } from '#api/wire/credentials.ts';
import type { BlockSharing } from './block-line.ts';
import type { Commands } from './commands.ts';
import { Dialogue } from './dialogue.ts';
import type { Line } from './dialogue.ts';
import type { Borrowing } from './lending.ts';
import { Outbox } from './outbox.ts';
import type { ReportSource } from './source.ts';

/** Milliseconds. */
export interface ReportingTimes {
  /** The waits between connections. */
  readonly backoff: BackoffOptions;
  /** The wait after a controller of an earlier release, which has no telemetry. */
  readonly unsupported: number;
  readonly keepalive: { readonly every: number; readonly timeout: number };
  /** How long a controller may take to answer. */
  readonly patience: number;
}

export const REPORTING_TIMES: ReportingTimes = {
  backoff: { minimum: 500, maximum: 30_000 },
  unsupported: 10 * 60_000,
  keepalive: { every: 10_000, timeout: 5_000 },
  patience: 60_000,
};

export interface ReportingOptions {
  /** `host:port` of a controller. */
  readonly address: string;
  /** 'plaintext', for loopback addresses only. */
  readonly tls: TlsFiles | 'plaintext';
  /** The name in the controller's certificate if it differs from the host, else ''. */
  readonly serverName: string;
  readonly nodeId: string;
  readonly weirVersion: string;
  /** Random, one for each start of the proxy. */
  readonly instance: string;
  readonly workers: number;
  readonly source: ReportSource;
  readonly commands: Commands;
  /** Limits of the fleet. */
  readonly borrowing: Borrowing;
  /** Blocks of threat detection. */
  readonly blocks: BlockSharing;
  readonly log: Log;
  readonly times?: ReportingTimes;
}

/** The state of the stream, for metrics. */
export interface ReportingState {
  readonly connected: boolean;
  /** Since the start of the process. */
  readonly streams: number;
  readonly reports: number;
  /** Entries that wait for a report. */
  readonly waiting: number;
}

export class Reporting {
  readonly #options: ReportingOptions;
  readonly #times: ReportingTimes;
  readonly #outbox = new Outbox();
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #connected = false;
  #streams = 0;
  #reports = 0;
  /** The controller has no telemetry: this is logged once. */
  #unsupported = false;

  constructor(options: ReportingOptions) {
    this.#options = options;
    this.#times = options.times ?? REPORTING_TIMES;
    this.#backoff = new Backoff(this.#times.backoff);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  state(): ReportingState {
    return { connected: this.#connected, streams: this.#streams, reports: this.#reports, waiting: this.#outbox.waiting };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const end = await this.#connect();
      const wasConnected = this.#connected;
      this.#connected = false;
      if (signal.aborted) return;
      this.#note(end, wasConnected);
      const delay = end.code === status.UNIMPLEMENTED ? this.#times.unsupported * (1 + Math.random()) : this.#backoff.next();
      await wait(delay, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The push stream logs that no controller answers; this stream logs only its own end. */
  #note({ code, details }: Ended, wasConnected: boolean): void {
    const { address, log } = this.#options;
    if (code === status.UNIMPLEMENTED && !this.#unsupported) {
      this.#unsupported = true;
      log.warn({ address }, 'the controller is of a release without telemetry: it shows nothing of this proxy; upgrade the controller');
    } else if (wasConnected || code === status.PERMISSION_DENIED || code === status.INVALID_ARGUMENT) {
      log.warn({ address, reason: details }, 'the telemetry stream to the controller ended');
    } else log.debug({ address, reason: details }, 'no telemetry stream to the controller');
  }

  /** One connection to its end. */
  async #connect(): Promise<Ended> {
    const { address, tls, serverName } = this.#options;
    const { every, timeout } = this.#times.keepalive;
    let client: TelemetryClient | null = null;
    try {
      const { channel, options } = await loadCredentials(tls, address, serverName);
      client = connectTelemetry(address, channel, {
        'grpc.keepalive_time_ms': every,
        'grpc.keepalive_timeout_ms': timeout,
        'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
        'grpc.use_local_subchannel_pool': 1,
        'grpc.enable_retries': 0,
        ...options,
      });
      return await this.#follow(client.report());
    } catch (error) {
      return { code: null, details: error instanceof Error ? error.message : String(error) };
    } finally {
      client?.close();
    }
  }

  async #follow(stream: ReportStream): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const cancel = (): void => stream.cancel();
    const { source, commands, borrowing, blocks } = this.#options;
    const line: Line = {
      send: (message) => written(stream, message),
      end: (reason) => {
        resolve({ code: null, details: reason });
        cancel();
      },
    };
    const dialogue = new Dialogue({
      ...{ hello: this.#hello(), outbox: this.#outbox, source, commands, borrowing, blocks, line, patience: this.#times.patience },
      reported: () => void this.#reports++,
      welcomed: () => this.#welcomed(),
    });
    this.#stopping.signal.addEventListener('abort', cancel);
    if (this.#stopping.signal.aborted) cancel();
    stream.on('data', (message: ToProxy) => dialogue.receive(message));
    stream.on('error', () => undefined);
    stream.on('status', ({ code, details }: StatusObject) => resolve({ code, details: `${status[code]}: ${details}` }));
    dialogue.begin();
    const end = await promise;
    dialogue.close();
    this.#stopping.signal.removeEventListener('abort', cancel);
    return end;
  }

  #welcomed(): void {
    this.#connected = true;
    this.#unsupported = false;
    this.#streams++;
    this.#backoff.reset();
  }

  #hello() {
    const { nodeId, weirVersion, instance, workers, commands } = this.#options;
    return { nodeId, weirVersion, instance, workers, commands: commands.names };
  }
}

/** `code` is null if this end ended the stream. */
interface Ended {
  readonly code: status | null;
  readonly details: string;
}

/** Resolves when HTTP/2 has taken the message, or the stream has ended. */
function written(stream: ReportStream, message: FromProxy): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once('close', resolve);
  stream.write(message, () => {
    stream.removeListener('close', resolve);
    resolve();
  });
  return promise;
}
