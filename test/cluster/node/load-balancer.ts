// Assigns an address of the cluster's pool to every Service of type LoadBalancer, in its status.
import { balancerAddresses } from './address-plan.ts';
import type { AddressPlan } from './address-plan.ts';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import type { Service } from './objects.ts';
import type { Reflector } from './reflector.ts';

const RETRY_MS = 500;

export class LoadBalancer {
  readonly #api: Api;
  readonly #services: Reflector<Service>;
  readonly #pool: readonly string[];
  /** The owner of each address, by uid. */
  readonly #given = new Map<string, string>();

  constructor(api: Api, services: Reflector<Service>, plan: AddressPlan) {
    this.#api = api;
    this.#services = services;
    this.#pool = balancerAddresses(plan);
    services.onChange((service, gone) => this.#consider(service, gone));
  }

  #consider(service: Service, gone: boolean): void {
    const { uid = '' } = service.metadata;
    const { type, loadBalancerClass } = service.spec;
    if (!gone && type === 'LoadBalancer' && loadBalancerClass === undefined) return this.#serve(service);
    // A Service that is no longer of this type must not keep an address in its status that another one may get.
    if (this.#given.delete(uid) && !gone) void this.#write(service, null);
  }

  #serve(service: Service): void {
    const { uid = '' } = service.metadata;
    const address = this.#given.get(uid) ?? this.#choose(service.spec.loadBalancerIP);
    if (address === undefined) return;
    this.#given.set(uid, address);
    if (service.status?.loadBalancer?.ingress?.[0]?.ip !== address) void this.#write(service, address);
  }

  /** The requested address, or the first free one; none if that is in use or outside the pool. */
  #choose(wanted: string | undefined): string | undefined {
    const taken = new Set(this.#given.values());
    return this.#pool.find((address) => !taken.has(address) && (wanted === undefined || wanted === address));
  }

  async #write(service: Service, address: string | null): Promise<void> {
    const { namespace = '', name } = service.metadata;
    const loadBalancer = address === null ? null : { ingress: [{ ip: address, ipMode: 'VIP' }] };
    try {
      await this.#api.patch(`/api/v1/namespaces/${namespace}/services/${name}/status`, { status: { loadBalancer } });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      setTimeout(() => {
        const now = this.#services.get(namespace, name);
        if (now !== undefined) this.#consider(now, false);
      }, RETRY_MS);
    }
  }
}
