// Entries of ConfigMaps that are files beside their YAML: `weir up` and `weir validate` read them, a cluster does not.
import type { KubernetesObject } from './object.ts';

/** The annotation: names of files in the folder of the YAML, with spaces or commas between them. Each becomes the entry with its name. */
export const FILES_ANNOTATION = 'gateway.weir.dev/files';

/** The names in the annotation, each once. */
export function fileNames({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>): readonly string[] {
  const text = kind === 'ConfigMap' ? metadata.annotations?.[FILES_ANNOTATION] : undefined;
  return [...new Set((text ?? '').split(/[\s,]+/).filter((name) => name !== ''))];
}
