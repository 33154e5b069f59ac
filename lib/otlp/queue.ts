// The queue of one signal: records are encoded as they come, gathered to batches, and sent one batch after the other. It has a limit of
// bytes and of records, and records that do not fit are dropped and counted. Nothing waits for it.
import { WireWriter } from '../protobuf/wire-writer.ts';
import { record, requestHead } from './encode.ts';
import type { Origin } from './encode.ts';
import { Sender } from './sender.ts';
import type { Batch, SenderOptions } from './sender.ts';

/** Why records got lost. */
export const DROP_REASONS = ['queue_full', 'too_large', 'undelivered', 'rejected', 'stopped'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface QueueOptions<R> extends SenderOptions {
  /** Writes the fields of a record. */
  readonly write: (writer: WireWriter, record: R) => void;
  readonly origin: Origin;
  /** The most bytes that wait or are under way. */
  readonly maxBytes: number;
  /** The largest record, bytes; 64 KiB by default. */
  readonly maxRecordBytes?: number;
}

/** A batch is full with so many records or bytes. Collectors take 4 MiB by default. */
const BATCH_RECORDS = 512;
const BATCH_BYTES = 262_144;
const MAX_RECORD_BYTES = 65_536;
/** The room of a batch grows from this. */
const FIRST_BATCH_BYTES = 16_384;
/** The most records that wait or are under way. */
const MAX_RECORDS = 65_536;

export class RecordQueue<R> {
  readonly #options: QueueOptions<R>;
  readonly #sender: Sender;
  readonly #writer = new WireWriter();
  readonly #dropped: Record<DropReason, number> = { queue_full: 0, too_large: 0, undelivered: 0, rejected: 0, stopped: 0 };
  /** What a batch has besides its records. */
  readonly #headBytes: number;
  /** The records of the open batch, one behind the other. */
  #batch = Buffer.allocUnsafeSlow(0);
  #records = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: QueueOptions<R>) {
    this.#options = options;
    this.#headBytes = requestHead(this.#writer, options.origin, options.maxBytes).length;
    this.#sender = new Sender(options, (reason, records) => (this.#dropped[reason] += records));
  }

  /** Takes a record, or drops it. */
  add(value: R): void {
    const { maxBytes, maxRecordBytes = MAX_RECORD_BYTES, write, settings } = this.#options;
    if (this.#isClosed) return this.#drop('stopped');
    if (this.bytes >= maxBytes || this.records >= MAX_RECORDS) return this.#drop('queue_full');
    this.#writer.reset();
    record(this.#writer, value, write);
    const { length } = this.#writer;
    if (length > maxRecordBytes) return this.#dropLarge();
    if (this.#bytesWith(length) > maxBytes) return this.#drop('queue_full');
    this.#makeRoom(length);
    this.#writer.copyTo(this.#batch, this.#bytes);
    this.#records++;
    this.#bytes += length;
    if (this.#records >= BATCH_RECORDS || this.#bytes >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), settings.batchAgeMs).unref();
  }

  /** Sends what has been gathered, full or not. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#records === 0) return;
    this.#sender.send(this.#takeBatch());
  }

  /** Records that wait or are under way. */
  get records(): number {
    return this.#records + this.#sender.records;
  }

  /** Their bytes. */
  get bytes(): number {
    return this.#sender.bytes + (this.#records === 0 ? 0 : this.#headBytes + this.#bytes);
  }

  /** Records that a collector has. */
  get exported(): number {
    return this.#sender.exported;
  }

  /** Records that got lost, by reason. */
  get dropped(): Readonly<Record<DropReason, number>> {
    return this.#dropped;
  }

  /** Requests by how they ended. */
  get requests(): Sender['requests'] {
    return this.#sender.requests;
  }

  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void> {
    return this.#sender.idle();
  }

  /** Sends what is left for up to `timeoutMs`; the rest is dropped. Records that come later are dropped too. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    this.flush();
    await this.#sender.close(timeoutMs);
  }

  /** The bytes with one more record, which may begin a batch. */
  #bytesWith(length: number): number {
    return this.#sender.bytes + this.#headBytes + this.#bytes + length;
  }

  #makeRoom(length: number): void {
    const bytes = this.#bytes + length;
    if (bytes <= this.#batch.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BATCH_BYTES, this.#batch.length * 2, bytes));
    this.#batch.copy(larger, 0, 0, this.#bytes);
    this.#batch = larger;
  }

  #takeBatch(): Batch {
    const [records, bytes] = [this.#records, this.#bytes];
    this.#records = 0;
    this.#bytes = 0;
    const body = Buffer.concat([requestHead(this.#writer, this.#options.origin, bytes), this.#batch.subarray(0, bytes)]);
    // Without load the room is not kept.
    if (records < BATCH_RECORDS) this.#batch = Buffer.allocUnsafeSlow(0);
    return { body, records };
  }

  #drop(reason: DropReason): void {
    this.#dropped[reason]++;
  }

  /** The writer has grown with the record, and would keep the memory. */
  #dropLarge(): void {
    this.#writer.shrink();
    this.#drop('too_large');
  }
}
