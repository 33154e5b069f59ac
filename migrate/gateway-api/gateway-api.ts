// Source `gateway-api`: Gateways and routes of any gateway. They stay as they are but for the class and what is of that gateway alone.
import { isMap } from '../fields.ts';
import type { InputObject } from '../input.ts';
import type { Plan } from '../plan.ts';
import type { Source } from '../source.ts';
import { ENVOY_GROUP, manifestOf, renamed, WEIR_GROUP } from './copy.ts';
import { RouteConverter } from './route.ts';

const GATEWAY_GROUP = 'gateway.networking.k8s.io';
const ROUTES = new Set(['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute']);
/** Kinds beside those of the Gateway API that gateways bring. */
const GATEWAYS_OWN = /(^|\.)(konghq\.com|nginx\.org|istio\.io|kgateway\.dev|projectcontour\.io|haproxy\.org|cilium\.io)$/;

export const gatewayApi: Source = {
  name: 'gateway-api',
  owns: ({ group }) => group === GATEWAY_GROUP || GATEWAYS_OWN.test(group),
  convert(objects, plan) {
    for (const object of objects) convert(object, plan);
  },
};

function convert(object: InputObject, plan: Plan): void {
  const { group, kind } = object;
  if (group !== GATEWAY_GROUP)
    plan.leftOut(object, {
      field: '',
      reason: `${group} is another gateway's, and its kinds have no conversion`,
      advice: 'write its settings as filters and policies',
    });
  else if (kind === 'GatewayClass') convertClass(object, plan);
  else if (kind === 'Gateway') convertGateway(object, plan);
  else if (ROUTES.has(kind)) new RouteConverter(object, plan).convert();
  else plan.write(object, manifestOf(object, renamed(object.value['spec'])));
}

function convertClass(object: InputObject, plan: Plan): void {
  const spec = isMap(object.value['spec']) ? object.value['spec'] : {};
  plan.note('not needed', object, { field: '', reason: `the GatewayClass ${plan.options.className} takes its place` });
  if (!isMap(spec['parametersRef'])) return;
  const reason = `the GatewayClass ${plan.options.className} has its own parameters`;
  const advice = 'set parametersRef of the Gateways, or of that class, to the GatewayParameters';
  plan.leftOut(object, { field: 'spec.parametersRef', reason, advice });
}

function convertGateway(object: InputObject, plan: Plan): void {
  const spec = isMap(object.value['spec']) ? { ...object.value['spec'] } : {};
  spec['gatewayClassName'] = plan.options.className;
  const infrastructure = isMap(spec['infrastructure']) ? { ...spec['infrastructure'] } : {};
  const parameters = infrastructure['parametersRef'];
  if (isMap(parameters) && parameters['group'] === ENVOY_GROUP)
    infrastructure['parametersRef'] = { ...parameters, group: WEIR_GROUP, kind: 'GatewayParameters' };
  else if (isMap(parameters) && parameters['group'] !== WEIR_GROUP) {
    delete infrastructure['parametersRef'];
    const reason = `${String(parameters['kind'])} is another gateway's`;
    plan.leftOut(object, {
      field: 'spec.infrastructure.parametersRef',
      reason,
      advice: 'write GatewayParameters (docs/reference/fleets.md)',
    });
  }
  if (Object.keys(infrastructure).length > 0) spec['infrastructure'] = infrastructure;
  const frontend = plan.additions.frontend(`Gateway/${object.namespace}/${object.name}`);
  if (frontend !== undefined) spec['tls'] = { ...(isMap(spec['tls']) ? spec['tls'] : {}), frontend };
  plan.write(object, manifestOf(object, spec));
}
