// The operations that bring earlier revisions back into force.
import { Type } from '#lib/typebox.ts';
import type { Static } from '#lib/typebox.ts';
import { ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, type AdminOperation, type Caller } from '../api/operation.ts';
import { changedMeanwhile, invalid, refuse, type AdminProblem } from '../api/problem.ts';
import type { ChangeSets } from '../configuration/change-sets.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { DRY_RUN_PROBLEMS } from '../configuration/object-paths.ts';
import { mayIn, storeAnswer, timeOf, visibleRevision } from './revision-input.ts';
import { planRollback, versionInForce } from './rollback.ts';
import type { ObjectState } from './revision.ts';
import type { PastState, Revisions } from './revisions.ts';
import { CHANGES_REPORT, ROLLBACK, revisionNumber } from './schemas.ts';

const CLOSED = { additionalProperties: false };
const PERMISSION = 'revisions:rollback' as const;
const PROBLEMS = {
  ...DRY_RUN_PROBLEMS,
  404: ['revision-unknown'],
  409: [...DRY_RUN_PROBLEMS[409], 'rollback-refused', 'rollback-incomplete', 'secret-not-kept'],
  422: [...DRY_RUN_PROBLEMS[422], 'moment-unknown'],
  503: [...DRY_RUN_PROBLEMS[503], 'store-away'],
} as const;
const REF = { kind: 'HTTPRoute', namespace: 'storefront', name: 'cart' };
const REPORT_EXAMPLE: Static<typeof CHANGES_REPORT> = {
  dryRun: true,
  objects: [{ ref: REF, change: 'changed', fields: [{ path: 'metadata.labels.team', before: 'b', after: 'a' }] }],
  ...{ resources: [], listeners: ['storefront/edge/http'], conditions: [], problems: [], solved: [], refused: [] },
};

/** Rollback of one object, and of all. */
export function rollbackOperations(revisions: Revisions, store: ConfigurationStore, sets: ChangeSets): readonly AdminOperation[] {
  return [rollbackOne(revisions, store, sets), rollbackAll(revisions, store, sets)];
}

function rollbackOne(revisions: Revisions, store: ConfigurationStore, sets: ChangeSets): AdminOperation {
  return adminOperation({
    ...{ id: 'revisions.rollback', method: 'POST', path: '/revisions/{revision}/rollback', tag: 'revisions', permission: PERMISSION },
    filtersNamespaces: true,
    summary: 'Bring an object back to a revision',
    description: 'If-Match has the ETag of the object in force; * is any. A revision that is a deletion deletes the object.',
    precondition: 'required',
    params: Type.Object({ revision: revisionNumber }, CLOSED),
    body: Type.Object({ dryRun: Type.Optional(Type.Boolean({ description: 'Tell only what it would do.' })) }, CLOSED),
    answer: CHANGES_REPORT,
    problems: PROBLEMS,
    example: {
      params: { revision: 1 },
      body: { dryRun: true },
      answer: REPORT_EXAMPLE,
      unknown: { revision: Number.MAX_SAFE_INTEGER },
    },
    async run({ params, body, ifMatch }, context) {
      const found = await visibleRevision(revisions, params.revision, context.caller, PERMISSION);
      if (!found.ok) return found;
      const { ref, content } = found.value;
      const current = await versionInForce(store, ref);
      if (!current.ok) return current;
      if (ifMatch !== null && ifMatch !== current.value.etag) return changedMeanwhile('object', ref.name, current.value.etag ?? '');
      const set = await planRollback(store, [{ ref, content }]);
      const [refused] = set.refused;
      if (refused !== undefined) return { ok: false, error: refused.problem };
      const done = await sets.run(set, { dryRun: body.dryRun === true, skipRefused: false, refusal: 'rollback-refused' }, context);
      return done.ok ? reply(done.value) : done;
    },
  });
}

function rollbackAll(revisions: Revisions, store: ConfigurationStore, sets: ChangeSets): AdminOperation {
  return adminOperation({
    ...{ id: 'revisions.rollbackAll', method: 'POST', path: '/rollbacks', tag: 'revisions', permission: PERMISSION },
    filtersNamespaces: true,
    summary: 'Bring all objects back to a moment',
    description:
      'To the state after a revision, or at a time: all objects of the namespaces in which the caller has the permission, or some of them. If-Match has the ETag of the dry run, or of the list of revisions: the number of the newest revision; * is any.',
    precondition: 'required',
    body: ROLLBACK,
    answer: CHANGES_REPORT,
    problems: PROBLEMS,
    example: { body: { revision: 1, dryRun: true }, answer: REPORT_EXAMPLE },
    async run({ body, ifMatch }, context) {
      const hidden = body.namespaces?.find((namespace) => !mayIn(context.caller, PERMISSION, namespace === '-' ? '' : namespace));
      if (hidden !== undefined)
        return refuse(403, 'permission-needed', `this needs the permission ${PERMISSION} in namespace ${JSON.stringify(hidden)}`);
      const past = await pastState(revisions, body, ifMatch);
      if (!past.ok) return past;
      const etag = etagOf(past.value);
      const set = await planRollback(store, chosen(past.value.objects, body, context.caller));
      const { dryRun = false, skipRefused = false } = body;
      const done = await sets.run(set, { dryRun, skipRefused, refusal: 'rollback-refused' }, context);
      return done.ok ? reply(done.value, { etag }) : done;
    },
  });
}

/** The state to go back to, if it is known. `ifMatch`: nothing may have changed since; null: anything may. */
async function pastState(
  revisions: Revisions,
  body: Static<typeof ROLLBACK>,
  ifMatch: string | null,
): Promise<Result<PastState, AdminProblem>> {
  const moment = momentOf(body);
  if (!moment.ok) return moment;
  await revisions.recorder.settle();
  const state = storeAnswer(await revisions.stateAt(moment.value));
  if (!state.ok) return state;
  const etag = etagOf(state.value);
  if (ifMatch !== null && ifMatch !== etag) return changedMeanwhile('configuration', 'of all objects', etag);
  return unknownMoment(moment.value, state.value) ?? state;
}

/** The ETag of all objects: the number of the newest revision. */
function etagOf({ head }: PastState): string {
  return `revision-${head.revision}`;
}

type Moment = { readonly revision: number } | { readonly time: number };

function momentOf({ revision, time }: Static<typeof ROLLBACK>): Result<Moment, AdminProblem> {
  if ((revision === undefined) === (time === undefined)) return invalid([{ field: 'body', reason: 'must have either revision or time' }]);
  if (revision !== undefined) return ok({ revision });
  const parsed = timeOf('body.time', time);
  return parsed.ok ? ok({ time: parsed.value ?? 0 }) : parsed;
}

/** The refusal of a moment at which the state of all objects is not known; null if it is. */
function unknownMoment(moment: Moment, { head }: PastState): Result<never, AdminProblem> | null {
  const { revision: newest, knownRevision, knownSince } = head;
  const isUnknown = 'revision' in moment && moment.revision > newest;
  if (isUnknown) return refuse(404, 'revision-unknown', `there is no revision ${moment.revision}`);
  const isKnown = 'time' in moment ? moment.time >= knownSince : moment.revision >= knownRevision;
  if (knownRevision > 0 && isKnown) return null;
  const since = knownRevision === 0 ? 'not yet' : `since ${new Date(knownSince).toISOString()}, after revision ${knownRevision}`;
  return refuse(422, 'moment-unknown', `the state of all objects is known ${since}; choose a later moment, or single revisions`);
}

function chosen(objects: readonly ObjectState[], { namespaces, kinds }: Static<typeof ROLLBACK>, caller: Caller): readonly ObjectState[] {
  return objects.filter(
    ({ ref }) =>
      mayIn(caller, PERMISSION, ref.namespace) &&
      (kinds?.includes(ref.kind) ?? true) &&
      (namespaces?.includes(ref.namespace === '' ? '-' : ref.namespace) ?? true),
  );
}
