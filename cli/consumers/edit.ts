// Edits of a Consumer, which both stores can make: of the object in a cluster, or of the YAML in a folder, whose comments stay.

/** The path of a field: `['spec', 'credentials', 0, 'expires']`. */
export type FieldPath = readonly (string | number)[];

/** One edit; edits apply in their order. `add` appends to a list, which it creates. */
export type Edit =
  | { readonly type: 'set'; readonly path: FieldPath; readonly value: unknown }
  | { readonly type: 'add'; readonly path: FieldPath; readonly value: unknown }
  | { readonly type: 'remove'; readonly path: FieldPath };

/** A Secret with one API key at rest. */
export interface KeySecret {
  readonly name: string;
  /** `sha256:<hex>`. */
  readonly value: string;
}

/** The entry of the digest in the Secrets that the command makes. */
export const KEY_ENTRY = 'key';

/** The Secret as an object. */
export function secretObject(namespace: string, { name, value }: KeySecret): object {
  const labels = { 'app.kubernetes.io/managed-by': 'weir-consumer' };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, type: 'Opaque', stringData: { [KEY_ENTRY]: value } };
}

/** A change of a Consumer with its Secrets. */
export interface ConsumerChange {
  readonly edits: readonly Edit[];
  readonly added: readonly KeySecret[];
  /** Names of Secrets that the command has made and that are no longer needed. */
  readonly removed: readonly string[];
}
