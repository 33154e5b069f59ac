// Where objects are watched: in the whole cluster, or in the namespaces that a controller is restricted to.
import type { KindInfo } from '#api/k8s/kinds.ts';

/** One watch of a kind. */
export interface Place {
  /** '' for all namespaces, and for kinds that belong to none. */
  readonly namespace: string;
  /** Narrows the watch at the server; '' for all objects. */
  readonly fieldSelector: string;
}

/** A kind, as the API has it. */
export type PlacedKind = Pick<KindInfo, 'kind'> & Partial<Pick<KindInfo, 'namespaced'>>;

const EVERYWHERE: Place = { namespace: '', fieldSelector: '' };

/**
 * The watches of a kind. Without namespaces there is one, of everything. Of the kind Namespace those alone are watched, each by its name:
 * that takes no right to read others. Other kinds that belong to no namespace are watched as a whole.
 */
export function placesOf({ kind, namespaced = true }: PlacedKind, namespaces: readonly string[]): readonly Place[] {
  if (namespaces.length === 0) return [EVERYWHERE];
  if (namespaced) return namespaces.map((namespace) => ({ namespace, fieldSelector: '' }));
  if (kind !== 'Namespace') return [EVERYWHERE];
  return namespaces.map((name) => ({ namespace: '', fieldSelector: `metadata.name=${name}` }));
}
