// Decides which namespaces an object admits: those of routes for a listener, those of ListenerSets for a Gateway.
import type { ListenerNamespaces, RouteNamespaces } from '#api/k8s/k8s.ts';
import { selects } from './label-selector.ts';
import type { View } from './view.ts';

/** Whether an object in namespace `own` admits objects of `namespace`. */
export function admits(view: View, { from, selector }: RouteNamespaces | ListenerNamespaces, namespace: string, own: string): boolean {
  switch (from) {
    case 'All':
      return true;
    case 'Same':
      return namespace === own;
    case 'Selector':
      return selector !== undefined && selects(selector, labelsOf(view, namespace));
    case 'None':
      return false;
  }
}

/** Every API server sets the name label. A namespace that has no Namespace object gets it here. */
function labelsOf(view: View, namespace: string): Readonly<Record<string, string>> {
  const labels = view.object('Namespace', '', namespace)?.metadata.labels;
  return { ...labels, 'kubernetes.io/metadata.name': namespace };
}
