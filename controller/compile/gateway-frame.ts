// What a Gateway is to every listener that is served for it, its own or one of a ListenerSet: where to bind, what to show to
// backends, or why nothing can be served at all.
import { isIP } from 'node:net';
import type { Gateway } from '#api/k8s/k8s.ts';
import type { Result } from '#lib/result.ts';
import { resolveClientCertificate, type ClientCertificate } from './certificates.ts';
import type { GatewayObstacle } from './conditions.ts';
import { gatewayClassUnit } from './gateway-class.ts';
import { gatewayParameters, type ResolvedParameters } from './parameters.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** What listeners need to know of their Gateway beside its spec. */
export interface GatewayFrame {
  /** What keeps the whole Gateway from being served. */
  readonly obstacle: GatewayObstacle | null;
  /** Those to bind, all when empty. Null: nothing can be served. */
  readonly addresses: readonly string[] | null;
  /** What backends are shown. */
  readonly client: ClientCertificate;
  /** The Gateway has proxies to itself, behind a Service. */
  readonly ownFleet: boolean;
}

/** Key: `<namespace>/<name>`. Null when there is no such Gateway, or it is not ours. */
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
    });
  },
};

function obstacleOf(gateway: Gateway, parameters: Result<ResolvedParameters>): GatewayObstacle | null {
  if (!parameters.ok) return { reason: 'InvalidParameters', message: parameters.error };
  const strange = gateway.spec.addresses.find((address) => address.type !== 'IPAddress');
  if (strange === undefined) return null;
  return { reason: 'UnsupportedAddress', message: `spec.addresses: type ${strange.type} is not supported, only IPAddress` };
}

/** Null when there is none of those the Gateway names: better no listener than one on addresses that were not asked for. */
function addressesToBind(view: View, gateway: Gateway, ownFleet: boolean): readonly string[] | null {
  const named = gateway.spec.addresses.map((address) => address.value).filter((value) => value !== '');
  const usable = named.filter((value) => isIP(value) !== 0);
  if (named.length > 0 && usable.length === 0) return null;
  // A Service is in front of a fleet of its own: its address is none of the pods'.
  return view.options.bindAddresses && !ownFleet ? usable : [];
}
