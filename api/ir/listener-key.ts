// Keys of listeners. A listener of a Gateway: `<namespace>/<name>/<listener>`. A listener of a ListenerSet has the set in between:
// `<namespace>/<name> of the Gateway/<namespace>/<name> of the set/<listener>`.

/** An object by its namespace and name. */
interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** The parts of a key. */
export interface ListenerKey {
  /** The Gateway of the listener. */
  readonly gateway: Named;
  /** Null: the listener belongs to the Gateway itself. */
  readonly listenerSet: Named | null;
  /** The name of the listener in its object. */
  readonly listener: string;
}

/** Formats the key as in the IR. */
export function formatListenerKey({ gateway, listenerSet, listener }: ListenerKey): string {
  const holders = listenerSet === null ? [gateway] : [gateway, listenerSet];
  return [...holders.map(({ namespace, name }) => `${namespace}/${name}`), listener].join('/');
}

/** The inverse of formatListenerKey. Kubernetes names contain no '/'. */
export function parseListenerKey(key: string): ListenerKey {
  const [namespace = '', name = '', third = '', fourth = '', fifth] = key.split('/');
  const gateway = { namespace, name };
  if (fifth === undefined) return { gateway, listenerSet: null, listener: third };
  return { gateway, listenerSet: { namespace: third, name: fourth }, listener: fifth };
}

/** The Gateway `<namespace>/<name>` of a listener (key). */
export function gatewayOfListener(key: string): string {
  return key.slice(0, key.indexOf('/', key.indexOf('/') + 1));
}

/** The name of a Gateway `<namespace>/<name>` among the names of References. */
export function gatewayName(gateway: string): string {
  return `Gateway/${gateway}`;
}

/** The inverse of gatewayName. */
export function gatewayOfName(name: string): string {
  return name.slice('Gateway/'.length);
}
