// Entries of Secrets and ConfigMaps for filters: a handle has the latest value, so that a rotation rebuilds no filter.

/** A reference in the settings of a policy. `data`: `Secret/<namespace>/<name>` or `ConfigMap/<namespace>/<name>`; `key`: the entry. */
export interface DataReference {
  readonly data: string;
  readonly key: string;
}

/** An entry. */
export interface DataHandle {
  /** Null while the proxy does not have the entry: then a filter that protects something must let nothing through. */
  readonly value: Buffer | null;
  /** Calls the listener after each change of the value, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

/** All entries of a proxy; implemented by runtime/. */
export interface ObjectData {
  handle(reference: DataReference): DataHandle;
}
