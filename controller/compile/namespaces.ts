// Whom the namespaces that an object names let in: those of routes to a listener, those of ListenerSets to a Gateway.
import type { ListenerNamespaces, RouteNamespaces } from '#api/k8s/k8s.ts';
import { selects } from './label-selector.ts';
import type { View } from './view.ts';

/** Whether objects of `namespace` are let in by one of namespace `own`. */
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

/** Every API server sets the name label; a namespace that only files mention has it too. */
function labelsOf(view: View, namespace: string): Readonly<Record<string, string>> {
  const labels = view.object('Namespace', '', namespace)?.metadata.labels;
  return { ...labels, 'kubernetes.io/metadata.name': namespace };
}
