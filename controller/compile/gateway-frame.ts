// The frame of a Gateway, shared by all listeners that it serves, its own and those of ListenerSets: addresses to bind, client
// certificate for backends, or why nothing can be served.
import { isIP } from 'node:net';
import type { Gateway } from '#api/k8s/k8s.ts';
import type { Result } from '#lib/result.ts';
import type { AcmeSettings } from '../watch/certificates.ts';
import { acmeSettings } from './acme.ts';
import { resolveClientCertificate, type ClientCertificate } from './certificates.ts';
import type { GatewayObstacle } from './conditions.ts';
import { gatewayClassUnit } from './gateway-class.ts';
import { gatewayParameters, type ResolvedParameters } from './parameters.ts';
import { redisProblem } from './redis-references.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** The facts about their Gateway that listeners need beside its spec. */
export interface GatewayFrame {
  /** Why the whole Gateway cannot be served; null if it can. */
  readonly obstacle: GatewayObstacle | null;
  /** The addresses to bind; empty means all, null means that nothing can be served. */
  readonly addresses: readonly string[] | null;
  /** The client certificate for connections to backends. */
  readonly client: ClientCertificate;
  /** Whether the Gateway has dedicated proxies behind a Service. */
  readonly ownFleet: boolean;
  /** How to obtain certificates, or why that is not possible; null if Weir is not to. */
  readonly acme: Result<AcmeSettings> | null;
  /** Why dedicated proxies cannot connect to their Redis; null if no reference is missing. */
  readonly redisProblem: string | null;
}

/** Key: `<namespace>/<name>`. Null if there is no such Gateway, or another controller serves it. */
export const gatewayFrameUnit: UnitKind<GatewayFrame | null> = {
  name: 'gateway-frame',
  stage: 'parent',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const gateway = view.object('Gateway', namespace, name);
    if (gateway === undefined) return valueOnly(null);
    const outcome = view.read(gatewayClassUnit, gateway.spec.gatewayClassName);
    if (outcome === 'not ours') return valueOnly(null);
    const parameters = gatewayParameters(view, gateway);
    const obstacle = obstacleOf(gateway, parameters);
    const ownFleet = !parameters.ok || parameters.value.mode === 'PerGateway';
    return valueOnly({
      obstacle,
      addresses: obstacle === null ? addressesToBind(view, gateway, ownFleet) : null,
      client: resolveClientCertificate(view, gateway),
      ownFleet,
      acme: acmeSettings(view, gateway, parameters.ok ? parameters.value.spec.acme : undefined),
      redisProblem: parameters.ok && ownFleet ? redisProblem(view, namespace, parameters.value.spec.redis) : null,
    });
  },
};

function obstacleOf(gateway: Gateway, parameters: Result<ResolvedParameters>): GatewayObstacle | null {
  if (!parameters.ok) return { reason: 'InvalidParameters', message: parameters.error };
  const strange = gateway.spec.addresses.find((address) => address.type !== 'IPAddress');
  if (strange === undefined) return null;
  return { reason: 'UnsupportedAddress', message: `spec.addresses: type ${strange.type} is not supported, only IPAddress` };
}

/** Null if none of the requested addresses is usable: the listener must not bind addresses that were not requested. */
function addressesToBind(view: View, gateway: Gateway, ownFleet: boolean): readonly string[] | null {
  const named = gateway.spec.addresses.map((address) => address.value).filter((value) => value !== '');
  const usable = named.filter((value) => isIP(value) !== 0);
  if (named.length > 0 && usable.length === 0) return null;
  // With dedicated proxies, the addresses belong to the Service, not to the pods.
  return view.options.bindAddresses && !ownFleet ? usable : [];
}
