// The objects of the cluster as the compiler sees them: watched as by a controller, from the first dry run on.
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { ApiClient } from '../../../controller/watch/api-client.ts';
import type { CompilerOptions } from '../../../controller/compile/compile.ts';
import type { Change } from '../../../controller/watch/event.ts';
import { WATCHED_KINDS, type WatchedKind } from '../../../controller/watch/kinds.ts';
import { KubernetesSource } from '../../../controller/watch/kubernetes.ts';
import type { UnreadableObject } from '../../compilation/compilation.ts';
import { EffectCompiler, type EffectResult, type EffectRun } from '../../compilation/effect-compiler.ts';
import type { Compiled, Side } from '../../compilation/effect-thread.ts';

/** How long the first dry run waits for all objects, milliseconds. */
const START_MS = 30_000;
/** Compilations of one state: its objects, then Secrets and ConfigMaps that they refer to, then what these refer to. */
const MAX_ROUNDS = 3;
/** A kind that the admin program may not read is left out; the others are still compiled. */
const KINDS: readonly WatchedKind[] = WATCHED_KINDS.map((kind) => ({ ...kind, optional: true }));
const BY_NAME: ReadonlyMap<string, WatchedKind> = new Map(KINDS.map((kind) => [kind.name, kind]));

/** Objects that differ from the cluster, by id; null for one that does not exist. */
export type Overlay = ReadonlyMap<string, JsonObject | null>;

export interface ClusterContentOptions {
  /** Those to read; empty means all. */
  readonly namespaces: readonly string[];
  readonly compiler: CompilerOptions;
}

export class ClusterContent {
  readonly #source: KubernetesSource;
  readonly #compiler: EffectCompiler;
  readonly #objects = new Map<string, KubernetesObject>();
  /** By id. */
  readonly #unreadable = new Map<string, UnreadableObject>();
  #started: Promise<void> | null = null;
  /** Ids of the objects without content in the last compilation. */
  #hidden: readonly string[] = [];

  constructor(client: ApiClient, { namespaces, compiler }: ClusterContentOptions) {
    this.#source = new KubernetesSource(client, { kinds: KINDS, namespaces });
    this.#compiler = new EffectCompiler(compiler);
  }

  /** Why the objects are not all known; '' if they are. The first call begins to watch, and waits. */
  async trouble(): Promise<string> {
    this.#started ??= this.#source.start({
      changed: (changes) => this.#take(changes),
      synced: () => undefined,
      problems: () => undefined,
    });
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), START_MS);
    const inTime = await Promise.race([this.#started.then(() => true), late]);
    clearTimeout(timer);
    const failing = [...this.#source.troubles().values()].find(({ problem }) => problem.type === 'failing');
    return failing?.message ?? (inTime ? '' : 'it has not listed all objects yet');
  }

  /** Runs one dry run after those before it. */
  run<T>(work: (run: EffectRun) => EffectResult<T>): EffectResult<T> {
    return this.#compiler.run(work);
  }

  /** Compiles the cluster as it is, with these objects instead of its own, for one side of a dry run. */
  async compile(run: EffectRun, side: Side, overlay: Overlay): Promise<void> {
    for (let round = 1; ; round++) {
      const { wanted } = await this.#compile(run, side, overlay);
      const wanting = this.#source.want({ Secret: new Set(wanted.Secret), ConfigMap: new Set(wanted.ConfigMap) });
      if (wanting === null || round === MAX_ROUNDS) return;
      await wanting;
    }
  }

  async close(): Promise<void> {
    await this.#source.stop();
    await this.#compiler.close();
  }

  #take(changes: readonly Change[]): void {
    for (const change of changes) {
      const id = objectId(change.type === 'upsert' ? refOf(change.object) : change.ref);
      this.#unreadable.delete(id);
      if (change.type === 'upsert') this.#objects.set(id, change.object);
      else if (change.type === 'delete') this.#objects.delete(id);
      else if (change.type === 'unreadable') this.#unreadable.set(id, change);
    }
  }

  async #compile(run: EffectRun, side: Side, overlay: Overlay): Promise<Compiled> {
    const objects = new Map(this.#objects);
    for (const [id, object] of overlay)
      if (object === null) objects.delete(id);
      else objects.set(id, projected(object));
    const unreadable = {
      objects: [...this.#unreadable.values()],
      kinds: [...this.#source.troubles().keys()],
      reason: 'the admin program may not read it',
      except: [...overlay.keys()],
    };
    const compiled = await run.compile(side, { objects, problems: [], unreadable, forget: this.#mustForget(objects) });
    this.#hidden = compiled.unreadable;
    return compiled;
  }

  /** The compiler remembers which objects it could not read, so that a readable one needs a new compiler. */
  #mustForget(objects: ReadonlyMap<string, KubernetesObject>): boolean {
    return this.#hidden.some((id) => objects.has(id) || !this.#isHidden(id));
  }

  #isHidden(id: string): boolean {
    return this.#unreadable.has(id) || this.#source.troubles().has(id.slice(0, id.indexOf('/')));
  }
}

/** The fields that the compiler reads, as a watch reports them. */
function projected(object: JsonObject): KubernetesObject {
  const kind = BY_NAME.get(String(object['kind']));
  return (kind === undefined ? object : kind.project(object)) as unknown as KubernetesObject;
}
