// The keys of sessions in a proxy. All proxies of a fleet have the same, so they know each other's sessions. A token has no address: it
// names a backend and an endpoint by keyed hashes.
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { UpstreamEndpoint } from '../../exchange/plan.ts';

/** Bytes of the names of a backend and an endpoint in a token. */
export const BACKEND_BYTES = 8;
export const ENDPOINT_BYTES = 12;

/** One key. Names are latin1 texts of bytes. */
export class SessionKey {
  /** Base64. */
  readonly text: string;
  readonly #secret: KeyObject;
  readonly #backends = new WeakMap<object, string>();
  readonly #endpoints = new WeakMap<UpstreamEndpoint, string>();
  /** By list of endpoints: a changed list is another object. */
  readonly #lists = new WeakMap<readonly UpstreamEndpoint[], ReadonlyMap<string, UpstreamEndpoint>>();

  constructor(text: string) {
    this.text = text;
    this.#secret = createSecretKey(Buffer.from(text, 'base64'));
  }

  /** The signature of the payload for its scope, 32 bytes. */
  sign(scope: string, payload: Buffer): Buffer {
    return createHmac('sha256', this.#secret).update(`session\0${scope}\0`).update(payload).digest();
  }

  /** In constant time. `signature` has 32 bytes. */
  hasSigned(scope: string, payload: Buffer, signature: Buffer): boolean {
    return timingSafeEqual(this.sign(scope, payload), signature);
  }

  backendName(cluster: { readonly key: string }): string {
    let name = this.#backends.get(cluster);
    if (name === undefined) this.#backends.set(cluster, (name = this.#name(`backend\0${cluster.key}`, BACKEND_BYTES)));
    return name;
  }

  endpointName(endpoint: UpstreamEndpoint): string {
    let name = this.#endpoints.get(endpoint);
    if (name === undefined) {
      name = this.#name(`endpoint\0${endpoint.address}\0${endpoint.port}`, ENDPOINT_BYTES);
      this.#endpoints.set(endpoint, name);
    }
    return name;
  }

  /** The endpoint of this name in the list, or null. */
  find(endpoints: readonly UpstreamEndpoint[], name: string): UpstreamEndpoint | null {
    let named = this.#lists.get(endpoints);
    if (named === undefined) {
      named = new Map(endpoints.map((endpoint) => [this.endpointName(endpoint), endpoint]));
      this.#lists.set(endpoints, named);
    }
    return named.get(name) ?? null;
  }

  #name(text: string, bytes: number): string {
    return createHmac('sha256', this.#secret).update(text).digest().toString('latin1', 0, bytes);
  }
}

/** All keys. */
export class SessionKeys {
  #keys: readonly SessionKey[] = [];

  /** Base64; the first one signs. A key that stays keeps its names. */
  set(texts: readonly string[]): void {
    this.#keys = texts.map((text) => this.#keys.find((key) => key.text === text) ?? new SessionKey(text));
  }

  /** Null before there is one: then no session begins. */
  get signer(): SessionKey | null {
    return this.#keys[0] ?? null;
  }

  /** The key that has signed; null if none has. */
  signerOf(scope: string, payload: Buffer, signature: Buffer): SessionKey | null {
    return this.#keys.find((key) => key.hasSigned(scope, payload, signature)) ?? null;
  }
}
