// Requests with an idempotency key are done once (`idempotency` of an HTTPPolicy, draft-ietf-httpapi-idempotency-key-header): the request half.
// A key stands for the first request with it, and then for its answer.
import { randomBytes } from 'node:crypto';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { IdempotencyStore, KeyState } from '../../exchange/idempotency.ts';
import type { IdempotencyCounts, IdempotencyOutcome } from '../../exchange/idempotency-counts.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterDependencies, FilterKind } from '../filter.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { RUNNING, RunningRequest } from './idempotency-use.ts';
import { LOST, replay } from './kept-answer.ts';
import { fingerprintOf, keyOf, storedKey } from './key-header.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['idempotency']>;

const DEFAULT_HEADER = 'Idempotency-Key';
const DEFAULT_METHODS = ['POST', 'PATCH'];
const DEFAULT_TTL = 86_400_000;
const DEFAULT_SIZE = 1_048_576;

/** The answer is needed even if its client has left: it may come again. */
const CLIENTS_TO_COME = { isAwaited: true };

class Idempotency implements Filter {
  readonly name = 'idempotency';
  readonly #store: IdempotencyStore | null;
  readonly #counts: IdempotencyCounts['counts'];
  readonly #wholeBody: FilterDependencies['wholeBody'];
  readonly #policy: string;
  readonly #header: string;
  readonly #methods: ReadonlySet<string>;
  readonly #isRequired: boolean;
  readonly #isOpen: boolean;
  readonly #maxBody: number;
  readonly #terms: { readonly ttl: number; readonly maxAnswerSize: number };

  constructor(settings: Settings, context: PolicyFilterContext) {
    const { idempotency: keys, wholeBody, origins } = context;
    this.#store = keys.stores[settings.store ?? 'Memory'];
    this.#counts = keys.counts.counts;
    this.#wholeBody = wholeBody;
    this.#policy = origins[0]?.policy ?? '';
    this.#header = (settings.header ?? DEFAULT_HEADER).toLowerCase();
    this.#methods = new Set<string>(settings.methods ?? DEFAULT_METHODS);
    this.#isRequired = settings.required === true;
    this.#isOpen = settings.onError === 'Open';
    this.#maxBody = settings.maxBodySize ?? DEFAULT_SIZE;
    this.#terms = { ttl: settings.ttl ?? DEFAULT_TTL, maxAnswerSize: settings.maxAnswerSize ?? DEFAULT_SIZE };
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (!this.#methods.has(exchange.method) || exchange.grpc || exchange.upgrade !== '') return 'continue';
    const key = keyOf(exchange.requestHeaders, this.#header);
    if (key === undefined) return this.#refuse(exchange, 'malformed', ERRORS.idempotencyKeyMalformed);
    if (key !== null) return this.#begin(exchange, key);
    return this.#isRequired ? this.#refuse(exchange, 'missing', ERRORS.idempotencyKeyMissing) : 'continue';
  }

  async #begin(exchange: Exchange, key: string): Promise<FilterVerdict> {
    const { signal } = exchange;
    const body = await this.#wholeBody(exchange, this.#maxBody);
    if (signal.aborted) return 'answered';
    if (body === null) return refuse(exchange, ERRORS.requestBodyTooLarge);
    if (this.#store === null) return this.#unavailable(exchange);
    const names = { key: storedKey(exchange, this.#policy, key), token: randomBytes(12).toString('base64url') };
    const begun = await this.#store.begin(names.key, fingerprintOf(exchange, body), names.token);
    if (begun.ok && begun.value.type === 'new') {
      if (!signal.aborted) return this.#first(exchange, new RunningRequest(this.#store, names, this.#terms));
      this.#store.release(names.key, names.token);
    }
    if (signal.aborted) return 'answered';
    return begun.ok ? this.#again(exchange, begun.value) : this.#unavailable(exchange);
  }

  #first(exchange: Exchange, running: RunningRequest): FilterVerdict {
    this.#counts.first++;
    RUNNING.set(exchange, running);
    exchange.heirs = CLIENTS_TO_COME;
    return 'continue';
  }

  /** The key stands for something already. */
  #again(exchange: Exchange, state: KeyState): FilterVerdict {
    if (state.type === 'other') return this.#refuse(exchange, 'reused', ERRORS.idempotencyKeyReused);
    if (state.type !== 'done') return this.#refuse(exchange, 'in_use', ERRORS.idempotencyKeyInUse);
    if (state.answer.equals(LOST)) return this.#refuse(exchange, 'lost', ERRORS.idempotencyAnswerLost);
    // A broken entry says nothing about the request: it might have been done.
    if (!replay(exchange, state.answer)) return this.#refuse(exchange, 'lost', ERRORS.idempotencyAnswerLost);
    this.#counts.replayed++;
    return 'answered';
  }

  #unavailable(exchange: Exchange): FilterVerdict {
    this.#counts.unavailable++;
    return this.#isOpen ? 'continue' : refuse(exchange, ERRORS.idempotencyUnavailable);
  }

  #refuse(exchange: Exchange, outcome: IdempotencyOutcome, error: ExchangeError): FilterVerdict {
    this.#counts[outcome]++;
    return refuse(exchange, error);
  }

  ended(exchange: Exchange): void {
    RUNNING.get(exchange)?.ended();
  }
}

export const idempotency: FilterKind = {
  name: 'idempotency',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.idempotency?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['idempotency'], ({ idempotency: own = {} }, context) => new Idempotency(own, context));
  },
};
