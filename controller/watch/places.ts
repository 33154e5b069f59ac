// The scope of watches: the whole cluster, or the namespaces that the controller may read.
import type { KindInfo } from '#api/k8s/kinds.ts';

/** One watch of a kind. */
export interface Place {
  /** '' for all namespaces, and for cluster-scoped kinds. */
  readonly namespace: string;
  /** A filter at the server; '' means all objects. */
  readonly fieldSelector: string;
}

/** A kind as in the API. */
export type PlacedKind = Pick<KindInfo, 'kind'> & Partial<Pick<KindInfo, 'namespaced'>>;

const EVERYWHERE: Place = { namespace: '', fieldSelector: '' };

/**
 * The watches of a kind. Without namespaces there is one, of the whole cluster. Objects of the kind Namespace are watched each by its name,
 * which needs no right to read others. Other cluster-scoped kinds are watched completely.
 */
export function placesOf({ kind, namespaced = true }: PlacedKind, namespaces: readonly string[]): readonly Place[] {
  if (namespaces.length === 0) return [EVERYWHERE];
  if (namespaced) return namespaces.map((namespace) => ({ namespace, fieldSelector: '' }));
  if (kind !== 'Namespace') return [EVERYWHERE];
  return namespaces.map((name) => ({ namespace: '', fieldSelector: `metadata.name=${name}` }));
}
