// The fleet plane of `weir controller`: dedicated proxies, their certificates, and the addresses of the Services in front of proxies.
import type { ObjectRef } from '#api/k8s/object.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { ManagedAuthority } from './authority/managed-authority.ts';
import type { ControllerConfig } from './config.ts';
import { AuthorityFile } from './fleet/authority.ts';
import { Fleets } from './fleet/fleets.ts';
import { LiveFleets } from './fleet/live.ts';
import { PortKeeper } from './fleet/port-keeper.ts';
import { PoolKeeper } from './fleet/pool-keeper.ts';
import type { ApiClient } from './watch/api-client.ts';
import type { LiveStatuses } from './watch/live-status.ts';
import type { TroubleListener } from './watch/trouble.ts';

export interface FleetPlaneOptions {
  readonly config: Pick<ControllerConfig, 'controllerName' | 'pushTls' | 'fleets' | 'addressPool' | 'proxyService' | 'followsPorts'>;
  readonly client: ApiClient;
  /** The namespaces to watch; empty means all. */
  readonly namespaces: readonly string[];
  /** Namespace of the Secrets with the CA. */
  readonly namespace: string;
  readonly live: LiveStatuses;
  /** Whether this controller leads; called before every write. */
  readonly leads: () => boolean;
  /** Called with each kind that the controller cannot watch. */
  readonly troubled: TroubleListener;
  /** Called with the reason if the fleet of a Gateway cannot be created; with null once it exists. */
  readonly fleetTroubled: (gateway: string, message: string | null) => void;
  readonly faults: Faults;
  readonly log: Log;
}

export class FleetPlane {
  /** Null if Weir does not create certificates itself. */
  readonly authority: ManagedAuthority | null;
  /** The live fleets and the writers that create them; null if this controller creates no proxies. */
  readonly live: LiveFleets | null = null;
  readonly fleets: Fleets | null = null;
  /** Null without an address pool. */
  readonly pool: PoolKeeper | null;
  /** Null if the controller does not write the ports of the shared Service. */
  readonly ports: PortKeeper | null;

  constructor(options: FleetPlaneOptions) {
    const { config, client, namespaces, live, leads, troubled, fleetTroubled, faults, log } = options;
    const { controllerName, pushTls, addressPool: pool, proxyService: service } = config;
    const { lacks, image, controller, controllerTlsName, certificateLifetime, caKey, user } = config.fleets;
    this.authority = managedAuthority(options, () => this.fleets?.resume());
    this.pool = pool === null ? null : new PoolKeeper({ client, namespaces, pool, leads, faults, log });
    this.ports = config.followsPorts ? new PortKeeper({ client, service, leads, faults, log }) : null;
    const files = pushTls.from === 'files' ? new AuthorityFile({ certificate: pushTls.ca, privateKey: caKey }, log) : null;
    const authority = this.authority ?? files;
    if (lacks !== '' || authority === null) return;
    this.live = new LiveFleets({ client, namespaces, controllerName, log, troubled, faults });
    this.fleets = new Fleets({
      client,
      live: this.live,
      settings: { controllerName, image, controller, controllerTlsName, certificateLifetime, user, poolFamilies: pool?.families ?? [] },
      authority,
      gatewayUid: (gateway) => live.get(gatewayRef(gateway))?.uid ?? '',
      leads,
      troubled: fleetTroubled,
      faults,
      log,
    });
  }
}

function managedAuthority({ config, client, namespace, log }: FleetPlaneOptions, changed: () => void): ManagedAuthority | null {
  const { pushTls, fleets } = config;
  if (pushTls.from !== 'secrets') return null;
  const { authoritySecret, proxySecret, adminSecret, authorityLifetime } = pushTls;
  const host = fleets.controllerTlsName || fleets.controller.slice(0, fleets.controller.lastIndexOf(':'));
  const lifetime = fleets.certificateLifetime;
  const secrets = { authoritySecret, proxySecret, adminSecret };
  return new ManagedAuthority({ client, namespace, ...secrets, authorityLifetime, host, lifetime, changed, log });
}

function gatewayRef(gateway: string): ObjectRef {
  const slash = gateway.indexOf('/');
  return { kind: 'Gateway', namespace: gateway.slice(0, slash), name: gateway.slice(slash + 1) };
}
