// The content of Secrets and ConfigMaps for units.
import type { ConfigMap, Secret } from '#api/k8s/k8s.ts';
import type { ObjectsByKind } from '#api/k8s/kinds.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { View } from './view.ts';

/** The Secret, or why it is not usable. */
export function readSecret(view: View, namespace: string, name: string): Result<Secret> {
  return readObject(view, 'Secret', namespace, name);
}

/** The ConfigMap, or why it is not usable. */
export function readConfigMap(view: View, namespace: string, name: string): Result<ConfigMap> {
  return readObject(view, 'ConfigMap', namespace, name);
}

function readObject<K extends 'Secret' | 'ConfigMap'>(view: View, kind: K, namespace: string, name: string): Result<ObjectsByKind[K]> {
  const object = view.object(kind, namespace, name);
  if (object !== undefined) return ok(object);
  const reason = view.whyUnreadable(kind, namespace, name);
  return err(reason === undefined ? 'does not exist' : `cannot be read: ${reason}`);
}

/** The data of a Secret under a name; '' if there is none. */
export function entry(secret: Secret, name: string): string {
  if (Object.hasOwn(secret.stringData, name)) return secret.stringData[name] ?? '';
  return Object.hasOwn(secret.data, name) ? Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8') : '';
}
