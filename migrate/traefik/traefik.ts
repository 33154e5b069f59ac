// Source `traefik`: the custom resources of Traefik 2 and 3.
import type { InputObject } from '../input.ts';
import type { Plan } from '../plan.ts';
import type { Source } from '../source.ts';
import { convertIngressRoute } from './ingress-route.ts';
import { convertTcp, convertUdp } from './stream-routes.ts';

const GROUPS = ['traefik.io', 'traefik.containo.us'];

/** Kinds that have objects of their own in the output. */
const CONVERTERS: Readonly<Record<string, (object: InputObject, plan: Plan) => void>> = {
  IngressRoute: convertIngressRoute,
  IngressRouteTCP: convertTcp,
  IngressRouteUDP: convertUdp,
};

/** Kinds that are read where a route refers to them. */
const REFERRED = new Set(['Middleware', 'TLSOption', 'ServersTransport', 'TraefikService']);

const LEFT_OUT: Readonly<Record<string, { readonly reason: string; readonly advice: string }>> = {
  TLSStore: { reason: 'a Gateway has no default certificate', advice: 'name the Secret of each host' },
  MiddlewareTCP: { reason: 'Weir has no filters of connections yet', advice: 'protect the backend itself' },
  ServersTransportTCP: { reason: 'this is a setting of another kind', advice: 'write a BackendTLSPolicy for the Service' },
};

export const traefik: Source = {
  name: 'traefik',
  owns: ({ group }) => GROUPS.includes(group),
  convert(objects, plan) {
    for (const object of objects) {
      const lost = LEFT_OUT[object.kind];
      if (lost !== undefined) plan.leftOut(object, { field: '', ...lost });
      else if (!REFERRED.has(object.kind) && CONVERTERS[object.kind] === undefined)
        plan.leftOut(object, { field: '', reason: 'Weir has no equivalent yet' });
      CONVERTERS[object.kind]?.(object, plan);
    }
    for (const object of objects) if (REFERRED.has(object.kind) && !isNamed(object, objects)) tellUnused(object, plan);
  },
};

/** Whether any other object mentions the name. */
function isNamed({ name }: InputObject, objects: readonly InputObject[]): boolean {
  return (
    name === 'default' || objects.some((object) => object.name !== name && JSON.stringify(object.value['spec'] ?? {}).includes(`"${name}`))
  );
}

function tellUnused(object: InputObject, plan: Plan): void {
  plan.note('not needed', object, { field: '', reason: 'no route of the files refers to it' });
}
