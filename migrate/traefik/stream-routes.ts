// IngressRouteTCP and IngressRouteUDP > TCPRoute, TLSRoute and UDPRoute.
import type { SecretName } from '../edge.ts';
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { GATEWAY_V1, slug } from '../manifest.ts';
import type { BackendRef, ParentRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { portsOf } from './entry-points.ts';
import { parseRule } from './rule.ts';
import { tlsTermsOf } from './tls-options.ts';

/** Writes the routes of an IngressRouteTCP. */
export function convertTcp(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const ports = portsOf(spec, ['web'], object, plan);
  const tls = spec.group('tls');
  const terms = spec.has('tls') ? tlsTermsOf(tls.group('options'), object, plan) : { options: {}, open: [] };
  const passthrough = tls.flag('passthrough') ?? false;
  const secret = tls.text('secretName');
  for (const route of spec.groups('routes')) {
    const names = serverNames(route, object, plan);
    const open = [...route.groups('middlewares').map((each) => `MiddlewareTCP ${each.text('name') ?? ''}`), ...terms.open];
    const target = targets(route, object, plan);
    if (names === null || target.backendRefs.length === 0 || isWithheld(open, object, plan)) continue;
    const secured = spec.has('tls') ? { passthrough, secret, options: terms.options } : null;
    writeStream(object, { names, ports, secured, ...target }, plan);
  }
  plan.unread(object, spec, {
    'spec.tls.certResolver': { reason: 'Weir asks for no certificates', advice: 'name a Secret, as cert-manager fills it' },
  });
}

/** Writes the UDPRoutes of an IngressRouteUDP. */
export function convertUdp(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const ports = portsOf(spec, [], object, plan);
  for (const route of spec.groups('routes')) {
    const { backendRefs } = targets(route, object, plan);
    const parents = ports.map((port) => plan.edge.listener({ protocol: 'UDP', port, hostname: '' }).parent);
    if (parents.length > 0 && backendRefs.length > 0) write('UDPRoute', object, { parents, backendRefs, hostnames: [], policy: {} }, plan);
  }
  plan.unread(object, spec);
}

function isWithheld(open: readonly string[], object: InputObject, plan: Plan): boolean {
  if (open.length === 0 || plan.options.allowOpen) return false;
  const reason = `its routes are not written, because they would be open without ${open.join(' and ')}`;
  plan.leftOut(object, { field: '', reason, advice: 'protect the backend itself and use --allow-open' });
  return true;
}

/** Server names of a rule; `*` is every name. Null, with a note, where the rule asks for something else. */
function serverNames(route: Fields, object: InputObject, plan: Plan): string[] | null {
  const alternatives = parseRule(route.text('match') ?? '');
  route.number('priority');
  route.text('syntax');
  const conditions = alternatives.ok ? alternatives.value : [];
  const names = conditions.flatMap(([first, ...rest]) => (first?.matcher === 'HostSNI' && rest.length === 0 ? first.args : []));
  if (names.length === conditions.length && names.length > 0) return names;
  const reason = alternatives.ok ? 'only HostSNI has an equivalent' : alternatives.error;
  plan.leftOut(object, { field: route.at('match'), reason, advice: 'write the route by hand' });
  return null;
}

interface StreamTargets {
  readonly backendRefs: readonly BackendRef[];
  readonly policy: Readonly<Record<string, unknown>>;
}

function targets(route: Fields, object: InputObject, plan: Plan): StreamTargets {
  let policy: Record<string, unknown> = {};
  const backendRefs = route.groups('services').flatMap((service): BackendRef[] => {
    const name = service.text('name') ?? '';
    const port = plan.port(object, { namespace: object.namespace, name, port: service.text('port') ?? '' }, service.at('port'));
    const weight = service.number('weight');
    const version = service.group('proxyProtocol').number('version');
    if (version !== undefined) policy = { proxyProtocol: `V${version}` };
    service.whole('nativeLB');
    service.whole('terminationDelay');
    return port === undefined ? [] : [{ name, port, ...(weight === undefined ? {} : { weight }) }];
  });
  return { backendRefs, policy };
}

/** Of a rule with TLS. */
interface Secured {
  readonly passthrough: boolean;
  readonly secret: string | undefined;
  readonly options: Readonly<Record<string, string>>;
}

interface Stream extends StreamTargets {
  readonly names: readonly string[];
  readonly ports: readonly number[];
  readonly secured: Secured | null;
}

function writeStream(object: InputObject, stream: Stream, plan: Plan): void {
  const { names, ports, secured, backendRefs, policy } = stream;
  if (secured !== null) {
    for (const name of names) writeTls(object, name, { ...stream, secured }, plan);
    return;
  }
  const parents = ports.map((port) => plan.edge.listener({ protocol: 'TCP', port, hostname: '' }).parent);
  const reason = 'without TLS there is no server name to tell connections by';
  if (!names.includes('*')) plan.leftOut(object, { field: 'spec.routes', reason, advice: 'use HostSNI(`*`)' });
  else if (parents.length > 0) write('TCPRoute', object, { parents, backendRefs, hostnames: [], policy }, plan);
}

/** A TLSRoute for one server name. */
function writeTls(object: InputObject, hostname: string, stream: Stream & { readonly secured: Secured }, plan: Plan): void {
  const { ports, secured, backendRefs, policy } = stream;
  if (hostname === '*') {
    plan.leftOut(object, { field: 'spec.routes', reason: 'a TLSRoute names its hosts', advice: 'name the host in HostSNI' });
    return;
  }
  const secret: SecretName = { namespace: object.namespace, name: secured.secret ?? `${slug(hostname)}-tls` };
  if (!secured.passthrough && secured.secret === undefined) {
    const advice = `put the certificate into Secret/${secret.namespace}/${secret.name}`;
    plan.leftOut(object, { field: 'spec.tls.secretName', reason: 'a Gateway has no default certificate', advice });
  }
  const terms = secured.passthrough ? { passthrough: true } : { secret, options: secured.options };
  const parents = ports.map((port) => plan.edge.listener({ protocol: 'TLS', port, hostname, ...terms }).parent);
  if (parents.length > 0) write('TLSRoute', object, { parents, backendRefs, hostnames: [hostname], policy }, plan);
}

interface StreamRoute extends StreamTargets {
  readonly parents: readonly ParentRef[];
  readonly hostnames: readonly string[];
}

function write(kind: string, object: InputObject, { parents, backendRefs, hostnames, policy }: StreamRoute, plan: Plan): void {
  const name = plan.nameFor(kind, object.namespace, object.name);
  const spec = { parentRefs: parents, ...(hostnames.length > 0 ? { hostnames } : {}), rules: [{ backendRefs }] };
  plan.write(object, { apiVersion: GATEWAY_V1, kind, metadata: { name, namespace: object.namespace }, spec });
  plan.writePolicy(object, [{ group: 'gateway.networking.k8s.io', kind, name } as { name: string }], policy);
}
