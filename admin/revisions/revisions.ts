// The reading side of revisions: pages, single revisions with their content, states at a moment.
import type { JsonObject } from '#lib/canonical-json.ts';
import type { Result } from '#lib/result.ts';
import type { Store } from '#lib/store/store.ts';
import type { RevisionRecorder } from './recorder.ts';
import type { ObjectState, Revision } from './revision.ts';
import { changedSince, contentAt, headOf, lastUntil, revisionAt, select, type Head, type RevisionFilter } from './revision-table.ts';

/** A page of a list, the newest revisions first. `next`: the number before which the next page goes on; null: there is none. */
export interface RevisionPage {
  readonly items: readonly Revision[];
  readonly next: number | null;
  /** The number of the newest revision of all. */
  readonly head: number;
}

/** A revision with its content; null: the object was deleted. */
export interface RevisionContent extends Revision {
  readonly content: JsonObject | null;
}

/** The state after a revision, as far as it differs from the newest one. */
export interface PastState {
  readonly head: Head;
  readonly revision: number;
  readonly objects: readonly ObjectState[];
}

export class Revisions {
  readonly recorder: RevisionRecorder;
  readonly #store: Store;

  constructor(store: Store, recorder: RevisionRecorder) {
    this.#store = store;
    this.recorder = recorder;
  }

  /** The newest revisions that meet the filter, among those with numbers below `before`. */
  list(filter: RevisionFilter, before: number | null, limit: number): Promise<Result<RevisionPage>> {
    return this.#store.read(async (t) => {
      const found = await select(t, filter, before, limit + 1);
      const items = found.slice(0, limit);
      return { items, next: found.length > limit ? (items.at(-1)?.revision ?? null) : null, head: (await headOf(t)).revision };
    });
  }

  /** Null: there is no such revision, or retention has removed it. */
  get(revision: number): Promise<Result<RevisionContent | null>> {
    return this.#store.read(async (t) => {
      const found = await revisionAt(t, revision);
      return found === null ? null : { ...found, content: found.hash === null ? null : await contentAt(t, found.hash) };
    });
  }

  /** The objects that have changed since a revision, or a time in milliseconds since the epoch, as they were then. */
  stateAt(moment: { readonly revision: number } | { readonly time: number }): Promise<Result<PastState>> {
    return this.#store.read(async (t) => {
      const revision = 'revision' in moment ? moment.revision : await lastUntil(t, moment.time);
      return { head: await headOf(t), revision, objects: await changedSince(t, revision) };
    });
  }
}
