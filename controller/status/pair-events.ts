// Events about TLS Secrets without a usable pair, or with an expired one, on the Gateways and ListenerSets that refer to them. Proxies
// cannot report these: they accept the pair that stays in use.
import type { EncodedResource, ResourceKind, Secret } from '#api/ir/ir.ts';
import { originOf, resourceId } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { EventReport } from './event-writer.ts';

export interface PairEventsOptions {
  /** All current resources. */
  readonly resources: () => Iterable<EncodedResource>;
  /** Ids of the resources that a resource refers to. */
  readonly needsOf: (resource: EncodedResource) => readonly string[];
}

/** The changed resources of a batch. */
interface Changed {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly { readonly kind: ResourceKind; readonly key: string }[];
}

export class PairEvents {
  readonly #options: PairEventsOptions;
  /** Problems by id of the Secret. Usually empty, and then the other methods return at once. */
  readonly #problems = new Map<string, string>();

  constructor(options: PairEventsOptions) {
    this.#options = options;
  }

  /** Events about changed Secrets, on all objects that refer to them, and about known problems, on objects with a new reference. */
  changed({ changed, removed }: Changed): readonly EventReport[] {
    const news = new Set<string>();
    for (const { kind, key } of removed) this.#problems.delete(resourceId(kind, key));
    for (const resource of changed) if (resource.kind === 'Secret' && this.#note(resource)) news.add(idOf(resource));
    if (this.#problems.size === 0) return [];
    const listeners = changed.filter(({ kind }) => kind === 'Listener');
    const known = new Set(this.#problems.keys());
    return unique([...(news.size === 0 ? [] : this.#reports(this.#options.resources(), news)), ...this.#reports(listeners, known)]);
  }

  /** Events about all known problems. */
  all(): readonly EventReport[] {
    return this.#problems.size === 0 ? [] : unique(this.#reports(this.#options.resources(), new Set(this.#problems.keys())));
  }

  /** Records the problem of a Secret; true if it has one. */
  #note(resource: EncodedResource): boolean {
    const { key, problem, certificate } = JSON.parse(resource.body.toString()) as Secret;
    if (problem === undefined) {
      this.#problems.delete(idOf(resource));
      return false;
    }
    const without = certificate === '' ? '; proxies that hold an earlier pair keep it in use, others refuse its host names' : '';
    this.#problems.set(idOf(resource), `Secret/${key} ${problem}${without}`);
    return true;
  }

  #reports(resources: Iterable<EncodedResource>, secrets: ReadonlySet<string>): EventReport[] {
    const reports: EventReport[] = [];
    for (const resource of resources) {
      if (resource.kind !== 'Listener') continue;
      const { ref } = originOf('Listener', resource.key);
      for (const id of this.#options.needsOf(resource)) {
        const note = secrets.has(id) ? this.#problems.get(id) : undefined;
        if (note === undefined) continue;
        reports.push({ ref, identity: `${objectId(ref)} ${note}`, type: 'Warning', reason: 'InvalidCertificate', action: 'Compile', note });
      }
    }
    return reports;
  }
}

function idOf({ kind, key }: EncodedResource): string {
  return resourceId(kind, key);
}

/** Removes duplicates: several listeners of an object may use the same Secret. */
function unique(reports: readonly EventReport[]): readonly EventReport[] {
  return [...new Map(reports.map((report) => [report.identity, report])).values()];
}
