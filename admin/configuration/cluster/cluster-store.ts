// Configuration in a cluster: objects of the API server, written by server-side apply under the field manager of the admin API.
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { mergePatchOf } from '#lib/merge-patch.ts';
import { ok, type Result } from '#lib/result.ts';
import type { ApiClient } from '../../../controller/watch/api-client.ts';
import { placesOf, type Place } from '../../../controller/watch/places.ts';
import { changedMeanwhile, refuse, type AdminProblem } from '../../api/problem.ts';
import type { EffectRun } from '../../compilation/effect-compiler.ts';
import type {
  ChangedObject,
  ConfigurationObserver,
  ConfigurationStore,
  DryRun,
  DryRunOptions,
  ListQuery,
  ObjectChange,
  ObjectPage,
  RefusedChange,
  StoredObject,
} from '../configuration-store.ts';
import { hidesData } from '../hidden-data.ts';
import { fieldChanges } from '../object-changes.ts';
import { plannedObject } from '../planned-change.ts';
import { ClusterContent, type ClusterContentOptions } from './cluster-content.ts';
import { ClusterWatch } from './cluster-watch.ts';
import { ClusterObjects, selectorText, type LiveObject } from './cluster-objects.ts';
import { away } from './cluster-problem.ts';
import { liveForm, writePlanned } from './cluster-writes.ts';
import { gitOpsOwner, type GitOpsOwner } from './gitops-owner.ts';

/** How often a write is planned anew because another program writes the object, such as its status. */
const MAX_ATTEMPTS = 8;

/** An object in a dry run: in the cluster, and as the changes before leave it. */
interface TriedObject {
  readonly live: LiveObject | null;
  readonly now: StoredObject | null;
  /** As the API server would have it. */
  readonly raw: JsonObject | null;
}

export class ClusterStore implements ConfigurationStore {
  readonly origin = 'kubernetes';
  readonly #client: ApiClient;
  readonly #namespaces: readonly string[];
  readonly #objects: ClusterObjects;
  readonly #content: ClusterContent;

  constructor(client: ApiClient, options: ClusterContentOptions) {
    this.#client = client;
    this.#namespaces = options.namespaces;
    this.#objects = new ClusterObjects(client);
    this.#content = new ClusterContent(client, options);
  }

  async list(kind: KindName, query: ListQuery): Promise<Result<ObjectPage, AdminProblem>> {
    const places = this.#placesOf(kind, query.namespace);
    const selector = selectorText(query.selector);
    const items: StoredObject[] = [];
    let next = query.cursor === null ? { place: 0, rest: '' } : positionOf(query.cursor);
    if (next === null) return wrongCursor();
    for (let place = places[next.place]; place !== undefined; place = places[next.place]) {
      if (items.length >= query.limit) return ok({ items, next: cursorOf(next) });
      const page = await this.#objects.list(kind, { place, selector, limit: query.limit - items.length, rest: next.rest });
      if (!page.ok) return isRefusedCursor(next, page.error) ? wrongCursor() : page;
      items.push(...page.value.items);
      next = page.value.rest === '' ? { place: next.place + 1, rest: '' } : { place: next.place, rest: page.value.rest };
    }
    return ok({ items, next: null });
  }

  #placesOf(kind: KindName, namespace: string | null): readonly Place[] {
    const isPlaced = namespace !== null && KINDS[kind].namespaced;
    return isPlaced ? [{ namespace, fieldSelector: '' }] : placesOf(KINDS[kind], this.#namespaces);
  }

  get(ref: ObjectRef): Promise<Result<StoredObject, AdminProblem>> {
    return this.#objects.get(ref);
  }

  async apply(change: ObjectChange): Promise<Result<ChangedObject, AdminProblem>> {
    let etag = '';
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const found = await this.#find(change.ref);
      if (!found.ok) return found;
      const done = await this.#write(change, found.value);
      if (done.ok || done.error.code !== 'changed-meanwhile' || found.value === null) return done;
      etag = found.value.etag;
      if (isExpected(change, etag)) continue;
      return done;
    }
    return changedMeanwhile('object', objectId(change.ref), etag);
  }

  async #write(change: ObjectChange, live: LiveObject | null): Promise<Result<ChangedObject, AdminProblem>> {
    const { ref } = change;
    const planned = plan(change, live, live);
    if (!planned.ok) return planned;
    const owner = live === null ? null : gitOpsOwner(live.raw);
    if (live !== null && owner !== null) return managed(owner, change, live, planned.value);
    const done = await writePlanned(this.#objects, { ref, try: false, force: isForced(change) }, live, planned.value);
    return done.ok ? ok({ ref, before: live, after: done.value }) : done;
  }

  dryRun(changes: readonly ObjectChange[], options: DryRunOptions = {}): Promise<Result<DryRun, AdminProblem>> {
    return this.#content.run((run) => this.#dryRun(run, changes, options));
  }

  async close(): Promise<void> {
    await this.#content.close();
  }

  observe(observer: ConfigurationObserver): () => Promise<void> {
    const watch = new ClusterWatch(this.#client, this.#namespaces, observer);
    watch.start();
    return () => watch.stop();
  }

  async #dryRun(
    run: EffectRun,
    changes: readonly ObjectChange[],
    { base = [], ...asked }: DryRunOptions,
  ): Promise<Result<DryRun, AdminProblem>> {
    const tried = new Map<string, TriedObject>();
    const supposed = await this.#suppose(base, tried);
    if (!supposed.ok) return supposed;
    const start = new Map(tried);
    const made = await this.#suppose(changes, tried);
    if (!made.ok) return made;
    const trouble = await this.#content.trouble();
    if (trouble !== '') return away(trouble);
    const before = new Map([...tried].map(([id, { live }]) => [id, (start.get(id) ?? { raw: rawOf(live) }).raw]));
    await this.#content.compile(run, 'before', before);
    await this.#content.compile(run, 'after', new Map([...tried].map(([id, { raw }]) => [id, raw])));
    return ok({ ...made.value, ...(await run.compare(asked)) });
  }

  /** Tries changes one after the other. `tried` gets their results. */
  async #suppose(
    changes: readonly ObjectChange[],
    tried: Map<string, TriedObject>,
  ): Promise<Result<Pick<DryRun, 'changes' | 'refused'>, AdminProblem>> {
    const made: ChangedObject[] = [];
    const refused: RefusedChange[] = [];
    for (const [index, change] of changes.entries()) {
      const id = objectId(change.ref);
      const after = await this.#try(change, tried);
      if (after.ok) {
        const known = tried.get(id);
        made.push({ ref: change.ref, before: known === undefined ? after.value.live : known.now, after: after.value.now });
        tried.set(id, after.value);
      } else if (after.error.code === 'cluster-away') return after;
      else refused.push({ index, problem: after.error });
    }
    return ok({ changes: made, refused });
  }

  /** What the API server makes of a change, after those before it. */
  async #try(change: ObjectChange, tried: ReadonlyMap<string, TriedObject>): Promise<Result<TriedObject, AdminProblem>> {
    const { ref } = change;
    const start = await this.#startOf(ref, tried);
    if (!start.ok) return start;
    const { live, now } = start.value;
    const planned = plan(change, now, live);
    if (!planned.ok) return planned;
    // The API server does not know a namespace that only an earlier change makes.
    if (tried.get(`Namespace/${ref.namespace}`)?.live === null && planned.value !== null)
      return ok({ live, now: untested(ref, planned.value), raw: planned.value });
    // The source of an object decides about its fields, so that a change of the source has no conflicts.
    const force = isForced(change) || isManaged(live);
    const done = await writePlanned(this.#objects, { ref, try: true, force }, live, planned.value);
    return done.ok ? ok({ live, now: done.value, raw: rawOf(done.value) }) : done;
  }

  async #startOf(ref: ObjectRef, tried: ReadonlyMap<string, TriedObject>): Promise<Result<TriedObject, AdminProblem>> {
    const known = tried.get(objectId(ref));
    if (known !== undefined) return ok(known);
    const found = await this.#find(ref);
    return found.ok ? ok({ live: found.value, now: found.value, raw: rawOf(found.value) }) : found;
  }

  /** Null: there is none. */
  async #find(ref: ObjectRef): Promise<Result<LiveObject | null, AdminProblem>> {
    const found = await this.#objects.get(ref);
    return !found.ok && found.error.code === 'object-unknown' ? ok(null) : found;
  }
}

function plan(change: ObjectChange, current: StoredObject | null, live: LiveObject | null): Result<JsonObject | null, AdminProblem> {
  const planned = plannedObject(change, current);
  if (!planned.ok || planned.value === null) return planned;
  return ok(liveForm(change, { ...planned.value, apiVersion: KINDS[change.ref.kind as KindName].apiVersion }, live));
}

function isForced(change: ObjectChange): boolean {
  return 'force' in change && change.force === true;
}

/** Whether the change is for this state, so that another program came in between, and it can be tried again. */
function isExpected(change: ObjectChange, etag: string): boolean {
  return !('etag' in change) || change.etag === null || change.etag === etag;
}

function isManaged(live: LiveObject | null): boolean {
  return live !== null && gitOpsOwner(live.raw) !== null;
}

function rawOf(live: LiveObject | null): JsonObject | null {
  return live === null ? null : live.raw;
}

function untested(ref: ObjectRef, object: JsonObject): StoredObject {
  return { ref, object, etag: '', place: null };
}

/** The refusal for an object of another source, with what to change there. */
function managed(owner: GitOpsOwner, change: ObjectChange, live: LiveObject, planned: JsonObject | null): Result<never, AdminProblem> {
  const { ref } = change;
  const after = planned === null ? null : { ...live, object: planned };
  const { fields } = fieldChanges({ ref, before: live, after }, change);
  const of = owner.name === '' ? owner.tool : `${owner.tool} (${owner.name})`;
  const what =
    planned === null
      ? 'remove the object from its source'
      : 'change its source as `changes` tells, or propose the change (POST /proposals) if a repository is configured';
  // A merge patch of a Secret would have its data.
  const patch = planned === null || hidesData(ref) ? {} : { mergePatch: mergePatchOf(live.object, planned) };
  const more = { managedBy: owner, changes: planned === null ? [] : fields, ...patch };
  return refuse(403, 'managed-by-gitops', `${objectId(ref)} belongs to ${of}, which would undo the change; ${what}`, { more });
}

/** Whether the API server does not take a cursor. */
function isRefusedCursor({ rest }: Position, { code }: AdminProblem): boolean {
  return rest !== '' && code === 'object-invalid';
}

function wrongCursor(): Result<never, AdminProblem> {
  const errors = [{ field: 'query.cursor', reason: 'is not a cursor of this list' }];
  return refuse(400, 'invalid-fields', 'the cursor is not one of this list', { errors });
}

/** Where a page ends: the place, and where the rest of its list begins. */
interface Position {
  readonly place: number;
  readonly rest: string;
}

function cursorOf({ place, rest }: Position): string {
  return Buffer.from(`${place} ${rest}`).toString('base64url');
}

function positionOf(cursor: string): Position | null {
  const [, place, rest = ''] = /^(\d{1,4}) ([\w=.~-]*)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return place === undefined ? null : { place: Number(place), rest };
}
