// The counts of one route or endpoint over two hours: the current step as a cell, the steps before packed in chunks of ten minutes. A chunk
// that is complete also has its sum, so that a long range reads sums and only its ends step by step.
import { PackedReader, PackedWriter } from '#lib/varint.ts';
import { Cell } from './cell.ts';

/** The length of a step, milliseconds. */
export const STEP_MS = 10_000;
/** The steps of a window: two hours. */
export const STEPS = 720;
/** The steps of a chunk. */
const CHUNK_STEPS = 60;
/** About the memory of a chunk besides its bytes. */
const CHUNK_OVERHEAD = 256;

interface Chunk {
  /** The number of its first step, divided by CHUNK_STEPS. */
  readonly number: number;
  /** For each step with counts: the step within the chunk, then a block with the packed cell. */
  readonly steps: Uint8Array;
  /** The packed sum. */
  readonly sum: Uint8Array;
}

/** Steps from `first` to `last`, both included. */
export interface StepRange {
  readonly first: number;
  readonly last: number;
}

const scratch = new PackedWriter();

export class Series {
  /** The current step; packed when another one begins. */
  readonly open: Cell;
  #step = -1;
  #chunks: readonly Chunk[] = [];
  /** The chunk of the current step. */
  #writer: PackedWriter | null = null;
  #chunk = -1;

  /** `size`: the number of counters. */
  constructor(size: number) {
    this.open = new Cell(size);
  }

  /** About the memory of the packed steps, bytes. */
  get bytes(): number {
    return this.#chunks.reduce(
      (sum, { steps, sum: { length } }) => sum + steps.length + length + CHUNK_OVERHEAD,
      this.#writer?.length ?? 0,
    );
  }

  /** Whether it has no counts. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0 && this.#writer === null && this.open.isEmpty;
  }

  /** The cell of the current step. */
  at(step: number): Cell {
    this.turn(step);
    return this.open;
  }

  /** Packs what is before the step. */
  turn(step: number): void {
    if (step === this.#step) return;
    if (!this.open.isEmpty) this.#pack();
    this.open.clear();
    this.#step = step;
    if (Math.floor(step / CHUNK_STEPS) !== this.#chunk) this.#complete();
  }

  /** Forgets chunks that end before the step. */
  forget(before: number): void {
    const isKept = ({ number }: Chunk): boolean => (number + 1) * CHUNK_STEPS > before;
    if (!this.#chunks.every(isKept)) this.#chunks = this.#chunks.filter(isKept);
  }

  /** Adds the counts of a range. `withSketch`: also the durations. */
  addTo(cell: Cell, range: StepRange, withSketch: boolean): void {
    for (const { number, steps, sum } of this.#chunks) {
      const first = number * CHUNK_STEPS;
      const last = first + CHUNK_STEPS - 1;
      if (first >= range.first && last <= range.last) cell.addPacked(sum, withSketch);
      else if (last >= range.first && first <= range.last) addSteps(cell, { steps, first }, range, withSketch);
    }
    if (this.#writer !== null) addSteps(cell, { steps: this.#writer.view(), first: this.#chunk * CHUNK_STEPS }, range, withSketch);
    if (this.#step >= range.first && this.#step <= range.last) cell.add(this.open);
  }

  #pack(): void {
    const chunk = Math.floor(this.#step / CHUNK_STEPS);
    if (chunk !== this.#chunk) this.#complete();
    this.#chunk = chunk;
    this.#writer ??= new PackedWriter();
    scratch.clear();
    this.open.pack(scratch);
    this.#writer.number(this.#step % CHUNK_STEPS);
    this.#writer.block(scratch.view());
  }

  #complete(): void {
    if (this.#writer === null) return;
    const steps = this.#writer.view().slice();
    const first = this.#chunk * CHUNK_STEPS;
    const sum = new Cell(this.open.counts.length);
    addSteps(sum, { steps, first }, { first, last: first + CHUNK_STEPS - 1 }, true);
    scratch.clear();
    sum.pack(scratch);
    this.#chunks = [...this.#chunks, { number: this.#chunk, steps, sum: scratch.view().slice() }];
    this.#writer = null;
  }
}

function addSteps(
  cell: Cell,
  { steps, first }: { readonly steps: Uint8Array; readonly first: number },
  range: StepRange,
  withSketch: boolean,
): void {
  const reader = new PackedReader(steps);
  while (!reader.isAtEnd) {
    const step = first + reader.number();
    const packed = reader.block();
    if (step > range.last) return;
    if (step >= range.first) cell.addPacked(packed, withSketch);
  }
}
