// The pairs of certificate and key of this proxy. It keeps them if a controller that has not seen them has none, or has one that has
// expired (docs/adr/0007-kept-pairs.md).
import type { EncodedResource, Resource, Secret } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import { decode } from '#api/wire/decode.ts';
import { hasExpired } from '#lib/certificate-expiry.ts';
import type { HeldState } from './state.ts';

/** A resource with its bytes. */
export interface Decoded {
  readonly encoded: EncodedResource;
  readonly resource: Resource;
}

export class OwnPairs {
  readonly #state: HeldState;
  readonly #now: () => number;
  /** Secrets from before the last restart of this proxy, by id. */
  readonly #remembered = new Map<string, EncodedResource>();

  /** `now`: milliseconds since the epoch. */
  constructor(state: HeldState, now: () => number = Date.now) {
    this.#state = state;
    this.#now = now;
  }

  /** Uses these if nothing is served yet. */
  remember(resources: readonly EncodedResource[]): void {
    for (const resource of resources) {
      if (resource.kind === 'Secret') this.#remembered.set(resourceId(resource.kind, resource.key), resource);
    }
  }

  /** The controller has sent everything. */
  forget(): void {
    this.#remembered.clear();
  }

  /** The resource with the pair for this proxy to serve, under the controller's version. */
  settle(came: Decoded): Decoded {
    const { encoded, resource } = came;
    if (resource.kind !== 'Secret' || resource.problem === undefined) return came;
    const own = this.#ownOf(resource);
    if (own === null || !this.#isBetter(own, resource)) return came;
    const { certificate, privateKey } = own;
    const settled: Secret = { ...resource, certificate, privateKey };
    return { encoded: { ...encoded, body: Buffer.from(JSON.stringify(settled)) }, resource: settled };
  }

  #ownOf(name: Secret): Secret | null {
    const encoded = this.#state.good(name) ?? this.#remembered.get(resourceId(name.kind, name.key));
    const decoded = encoded === undefined ? null : decode(encoded);
    return decoded?.ok === true && decoded.value.kind === 'Secret' && decoded.value.certificate !== '' ? decoded.value : null;
  }

  #isBetter(own: Secret, other: Secret): boolean {
    if (other.certificate === '') return true;
    return hasExpired(other.certificate, this.#now()) && !hasExpired(own.certificate, this.#now());
  }
}
