// The tokens of a Pod's service account: requested from the API server, bound to the Pod, and renewed long before they expire.
import type { Api } from './api.ts';
import type { Pod } from './objects.ts';

/** The parameters of a projection. */
export interface TokenFile {
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

interface Held {
  readonly token: Buffer;
  /** Time of the renewal, as in Date.now(). */
  readonly renewAt: number;
}

const HOUR_SECONDS = 3600;
/** The fraction of a token's lifetime after which it is renewed, as in a kubelet. */
const RENEWED_AFTER = 0.8;

export class Tokens {
  readonly #api: Api;
  readonly #pod: Pod;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();

  /** `now` in milliseconds, as Date.now() counts. */
  constructor(api: Api, pod: Pod, now: () => number = Date.now) {
    this.#api = api;
    this.#pod = pod;
    this.#now = now;
  }

  /** A token that is not due for renewal. */
  async get(source: TokenFile): Promise<Buffer> {
    const key = JSON.stringify(source);
    const held = this.#held.get(key);
    if (held !== undefined && this.#now() < held.renewAt) return held.token;
    const fresh = await this.#ask(source);
    this.#held.set(key, fresh);
    return fresh.token;
  }

  /** Milliseconds until the first renewal; Infinity without tokens. */
  get renewalIn(): number {
    return Math.max(0, Math.min(...[...this.#held.values()].map(({ renewAt }) => renewAt - this.#now())));
  }

  async #ask({ audience, expirationSeconds = HOUR_SECONDS }: TokenFile): Promise<Held> {
    const { metadata, spec } = this.#pod;
    const account = spec.serviceAccountName ?? 'default';
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid };
    const request = { audiences: audience === undefined ? [] : [audience], expirationSeconds, boundObjectRef };
    const path = `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`;
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: request };
    const asked = this.#now();
    const { status } = await this.#api.post<TokenAnswer>(path, body);
    const lifetime = Date.parse(status.expirationTimestamp) - Date.now();
    return { token: Buffer.from(status.token), renewAt: asked + lifetime * RENEWED_AFTER };
  }
}
