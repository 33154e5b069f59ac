// The content of Secrets for units.
import type { Secret } from '#api/k8s/k8s.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { View } from './view.ts';

/** The Secret, or why it is not usable. */
export function readSecret(view: View, namespace: string, name: string): Result<Secret> {
  const secret = view.object('Secret', namespace, name);
  if (secret !== undefined) return ok(secret);
  const reason = view.whyUnreadable('Secret', namespace, name);
  return err(reason === undefined ? 'does not exist' : `cannot be read: ${reason}`);
}

/** The data of a Secret under a name; '' if there is none. */
export function entry(secret: Secret, name: string): string {
  if (Object.hasOwn(secret.stringData, name)) return secret.stringData[name] ?? '';
  return Object.hasOwn(secret.data, name) ? Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8') : '';
}
