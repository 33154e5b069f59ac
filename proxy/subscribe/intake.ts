// Handles one push: decodes it, applies it, and determines the resources in use. An unusable resource affects only itself.
import type { EncodedResource, Policy, ResourceKind } from '#api/ir/ir.ts';
import { KIND_ORDER, resourceId } from '#api/ir/ir.ts';
import { decode, isResourceKind } from '#api/wire/decode.ts';
import { encodeErrors } from '#api/wire/encode.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { AckMessage, ErrorMessage, HeldMessage, PushMessage, ResourceMessage } from '#api/wire/messages.ts';
import type { FieldError } from '#api/k8s/field-error.ts';
import type { Log } from '#lib/log.ts';
import { Guards } from './guards.ts';
import type { GuardChange } from './guards.ts';
import type { Decoded, OwnPairs } from './own-pairs.ts';
import type { HeldState } from './state.ts';
import type { SubscribeTarget } from './target.ts';

/** The content of an ack besides its nonce. */
export type Outcome = Pick<AckMessage, 'errors' | 'recovered'>;

/** A decoded resource on its way to the target. */
interface Candidate extends Decoded {
  /** It was refused before and is tried again. */
  readonly again: boolean;
}

interface Report {
  readonly errors: ErrorMessage[];
  readonly recovered: HeldMessage[];
}

/** One push. `complete`: the controller has sent all that it has. */
type Batch = Pick<PushMessage, 'changed' | 'removed'> & Partial<Pick<PushMessage, 'complete'>>;

/** What belongs to candidates. */
interface Rest {
  readonly names: readonly ResourceName[];
  readonly complete: boolean;
}

/** The number of refused resources that one push may cause to be tried again. */
const MAX_AGAIN = 64;

export interface IntakeOptions {
  /** The inventory, which this changes. */
  readonly state: HeldState;
  readonly pairs: OwnPairs;
  readonly target: SubscribeTarget;
  readonly log: Log;
}

export class Intake {
  readonly #state: HeldState;
  readonly #pairs: OwnPairs;
  readonly #target: SubscribeTarget;
  readonly #log: Log;
  readonly #guards: Guards;

  constructor({ state, pairs, target, log }: IntakeOptions) {
    this.#state = state;
    this.#pairs = pairs;
    this.#target = target;
    this.#log = log;
    this.#guards = new Guards(state);
  }

  /** What the target has in place of policies that cannot be used. */
  get guards(): readonly Policy[] {
    return this.#guards.all();
  }

  /** Handles a whole push. Never rejects: if the target throws, all of the push is refused. */
  async take({ changed, removed, complete = false }: Batch): Promise<Outcome> {
    const report: Report = { errors: [], recovered: [] };
    const names = removed.filter((name): name is ResourceName => isResourceKind(name.kind));
    const fresh = changed.flatMap((message) => this.#decode(message, report));
    return this.#settleAll([...this.#again(fresh, names), ...fresh], { names, complete }, report);
  }

  /** Offers resources to the target again that waited for an event other than a push. */
  async retry(): Promise<Outcome> {
    const waiting = this.#state.waiting().map(({ encoded, resource }) => ({ encoded, resource, again: true }));
    return this.#settleAll(waiting, { names: [], complete: false }, { errors: [], recovered: [] });
  }

  async #settleAll(candidates: readonly Candidate[], { names, complete }: Rest, report: Report): Promise<Outcome> {
    const settled = new Set([...candidates.map(({ encoded }) => encoded), ...names].filter(isPolicy).map(({ key }) => key));
    const problems = groupById(await this.#apply(candidates, names, this.#guards.changeFor(settled, complete)));
    for (const name of names) this.#state.remove(name);
    const back = candidates.filter((candidate) => this.#settle(candidate, problems, report));
    for (const errors of problems.values()) this.#breakEarlier(errors, report);
    await this.#restore(back);
    return report;
  }

  /** The decoded resource, or null and an error in the report. */
  #decode(message: ResourceMessage, report: Report): Candidate[] {
    const decoded = decode(message);
    if (!decoded.ok) {
      report.errors.push(...encodeErrors(message, decoded.error));
      if (isResourceKind(message.kind))
        this.#state.refuse({ encoded: copyOf(message, message.kind), resource: null, errors: decoded.error });
      return [];
    }
    return [{ ...this.#pairs.settle({ encoded: copyOf(message, decoded.value.kind), resource: decoded.value }), again: false }];
  }

  /** Refused resources that this push may fix: it changes one of their references, or a port that they need. */
  #again(fresh: readonly Candidate[], removed: readonly ResourceName[]): Candidate[] {
    const names = [...fresh.map(({ resource }) => resource), ...removed];
    const first = names.reduce((lowest, { kind }) => Math.min(lowest, rank(kind)), Infinity);
    const here = new Set(names.map(idOf));
    return this.#state
      .broken()
      .filter(({ resource }) => rank(resource.kind) >= first && !here.has(idOf(resource)))
      .slice(0, MAX_AGAIN)
      .map(({ encoded, resource }) => ({ encoded, resource, again: true }));
  }

  async #apply(
    candidates: readonly Candidate[],
    names: readonly ResourceName[],
    guards: GuardChange | null = null,
  ): Promise<readonly ResourceError[]> {
    const resources = [...candidates.map(({ resource }) => resource), ...(guards?.changed ?? [])];
    const removed = [...names, ...(guards?.removed ?? [])];
    if (resources.length === 0 && removed.length === 0) return [];
    try {
      const errors = await this.#target.apply(resources, removed);
      if (guards !== null) this.#guards.taken(guards);
      return errors;
    } catch (error) {
      this.#log.error({ err: error }, 'a push could not be applied');
      return resources.map(({ kind, key }) => ({ kind, key, field: '', reason: 'could not be applied: an error in the proxy' }));
    }
  }

  /** Records whether a candidate is in use; true if the target must return to the version before. */
  #settle({ encoded, resource, again }: Candidate, problems: Map<string, ResourceError[]>, report: Report): boolean {
    const errors = problems.get(idOf(resource));
    problems.delete(idOf(resource));
    if (errors === undefined) {
      this.#state.accept(encoded);
      const { kind, key, version } = encoded;
      if (again) report.recovered.push({ kind, key, version });
      return false;
    }
    if (!again || !this.#isKnown(resource, errors)) report.errors.push(...encodeErrors(encoded, errors));
    this.#state.refuse({ encoded, resource, errors });
    // The target retries it; a return to the version before would stop that.
    if (errors.every(({ waits }) => waits === true)) this.#state.lose(encoded);
    return this.#state.good(resource) !== undefined;
  }

  /** A resource outside the push that is not in use any more. */
  #breakEarlier(errors: readonly ResourceError[], report: Report): void {
    const name = errors[0];
    const good = name === undefined ? undefined : this.#state.good(name);
    if (good === undefined) return;
    const decoded = decode(good);
    report.errors.push(...encodeErrors(good, errors));
    this.#state.refuse({ encoded: good, resource: decoded.ok ? decoded.value : null, errors });
    this.#state.lose(good);
  }

  #isKnown(name: ResourceName, errors: readonly FieldError[]): boolean {
    return textOf(this.#state.refused(name)?.errors ?? []) === textOf(errors);
  }

  /** Returns the target to the versions before. A resource that fails even then is lost. */
  async #restore(refused: readonly Candidate[]): Promise<void> {
    const before = refused.flatMap(({ resource }) => this.#state.good(resource) ?? []);
    const candidates = before.flatMap((encoded) => {
      const decoded = decode(encoded);
      return decoded.ok ? [{ encoded, resource: decoded.value, again: true }] : [];
    });
    const problems = groupById(await this.#apply(candidates, []));
    for (const { resource } of candidates) if (problems.has(idOf(resource))) this.#state.lose(resource);
  }
}

/** The body of a message is a view of the receive buffer; a copy lets the buffer be freed. */
function copyOf({ key, version, body }: ResourceMessage, kind: ResourceKind): EncodedResource {
  return { kind, key, version, body: Buffer.from(body) };
}

function isPolicy({ kind }: ResourceName): boolean {
  return kind === 'Policy';
}

function rank(kind: ResourceKind): number {
  return KIND_ORDER.indexOf(kind);
}

function idOf({ kind, key }: ResourceName): string {
  return resourceId(kind, key);
}

function groupById(errors: readonly ResourceError[]): Map<string, ResourceError[]> {
  return Map.groupBy(errors, idOf);
}

function textOf(errors: readonly FieldError[]): string {
  return errors.map(({ field, reason }) => `${field} ${reason}`).join('\n');
}
