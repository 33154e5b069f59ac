// The compiler of `weir up` and the controller, for objects that may never take effect.
import type * as ir from '#api/ir/ir.ts';
import { resourceId, type EncodedResource } from '#api/ir/ir.ts';
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import { Compiler, type CompilerOptions } from '../../controller/compile/compile.ts';
import type { DesiredStatus } from '../../controller/compile/result.ts';
import type { Finding } from '../../controller/lint/finding.ts';
import { lint } from '../../controller/lint/lint.ts';
import type { Change, SourceProblem } from '../../controller/watch/event.ts';

/** A pair of TLS that was once compiled stays in use after it is gone, so a compiler that saw one must not be used again. */
const REMEMBERED_KIND = 'Secret';
const ON_DEMAND = ['Secret', 'ConfigMap'] as const;

/** An object without content, and the reason. */
export type UnreadableObject = Change & { readonly type: 'unreadable' };

/** What is known of objects whose content the compiler may not see, if other objects refer to them. */
export interface Unreadable {
  readonly objects: readonly UnreadableObject[];
  /** Kinds of which nothing can be read, and the reason. */
  readonly kinds: readonly string[];
  readonly reason: string;
  /** Ids of objects that do not count as unreadable. */
  readonly except: readonly string[];
}

/** The ids of the objects that others refer to, of kinds that are read on demand. */
export type WantedIds = Readonly<Record<(typeof ON_DEMAND)[number], readonly string[]>>;

/** The result of a compilation. */
export interface Outcome {
  /** By id. */
  readonly resources: ReadonlyMap<string, EncodedResource>;
  /** By object. */
  readonly statuses: ReadonlyMap<string, DesiredStatus>;
  /** Those of the linter have no places, since the compiler has no files. */
  readonly findings: readonly Finding[];
  readonly wanted: WantedIds;
  /** Ids of the objects that count as unreadable. */
  readonly unreadable: readonly string[];
}

/** A compiler that goes from one content to the next, and compiles only what differs. */
export class Compilation {
  readonly #options: CompilerOptions;
  #compiler: Compiler | null = null;
  readonly #objects = new Map<string, KubernetesObject>();
  /** What the compiler does not know yet, by id. */
  readonly #changes = new Map<string, Change>();
  /** By the encoded form, which stays the same object while the resource does. */
  readonly #decoded = new WeakMap<EncodedResource, ir.Resource>();

  constructor(options: CompilerOptions) {
    this.#options = options;
  }

  /** Changes the content. */
  take(put: readonly KubernetesObject[], gone: readonly ObjectRef[]): void {
    for (const object of put) {
      const id = objectId(refOf(object));
      this.#objects.set(id, object);
      this.#changes.set(id, { type: 'upsert', object });
    }
    for (const ref of gone) {
      this.#objects.delete(objectId(ref));
      this.#changes.set(objectId(ref), { type: 'delete', ref });
    }
    if ([...put.map(({ kind }) => kind), ...gone.map(({ kind }) => kind)].includes(REMEMBERED_KIND)) this.forget();
  }

  /** The next run compiles everything anew. */
  forget(): void {
    this.#compiler = null;
  }

  /** Compiles the content. `problems`: those of its files. */
  run(problems: readonly SourceProblem[], unreadable: Unreadable | null): Outcome {
    const changes =
      this.#compiler === null ? [...this.#objects.values()].map((object) => ({ type: 'upsert' as const, object })) : this.#changes.values();
    const compiler = (this.#compiler ??= new Compiler(this.#options));
    const faults = [...compiler.apply([...changes]).faults];
    this.#changes.clear();
    const wanted = { Secret: [...compiler.wanted.Secret], ConfigMap: [...compiler.wanted.ConfigMap] };
    const hidden = unreadable === null ? [] : this.#hidden(wanted, unreadable);
    faults.push(...compiler.apply(hidden).faults);
    const resources = new Map([...compiler.resources()].map((each) => [resourceId(each.kind, each.key), each]));
    const statuses = new Map([...compiler.statuses()].map((status) => [objectId(status.ref), status]));
    const compiled = { resources: [...resources.values()].map((each) => this.#decode(each)), statuses: [...statuses.values()], faults };
    const content = { objects: [...this.#objects.values()], places: new Map(), problems, skipped: [], refusals: [] };
    const { controllerName } = this.#options;
    const found = lint(content, compiled, { controllerName, now: Date.now(), served: false });
    const findings = [...problems.map(({ kept: _kept, ...problem }) => problem), ...found];
    return { resources, statuses, findings, wanted, unreadable: hidden.map(({ ref }) => objectId(ref)) };
  }

  #decode(encoded: EncodedResource): ir.Resource {
    const known = this.#decoded.get(encoded);
    if (known !== undefined) return known;
    const resource = JSON.parse(encoded.body.toString()) as ir.Resource;
    this.#decoded.set(encoded, resource);
    return resource;
  }

  #hidden(wanted: WantedIds, { objects, kinds, reason, except }: Unreadable): readonly UnreadableObject[] {
    const known = new Map(objects.map((object) => [objectId(object.ref), object]));
    return ON_DEMAND.flatMap((kind) =>
      wanted[kind]
        .filter((id) => !this.#objects.has(id) && !except.includes(id) && (known.has(id) || kinds.includes(kind)))
        .map((id) => known.get(id) ?? { type: 'unreadable' as const, ref: refIn(id), reason }),
    );
  }
}

function refIn(id: string): ObjectRef {
  const [kind = '', namespace = '', name = ''] = id.split('/');
  return { kind, namespace, name };
}
