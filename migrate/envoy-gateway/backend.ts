// Backend of Envoy Gateway > Backend of Weir, which has addresses only.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { WEIR_V1 } from '../manifest.ts';
import type { Plan } from '../plan.ts';

/** Writes the Backend, unless no endpoint is left. */
export function convertBackend(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const endpoints = spec.groups('endpoints').flatMap((endpoint) => {
    const address = endpoint.group('ip');
    const ip = address.text('address');
    const port = address.number('port');
    return ip === undefined || port === undefined ? [] : [{ ip, port }];
  });
  const http2 = spec.texts('appProtocols').includes('gateway.envoyproxy.io/h2c');
  if (spec.text('type') === 'DynamicResolver')
    plan.leftOut(object, { field: 'spec.type', reason: 'Weir does not forward to the host of a request' });
  plan.unread(object, spec, {
    'spec.endpoints.fqdn': {
      reason: 'endpoints of Weir are addresses, and it looks up no names yet',
      advice: 'write an EndpointSlice or the addresses',
    },
    'spec.endpoints.unix': { reason: 'Weir has no sockets of files as endpoints' },
    'spec.tls': { reason: 'this is a setting of another kind', advice: 'write a BackendTLSPolicy for the Backend' },
  });
  if (endpoints.length === 0) {
    plan.leftOut(object, {
      field: '',
      reason: 'no endpoint is left, so it is not written; its routes answer 500',
      advice: 'write a Backend with addresses',
    });
    return;
  }
  const metadata = { name: plan.nameFor('Backend', object.namespace, object.name), namespace: object.namespace };
  plan.write(object, { apiVersion: WEIR_V1, kind: 'Backend', metadata, spec: { ...(http2 ? { protocol: 'http2' } : {}), endpoints } });
}
