// What all signatures of requests have in common: the body belongs to what is signed, and a signature counts once.
import type { FoundConsumer } from '../../exchange/consumers.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { ReplayMemory, ReplayStore } from '../../exchange/worker-replays.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { bodyProblem, type WholeBody } from '../signature/signed-body.ts';
import { acceptedOnce } from './accepted-once.ts';
import { refused, type Outcome } from './authenticator.ts';
import { consumerOutcome } from './consumer-principal.ts';

export interface SignedRequestSettings {
  readonly allowReplays?: boolean;
  readonly replayStore?: ReplayStore | undefined;
  readonly maxBodyBytes?: number;
  readonly forward?: boolean;
}

export type SignedRequestContext = Pick<PolicyFilterContext, 'consumers' | 'namespace' | 'wholeBody' | 'replays'>;

/** More keys with one id than a rotation has. */
export const MAX_KEYS = 4;
const MAX_BODY = 1_048_576;

export class SignedRequests {
  /** The backend gets the signature too. */
  readonly forward: boolean;
  readonly #method: 'hmac' | 'signature';
  /** How long a signature may count, milliseconds. */
  readonly #window: number;
  /** Null: replays are allowed. */
  readonly #replays: ReplayMemory | null;
  readonly #replayStore: ReplayStore | undefined;
  readonly #namespace: string;
  readonly #maxBodyBytes: number;
  readonly #wholeBody: WholeBody;

  /** `method`: that of the principal. */
  constructor(
    method: 'hmac' | 'signature',
    window: number,
    settings: SignedRequestSettings,
    { namespace, wholeBody, replays }: SignedRequestContext,
  ) {
    this.#method = method;
    this.#window = window;
    this.forward = settings.forward ?? false;
    this.#replays = settings.allowReplays === true ? null : replays;
    this.#replayStore = settings.replayStore;
    this.#namespace = namespace;
    this.#maxBodyBytes = settings.maxBodyBytes ?? MAX_BODY;
    this.#wholeBody = wholeBody;
  }

  /** Accepts a signature once its body has these digests. `identity`: as for `accept`. */
  async acceptWith(
    exchange: Exchange,
    digests: ReadonlyMap<string, Buffer>,
    found: FoundConsumer,
    identity: Buffer | string,
  ): Promise<Outcome> {
    const problem = await bodyProblem(exchange, digests, this.#wholeBody, this.#maxBodyBytes);
    return problem === null ? this.accept(exchange, found, identity) : refused(problem);
  }

  /** Accepts the signature of a consumer, unless it has counted before. `identity`: what all spellings of the signature have in common. */
  accept(exchange: Exchange, found: FoundConsumer, identity: Buffer | string): Outcome | Promise<Outcome> {
    const outcome = consumerOutcome(found, this.#method);
    if (outcome.type !== 'authenticated' || this.#replays === null) return outcome;
    return acceptedOnce(
      outcome,
      this.#replays.enter(exchange, `${this.#method} ${this.#namespace}`, identity, this.#window, this.#replayStore),
    );
  }
}
