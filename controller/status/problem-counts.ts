// Counts the objects that are not served as written, by kind, for metrics: problems of sources, and bad conditions of statuses.
import { objectId } from '#api/k8s/object.ts';
import type { CompileDelta, DesiredStatus } from '../compile/result.ts';
import type { SourceProblem } from '../watch/event.ts';
import { isBad, partsOf } from './problems.ts';

export class ProblemCounts {
  /** By source: the objects with a problem, or the files where the object is not known. */
  readonly #sources = new Map<object, ReadonlySet<string>>();
  readonly #statuses = new Set<string>();

  /** Takes all current problems of a source. */
  report(source: object, problems: readonly SourceProblem[]): void {
    const errors = problems.filter(({ severity }) => severity === 'error');
    this.#sources.set(source, new Set(errors.map(({ object, file }) => (object === '' ? `unknown/${file}` : object))));
  }

  /** Takes the statuses that changed. */
  take({ statuses, forgotten }: Pick<CompileDelta, 'statuses' | 'forgotten'>): void {
    for (const status of statuses) this.#note(status);
    for (const ref of forgotten) this.#statuses.delete(objectId(ref));
  }

  /** The number of objects by kind; `unknown` for documents whose kind cannot be read. `others`: more objects with a problem. */
  byKind(others: Iterable<string>): ReadonlyMap<string, number> {
    const objects = new Set([...others, ...this.#statuses, ...[...this.#sources.values()].flatMap((each) => [...each])]);
    const counts = new Map<string, number>();
    for (const object of objects) {
      const [kind = ''] = object.split('/');
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return counts;
  }

  #note(status: DesiredStatus): void {
    const id = objectId(status.ref);
    if (partsOf(status).some(([, conditions]) => conditions.some(isBad))) this.#statuses.add(id);
    else this.#statuses.delete(id);
  }
}
