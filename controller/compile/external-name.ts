// Services of type ExternalName: another name for a name in DNS. An author of Services can then send requests to any address that the
// proxies reach, so a controller serves them only if a flag permits it.
import type { Service } from '#api/k8s/k8s.ts';
import { isLookupName } from '#api/k8s/backend-source/dns.ts';
import type { WantedEndpoints } from '../watch/found.ts';
import { formatClusterKey, type ClusterKey } from './cluster-key.ts';
import type { View } from './view.ts';

/** Why a Service of this type is not served; null if it is, or if it has another type. Continues a sentence about the type. */
export function externalNameObstacle({ options }: View, { spec }: Service): string | null {
  if (spec.type !== 'ExternalName') return null;
  if (!options.allowExternalNames) {
    return 'which the controller does not serve without --allow-external-names; set this flag, or use a Backend with dns';
  }
  return isLookupName(spec.externalName ?? '')
    ? null
    : `and its externalName ${JSON.stringify(spec.externalName ?? '')} is not a name in DNS`;
}

/** The question for the addresses of such a Service; null if it is not served. */
export function externalNameQuestion(view: View, key: ClusterKey & { kind: 'Service' }): WantedEndpoints | null {
  const service = view.object('Service', key.namespace, key.name);
  if (service?.spec.type !== 'ExternalName' || externalNameObstacle(view, service) !== null) return null;
  const settings = { name: service.spec.externalName, type: 'Any', port: key.port };
  return { owner: formatClusterKey(key), source: 'dns', settings, secrets: {} };
}
