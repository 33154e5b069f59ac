// Changes of objects on behalf of callers: each is in the audit log and in the record of revisions, with its author.
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import type { Result } from '#lib/result.ts';
import type { OperationContext } from '../api/operation.ts';
import type { AdminProblem } from '../api/problem.ts';
import type { ChangedObject, ConfigurationStore, ObjectChange, StoredObject } from './configuration-store.ts';
import { shown } from './object-paths.ts';

/** The author and the reason of a change. */
export type ChangeContext = Pick<OperationContext, 'caller' | 'reason' | 'requestId'>;

/** Records changes with their authors. */
export interface ChangeRecorder {
  /** Makes a change and records it. It resolves as the change does, once it is recorded or is sure to be later. */
  around(
    ref: ObjectRef,
    context: ChangeContext,
    apply: () => Promise<Result<ChangedObject, AdminProblem>>,
  ): Promise<Result<ChangedObject, AdminProblem>>;
}

export class ConfigurationWriter {
  readonly #store: ConfigurationStore;
  readonly #recorder: ChangeRecorder;

  constructor(store: ConfigurationStore, recorder: ChangeRecorder) {
    this.#store = store;
    this.#recorder = recorder;
  }

  /** Makes a change, and adds it to the audit log without the data of Secrets. */
  async apply(
    change: ObjectChange,
    context: ChangeContext & Pick<OperationContext, 'changed'>,
  ): Promise<Result<ChangedObject, AdminProblem>> {
    const done = await this.#recorder.around(change.ref, context, () => this.#store.apply(change));
    if (!done.ok) return done;
    const { ref, before, after } = done.value;
    const state = (stored: StoredObject | null): unknown => (stored === null ? null : shown(stored).object);
    context.changed({ object: objectId(ref), before: state(before), after: state(after) });
    return done;
  }
}
