// The compiler of `weir up` and the controller, for objects that may never take effect.
import { setImmediate } from 'node:timers/promises';
import type * as ir from '#api/ir/ir.ts';
import { resourceId, type EncodedResource } from '#api/ir/ir.ts';
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import { Compiler, type CompilerOptions } from '../../controller/compile/compile.ts';
import type { DesiredStatus, UnitFault } from '../../controller/compile/result.ts';
import type { Finding } from '../../controller/lint/finding.ts';
import { lintInTurns } from '../../controller/lint/lint.ts';
import type { Change } from '../../controller/watch/event.ts';
import type { FolderContent } from '../../controller/watch/folder.ts';

/** Changes that are compiled in one turn of the event loop, since the process may serve requests. */
const TURN = 100;
/** How long a compiler that is not used keeps its memory, milliseconds. */
const IDLE_MS = 60_000;
/** A pair of TLS that was once compiled stays in use after it is gone, so a compiler that saw one must not be used again. */
const REMEMBERED_KINDS: ReadonlySet<string> = new Set(['Secret']);

/** The result of a compilation. */
export interface Outcome {
  /** By id. */
  readonly resources: ReadonlyMap<string, EncodedResource>;
  /** By object. */
  readonly statuses: ReadonlyMap<string, DesiredStatus>;
  readonly findings: readonly Finding[];
}

/** A compiler that goes from one content to the next, and compiles only what differs. Calls must not overlap. */
export class Compilation {
  readonly #options: CompilerOptions;
  #compiler: Compiler | null = null;
  #objects = new Map<string, KubernetesObject>();
  #faults: readonly UnitFault[] = [];
  #idle: NodeJS.Timeout | null = null;
  /** The last outcome of runVersion. */
  #kept: { readonly version: object; readonly outcome: Outcome } | null = null;
  /** By the encoded form, which stays the same object while the resource does. */
  readonly #decoded = new WeakMap<EncodedResource, ir.Resource>();

  constructor(options: CompilerOptions) {
    this.#options = options;
  }

  /** Compiles a content. `unreadable`: what is known of objects whose content the compiler may not see. */
  async run(content: FolderContent, unreadable: (compiler: Compiler) => readonly Change[] = () => []): Promise<Outcome> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const compiler = await this.#moveTo(content, unreadable);
    const resources = new Map([...compiler.resources()].map((each) => [resourceId(each.kind, each.key), each]));
    const statuses = new Map([...compiler.statuses()].map((status) => [objectId(status.ref), status]));
    const compiled = {
      resources: [...resources.values()].map((each) => this.#decode(each)),
      statuses: [...statuses.values()],
      faults: this.#faults,
    };
    const { controllerName } = this.#options;
    const found = await lintInTurns(content, compiled, { controllerName, now: Date.now(), served: false });
    this.#idle = setTimeout(() => this.close(), IDLE_MS);
    this.#idle.unref();
    return { resources, statuses, findings: [...content.problems.map(({ kept: _kept, ...problem }) => problem), ...found] };
  }

  /** As run, for the content that many changes are compared with. The same `version` is the same content, and has the same outcome. */
  async runVersion(version: object, content: FolderContent): Promise<Outcome> {
    if (this.#kept?.version !== version) this.#kept = { version, outcome: await this.run(content) };
    return this.#kept.outcome;
  }

  /** Gives the memory back. */
  close(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#compiler = null;
    this.#kept = null;
    this.#objects = new Map();
  }

  #decode(encoded: EncodedResource): ir.Resource {
    const known = this.#decoded.get(encoded);
    if (known !== undefined) return known;
    const resource = JSON.parse(encoded.body.toString()) as ir.Resource;
    this.#decoded.set(encoded, resource);
    return resource;
  }

  async #moveTo(content: FolderContent, unreadable: (compiler: Compiler) => readonly Change[]): Promise<Compiler> {
    const objects = new Map(content.objects.map((object) => [objectId(refOf(object)), object]));
    if (this.#compiler !== null && this.#differsInRemembered(objects)) this.close();
    const compiler = (this.#compiler ??= new Compiler(this.#options));
    const changes: Change[] = [...objects].flatMap(([id, object]) =>
      this.#objects.get(id) === object ? [] : [{ type: 'upsert' as const, object }],
    );
    for (const [id, object] of this.#objects) if (!objects.has(id)) changes.push({ type: 'delete', ref: refOf(object) });
    this.#objects = objects;
    const faults: UnitFault[] = [];
    for (let i = 0; i < changes.length; i += TURN) {
      faults.push(...compiler.apply(changes.slice(i, i + TURN)).faults);
      await setImmediate();
    }
    faults.push(...compiler.apply(unreadable(compiler)).faults);
    this.#faults = faults;
    return compiler;
  }

  #differsInRemembered(objects: ReadonlyMap<string, KubernetesObject>): boolean {
    const all = [...new Set([...objects.keys(), ...this.#objects.keys()])];
    return all.some((id) => REMEMBERED_KINDS.has(id.slice(0, id.indexOf('/'))) && objects.get(id) !== this.#objects.get(id));
  }
}
