// Sends batches to a collector, one at a time, and tries again after pauses that grow. While a collector is away, one small request in 30 s
// at most goes out: the pauses are the breaker. A batch that nothing takes for a minute is dropped, so that the newest records are not lost
// for the sake of old ones.
import { setTimeout as wait } from 'node:timers/promises';
import { Backoff } from '../backoff.ts';
import type { Log } from '../log.ts';
import { quoted } from './answer.ts';
import type { SignalSettings } from './settings.ts';
import { connect, readFiles } from './connect.ts';
import type { Delivery, TlsFiles, Transport } from './transport.ts';

/** A request, and the number of records in it. */
export interface Batch {
  readonly body: Buffer;
  readonly records: number;
}

export interface SenderOptions {
  readonly settings: SignalSettings;
  readonly log?: Log | undefined;
  /** For tests: the pauses between attempts, and how long a batch is tried, milliseconds. */
  readonly times?: SenderTimes;
}

export interface SenderTimes {
  readonly minimum: number;
  readonly maximum: number;
  readonly batchLife: number;
}

const TIMES: SenderTimes = { minimum: 500, maximum: 30_000, batchLife: 60_000 };
/** The longest pause that a collector may ask for. */
const LONGEST_PAUSE_MS = 60_000;

export class Sender {
  readonly #options: SenderOptions;
  readonly #times: SenderTimes;
  readonly #backoff: Backoff;
  readonly #drop: (reason: 'undelivered' | 'rejected' | 'stopped', records: number) => void;
  readonly #stopping = new AbortController();
  #waiting: Batch[] = [];
  #running: Promise<void> | null = null;
  #transport: Transport | null = null;
  /** What the transport is made of. */
  #tls: TlsFiles | null = null;
  /** The last request failed, and the log says so. */
  #isFailing = false;
  #isRejecting = false;
  records = 0;
  bytes = 0;
  exported = 0;
  readonly requests: Record<Delivery['kind'], number> = { delivered: 0, failed: 0, refused: 0 };

  constructor(options: SenderOptions, drop: (reason: 'undelivered' | 'rejected' | 'stopped', records: number) => void) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#backoff = new Backoff(this.#times);
    this.#drop = drop;
  }

  send(batch: Batch): void {
    this.records += batch.records;
    this.bytes += batch.body.length;
    this.#waiting.push(batch);
    this.#running ??= this.#run();
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** Ends attempts after the time, and drops what is left. */
  async close(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#stopping.abort(), timeoutMs);
    await this.idle();
    clearTimeout(timer);
    this.#transport?.close();
    this.#transport = null;
  }

  async #run(): Promise<void> {
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      await this.#deliver(batch);
      this.#waiting.shift();
      this.records -= batch.records;
      this.bytes -= batch.body.length;
    }
    this.#running = null;
  }

  /** Tries until the batch is delivered or given up. */
  async #deliver(batch: Batch): Promise<void> {
    const end = performance.now() + this.#times.batchLife;
    for (;;) {
      if (this.#stopping.signal.aborted) return this.#drop('stopped', batch.records);
      const delivery = await this.#attempt(batch);
      this.requests[delivery.kind]++;
      if (delivery.kind !== 'failed') return this.#settled(batch, delivery);
      this.#tellFailure(delivery.reason);
      const pause = Math.min(Math.max(this.#backoff.next(), delivery.afterMs ?? 0), LONGEST_PAUSE_MS);
      if (performance.now() + pause > end) return this.#drop(this.#stopping.signal.aborted ? 'stopped' : 'undelivered', batch.records);
      await wait(pause, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #attempt({ body }: Batch): Promise<Delivery> {
    try {
      const { tls, headers } = await readFiles(this.#options.settings);
      const transport = await this.#connected(tls);
      return await transport.send(body, headers, this.#stopping.signal);
    } catch (error) {
      // A file that is missing, or no certificate.
      return { kind: 'failed', afterMs: null, reason: quoted((error as Error).message) };
    }
  }

  /** The transport with the current certificates. */
  async #connected(tls: TlsFiles): Promise<Transport> {
    const isCurrent = this.#tls?.ca === tls.ca && this.#tls.certificate === tls.certificate && this.#tls.key === tls.key;
    if (this.#transport !== null && isCurrent) return this.#transport;
    this.#transport?.close();
    this.#transport = null;
    this.#transport = await connect(this.#options.settings, tls);
    this.#tls = tls;
    return this.#transport;
  }

  #settled({ records }: Batch, delivery: Exclude<Delivery, { kind: 'failed' }>): void {
    this.#backoff.reset();
    const rejected = delivery.kind === 'refused' ? records : Math.min(delivery.rejected, records);
    this.exported += records - rejected;
    if (rejected > 0) this.#drop('rejected', rejected);
    this.#tellSettled(rejected, delivery.reason);
  }

  /** Says once that a collector fails, and once that it is back. */
  #tellFailure(reason: string): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.log?.warn({ ...this.#who, reason }, 'the OpenTelemetry collector takes nothing; it is tried again');
  }

  #tellSettled(rejected: number, reason: string): void {
    if (this.#isFailing) this.#options.log?.warn(this.#who, 'the OpenTelemetry collector answers again');
    this.#isFailing = false;
    if (rejected > 0 && !this.#isRejecting)
      this.#options.log?.warn({ ...this.#who, reason, records: rejected }, 'the OpenTelemetry collector rejects records, which are lost');
    this.#isRejecting = rejected > 0;
  }

  get #who(): object {
    const { signal, url } = this.#options.settings;
    return { signal, url };
  }
}
