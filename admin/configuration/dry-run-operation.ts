// The operation that tells what changes would do.
import type { Static } from '#lib/typebox.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, type AdminOperation, type Caller } from '../api/operation.ts';
import { invalid, refuse, type AdminProblem } from '../api/problem.ts';
import type { ConfigurationStore, DryRun, ObjectChange } from './configuration-store.ts';
import { effectsIn } from '../compilation/effects.ts';
import { fieldChanges } from './object-changes.ts';
import { DRY_RUN_PROBLEMS, MAX_BODY_BYTES, PATH_EXAMPLE, inNamespace, patchOf, refOf, type ObjectPath } from './object-paths.ts';
import { CHANGE_SET, DRY_RUN } from './schemas.ts';

/** A change in a body. */
export interface GivenChange extends ObjectPath {
  readonly operation: ObjectChange['operation'];
  readonly object?: unknown;
  readonly merge?: unknown;
  readonly json?: unknown;
  readonly etag?: string;
  readonly force?: boolean;
}

/** The changes of a body, all in namespaces where the caller has the permission. */
export function changesOf(
  given: readonly GivenChange[],
  caller: Caller,
  permission: 'configuration:read' | 'configuration:write' = 'configuration:read',
): Result<readonly ObjectChange[], AdminProblem> {
  const changes: ObjectChange[] = [];
  for (const [i, each] of given.entries()) {
    // A namespace in the body decides as one in the path would.
    if (!caller.may(permission, inNamespace(each)))
      return refuse(
        403,
        'permission-needed',
        `change ${i} is in the namespace ${JSON.stringify(each.namespace)}, which the caller may not ${permission === 'configuration:read' ? 'read' : 'change'}`,
      );
    const change = changeOf(each, `body.changes[${i}]`);
    if (!change.ok) return change;
    changes.push(change.value);
  }
  return ok(changes);
}

function changeOf(given: GivenChange, field: string): Result<ObjectChange, AdminProblem> {
  const ref = refOf(given);
  if (!ref.ok) return ref;
  const { operation, object, etag = null, force = false } = given;
  if (operation === 'delete') return ok({ ref: ref.value, operation, etag });
  if (operation === 'patch') {
    const patch = patchOf(given);
    return patch.ok
      ? ok({ ref: ref.value, operation, patch: patch.value, etag, force })
      : invalid([{ field, reason: 'must have either merge or json' }]);
  }
  if (object === undefined) return invalid([{ field: `${field}.object`, reason: 'is required' }]);
  if (operation === 'create') return ok({ ref: ref.value, operation, object: object as JsonObject });
  return ok({ ref: ref.value, operation, object: object as JsonObject, etag, force });
}

/** The effects that the caller may see. */
export function visibleEffects(
  { changes, refused, effects }: DryRun,
  given: readonly ObjectChange[],
  caller: Caller,
): Static<typeof DRY_RUN> {
  const impossible = new Set(refused.map(({ index }) => index));
  const possible = given.filter((_, i) => !impossible.has(i));
  const objects = changes.map((changed, i) => fieldChanges(changed, possible[i]));
  const seen = effectsIn(effects, (namespace) => caller.may('configuration:read', namespace === '' ? null : namespace));
  // The schema has lists that may change.
  return structuredClone({ objects, ...seen }) as Static<typeof DRY_RUN>;
}

/** A set of changes, for examples. */
export const CHANGES_EXAMPLE = { changes: [{ operation: 'delete' as const, kind: 'HTTPRoute', namespace: 'storefront', name: 'cart' }] };
const OBJECTS_EXAMPLE = [{ ref: PATH_EXAMPLE, change: 'deleted' as const, fields: [{ path: 'metadata.labels.team', before: 'checkout' }] }];

/** The effects of a set of changes. */
export function dryRunOperation(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'configuration.dryRun',
    method: 'POST',
    path: '/dry-runs',
    tag: 'configuration',
    summary: 'Tell what changes would do',
    description:
      'All changes together, by the compiler of the controller: fields, routes and other resources of proxies, listeners, conditions, and problems that come and go. Effects on namespaces that the caller may not read are left out.',
    permission: 'configuration:read',
    filtersNamespaces: true,
    body: CHANGE_SET,
    maxBodyBytes: MAX_BODY_BYTES,
    answer: DRY_RUN,
    problems: DRY_RUN_PROBLEMS,
    example: {
      body: CHANGES_EXAMPLE,
      answer: { objects: OBJECTS_EXAMPLE, resources: [], listeners: ['storefront/edge/http'], conditions: [], problems: [], solved: [] },
    },
    async run({ body }, { caller }) {
      const changes = changesOf(body.changes as readonly GivenChange[], caller);
      if (!changes.ok) return changes;
      const done = await store.dryRun(changes.value);
      const [refused] = done.ok ? done.value.refused : [];
      if (refused !== undefined) return err(refused.problem);
      return done.ok ? reply(visibleEffects(done.value, changes.value, caller)) : done;
    },
  });
}
