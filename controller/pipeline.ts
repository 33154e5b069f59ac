// THE SPINE of the controller, the life of a change from top to bottom: event > store > batch > compile > push, status.
import { occupying } from '#lib/event-loop/occupation.ts';
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { Compiler } from './compile/compile.ts';
import type { CompilerOptions } from './compile/compile.ts';
import type { PairCounts } from './compile/kept-pairs.ts';
import type { CompileDelta, DesiredStatus, UnitFault } from './compile/result.ts';
import { FAULT } from './compile/view.ts';
import { Outlet } from './outlet.ts';
import type { Sink } from './outlet.ts';
import { Batcher } from './snapshot/batcher.ts';
import type { BatcherOptions } from './snapshot/batcher.ts';
import type { Change, Source, SourceListener, Wanted } from './watch/event.ts';
import { ProblemLog } from './watch/problem-log.ts';
import { ProblemCounts } from './status/problem-counts.ts';

/** The kinds that sources report on demand. */
const WANTED_KINDS: ReadonlySet<string> = new Set<keyof Wanted>(['Secret', 'ConfigMap', 'FoundEndpoints', 'SessionKeys']);
/** Rounds of a batch: its objects, then the Secrets and ConfigMaps that they refer to, then the endpoints that are looked up with these Secrets. */
const MAX_ROUNDS = 3;

/** How many objects that failed to compile `troubles` names. */
const MAX_TOLD = 20;

/** The sources and sinks that a pipeline connects. */
export interface PipelineOptions {
  readonly sources: readonly Source[];
  readonly compiler: CompilerOptions;
  readonly batch: BatcherOptions;
  /** Sinks by name, in the order in which they get each batch. */
  readonly sinks: Readonly<Record<string, Sink>>;
  readonly log: Log;
  /** If absent, bugs are logged but not counted. */
  readonly faults?: Faults;
  /** Called with the result of every batch, for metrics. */
  readonly compiled?: (delta: CompileDelta, ms: number) => void;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #compiler: Compiler;
  readonly #batcher: Batcher;
  readonly #outlets: readonly Outlet[];
  readonly #faults: Faults;
  readonly #problems = new ProblemCounts();
  /** Compile time of the current batch so far, milliseconds. */
  #spent = 0;
  #stopped = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#compiler = new Compiler(options.compiler);
    this.#batcher = new Batcher(options.batch, (changes) => this.#deliver(changes));
    const faults = options.faults ?? new Faults(options.log);
    this.#faults = faults;
    this.#outlets = Object.entries(options.sinks).map(([name, sink]) => new Outlet({ name, sink, faults }));
  }

  /** Starts every source; resolves once all sources are synced and the essential sinks have taken the first batch. */
  async start(): Promise<void> {
    await Promise.all(this.#options.sources.map((source) => source.start(this.#listener(source))));
    await this.#batcher.synced();
    await Promise.all(this.#outlets.filter(({ isEssential }) => isEssential).map(({ first }) => first));
  }

  #listener(source: Source): SourceListener {
    const log = new ProblemLog(this.#options.log);
    return {
      changed: (changes) => this.#batcher.add(changes),
      synced: () => undefined,
      problems: (problems) => {
        this.#problems.report(source, problems);
        log.report(problems);
      },
      skipped: (kinds) => log.skipped(kinds),
    };
  }

  /** All compiled resources. */
  resources(): Iterable<EncodedResource> {
    return this.#compiler.resources();
  }

  /** The uid of an object; '' if it is not known. */
  uidOf(ref: ObjectRef): string {
    return this.#compiler.uidOf(ref);
  }

  /** The number of objects that are not served as written, by kind. */
  problems(): ReadonlyMap<string, number> {
    return this.#problems.byKind(this.#compiler.invalid);
  }

  /** The changes that wait for a batch. */
  get waiting(): number {
    return this.#batcher.size;
  }

  /** Every status as of the last batch. */
  statuses(): Iterable<DesiredStatus> {
    return this.#compiler.statuses();
  }

  /** Counts of TLS Secrets, by the state of their pairs. */
  get pairs(): PairCounts {
    return this.#compiler.pairs;
  }

  /** Units that a bug keeps from compiling, and sinks that have failed for a while. One text each. */
  troubles(): readonly string[] {
    const faulty = [...this.#compiler.faulty()].map(({ unit, object }) => `${object} ${FAULT} (${unit})`);
    return [...this.#outlets.flatMap(({ trouble }) => trouble ?? []), ...faulty.slice(0, MAX_TOLD)];
  }

  /** The units that failed to compile in the last batch because of a bug. */
  faulty(): Iterable<UnitFault> {
    return this.#compiler.faulty();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#batcher.stop();
    await Promise.all([...this.#options.sources, ...this.#outlets].map((end) => end.stop()));
  }

  /**
   * Compiles a batch and hands the delta on. Compiling finds what is wanted on demand: unknown Secrets and ConfigMaps, and endpoints that are looked up.
   * They are read and compiled before any sink gets the delta. The sources limit the waits.
   */
  #deliver(changes: readonly Change[]): Promise<void> | null {
    this.#spent = 0;
    return this.#deliverRound(changes, 1);
  }

  #deliverRound(changes: readonly Change[], round: number): Promise<void> | null {
    if (this.#stopped || !this.#compile(changes)) return null;
    const answers = this.#want();
    if (answers !== null && round < MAX_ROUNDS) {
      return answers.then(() => this.#deliverRound(this.#batcher.take(WANTED_KINDS), round + 1) ?? undefined);
    }
    this.#handOn();
    return null;
  }

  #want(): Promise<unknown> | null {
    const { wanted } = this.#compiler;
    const waits = this.#options.sources.flatMap((source) => source.want?.(wanted) ?? []);
    return waits.length === 0 ? null : Promise.all(waits);
  }

  /** After a bug the last good output stays in use, and the next batch is compiled as usual. */
  #compile(changes: readonly Change[]): boolean {
    const started = performance.now();
    try {
      occupying('compile', () => this.#compiler.take(changes));
      this.#spent += performance.now() - started;
      return true;
    } catch (error) {
      this.#faults.report('compile', error, { changes: changes.length });
      return false;
    }
  }

  #handOn(): void {
    const started = performance.now();
    this.#faults.guard('flush', () => {
      const delta = occupying('compile', () => this.#compiler.flush());
      this.#problems.take(delta);
      for (const outlet of this.#outlets) outlet.give(delta);
      this.#logDelta(delta);
      this.#options.compiled?.(delta, this.#spent + performance.now() - started);
    });
  }

  #logDelta(delta: CompileDelta): void {
    const { log } = this.#options;
    for (const { unit, object, error } of delta.faults)
      log.error({ err: error, unit, object }, 'a bug: the object could not be compiled; its last good output stays in use');
    for (const { object, errors } of delta.rejected) log.warn({ object, errors }, 'object refused');
    log.debug({ changed: delta.changed.length, removed: delta.removed.length, recompiled: delta.recompiled }, 'batch compiled');
  }
}
