// Endpoints of a Backend that a source outside Kubernetes finds: the question, and the answer.
import type { Backend } from '#api/k8s/k8s.ts';
import { sourcesIn, type UsedSource } from '#api/k8s/backend-source/index.ts';
import { ONE_SOURCE } from '#api/k8s/backend.ts';
import { checkBackend } from '#api/k8s/backend-rules.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { SecretContents, WantedEndpoints } from '../watch/found.ts';
import { entry, readSecret } from './secret-entry.ts';
import type { View } from './view.ts';

/** The source of a Backend besides fixed endpoints; null if it has fixed ones, or an error that makes the Backend unusable. */
export function sourceOf({ spec }: Backend): Result<UsedSource | null> {
  const sources = sourcesIn(spec);
  const count = sources.length + (spec.endpoints === undefined ? 0 : 1);
  return count === 1 ? ok(sources[0] ?? null) : err(`spec ${ONE_SOURCE}`);
}

/** Why a Backend cannot be used at all; null if it can. Single addresses that are malformed are left out instead. */
export function faultOf(backend: Backend): string | null {
  const source = sourceOf(backend);
  if (!source.ok) return source.error;
  const fault = source.value === null ? undefined : checkBackend(backend)[0];
  return fault === undefined ? null : `${fault.field} ${fault.reason}`;
}

/** The question of a Backend to its source; null if it has fixed endpoints or cannot be used. */
export function questionOf(view: View, backend: Backend): WantedEndpoints | null {
  const source = sourceOf(backend);
  if (!source.ok || source.value === null || faultOf(backend) !== null) return null;
  const secrets = secretsOf(view, backend, source.value.secrets);
  return {
    owner: objectId(refOf(backend)),
    source: source.value.source,
    settings: source.value.settings,
    secrets: secrets.ok ? secrets.value : null,
  };
}

/** The content of the Secrets of a source, or why one of them cannot be used. */
export function secretsOf(view: View, { metadata: { namespace = '' } }: Backend, names: readonly string[]): Result<SecretContents> {
  const contents: Record<string, Readonly<Record<string, string>>> = {};
  for (const name of names) {
    const secret = readSecret(view, namespace, name);
    if (!secret.ok) return err(`Secret/${namespace}/${name} ${secret.error}`);
    const entries = [...Object.keys(secret.value.data), ...Object.keys(secret.value.stringData)];
    contents[name] = Object.fromEntries(entries.map((each) => [each, entry(secret.value, each)]));
  }
  return ok(contents);
}
