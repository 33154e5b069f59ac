// The descriptor of a kind of resource: everything that the pipeline needs to know about the kind besides its schema. Each kind has one in
// its own file; resource.ts has the list.
import type { Static, TSchema } from '#lib/typebox.ts';

/** A Kubernetes object by its kind, namespace and name. */
export interface ObjectName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `<kind>/<namespace>/<name>`: the name of an object among the names of References. */
export function objectName({ kind, namespace, name }: ObjectName): string {
  return `${kind}/${namespace}/${name}`;
}

/** The object that a resource was compiled from, and the part of it: a listener name, a rule, or '' for the whole object. */
export interface ResourceOrigin {
  readonly ref: ObjectName;
  readonly part: string;
}

/**
 * The references of a resource, by names: ids of resources (`resourceId`), names of objects that are no resources (`objectName`). Each
 * name occurs once.
 */
export interface References {
  /** A scope has the resource as long as it needs one of these names. */
  readonly names: readonly string[];
  /** The names that a scope needs when it has the resource. */
  readonly needs: readonly string[];
}

/** A field, a value or a kind that was added to the IR since the former release. */
export interface Addition {
  /** The name by which proxies say that they know it. Several additions that belong together share one. */
  readonly capability: string;
  /**
   * The path of the addition, below the kind in a descriptor and with the kind in the table (api/wire/additions.ts): a field
   * `Listener.unserved`, one of a list `Route.backends[].share`, a value `Cluster.protocol=http3`, one of a union
   * `Route.filters[].type=Cache`, a setting `ClientTrafficPolicy.settings.clientIP`; '' for the kind itself. It stands for everything
   * below it.
   */
  readonly path: string;
  /**
   * What the controller sends to a proxy that does not know the addition. `omit`: the resource without the field; the status of the object
   * says so. Only where the resource works without the field. `omit silently`: the same, and the status says nothing. `withhold`: nothing,
   * as if the proxy refused the resource: it keeps the version it has, and the status says so. `remove`: the removal of the resource.
   * A policy that protects its targets is sent without settings instead, with a problem, so that its requests are refused.
   */
  readonly otherwise: 'omit' | 'omit silently' | 'withhold' | 'remove';
}

/** The descriptor of the kind with schema S. */
export interface ResourceKindOf<S extends TSchema> {
  readonly kind: (Static<S> & { readonly kind: string })['kind'];
  readonly schema: S;
  /** Maps a key to the object that the resource was compiled from. */
  readonly origin: (key: string) => ResourceOrigin;
  /** True: its object has a status. False: the objects that refer to it report in their statuses that a proxy refuses it. */
  readonly hasStatus: boolean;
  /** Reads the references. From the key alone where possible: then the body of the resource is not parsed. */
  readonly references:
    | { readonly from: 'key'; readonly read: (key: string) => References }
    | { readonly from: 'content'; readonly read: (resource: Static<S>) => References };
  /** The resource without references to names that are not visible. Absent: the resource stays as it is. */
  readonly restrict?: (resource: Static<S>, isVisible: (name: string) => boolean) => Static<S>;
  /** What the former release does not know of the kind. */
  readonly additions: readonly Addition[];
}

/** The parts of a key that starts with the kind, the namespace and the name of an object; missing parts are ''. */
export function keyParts(key: string): readonly [kind: string, namespace: string, name: string, rest: string] {
  const [kind = '', namespace = '', name = '', rest = ''] = key.split('/');
  return [kind, namespace, name, rest];
}

/** The origin of a key that starts with the kind, the namespace and the name of an object. */
export function originOfKey(key: string, partOf: (rest: string) => string = () => ''): ResourceOrigin {
  const [kind, namespace, name, rest] = keyParts(key);
  return { ref: { kind, namespace, name }, part: partOf(rest) };
}
