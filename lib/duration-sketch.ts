// Counts of durations from which any percentile is known within 1.6 %, whatever the durations are. Sketches add up: that of ten proxies is
// the sum of theirs. Buckets divide each power of two into 32, so the bits of the number itself name the bucket: an observation takes
// neither a search nor a logarithm. Packed, most buckets take one byte.
import { PackedReader, PackedWriter } from './varint.ts';

/** Bits of the fraction that name a bucket within a power of two: 32 buckets. */
const FRACTION_BITS = 5;
const PER_OCTAVE = 1 << FRACTION_BITS;
/** Shorter durations count as this one, in milliseconds: 2^-6 is about 16 µs. */
const LEAST_EXPONENT = -6;
/** Durations from 2^23 ms (2.3 hours) count in the last bucket. */
const OCTAVES = 29;

/** The number of buckets. */
export const SKETCH_BUCKETS = OCTAVES * PER_OCTAVE;
/** The most bytes of a packed sketch, unless a bucket has more than 2^28 durations. */
export const MAX_SKETCH_BYTES = SKETCH_BUCKETS * 6;

const FLOAT = new Float64Array(1);
/** The halves of the number; the second has sign, exponent and the first 20 bits of the fraction (little endian). */
const HALVES = new Uint32Array(FLOAT.buffer);
const SHIFT = 20 - FRACTION_BITS;
const FIRST = (1_023 + LEAST_EXPONENT) << FRACTION_BITS;

/** The bucket of a duration in milliseconds. */
function bucketOf(ms: number): number {
  if (!(ms > 0)) return 0;
  FLOAT[0] = ms;
  const bucket = ((HALVES[1] as number) >>> SHIFT) - FIRST;
  if (bucket < 0) return 0;
  return bucket < SKETCH_BUCKETS ? bucket : SKETCH_BUCKETS - 1;
}

/** The value for all durations of a bucket, milliseconds: the one whose relative error is the same at both ends. */
function valueOf(bucket: number): number {
  const octave = 2 ** (LEAST_EXPONENT + Math.floor(bucket / PER_OCTAVE));
  const low = 1 + (bucket % PER_OCTAVE) / PER_OCTAVE;
  const high = low + 1 / PER_OCTAVE;
  return (octave * 2 * low * high) / (low + high);
}

/** The counts of a bucket that share a byte with the number of empty buckets before it. */
const NIBBLE = 15;

export class DurationSketch {
  /** By power of two; null without any: most series need four or five. */
  readonly #octaves = new Array<number[] | null>(OCTAVES).fill(null);
  #total = 0;

  /** The number of durations. */
  get total(): number {
    return this.#total;
  }

  /** Counts a duration in milliseconds. */
  observe(ms: number): void {
    this.#add(bucketOf(ms), 1);
  }

  /** Counts `count` durations of about `ms` milliseconds. */
  add(ms: number, count: number): void {
    if (count > 0) this.#add(bucketOf(ms), count);
  }

  /** Adds the counts of another sketch. */
  merge(other: DurationSketch): void {
    for (const [octave, counts] of other.#octaves.entries())
      counts?.forEach((count, index) => {
        if (count > 0) this.#add(octave * PER_OCTAVE + index, count);
      });
  }

  /** Adds the counts of a packed sketch. False, and nothing is added, if the bytes are not one. */
  unpack(bytes: Uint8Array): boolean {
    if (bytes.length > MAX_SKETCH_BYTES || !isPacked(bytes)) return false;
    eachOf(bytes, (bucket, count) => this.#add(bucket, count));
    return true;
  }

  /** The counts in few bytes; empty without durations. */
  pack(): Uint8Array {
    if (this.#total === 0) return EMPTY;
    const writer = new PackedWriter();
    let next = 0;
    for (const [octave, counts] of this.#octaves.entries()) {
      if (counts === null) continue;
      for (let index = 0; index < PER_OCTAVE; index++) {
        const count = counts[index] as number;
        if (count === 0) continue;
        const bucket = octave * PER_OCTAVE + index;
        write(writer, bucket - next, count);
        next = bucket + 1;
      }
    }
    return writer.view().slice();
  }

  /** Packs the counts and begins anew. */
  take(): Uint8Array {
    const packed = this.pack();
    this.clear();
    return packed;
  }

  clear(): void {
    if (this.#total === 0) return;
    for (const counts of this.#octaves) counts?.fill(0);
    this.#total = 0;
  }

  /** The duration that this share (0 to 1) of the durations does not exceed, milliseconds; null without durations. */
  quantile(share: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    let last = 0;
    for (const [octave, counts] of this.#octaves.entries()) {
      for (let index = 0; counts !== null && index < PER_OCTAVE; index++) {
        const count = counts[index] as number;
        if (count === 0) continue;
        last = octave * PER_OCTAVE + index;
        seen += count;
        if (seen >= rank) return valueOf(last);
      }
    }
    return valueOf(last);
  }

  /** The share (0 to 1) of the durations that are longer than so many milliseconds; those of its bucket are not. Null without durations. */
  shareAbove(ms: number): number | null {
    if (this.#total === 0) return null;
    const limit = bucketOf(ms);
    let above = 0;
    for (const [octave, counts] of this.#octaves.entries())
      counts?.forEach((count, index) => {
        if (octave * PER_OCTAVE + index > limit) above += count;
      });
    return above / this.#total;
  }

  #add(bucket: number, count: number): void {
    const octave = bucket >>> FRACTION_BITS;
    const counts = (this.#octaves[octave] ??= new Array<number>(PER_OCTAVE).fill(0));
    const index = bucket & (PER_OCTAVE - 1);
    counts[index] = (counts[index] as number) + count;
    this.#total += count;
  }
}

const EMPTY = new Uint8Array(0);

function write(writer: PackedWriter, gap: number, count: number): void {
  if (gap <= NIBBLE && count <= NIBBLE) return writer.byte((gap << 4) | count);
  writer.byte(0);
  writer.number(gap);
  writer.number(count);
}

function eachOf(bytes: Uint8Array, take: (bucket: number, count: number) => void): boolean {
  const reader = new PackedReader(bytes);
  let bucket = 0;
  while (!reader.isAtEnd) {
    const byte = reader.byte();
    const isLong = byte === 0;
    const gap = isLong ? reader.number() : byte >>> 4;
    const count = isLong ? reader.number() : byte & NIBBLE;
    bucket += gap;
    if (reader.isBroken || count === 0 || bucket >= SKETCH_BUCKETS) return false;
    take(bucket++, count);
  }
  return true;
}

function isPacked(bytes: Uint8Array): boolean {
  return eachOf(bytes, () => undefined);
}
