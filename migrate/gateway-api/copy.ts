// Copies of objects of the Gateway API: what belongs to another gateway or to an API server is replaced or left out.
import { isMap } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { WEIR_V1 } from '../manifest.ts';
import type { Manifest } from '../manifest.ts';

export const ENVOY_GROUP = 'gateway.envoyproxy.io';
export const WEIR_GROUP = WEIR_V1.split('/')[0] ?? '';

/** The object with another spec, without status and what API servers add. */
export function manifestOf(object: InputObject, spec: Readonly<Record<string, unknown>>): Manifest {
  const metadata = isMap(object.value['metadata']) ? object.value['metadata'] : {};
  const kept = ['labels', 'annotations'].flatMap((name) => (isMap(metadata[name]) ? [[name, withoutTools(metadata[name])] as const] : []));
  const { apiVersion, kind, name, namespace } = object;
  return { apiVersion, kind, metadata: { name, namespace, ...Object.fromEntries(kept) }, spec };
}

function withoutTools(texts: Readonly<Record<string, unknown>>): Record<string, string> {
  const kept = Object.entries(texts).filter(([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration');
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

/** A value in which Backends of Envoy Gateway are those of Weir. */
export function renamed(value: unknown): Record<string, unknown> {
  return rename(value) as Record<string, unknown>;
}

function rename(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rename);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, rename(inner)] as const);
  const copy = Object.fromEntries(entries) as Record<string, unknown>;
  return copy['group'] === ENVOY_GROUP && copy['kind'] === 'Backend' ? { ...copy, group: WEIR_GROUP } : copy;
}
