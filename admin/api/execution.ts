// One run of an operation: the check of its input, the permission in its namespace, the work, and the entry of the audit log.
import type { Log } from '#lib/log.ts';
import { err, type Result } from '#lib/result.ts';
import type { Auditor, AuditRecord } from './authenticator.ts';
import { forbidden } from './gate.ts';
import type { AdminAnswer, AdminOperation, Caller, Change, OperationContext, OperationInput } from './operation.ts';
import { isAudited } from './operation.ts';
import { refuse, type AdminProblem } from './problem.ts';
import { validatorOf, type RawInput } from './validation.ts';

export type Outcome = Result<AdminAnswer<unknown>, AdminProblem>;

/** The facts of a request for its execution, besides the input. */
export interface ExecutionRequest extends Omit<OperationContext, 'changed'> {
  /** The path with its parameters. */
  readonly path: string;
}

export class Execution {
  readonly #operation: AdminOperation;
  readonly #auditor: Auditor;
  readonly #validate: ReturnType<typeof validatorOf>;

  constructor(operation: AdminOperation, auditor: Auditor) {
    this.#operation = operation;
    this.#auditor = auditor;
    this.#validate = validatorOf(operation);
  }

  /** Never rejects. The entry of the audit log is kept when this resolves. */
  async run(raw: RawInput, request: ExecutionRequest): Promise<Outcome> {
    const input = this.#validate(raw);
    if (!input.ok) return input;
    const namespace = this.#operation.namespaceOf(input.value);
    if (!this.#isPermitted(request.caller, namespace)) return this.refused(forbidden(this.#operation, namespace), request, namespace);
    if (!this.#hasEntry) return this.#work(input.value, { ...request, changed: unaudited });
    const { trouble } = this.#auditor;
    if (trouble !== null) return err(auditAway(trouble, request.log));
    const changes: Change[] = [];
    const outcome = await this.#work(input.value, { ...request, changed: (change) => void changes.push(change) });
    return this.#record(outcome, changes, request, namespace);
  }

  /** The refusal of a known caller, with an entry if the operation would have one: attempts are part of the audit log. */
  refused(problem: AdminProblem, request: ExecutionRequest, namespace: string | null): Promise<Outcome> {
    if (!this.#hasEntry || request.caller.kind === 'anonymous') return Promise.resolve(err(problem));
    return this.#record(err(problem), [], request, namespace);
  }

  get #hasEntry(): boolean {
    return isAudited(this.#operation);
  }

  #isPermitted(caller: Caller, namespace: string | null): boolean {
    const { permission, filtersNamespaces } = this.#operation;
    if (permission === null) return true;
    return filtersNamespaces === true ? caller.mayAnywhere(permission) : caller.may(permission, namespace);
  }

  async #work(input: OperationInput<unknown, unknown, unknown>, context: OperationContext): Promise<Outcome> {
    try {
      return await this.#operation.run(input, context);
    } catch (error) {
      const { id } = this.#operation;
      context.log.error({ err: error, operation: id }, 'a bug stopped an operation');
      return refuse(500, 'bug', `a bug stopped ${id}; the log has its description under the id of this request`);
    }
  }

  async #record(outcome: Outcome, changes: readonly Change[], request: ExecutionRequest, namespace: string | null): Promise<Outcome> {
    const kept = await this.#auditor
      .record(this.#entry(outcome, changes, request, namespace))
      .catch((error: unknown) => err(String(error)));
    if (kept.ok) return outcome;
    const { log } = request;
    log.error({ operation: this.#operation.id, reason: kept.error, changes: changes.length }, 'an entry of the audit log is lost');
    if (changes.length === 0 && !outcome.ok) return outcome;
    const done =
      changes.length === 0 ? 'the operation has run' : `the operation has changed ${changes.map(({ object }) => object).join(', ')}`;
    return refuse(503, 'audit-lost', `${done}, but its entry in the audit log could not be kept`);
  }

  #entry(outcome: Outcome, changes: readonly Change[], request: ExecutionRequest, namespace: string | null): AuditRecord {
    const { kind, id, name, address, session } = request.caller;
    const status = outcome.ok ? this.#operation.status : outcome.error.status;
    return {
      time: Date.now(),
      requestId: request.requestId,
      operation: this.#operation.id,
      path: request.path,
      caller: { kind, id, name, address, session },
      userAgent: request.userAgent,
      reason: request.reason,
      namespace,
      outcome: outcome.ok ? 'success' : status < 500 ? 'refused' : 'failed',
      status,
      code: outcome.ok ? '' : outcome.error.code,
      changes,
    };
  }
}

/** A read that changes something has an entry, or it is a bug of the operation. */
function unaudited({ object }: Change): never {
  throw new Error(`an operation without an entry in the audit log changed ${object}; it needs another method, or to be audited`);
}

function auditAway(trouble: string, log: Log): AdminProblem {
  log.warn({ reason: trouble }, 'an operation is refused, since the audit log takes no entries');
  return { status: 503, code: 'audit-away', detail: 'the audit log takes no entries now, so nothing can be changed', retryAfter: 5 };
}
