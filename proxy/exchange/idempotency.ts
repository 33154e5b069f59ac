// The stores of idempotency keys: each key stands for one request, and for its answer once there is one. Implemented by idempotency/.
import type { Result } from '#lib/result.ts';
import type { IdempotencyCounts } from './idempotency-counts.ts';

/** Where keys are: for the workers of this proxy, or in Redis for all proxies. */
export type IdempotencyPlace = 'Memory' | 'Redis';

/**
 * What a key stands for. `new`: for this request from now on. `other`: for a request with another fingerprint. `running`: for one that has no
 * answer yet. `done`: for one with this answer.
 */
export type KeyState = { readonly type: 'new' | 'other' | 'running' } | { readonly type: 'done'; readonly answer: Buffer };

/** Calls never reject. An error: the store does not answer. */
export interface IdempotencyStore {
  /** Takes the key for a request (`token`), unless it stands for another one. */
  begin(key: string, fingerprint: string, token: string): Promise<Result<KeyState>>;
  /** The request of the token has an answer, which is kept for so many milliseconds. */
  finish(key: string, token: string, answer: Buffer, ttl: number): Promise<Result<null>>;
  /** The request of the token has no answer that is kept: the key is free. */
  release(key: string, token: string): void;
}

/** Null: there is no such store. */
export type IdempotencyStores = Readonly<Record<IdempotencyPlace, IdempotencyStore | null>>;

export interface IdempotencyKeys {
  readonly stores: IdempotencyStores;
  readonly counts: IdempotencyCounts;
}
