// Sets of changes that belong together, such as a rollback: tried as a whole first, then made one after the other.
import type { Static } from '#lib/typebox.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { OperationContext } from '../api/operation.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { ConfigurationStore, ObjectChange } from './configuration-store.ts';
import type { ConfigurationWriter } from './configuration-writer.ts';
import { visibleEffects } from './dry-run-operation.ts';
import type { DRY_RUN } from './schemas.ts';

/** An object that stays as it is, although a change of it is wanted. */
export interface RefusedObject {
  readonly ref: ObjectRef;
  readonly problem: AdminProblem;
}

/** Changes that are wanted together, and those that were found impossible while they were planned. */
export interface ChangeSet {
  readonly changes: readonly ObjectChange[];
  readonly refused: readonly RefusedObject[];
}

/** What to do with a set. */
export interface ChangeSetOptions {
  readonly dryRun: boolean;
  /** Make the possible changes; otherwise none is made if one is impossible. */
  readonly skipRefused: boolean;
  /** The code of the refusal of a set: `rollback-refused`. */
  readonly refusal: string;
}

/** The effects of a set, with the objects that stay as they are. */
export type ChangesReport = Static<typeof DRY_RUN> & {
  readonly dryRun: boolean;
  readonly refused: { readonly ref: ObjectRef; readonly code: string; readonly detail: string }[];
};

/** Runs sets of changes for operations. */
export class ChangeSets {
  readonly #store: ConfigurationStore;
  readonly #writer: ConfigurationWriter;

  constructor(store: ConfigurationStore, writer: ConfigurationWriter) {
    this.#store = store;
    this.#writer = writer;
  }

  /** Tries a set, and makes it unless it is a dry run. A set that stops half way is refused with the objects that it has changed. */
  async run(set: ChangeSet, options: ChangeSetOptions, context: OperationContext): Promise<Result<ChangesReport, AdminProblem>> {
    const tried = await this.#store.dryRun(set.changes);
    if (!tried.ok) return tried;
    const impossible = new Map(tried.value.refused.map(({ index, problem }) => [index, problem]));
    const refused = [
      ...set.refused,
      ...set.changes.flatMap(({ ref }, i) => {
        const problem = impossible.get(i);
        return problem === undefined ? [] : [{ ref, problem }];
      }),
    ];
    const effects = visibleEffects(tried.value, set.changes, context.caller);
    const report = {
      ...effects,
      dryRun: options.dryRun,
      refused: refused.map(({ ref, problem: { code, detail } }) => ({ ref, code, detail })),
    };
    if (options.dryRun) return ok(report);
    if (refused.length > 0 && !options.skipRefused) return refusedSet(refused, options);
    const possible = set.changes.filter((_, i) => !impossible.has(i));
    return (await this.#make(possible, context, options)) ?? ok(report);
  }

  /** Null: all changes are made. */
  async #make(
    changes: readonly ObjectChange[],
    context: OperationContext,
    { refusal }: ChangeSetOptions,
  ): Promise<Result<never, AdminProblem> | null> {
    for (const [i, change] of changes.entries()) {
      const done = await this.#writer.apply(change, context);
      if (done.ok) continue;
      if (i === 0) return err(done.error);
      const made = changes.slice(0, i).map(({ ref }) => objectId(ref));
      const detail = `${objectId(change.ref)} was refused after ${i} of ${changes.length} objects were changed: ${done.error.detail}; send the request again for the rest`;
      return refuse(409, `${refusal.replace(/-refused$/, '')}-incomplete`, detail, { more: { changed: made } });
    }
    return null;
  }
}

function refusedSet(refused: readonly RefusedObject[], { refusal }: ChangeSetOptions): Result<never, AdminProblem> {
  const errors = refused.map(({ ref, problem }) => ({ field: objectId(ref), reason: problem.detail }));
  const names = refused.slice(0, 3).map(({ ref }) => objectId(ref));
  const rest = refused.length > names.length ? ` and ${refused.length - names.length} more` : '';
  return refuse(409, refusal, `nothing is changed, since ${names.join(', ')}${rest} must stay as they are; skipRefused leaves them out`, {
    errors,
  });
}
