// Restores a checked archive: the store in one transaction, then the objects as a set of changes.
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import type { OperationContext } from '../api/operation.ts';
import { changedMeanwhile, refuse, type AdminProblem } from '../api/problem.ts';
import { ChangeSets, type ChangeSet, type ChangesReport, type RefusedObject } from '../configuration/change-sets.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { ConfigurationWriter } from '../configuration/configuration-writer.ts';
import { hidesData } from '../configuration/hidden-data.ts';
import type { ObjectState } from '../revisions/revision.ts';
import { headOf } from '../revisions/revision-table.ts';
import type { Revisions } from '../revisions/revisions.ts';
import { planRollback, versionInForce } from '../revisions/rollback.ts';
import type { CheckedArchive } from './archive.ts';
import { objectsOf } from './backup.ts';
import { auditMergeOf, entryIn, restoreStore, type AuditMerge } from './restored-store.ts';

/** An archive with its bytes. */
export interface GivenArchive {
  readonly bytes: Uint8Array;
  readonly checked: CheckedArchive;
}

/** What to restore, and how. */
export interface RestoreOptions {
  readonly dryRun?: boolean;
  readonly parts?: 'all' | 'configuration' | 'store';
  readonly prune?: boolean;
  readonly skipRefused?: boolean;
  readonly ifMatch: string | null;
}

/** The result of a restore. `none`: the store is not restored. */
export interface Restored {
  readonly audit: Exclude<AuditMerge, 'impossible'> | 'none';
  readonly configuration: ChangesReport;
  readonly etag: string;
}

/** A restore that is possible. */
interface Tried {
  readonly set: ChangeSet;
  readonly audit: Restored['audit'];
  readonly tried: ChangesReport;
  readonly options: RestoreOptions;
}

const NO_CHANGES: ChangeSet = { changes: [], refused: [] };

export class Restore {
  readonly #store: Store;
  readonly #configuration: ConfigurationStore | null;
  readonly #revisions: Revisions;
  readonly #sets: ChangeSets | null;
  /** One restore runs at a time. */
  #isRunning = false;

  constructor({ store, configuration, revisions }: { store: Store; configuration: ConfigurationStore | null; revisions: Revisions }) {
    this.#store = store;
    this.#configuration = configuration;
    this.#revisions = revisions;
    this.#sets = configuration === null ? null : new ChangeSets(configuration, new ConfigurationWriter(configuration, revisions.recorder));
  }

  async run(archive: GivenArchive, options: RestoreOptions, context: OperationContext): Promise<Result<Restored, AdminProblem>> {
    if (this.#isRunning) return refuse(409, 'restore-refused', 'another restore runs; wait for its end');
    this.#isRunning = true;
    try {
      return await this.#run(archive, options, context);
    } finally {
      this.#isRunning = false;
    }
  }

  async #run(archive: GivenArchive, options: RestoreOptions, context: OperationContext): Promise<Result<Restored, AdminProblem>> {
    const { parts = 'all', dryRun = false, ifMatch } = options;
    const etag = await this.#etagOf(archive, ifMatch);
    if (!etag.ok) return etag;
    const audit = parts === 'configuration' ? ok('none' as const) : await this.#mergeOf(archive);
    if (!audit.ok) return audit;
    const set = parts === 'store' ? NO_CHANGES : await this.#plan(archive.checked, options.prune === true);
    const tried = await this.#change(set, { ...options, dryRun: true }, context);
    const done = !tried.ok || dryRun ? tried : await this.#make(archive, { set, audit: audit.value, tried: tried.value, options }, context);
    return done.ok ? ok({ audit: audit.value, configuration: done.value, etag: etag.value }) : done;
  }

  /** Makes what was tried. */
  async #make(
    archive: GivenArchive,
    { set, audit, tried, options }: Tried,
    context: OperationContext,
  ): Promise<Result<ChangesReport, AdminProblem>> {
    if (tried.refused.length > 0 && options.skipRefused !== true) return this.#refused(tried.refused);
    const written = audit === 'none' ? null : await this.#write(archive, audit, context);
    if (written !== null) return written;
    const done = await this.#change(set, { skipRefused: true, dryRun: false }, context);
    if (audit !== 'none' && this.#configuration !== null) await this.#revisions.recorder.start(this.#configuration);
    return done;
  }

  /** The ETag of the archive and of the state that it is restored over, if it is the expected one; null: any is. */
  async #etagOf({ checked }: GivenArchive, expected: string | null): Promise<Result<string, AdminProblem>> {
    const head = await this.#store.read(headOf);
    if (!head.ok) return away(head.error);
    const etag = `${checked.sha256.slice(0, 32)}-${head.value.revision}`;
    return expected === null || expected === etag ? ok(etag) : changedMeanwhile('configuration', 'of all objects', etag);
  }

  async #mergeOf({ bytes, checked }: GivenArchive): Promise<Result<Exclude<AuditMerge, 'impossible'>, AdminProblem>> {
    const merge = await this.#store.read((t) => auditMergeOf(t, checked.manifest.audit, (sequence) => entryIn(bytes, sequence)));
    if (!merge.ok) return away(merge.error);
    if (merge.value !== 'impossible') return ok(merge.value);
    const detail =
      'the audit log of this store is neither part of that of the archive nor short enough to follow it; restore into a new store, or only the configuration';
    return refuse(409, 'audit-log-foreign', detail);
  }

  /** The changes after which the objects are those of the archive. */
  async #plan({ objects, secrets }: CheckedArchive, prune: boolean): Promise<ChangeSet> {
    const store = this.#configuration;
    if (store === null) return NO_CHANGES;
    const wanted: ObjectState[] = [...objects];
    if (prune) {
      const known = new Set(objects.map(({ ref }) => objectId(ref)));
      for await (const { ref } of objectsOf(store)) if (!known.has(objectId(ref)) && !hidesData(ref)) wanted.push({ ref, content: null });
    }
    const plan = await planRollback(store, wanted);
    return { ...plan, refused: [...plan.refused, ...(await missingSecrets(store, secrets))] };
  }

  async #change(set: ChangeSet, options: Pick<RestoreOptions, 'dryRun' | 'skipRefused'>, context: OperationContext) {
    const { dryRun = false, skipRefused = false } = options;
    if (this.#sets !== null) return this.#sets.run(set, { dryRun, skipRefused, refusal: 'restore-refused' }, context);
    return ok({ dryRun, objects: [], resources: [], listeners: [], conditions: [], problems: [], solved: [], refused: [] });
  }

  /** Null: the store is restored. */
  async #write(
    { bytes, checked }: GivenArchive,
    merge: Exclude<AuditMerge, 'impossible'>,
    context: OperationContext,
  ): Promise<Result<never, AdminProblem> | null> {
    const written = await this.#store
      .write((t) => restoreStore(t, bytes, checked, merge))
      // A row that breaks a rule of its table, such as a name twice: no program of Weir has made this archive.
      .catch((error: unknown) =>
        refuse(422, 'archive-inapplicable', `nothing is restored: the store does not take a row: ${String(error)}`),
      );
    if (!written.ok) return typeof written.error === 'string' ? away(written.error) : err(written.error);
    const { sha256, rows, manifest } = checked;
    context.changed({ object: 'store', before: null, after: { sha256, created: manifest.created, rows, audit: merge } });
    return null;
  }

  #refused(refused: ChangesReport['refused']): Result<never, AdminProblem> {
    const errors = refused.map(({ ref, detail }) => ({ field: objectId(ref), reason: detail }));
    return refuse(409, 'restore-refused', `nothing is restored, since ${refused.length} objects cannot be; skipRefused leaves them out`, {
      errors,
    });
  }
}

/** Secrets that the archive names, and that do not exist: their data is in no archive. */
async function missingSecrets(store: ConfigurationStore, refs: readonly ObjectRef[]): Promise<readonly RefusedObject[]> {
  const missing: RefusedObject[] = [];
  for (const ref of refs) {
    const current = await versionInForce(store, ref);
    if (current.ok && current.value.content !== null) continue;
    missing.push({
      ref,
      problem: { status: 409, code: 'secret-not-kept', detail: `backups do not have the data of Secrets; write ${objectId(ref)} anew` },
    });
  }
  return missing;
}

function away(reason: string): Result<never, AdminProblem> {
  return refuse(503, 'store-away', reason, { retryAfter: 5 });
}
