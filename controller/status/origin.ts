// Maps the key of a resource back to the Kubernetes object that it was compiled from.
import { parseListenerKey, type ResourceKind } from '#api/ir/ir.ts';
import type { ObjectRef } from '#api/k8s/object.ts';

/** The object, and the part of it: a listener name, a rule, or '' for the whole object. */
export interface ResourceOrigin {
  readonly ref: ObjectRef;
  readonly part: string;
}

/**
 * Keys are those of api/ir: of a listener as in listener-key.ts, `<kind of route>/<ns>/<name>/<rule>`, `Service/<ns>/<name>/<port>`,
 * `<ns>/<secret>`, `<kind>/<ns>/<name>` of a TrustBundle or Policy.
 */
export function originOf(kind: ResourceKind, key: string): ResourceOrigin {
  const [first, second, third, fourth] = partsOf(key);
  switch (kind) {
    case 'Listener':
      return originOfListener(key);
    case 'Secret':
      return { ref: { kind: 'Secret', namespace: first, name: second }, part: '' };
    case 'TrustBundle':
    case 'Policy':
      return { ref: { kind: first, namespace: second, name: third }, part: '' };
    case 'Route':
    case 'StreamRoute':
      return { ref: { kind: first, namespace: second, name: third }, part: `spec.rules[${fourth}]` };
    case 'Cluster':
    case 'Endpoints':
      return { ref: { kind: first, namespace: second, name: third }, part: portOf(fourth) };
  }
}

function originOfListener(key: string): ResourceOrigin {
  const { gateway, listenerSet, listener } = parseListenerKey(key);
  return { ref: listenerSet === null ? { kind: 'Gateway', ...gateway } : { kind: 'ListenerSet', ...listenerSet }, part: listener };
}

/** The first four segments of a key; missing ones are ''. */
function partsOf(key: string): readonly [string, string, string, string] {
  const [first = '', second = '', third = '', fourth = ''] = key.split('/');
  return [first, second, third, fourth];
}

/** The key of a Backend has no port. */
function portOf(text: string): string {
  return text === '' ? '' : `port ${text}`;
}
