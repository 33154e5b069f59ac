// Idempotency keys in memory, as a worker uses them: its own if it is the only worker, otherwise those of the supervisor, by messages that keep
// their order.
import type { MetricFamily } from '#lib/metric.ts';
import { ok, type Result } from '#lib/result.ts';
import type { IdempotencyStore, KeyState } from '../exchange/idempotency.ts';
import { KeyMemory } from './key-memory.ts';

/** A message of a worker. Those with an id are answered. */
export type KeyAsk =
  | { readonly type: 'begin'; readonly id: number; readonly key: string; readonly fingerprint: string; readonly token: string }
  | {
      readonly type: 'finish';
      readonly id: number;
      readonly key: string;
      readonly token: string;
      readonly answer: Uint8Array;
      readonly ttl: number;
    }
  | { readonly type: 'release'; readonly key: string; readonly token: string };

/** The answer of the supervisor; null to `finish`. */
export interface KeyTold {
  readonly id: number;
  readonly state: { readonly type: KeyState['type']; readonly answer?: Uint8Array } | null;
}

/** The store of a worker that is the only one. */
export class MemoryKeys implements IdempotencyStore {
  readonly #memory = new KeyMemory();

  begin(key: string, fingerprint: string, token: string): Promise<Result<KeyState>> {
    return Promise.resolve(ok(this.#memory.begin(key, fingerprint, token, this)));
  }

  finish(key: string, token: string, answer: Buffer, ttl: number): Promise<Result<null>> {
    this.#memory.finish(key, token, answer, ttl);
    return Promise.resolve(ok(null));
  }

  release(key: string, token: string): void {
    this.#memory.release(key, token);
  }

  families(): readonly MetricFamily[] {
    return this.#memory.families();
  }

  close(): void {
    this.#memory.close();
  }
}

/** One worker, as the supervisor sees it. */
export class KeyDesk {
  readonly #memory: KeyMemory;
  readonly #tell: (told: KeyTold) => void;

  constructor(memory: KeyMemory, tell: (told: KeyTold) => void) {
    this.#memory = memory;
    this.#tell = tell;
  }

  take(ask: KeyAsk): void {
    if (ask.type === 'release') return this.#memory.release(ask.key, ask.token);
    if (ask.type === 'begin') return this.#tell({ id: ask.id, state: this.#memory.begin(ask.key, ask.fingerprint, ask.token, this) });
    this.#memory.finish(ask.key, ask.token, Buffer.from(ask.answer), ask.ttl);
    this.#tell({ id: ask.id, state: null });
  }

  /** The worker has ended. */
  drop(): void {
    this.#memory.drop(this);
  }
}

/** The store of a worker whose keys are in the supervisor. */
export class SupervisedKeys implements IdempotencyStore {
  readonly #ask: (ask: KeyAsk) => void;
  readonly #waiting = new Map<number, (state: KeyTold['state']) => void>();
  #nextId = 0;

  constructor(ask: (ask: KeyAsk) => void) {
    this.#ask = ask;
  }

  /** Takes an answer of the supervisor. */
  told({ id, state }: KeyTold): void {
    this.#waiting.get(id)?.(state);
    this.#waiting.delete(id);
  }

  async begin(key: string, fingerprint: string, token: string): Promise<Result<KeyState>> {
    const state = await this.#answer((id) => ({ type: 'begin', id, key, fingerprint, token }));
    if (state === null) return ok({ type: 'running' });
    return ok(state.type === 'done' ? { type: 'done', answer: Buffer.from(state.answer ?? []) } : { type: state.type });
  }

  async finish(key: string, token: string, answer: Buffer, ttl: number): Promise<Result<null>> {
    await this.#answer((id) => ({ type: 'finish', id, key, token, answer, ttl }));
    return ok(null);
  }

  release(key: string, token: string): void {
    this.#ask({ type: 'release', key, token });
  }

  #answer(ask: (id: number) => KeyAsk): Promise<KeyTold['state']> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#ask(ask(id));
    });
  }
}
