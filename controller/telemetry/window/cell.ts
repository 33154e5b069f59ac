// The counts of one series in one step: a few counters, counts by code, and a sketch of durations. Packed for the memory of two hours.
import { DurationSketch } from '#lib/duration-sketch.ts';
import { PackedReader, type PackedWriter } from '#lib/varint.ts';

export class Cell {
  readonly counts: Float64Array;
  /** By the number of the code. */
  readonly codes = new Map<number, number>();
  readonly sketch = new DurationSketch();

  /** `size`: the number of counters, 30 at most. */
  constructor(size: number) {
    this.counts = new Float64Array(size);
  }

  get isEmpty(): boolean {
    return this.codes.size === 0 && this.sketch.total === 0 && this.counts.every((count) => count === 0);
  }

  clear(): void {
    this.counts.fill(0);
    this.codes.clear();
    this.sketch.clear();
  }

  addCode(code: number, count: number): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + count);
  }

  /** Adds another cell with as many counters. */
  add(other: Cell): void {
    for (const [index, count] of other.counts.entries()) this.counts[index] = (this.counts[index] as number) + count;
    for (const [code, count] of other.codes) this.addCode(code, count);
    this.sketch.merge(other.sketch);
  }

  pack(writer: PackedWriter): void {
    writer.number(this.counts.reduce((mask, count, index) => (count > 0 ? mask | (1 << index) : mask), 0));
    for (const count of this.counts) if (count > 0) writer.number(count);
    writer.number(this.codes.size);
    for (const [code, count] of this.codes) {
      writer.number(code);
      writer.number(count);
    }
    writer.block(this.sketch.pack());
  }

  /** Adds a packed cell. `withSketch`: also its durations. */
  addPacked(bytes: Uint8Array, withSketch: boolean): void {
    const reader = new PackedReader(bytes);
    const mask = reader.number();
    for (let index = 0; index < this.counts.length; index++)
      if ((mask & (1 << index)) !== 0) this.counts[index] = (this.counts[index] as number) + reader.number();
    for (let left = reader.number(); left > 0; left--) this.addCode(reader.number(), reader.number());
    if (withSketch) this.sketch.unpack(reader.block());
  }
}
