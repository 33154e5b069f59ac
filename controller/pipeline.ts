// THE SPINE of the controller, the life of a change from top to bottom: event > store > batch > compile > push, status.
import type { Log } from '#lib/log.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { Compiler } from './compile/compile.ts';
import type { CompilerOptions } from './compile/compile.ts';
import type { CompileDelta, DesiredStatus } from './compile/result.ts';
import { Batcher } from './snapshot/batcher.ts';
import type { BatcherOptions } from './snapshot/batcher.ts';
import type { Change, Source, SourceListener, SourceProblem } from './watch/event.ts';

/** Where compiled resources go: to proxies, to each fleet its own. */
export interface ResourceSink {
  apply(delta: Pick<CompileDelta, 'changed' | 'removed' | 'fleets' | 'fleetsGone'>): void;
}

/** Where statuses go: the status writer, or nowhere when there is no cluster. */
export interface StatusSink {
  /** `forgotten` are objects that have no status from Weir any more. */
  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void;
}

/** Where the fleets go that Gateways have to themselves. */
export interface FleetSink {
  apply(delta: Pick<CompileDelta, 'fleets' | 'fleetsGone'>): void;
}

/** What a pipeline joins. */
export interface PipelineOptions {
  readonly sources: readonly Source[];
  readonly compiler: CompilerOptions;
  readonly batch: BatcherOptions;
  readonly push: ResourceSink;
  readonly status: StatusSink;
  /** Where fleets go; nowhere without a cluster. */
  readonly fleets?: FleetSink;
  readonly log: Log;
  /** Told of everything a batch did: metrics. */
  readonly compiled?: (delta: CompileDelta, ms: number) => void;
}

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #compiler: Compiler;
  readonly #batcher: Batcher;
  /** What compiling the batch under way has taken so far, milliseconds. */
  #spent = 0;
  #stopped = false;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#compiler = new Compiler(options.compiler);
    this.#batcher = new Batcher(options.batch, (changes) => this.#deliver(changes));
  }

  /** Starts every source; resolves when all have told what there is and the first batch is compiled. */
  async start(): Promise<void> {
    await Promise.all(this.#options.sources.map((source) => source.start(this.#listener())));
    await this.#batcher.synced();
  }

  #listener(): SourceListener {
    const told = new Map<string, SourceProblem>();
    return {
      changed: (changes) => this.#batcher.add(changes),
      synced: () => undefined,
      problems: (problems) => this.#report(told, problems),
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#batcher.stop();
    await Promise.all(this.#options.sources.map((source) => source.stop()));
  }

  /**
   * Compiles a batch and hands on what came of it. Compile alone knows which Secrets are referred to: those of which nothing is known
   * yet are read first, and only then does anybody learn of the batch. What a Secret holds makes nobody refer to another, so one
   * round is enough; of those that could not be read in time the source has said so.
   */
  #deliver(changes: readonly Change[]): Promise<void> | null {
    this.#spent = 0;
    if (!this.#compile(changes)) return null;
    const secrets = this.#wantSecrets();
    if (secrets !== null) return secrets.then(() => this.#deliverWithSecrets());
    this.#handOn();
    return null;
  }

  #deliverWithSecrets(): void {
    if (!this.#stopped && this.#compile(this.#batcher.take('Secret'))) this.#handOn();
  }

  #wantSecrets(): Promise<unknown> | null {
    const waits = this.#options.sources.flatMap((source) => source.want?.(this.#compiler.secretsRead) ?? []);
    return waits.length === 0 ? null : Promise.all(waits);
  }

  /** A bug leaves what was compiled before in force; the next batch is compiled all the same. */
  #compile(changes: readonly Change[]): boolean {
    const started = performance.now();
    try {
      this.#compiler.take(changes);
      this.#spent += performance.now() - started;
      return true;
    } catch (error) {
      this.#options.log.error({ err: error, changes: changes.length }, 'compile failed; the configuration stays as it was');
      return false;
    }
  }

  #handOn(): void {
    const started = performance.now();
    try {
      const delta = this.#compiler.flush();
      this.#options.fleets?.apply(delta);
      this.#options.push.apply(delta);
      this.#options.status.write(delta.statuses, delta.forgotten);
      this.#logDelta(delta);
      this.#options.compiled?.(delta, this.#spent + performance.now() - started);
    } catch (error) {
      this.#options.log.error({ err: error }, 'what was compiled could not be handed on');
    }
  }

  #logDelta(delta: CompileDelta): void {
    const { log } = this.#options;
    for (const { unit, error } of delta.faults) log.error({ err: error, unit }, 'a unit could not be compiled; its last output stays');
    for (const { object, errors } of delta.rejected) log.warn({ object, errors }, 'object refused');
    log.debug({ changed: delta.changed.length, removed: delta.removed.length, recompiled: delta.recompiled }, 'batch compiled');
  }

  /** Each problem is told once, and once more when it is gone. */
  #report(told: Map<string, SourceProblem>, problems: readonly SourceProblem[]): void {
    const { log } = this.#options;
    const now = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
    for (const [text, problem] of told) {
      if (now.has(text)) continue;
      told.delete(text);
      log.info({ ...problem }, 'a problem is gone');
    }
    for (const [text, problem] of now) {
      if (told.has(text)) continue;
      told.set(text, problem);
      log.warn({ ...problem }, 'left out of the configuration');
    }
  }
}
