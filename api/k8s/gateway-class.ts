// GatewayClass: has the name of the controller that serves its Gateways.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, DnsLabel, DnsName, GATEWAY_GROUP, Group, Kind, objectOf } from './schema.ts';

export const GatewayClass = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'GatewayClass',
  closed({
    controllerName: Type.String({
      maxLength: 253,
      pattern: "^[a-z0-9][-a-z0-9.]*/[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+$",
      description: 'a domain, a slash and a path, like example.com/controller',
    }),
    parametersRef: Type.Optional(closed({ group: Group, kind: Kind, name: DnsName, namespace: Type.Optional(DnsLabel) })),
    description: Type.Optional(Type.String({ maxLength: 64 })),
  }),
);
export type GatewayClass = Static<typeof GatewayClass>;
