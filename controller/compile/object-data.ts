// Entries of Secrets and ConfigMaps that policies refer to. Proxies get these entries and no others.
import { fileNames } from '#api/k8s/config-map-files.ts';
import { ok, type Result } from '#lib/result.ts';
import { readConfigMap, readSecret } from './secret-entry.ts';
import { FAULT, splitId, valueOnly, type UnitKind, type View } from './view.ts';

/** The object for its readers: they depend on the names of its entries, not on their content. */
export interface DataOutcome {
  /** Why the object has no entries; null if it has some. */
  readonly problem: string | null;
  /** The names of all its entries, sorted. */
  readonly keys: readonly string[];
  /** The names of files in the annotation of a ConfigMap. */
  readonly files: readonly string[];
}

/** Key: `Secret/<namespace>/<name>` or `ConfigMap/<namespace>/<name>`. Changed content recompiles nothing else. */
export const objectDataUnit: UnitKind<DataOutcome> = {
  name: 'object-data',
  stage: 'leaf',
  fallback: () => ({ problem: FAULT, keys: [], files: [] }),
  compile(view, key) {
    const entries = entriesOf(view, key);
    if (!entries.ok) return valueOnly({ problem: entries.error, keys: [], files: [] });
    const used = entries.value.filter(([name]) => view.count(entryInUse(key, name)) > 0);
    const value = { problem: null, keys: entries.value.map(([name]) => name), files: filesOf(view, key) };
    return { ...valueOnly(value), resources: used.length === 0 ? [] : [{ kind: 'ObjectData', key, data: Object.fromEntries(used) }] };
  },
};

/** The counter of the policies that refer to an entry of an object. */
export function entryInUse(object: string, key: string): string {
  return `entry ${object} ${key}`;
}

/** Names and base64, sorted by name. */
type Entries = readonly (readonly [string, string])[];

function entriesOf(view: View, key: string): Result<Entries> {
  const { kind, namespace, name } = splitId(key);
  return kind === 'ConfigMap' ? ofConfigMap(view, namespace, name) : ofSecret(view, namespace, name);
}

function filesOf(view: View, key: string): readonly string[] {
  const { kind, namespace, name } = splitId(key);
  const configMap = kind === 'ConfigMap' ? readConfigMap(view, namespace, name) : null;
  return configMap?.ok === true ? fileNames(configMap.value) : [];
}

function ofConfigMap(view: View, namespace: string, name: string): Result<Entries> {
  const configMap = readConfigMap(view, namespace, name);
  return configMap.ok ? ok(sorted({ ...configMap.value.binaryData, ...encoded(configMap.value.data) })) : configMap;
}

function ofSecret(view: View, namespace: string, name: string): Result<Entries> {
  const secret = readSecret(view, namespace, name);
  return secret.ok ? ok(sorted({ ...secret.value.data, ...encoded(secret.value.stringData) })) : secret;
}

function encoded(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('base64')]));
}

function sorted(entries: Readonly<Record<string, string>>): Entries {
  return Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
}
