// A tap in the access log: hands lines that its filter keeps to one reader, at a limited rate. A slow reader gets fewer lines; requests
// never wait.
import { setTimeout as wait } from 'node:timers/promises';
import type { LogFilter } from '#api/access-log/filter.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import type { Inspected, Inspecting, TailInspection } from '../../inspection/inspection.ts';
import { PART_BYTES } from '../../inspection/inspection.ts';
import { ok } from '#lib/result.ts';
import { keeps } from './filter.ts';
import type { Subject } from './filter.ts';

/** How long lines gather before they leave together. */
const GATHER_MS = 50;
/** Lines that wait for the reader. */
const MAX_WAITING_BYTES = 256 * 1_024;

export class Tap {
  readonly #filter: LogFilter;
  readonly #bucket: TokenBucket;
  #lines: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  #arrived: () => void = () => undefined;
  #left: () => void = () => undefined;

  constructor({ filter, rate }: TailInspection) {
    this.#filter = filter;
    this.#bucket = new TokenBucket({ burst: rate, perSecond: rate });
  }

  /** Whether the tap takes the line of an exchange or stream. A line above the rate or for a slow reader is counted as dropped. */
  wants(subject: Subject): boolean {
    if (this.#filter !== null && !keeps(this.#filter, subject)) return false;
    if (this.#bytes < MAX_WAITING_BYTES && this.#bucket.take() === 0) return true;
    this.#dropped++;
    return false;
  }

  /** Takes a line, with its line break. */
  take(line: string): void {
    const bytes = Buffer.from(line);
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
    this.#arrived();
  }

  /** Hands lines on until the signal. Each part has whole lines. */
  async run({ part, signal }: Inspecting): Promise<Inspected> {
    const end = (): void => {
      this.#arrived();
      this.#left();
    };
    signal.addEventListener('abort', end);
    while (!signal.aborted) {
      if (this.#lines.length === 0) await new Promise<void>((resolve) => (this.#arrived = resolve));
      await wait(GATHER_MS, undefined, { ref: false });
      if (this.#lines.length > 0) await this.#send(part);
    }
    signal.removeEventListener('abort', end);
    return ok({ dropped: this.#dropped + this.#lines.length });
  }

  /** Resolves when the part has left, or the tap ends. */
  #send(part: Inspecting['part']): Promise<void> {
    return new Promise((resolve) => {
      this.#left = resolve;
      void part(this.#next()).finally(resolve);
    });
  }

  /** As many lines as a part has room for. */
  #next(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const line of this.#lines) {
      if (count > 0 && bytes + line.length > PART_BYTES) break;
      bytes += line.length;
      count++;
    }
    this.#bytes -= bytes;
    return Buffer.concat(this.#lines.splice(0, count));
  }
}
