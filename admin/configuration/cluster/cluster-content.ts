// The objects of the cluster as the compiler sees them: watched as by a controller, from the first dry run on.
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { ApiClient } from '../../../controller/watch/api-client.ts';
import type { CompilerOptions } from '../../../controller/compile/compile.ts';
import type { Change, Wanted } from '../../../controller/watch/event.ts';
import { WATCHED_KINDS, type WatchedKind } from '../../../controller/watch/kinds.ts';
import { KubernetesSource } from '../../../controller/watch/kubernetes.ts';
import { Compilation, type Outcome } from '../compilation.ts';

/** How long the first dry run waits for all objects, milliseconds. */
const START_MS = 30_000;
/** Compilations of one state: its objects, then Secrets and ConfigMaps that they refer to, then what these refer to. */
const MAX_ROUNDS = 3;
const ON_DEMAND = ['Secret', 'ConfigMap'] as const;
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
  readonly #compilation: Compilation;
  readonly #objects = new Map<string, KubernetesObject>();
  /** By id. */
  readonly #unreadable = new Map<string, Change & { readonly type: 'unreadable' }>();
  #started: Promise<void> | null = null;
  /** The objects without content in the last compilation. */
  #hidden = '';

  constructor(client: ApiClient, { namespaces, compiler }: ClusterContentOptions) {
    this.#source = new KubernetesSource(client, { kinds: KINDS, namespaces });
    this.#compilation = new Compilation(compiler);
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

  /** Compiles the cluster as it is, with these objects instead of its own. Calls must not overlap. */
  async outcome(overlay: Overlay): Promise<Outcome> {
    for (let round = 1; ; round++) {
      const compiled = await this.#compile(overlay);
      const wanting = this.#source.want(compiled.wanted);
      if (wanting === null || round === MAX_ROUNDS) return compiled.outcome;
      await wanting;
    }
  }

  async close(): Promise<void> {
    await this.#source.stop();
    this.#compilation.close();
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

  async #compile(overlay: Overlay): Promise<{ readonly outcome: Outcome; readonly wanted: Pick<Wanted, 'Secret' | 'ConfigMap'> }> {
    const objects = new Map(this.#objects);
    for (const [id, object] of overlay)
      if (object === null) objects.delete(id);
      else objects.set(id, projected(object));
    this.#forget(objects);
    const content = { objects: [...objects.values()], places: new Map(), problems: [], skipped: [], refusals: [] };
    let wanted: Pick<Wanted, 'Secret' | 'ConfigMap'> = { Secret: new Set(), ConfigMap: new Set() };
    const outcome = await this.#compilation.run(content, (compiler) => {
      wanted = { Secret: new Set(compiler.wanted.Secret), ConfigMap: new Set(compiler.wanted.ConfigMap) };
      const hidden = this.#hiddenOf(wanted, objects, overlay);
      this.#hidden = keyOf(hidden);
      return hidden;
    });
    return { outcome, wanted };
  }

  /** The compiler remembers which objects it could not read, so that a readable one needs a new compiler. */
  #forget(objects: ReadonlyMap<string, KubernetesObject>): void {
    const hidden = this.#hidden === '' ? [] : this.#hidden.split(' ');
    if (hidden.some((id) => objects.has(id) || !this.#isHidden(id))) this.#compilation.close();
  }

  #isHidden(id: string): boolean {
    return this.#unreadable.has(id) || this.#source.troubles().has(id.slice(0, id.indexOf('/')));
  }

  #hiddenOf(wanted: Pick<Wanted, 'Secret' | 'ConfigMap'>, objects: ReadonlyMap<string, unknown>, overlay: Overlay): readonly Hidden[] {
    const ids = ON_DEMAND.flatMap((kind) => [...wanted[kind]]).filter((id) => !objects.has(id) && !overlay.has(id) && this.#isHidden(id));
    return ids.map((id) => this.#unreadable.get(id) ?? { type: 'unreadable', ref: refIn(id), reason: 'the admin program may not read it' });
  }
}

type Hidden = Change & { readonly type: 'unreadable' };

function keyOf(hidden: readonly Hidden[]): string {
  return hidden.map(({ ref }) => objectId(ref)).join(' ');
}

/** The fields that the compiler reads, as a watch reports them. */
function projected(object: JsonObject): KubernetesObject {
  const kind = BY_NAME.get(String(object['kind']));
  return (kind === undefined ? object : kind.project(object)) as unknown as KubernetesObject;
}

function refIn(id: string): ObjectRef {
  const [kind = '', namespace = '', name = ''] = id.split('/');
  return { kind, namespace, name };
}
