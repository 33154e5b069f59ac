// Records what comes into force: changes by the API with their authors, and those by other programs as an observer of the configuration.
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { Backoff } from '#lib/backoff.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import type { AdminProblem } from '../api/problem.ts';
import type {
  ChangedObject,
  ConfigurationObserver,
  ConfigurationStore,
  ObservedObject,
  StoredObject,
} from '../configuration/configuration-store.ts';
import { FIELD_MANAGER } from '../configuration/cluster/field-owners.ts';
import type { ChangeContext, ChangeRecorder } from '../configuration/configuration-writer.ts';
import { hidesData } from '../configuration/hidden-data.ts';
import { contentOf, type RevisionActor, type RevisionOrigin } from './revision.ts';
import { headOf, objectsAfter, record, setKnown, type RecordedChange } from './revision-table.ts';

/** Changes in one transaction, so that other writers do not wait long. */
const MAX_BATCH = 100;
/** Waits between attempts after a failure of the store, milliseconds. */
const RETRY = { minimum: 250, maximum: 10_000 };
/** A change of the API that no replica has recorded after this time lost its program in between; it is recorded as it was seen. */
const GRACE_MS = 15_000;
/** The reason of revisions that were found when the program began to look. */
const FOUND = 'found when the admin program began to look';

/** While the store is away so many states of objects wait; beyond these only the newest one of each object does. */
const MAX_SEEN = 10_000;

/** An object as it was seen, not yet recorded. */
interface Seen {
  readonly id: string;
  readonly observed: ObservedObject;
  readonly reason: string;
  /** It is not recorded before this time, milliseconds since the epoch. */
  readonly due: number;
}

/** A complete list: the ids of its objects, and the kinds that it is about; null: all. */
interface Listed {
  readonly ids: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string> | null;
}

export class RevisionRecorder implements ConfigurationObserver, ChangeRecorder {
  readonly #store: Store;
  readonly #origin: RevisionOrigin;
  readonly #log: Log;
  readonly #backoff = new Backoff(RETRY);
  /** What was seen and is not recorded, in its order. */
  #seen: Seen[] = [];
  /** Objects with a change that another replica may record. */
  readonly #delayed = new Set<string>();
  /** Objects that the API changes now, with the number of changes: what is seen of them waits. */
  readonly #held = new Map<string, number>();
  /** The last ETag of each Secret: its content does not tell whether its data has changed. */
  readonly #secrets = new Map<string, string>();
  /** Changes by the API that could not be recorded. */
  #owed: readonly RecordedChange[] = [];
  /** The last complete list; null: it is compared with what is recorded. */
  #listed: Listed | null = null;
  /** All objects were listed once; then they are all recorded too. */
  #wasListed = false;
  #isKnown = false;
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  #end: () => Promise<void> = () => Promise.resolve();

  constructor(store: Store, origin: RevisionOrigin, log: Log) {
    this.#store = store;
    this.#origin = origin;
    this.#log = log;
  }

  /** Begins to look; or once more, after the store was restored. */
  async start(configuration: ConfigurationStore): Promise<void> {
    await this.#end();
    this.#end = configuration.observe(this);
  }

  /** Resolves when all changes so far are recorded, or when the store is away. */
  settle(): Promise<void> {
    return this.#schedule();
  }

  /** Records what was seen, and stops. */
  async close(): Promise<void> {
    await this.#end();
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#schedule();
  }

  synced(objects: readonly ObservedObject[], kinds: ReadonlySet<string> | null): void {
    this.#wasListed = true;
    this.#listed = { ids: new Set(objects.map(({ ref }) => objectId(ref))), kinds };
    for (const each of objects) this.#see(each, FOUND);
    void this.#schedule();
  }

  changed(objects: readonly ObservedObject[]): void {
    for (const each of objects) this.#see(each, '');
    void this.#schedule();
  }

  async around(
    ref: ObjectRef,
    context: ChangeContext,
    apply: () => Promise<Result<ChangedObject, AdminProblem>>,
  ): Promise<Result<ChangedObject, AdminProblem>> {
    const id = objectId(ref);
    if (this.#seen.length > 0) await this.#schedule();
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    try {
      const done = await apply();
      if (done.ok) await this.#inTurn(() => this.#keep(done.value, context));
      return done;
    } finally {
      const left = (this.#held.get(id) ?? 1) - 1;
      if (left === 0) this.#held.delete(id);
      else this.#held.set(id, left);
      if (this.#seen.length > 0) void this.#schedule();
    }
  }

  async #keep({ ref, before, after }: ChangedObject, context: ChangeContext): Promise<void> {
    const id = objectId(ref);
    const { kind, id: callerId, name } = context.caller;
    const common = {
      ref,
      origin: 'api' as const,
      actor: { kind, id: callerId, name },
      reason: context.reason,
      requestId: context.requestId,
    };
    const changes: readonly RecordedChange[] = [
      // A change by another program that was not seen yet.
      { ...this.#external(ref, before, ''), isCertain: false, reason: '' },
      { ...common, content: contentIn(after), isCertain: hidesData(ref) },
    ];
    const owed = [...this.#owed, ...changes];
    const done = await this.#store.write((t) => record(t, owed));
    this.#owed = done.ok ? [] : owed;
    if (!done.ok) this.#fail(done.error);
    if (hidesData(ref) && after !== null) this.#secrets.set(id, after.etag);
    const isRecorded = ({ observed }: Seen): boolean => [before?.etag, after?.etag].includes(observed.stored?.etag);
    this.#seen = this.#seen.filter((seen) => seen.id !== id || !isRecorded(seen));
  }

  #see(observed: ObservedObject, reason: string): void {
    const id = objectId(observed.ref);
    // Another replica records changes of this manager with their authors.
    const isOwn = observed.manager === FIELD_MANAGER && this.#isKnown;
    const isCrowded = this.#seen.length >= MAX_SEEN;
    // A change of the API that another one has followed must not come after it.
    if (isCrowded || this.#delayed.has(id)) this.#seen = this.#seen.filter((each) => each.id !== id || (each.due === 0 && !isCrowded));
    this.#delayed[isOwn ? 'add' : 'delete'](id);
    this.#seen.push({ id, observed, reason, due: isOwn ? Date.now() + GRACE_MS : 0 });
  }

  /** Records what was seen, once no other change is being recorded. */
  #schedule(): Promise<void> {
    return this.#inTurn(() => this.#flush());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => this.#log.error({ err: error }, 'a bug stopped the record of a revision'));
    return this.#turn;
  }

  async #flush(): Promise<void> {
    if (this.#listed !== null && !(await this.#compare(this.#listed))) return;
    for (let batch = this.#batch(); batch.length > 0 || this.#owed.length > 0; batch = this.#batch()) {
      const changes = [...this.#owed, ...batch.map((seen) => this.#changeOf(seen))];
      const done = await this.#store.write((t) => record(t, changes));
      if (!done.ok) return this.#fail(done.error);
      this.#owed = [];
      this.#backoff.reset();
      this.#forget(batch);
    }
    if (this.#wasListed && this.#seen.length === 0 && !this.#isKnown) this.#isKnown = (await this.#store.write(setKnown)).ok;
    const due = this.#seen.reduce((least, each) => Math.min(least, each.due || Infinity), Infinity);
    if (Number.isFinite(due)) this.#wait(due - Date.now());
  }

  /** Objects of the record that the list lacks are gone. False: the store is away. */
  async #compare({ ids, kinds }: Listed): Promise<boolean> {
    const recorded = await this.#store.read(async (t) => objectsAfter(t, (await headOf(t)).revision));
    if (!recorded.ok) {
      this.#fail(recorded.error);
      return false;
    }
    const waiting = new Set(this.#seen.map(({ id }) => id));
    for (const { hash: _, ...ref } of recorded.value) {
      const id = objectId(ref);
      const isMissing = (kinds?.has(ref.kind) ?? true) && !ids.has(id);
      if (isMissing && !this.#held.has(id) && !waiting.has(id)) this.#see({ ref, stored: null, manager: '' }, FOUND);
    }
    this.#listed = null;
    return true;
  }

  /** The next state of each object. */
  #batch(): readonly Seen[] {
    const now = Date.now();
    const batch = new Map<string, Seen>();
    for (const seen of this.#seen) {
      if (batch.size === MAX_BATCH) break;
      if (!batch.has(seen.id) && !this.#held.has(seen.id) && seen.due <= now) batch.set(seen.id, seen);
    }
    return [...batch.values()];
  }

  #changeOf({ observed: { ref, stored, manager }, reason }: Seen): RecordedChange {
    const known = this.#secrets.get(objectId(ref));
    const isCertain = hidesData(ref) && known !== undefined && stored !== null && known !== stored.etag;
    return { ...this.#external(ref, stored, manager), reason, isCertain };
  }

  #external(ref: ObjectRef, stored: StoredObject | null, manager: string): Omit<RecordedChange, 'isCertain' | 'reason'> {
    const actor: RevisionActor = { kind: 'program', id: '', name: manager || (stored?.place?.file ?? '') };
    return { ref, content: contentIn(stored), actor, origin: this.#origin, requestId: '' };
  }

  #forget(recorded: readonly Seen[]): void {
    for (const { id, observed } of recorded)
      if (hidesData(observed.ref) && observed.stored !== null) this.#secrets.set(id, observed.stored.etag);
    const gone = new Set(recorded);
    this.#seen = this.#seen.filter((seen) => !gone.has(seen));
  }

  #fail(reason: string): void {
    this.#log.warn(
      { event: 'revisions_not_recorded', reason, objects: this.#seen.length + this.#owed.length },
      'revisions wait for the store',
    );
    this.#wait(this.#backoff.next());
  }

  #wait(time: number): void {
    if (this.#isClosed || this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        void this.#schedule();
      },
      Math.max(time, 1),
    ).unref();
  }
}

function contentIn(stored: StoredObject | null): JsonObject | null {
  return stored === null ? null : contentOf(stored.object);
}
