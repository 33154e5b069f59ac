// Asks the API server about tokens of ServiceAccounts (TokenReview, authentication.k8s.io/v1). Only tokens for the audience of the admin API
// are accepted, so that a token which a pod sends to another service is worth nothing here. Results are kept for seconds, in bounded memory.
import { createHash } from 'node:crypto';
import { ExpiringMemory } from '#lib/expiring-memory.ts';
import type { Log } from '#lib/log.ts';
import { ok, type Result } from '#lib/result.ts';
import { messageOf, type ApiCall, type ApiReply } from '../../controller/watch/api-client.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import type { AccountReviewer, ReviewedAccount } from './identity-authenticator.ts';

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
/** How long a result counts, milliseconds: a deleted account may call for as long. */
const KEPT_MS = 10_000;
/** Results that are kept. */
const MAX_KEPT = 1_000;
/** Reviews at a time. */
const MAX_REVIEWS = 16;
const TIMEOUT_MS = 5_000;
const RETRY_AFTER = 5;
/** The compact form of a signed token; other texts are none. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** The user name of an account (Kubernetes documentation, "Managing Service Accounts"). */
const USER = /^system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})$/;

const AWAY = refuse(503, 'account-review-away', 'the API server cannot be asked about the token now; the log has the reason', {
  retryAfter: RETRY_AFTER,
});
const BUSY = refuse(503, 'account-review-busy', 'too many tokens are reviewed now; try again', { retryAfter: 1 });

export interface TokenReviewerOptions {
  readonly client: { call(call: ApiCall): Promise<ApiReply> };
  /** Tokens must be for it. */
  readonly audience: string;
  readonly log: Log;
}

/** The part of a TokenReview that the API server fills in. */
interface ReviewStatus {
  readonly authenticated?: unknown;
  readonly audiences?: unknown;
  readonly user?: { readonly username?: unknown } | null;
}

type Review = Result<ReviewedAccount | null, AdminProblem>;

export class TokenReviewer implements AccountReviewer {
  readonly #options: TokenReviewerOptions;
  /** By the hash of a token. */
  readonly #kept = new ExpiringMemory<ReviewedAccount | null>({ entries: MAX_KEPT, bytes: MAX_KEPT });
  readonly #running = new Map<string, Promise<Review>>();

  constructor(options: TokenReviewerOptions) {
    this.#options = options;
  }

  review(token: string): Promise<Review> {
    if (!TOKEN.test(token)) return Promise.resolve(ok(null));
    const key = createHash('sha256').update(token).digest('base64url');
    const kept = this.#kept.find(key, performance.now());
    if (kept !== undefined) return Promise.resolve(ok(kept));
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    if (this.#running.size >= MAX_REVIEWS) return Promise.resolve(BUSY);
    const review = this.#ask(token, key).finally(() => this.#running.delete(key));
    this.#running.set(key, review);
    return review;
  }

  async #ask(token: string, key: string): Promise<Review> {
    const { client, audience, log } = this.#options;
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [audience] } };
    try {
      const answer = await client.call({ method: 'POST', path: PATH, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const status = answer.status === 201 ? statusIn(answer.body) : null;
      if (status !== null) return this.#found(key, accountOf(status, audience));
      log.warn({ status: answer.status, reason: messageOf(answer.body) ?? '' }, 'the API server reviews no token');
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'the API server cannot be asked about a token');
    }
    return AWAY;
  }

  #found(key: string, account: ReviewedAccount | null): Review {
    const now = performance.now();
    this.#kept.enter(key, account, now, now + KEPT_MS, 1);
    return ok(account);
  }
}

function statusIn(body: unknown): ReviewStatus | null {
  const status = typeof body === 'object' && body !== null ? (body as { readonly status?: unknown }).status : null;
  return typeof status === 'object' && status !== null ? status : null;
}

/** An API server that does not know audiences names none in its answer, and then has not checked ours. */
function accountOf({ authenticated, audiences, user }: ReviewStatus, audience: string): ReviewedAccount | null {
  if (authenticated !== true || !Array.isArray(audiences) || !audiences.includes(audience)) return null;
  const [, namespace, name] = USER.exec(String(user?.username)) ?? [];
  return namespace === undefined || name === undefined ? null : { name: `${namespace}/${name}` };
}
