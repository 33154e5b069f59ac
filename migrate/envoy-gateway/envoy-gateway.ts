// Source `envoy-gateway`: its policies, Backends and EnvoyProxies. Its Gateways and routes are the Gateway API's.
import type { InputObject } from '../input.ts';
import type { Plan } from '../plan.ts';
import type { Source } from '../source.ts';
import { convertBackend } from './backend.ts';
import { convertBackendTraffic } from './backend-traffic-policy.ts';
import { convertClientTraffic } from './client-traffic-policy.ts';
import { convertEnvoyProxy } from './envoy-proxy.ts';
import { convertSecurity } from './security-policy.ts';

export const ENVOY_GROUP = 'gateway.envoyproxy.io';

const CONVERTERS: Readonly<Record<string, (object: InputObject, plan: Plan) => void>> = {
  BackendTrafficPolicy: convertBackendTraffic,
  ClientTrafficPolicy: convertClientTraffic,
  SecurityPolicy: convertSecurity,
  EnvoyProxy: convertEnvoyProxy,
  Backend: convertBackend,
};

const REASONS: Readonly<Record<string, string>> = {
  EnvoyPatchPolicy: 'Weir takes no configuration of Envoy',
  EnvoyExtensionPolicy: 'Weir has no extensions in Lua, WebAssembly or by ext_proc',
  HTTPRouteFilter: 'rewrites by expressions, direct answers and injected credentials have no equivalent yet',
};

export const envoyGateway: Source = {
  name: 'envoy-gateway',
  owns: ({ group }) => group === ENVOY_GROUP,
  convert(objects, plan) {
    for (const object of objects) {
      const convert = CONVERTERS[object.kind];
      if (convert !== undefined) convert(object, plan);
      else plan.leftOut(object, { field: '', reason: REASONS[object.kind] ?? 'Weir has no equivalent yet' });
    }
  },
};
