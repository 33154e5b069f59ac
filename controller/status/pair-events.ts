// The Events about TLS Secrets that hold no pair that can be used, or one that has expired: on the Gateways and ListenerSets that refer to
// them. A pair that is kept is served by every proxy, so that none of them has anything to tell.
import type { EncodedResource, ResourceKind, Secret } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { EventReport } from './event-writer.ts';
import { originOf } from './origin.ts';

export interface PairEventsOptions {
  /** Everything that should be served now. */
  readonly resources: () => Iterable<EncodedResource>;
  /** Ids of the resources that one refers to. */
  readonly needsOf: (resource: EncodedResource) => readonly string[];
}

/** What changed of the resources. */
interface Changed {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly { readonly kind: ResourceKind; readonly key: string }[];
}

export class PairEvents {
  readonly #options: PairEventsOptions;
  /** What is wrong, by id of the Secret. Mostly empty: then nothing here costs anything. */
  readonly #problems = new Map<string, string>();

  constructor(options: PairEventsOptions) {
    this.#options = options;
  }

  /** What there is to tell of a change: of Secrets to all that refer to them, and to those that come to. */
  changed({ changed, removed }: Changed): readonly EventReport[] {
    const news = new Set<string>();
    for (const { kind, key } of removed) this.#problems.delete(resourceId(kind, key));
    for (const resource of changed) if (resource.kind === 'Secret' && this.#note(resource)) news.add(idOf(resource));
    if (this.#problems.size === 0) return [];
    const listeners = changed.filter(({ kind }) => kind === 'Listener');
    const known = new Set(this.#problems.keys());
    return unique([...(news.size === 0 ? [] : this.#reports(this.#options.resources(), news)), ...this.#reports(listeners, known)]);
  }

  /** Everything there is to tell. */
  all(): readonly EventReport[] {
    return this.#problems.size === 0 ? [] : unique(this.#reports(this.#options.resources(), new Set(this.#problems.keys())));
  }

  /** True where something is wrong. */
  #note(resource: EncodedResource): boolean {
    const { key, problem, certificate } = JSON.parse(resource.body.toString()) as Secret;
    if (problem === undefined) {
      this.#problems.delete(idOf(resource));
      return false;
    }
    const without = certificate === '' ? '; proxies that have a pair from before go on with it, others refuse its names' : '';
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

/** An object may have many listeners with the same Secret. */
function unique(reports: readonly EventReport[]): readonly EventReport[] {
  return [...new Map(reports.map((report) => [report.identity, report])).values()];
}
