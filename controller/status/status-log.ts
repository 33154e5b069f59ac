// Logs the problems in statuses where there is no cluster to write them to: each once, and once more when it is solved.
import type { EncodedResource, Secret } from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import { objectId } from '#api/k8s/object.ts';
import type { CompileDelta } from '../compile/result.ts';
import { problemsOf } from './problems.ts';
import type { StatusProblem } from './problems.ts';

export class StatusLog {
  readonly #log: Log;
  /** By object: its last logged problems. */
  readonly #told = new Map<string, readonly StatusProblem[]>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes compiled statuses. */
  apply({ statuses, changed, forgotten }: Pick<CompileDelta, 'statuses' | 'changed' | 'forgotten'>): void {
    for (const resource of changed) if (resource.kind === 'Secret') this.#tellOfSecret(resource);
    for (const status of statuses) this.#tell(objectId(status.ref), problemsOf(status));
    for (const ref of forgotten) this.#tell(objectId(ref), []);
  }

  /** An expired certificate that is still served has no status, so its problem is read from the Secret. */
  #tellOfSecret({ body }: EncodedResource): void {
    const { key, problem } = JSON.parse(body.toString()) as Secret;
    if (problem !== undefined) this.#log.warn({ object: `Secret/${key}`, problem }, 'a certificate has a problem');
  }

  #tell(object: string, now: readonly StatusProblem[]): void {
    const before = this.#told.get(object) ?? [];
    if (now.length > 0) this.#told.set(object, now);
    else this.#told.delete(object);
    for (const problem of before) if (!now.some((other) => isOfSameCondition(problem, other))) this.#tellSolved(problem);
    for (const problem of now) {
      if (!before.some((other) => isSame(problem, other))) this.#log.warn({ ...problem }, 'not served as written');
    }
  }

  #tellSolved({ object, part, condition, reason, message }: StatusProblem): void {
    const subject = [object, part, condition].filter((word) => word !== '').join(' ');
    this.#log.info({ object, part, condition }, `solved: ${subject}: ${reason}: ${message}`);
  }
}

function isOfSameCondition(a: StatusProblem, b: StatusProblem): boolean {
  return a.part === b.part && a.condition === b.condition;
}

function isSame(a: StatusProblem, b: StatusProblem): boolean {
  return isOfSameCondition(a, b) && a.reason === b.reason && a.message === b.message;
}
