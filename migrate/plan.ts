// One run of `weir migrate`: what the files hold, what comes out, and what there is to say about the difference.
import { objectId } from '#api/k8s/object.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Additions } from './additions.ts';
import { Edge } from './edge.ts';
import { Fields } from './fields.ts';
import type { InputObject } from './input.ts';
import { compact, GATEWAY_V1, WEIR_V1 } from './manifest.ts';
import type { Manifest, ParentRef, Rule } from './manifest.ts';
import type { Note, NoteLevel } from './note.ts';

/** What the user chooses. */
export interface MigrateOptions {
  /** The Gateway that is written for routes of sources that have none. */
  readonly gateway: { readonly namespace: string; readonly name: string };
  readonly className: string;
  /** Ports by the names of Traefik's entry points; Ingresses use `web` and `websecure`. */
  readonly entryPoints: ReadonlyMap<string, number>;
  /** Writes routes too whose protection (authentication, lists of addresses) has no equivalent. */
  readonly allowOpen: boolean;
}

/** A note without the place, which the object gives. */
export interface Remark {
  readonly field: string;
  readonly reason: string;
  readonly advice?: string;
}

/** An HTTPRoute before it is split by the limits of the API. */
export interface WantedRoute {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly parents: readonly ParentRef[];
  readonly rules: readonly Rule[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Settings of a BackendTrafficPolicy for the route. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Fields whose protection of the route is lost. */
  readonly open?: readonly string[];
}

/** The Gateway API's limit for one HTTPRoute. */
const MAX_RULES = 16;

export class Plan {
  readonly options: MigrateOptions;
  readonly edge: Edge;
  readonly additions = new Additions();
  readonly notes: Note[] = [];
  readonly #objects: readonly InputObject[];
  readonly #manifests: Manifest[] = [];
  readonly #names = new Set<string>();
  readonly #once = new Set<string>();

  constructor(objects: readonly InputObject[], options: MigrateOptions) {
    this.options = options;
    this.edge = new Edge({ ...options.gateway, className: options.className });
    this.#objects = objects;
  }

  /** The object of the input by that name, if the files hold it. */
  find(kind: string, namespace: string, name: string): InputObject | undefined {
    return this.#objects.find((object) => object.kind === kind && object.namespace === namespace && object.name === name);
  }

  /** Every object of the input of that kind. */
  all(kind: string): readonly InputObject[] {
    return this.#objects.filter((object) => object.kind === kind);
  }

  /** Says something about a field of an object, once: ten routes may share a middleware. */
  note(level: NoteLevel, object: InputObject, { field, reason, advice = '' }: Remark): void {
    const { file, line } = object;
    if (this.isFirst(`note/${objectId(object)}/${field}/${reason}`))
      this.notes.push({ level, file, line, object: objectId(object), field, reason, advice });
  }

  leftOut(object: InputObject, remark: Remark): void {
    this.note('left out', object, remark);
  }

  /** Names every field that was not read; `reasons` says more about those it knows, by path without indexes. */
  unread(object: InputObject, fields: Fields, reasons: Readonly<Record<string, Omit<Remark, 'field'>>> = {}): void {
    for (const field of fields.unread()) {
      const plain = field.replace(/\[\d+\]/g, '');
      const known = Object.entries(reasons).find(([path]) => plain === path || plain.startsWith(`${path}.`));
      this.leftOut(object, { field, ...(known?.[1] ?? { reason: 'Weir has no equivalent yet' }) });
    }
  }

  /** The number of a Service's port, by its name; a number stands for itself. Undefined, with a note, where the files do not tell. */
  port(object: InputObject, service: { namespace: string; name: string; port: string }, field: string): number | undefined {
    if (/^[0-9]+$/.test(service.port)) return Number(service.port);
    const spec = this.find('Service', service.namespace, service.name)?.value['spec'];
    const ports = new Fields(spec, 'spec').groups('ports');
    const found = ports.find((port) => port.text('name') === service.port)?.number('port');
    if (found === undefined) {
      const reason = `port ${JSON.stringify(service.port)} is a name, and the files do not hold Service/${service.namespace}/${service.name} with a port of that name`;
      this.leftOut(object, { field, reason, advice: 'give weir migrate the file of the Service too' });
    }
    return found;
  }

  /** Whether nothing has asked with that key before: for objects that several inputs lead to. */
  isFirst(key: string): boolean {
    if (this.#once.has(key)) return false;
    this.#once.add(key);
    return true;
  }

  /** A name of that kind that nothing else in the output has. */
  nameFor(kind: string, namespace: string, wanted: string): string {
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}-${number}`;
      const key = `${kind}/${namespace}/${name}`;
      if (this.#names.has(key)) continue;
      this.#names.add(key);
      return name;
    }
  }

  /** Writes an object, if it is a valid one. `source` is what it was made of. */
  write(source: InputObject, manifest: Manifest): void {
    const valid = validateObject(manifest, { strict: true });
    if (valid.ok) this.#manifests.push(manifest);
    else
      for (const { field, reason } of valid.error) {
        const target = `${manifest.kind}/${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`;
        this.leftOut(source, { field: '', reason: `${target} is not written, because ${field} ${reason}`, advice: 'change the value' });
      }
  }

  /** Writes HTTPRoutes of at most 16 rules each, and the policy that is for all of them. */
  writeRoute(source: InputObject, route: WantedRoute): void {
    const { open = [], parents, hostnames, rules, labels = {}, annotations = {} } = route;
    if (open.length > 0 && !this.options.allowOpen) {
      const reason = `HTTPRoute/${source.namespace}/${route.name} is not written, because it would be open without ${open.join(' and ')}`;
      this.leftOut(source, { field: '', reason, advice: 'protect the backend itself and use --allow-open' });
      return;
    }
    const names: string[] = [];
    for (let first = 0; first < rules.length; first += MAX_RULES) {
      const name = this.nameFor('HTTPRoute', source.namespace, route.name);
      names.push(name);
      this.write(source, {
        apiVersion: GATEWAY_V1,
        kind: 'HTTPRoute',
        metadata: { name, namespace: source.namespace, ...compact({ labels, annotations }) },
        spec: compact({ parentRefs: parents, hostnames, rules: rules.slice(first, first + MAX_RULES) }),
      });
    }
    this.writePolicy(
      source,
      names.map((name) => ({ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name })),
      route.policy ?? {},
    );
  }

  /** Writes a BackendTrafficPolicy, unless it has no settings. */
  writePolicy(source: InputObject, targetRefs: readonly { name: string }[], settings: Readonly<Record<string, unknown>>): void {
    const spec = compact(settings);
    const [first] = targetRefs;
    if (first === undefined || Object.keys(spec).length === 0) return;
    const name = this.nameFor('BackendTrafficPolicy', source.namespace, first.name);
    const metadata = { name, namespace: source.namespace };
    this.write(source, { apiVersion: WEIR_V1, kind: 'BackendTrafficPolicy', metadata, spec: { targetRefs, ...spec } });
  }

  /** Everything to write: what routes attach to comes first. */
  manifests(): readonly Manifest[] {
    return [...this.edge.manifests(), ...this.#manifests];
  }
}
