// Logs the problems in statuses where there is no cluster to write them to: each once, and again when it is solved.
import type { EncodedResource, Secret } from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import { objectId } from '#api/k8s/object.ts';
import type { CompileDelta, DesiredStatus } from '../compile/result.ts';
import { problemsOf } from './problems.ts';

export class StatusLog {
  readonly #log: Log;
  /** The last logged problems of each object. */
  readonly #told = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Takes compiled statuses. */
  apply({ statuses, changed }: Pick<CompileDelta, 'statuses' | 'changed'>): void {
    for (const resource of changed) if (resource.kind === 'Secret') this.#tellOfSecret(resource);
    for (const status of statuses) this.#tell(status);
  }

  /** An expired certificate that is still served has no status, so its problem is read from the Secret. */
  #tellOfSecret({ body }: EncodedResource): void {
    const { key, problem } = JSON.parse(body.toString()) as Secret;
    if (problem !== undefined) this.#log.warn({ object: `Secret/${key}`, problem }, 'a certificate to be mended');
  }

  #tell(status: DesiredStatus): void {
    const object = objectId(status.ref);
    const problems = problemsOf(status);
    const text = JSON.stringify(problems);
    const before = this.#told.get(object) ?? '[]';
    if (text === before) return;
    if (problems.length > 0) this.#told.set(object, text);
    else this.#told.delete(object);
    for (const problem of problems) this.#log.warn({ ...problem }, 'not served as written');
    if (problems.length === 0) this.#log.info({ object }, 'all problems are mended');
  }
}
