// Changes of the configuration: what is there now, what the compiler says, and the writes.
import type { Input } from '../../client/admin-client.ts';
import type { ApiTarget } from './api-target.ts';
import type { Effects } from './effects-text.ts';
import type { Manifest } from './manifests.ts';
import { valueOf } from './problem-text.ts';
import { UsageError } from '../command.ts';

/** A change, as a dry run takes it. */
export type PlannedChange = Input<'configuration.dryRun'>['body']['changes'][number];

/** Changes of one dry run, by the API. */
const MAX_CHANGES = 100;

/** The changes that make objects as they are in files: those that exist are replaced, in the state that is seen now. */
export async function plannedChanges(target: ApiTarget, manifests: readonly Manifest[]): Promise<readonly PlannedChange[]> {
  const changes: PlannedChange[] = [];
  for (const { path, object } of manifests) {
    const etag = await etagOf(target, path);
    changes.push(etag === null ? { ...path, operation: 'create', object } : { ...path, operation: 'replace', object, etag });
  }
  return changes;
}

/** The ETag of an object; null: it does not exist. */
export async function etagOf(target: ApiTarget, params: Manifest['path']): Promise<string | null> {
  const found = await target.client.call('configuration.get', { params });
  if (!found.ok && found.error.code === 'object-unknown') return null;
  return valueOf(found, target).body.etag;
}

/** The effects of changes together, by the compiler. */
export async function tried(target: ApiTarget, changes: readonly PlannedChange[]): Promise<Effects> {
  if (changes.length > MAX_CHANGES)
    throw new UsageError(`${changes.length} objects; the admin API tries at most ${MAX_CHANGES} together: apply them in several parts`);
  return valueOf(await target.client.call('configuration.dryRun', { body: { changes } }), target).body;
}

/** Makes a change. Throws a UsageError if the object is not as it was seen. */
export async function make(target: ApiTarget, change: PlannedChange): Promise<void> {
  const { kind, namespace, name, operation, object = {}, etag = '*' } = change;
  const params = { kind, namespace, name };
  const { client } = target;
  if (operation === 'create') valueOf(await client.call('configuration.create', { params: { kind, namespace }, body: { object } }), target);
  else if (operation === 'replace')
    valueOf(await client.call('configuration.replace', { params, body: { object }, ifMatch: etag }), target);
  else valueOf(await client.call('configuration.delete', { params, ifMatch: etag }), target);
}
