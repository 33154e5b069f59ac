// Services of Traefik routes > backendRefs, mirrors, and policies for what is spoken to them.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { GATEWAY_V1 } from '../manifest.ts';
import type { BackendRef, Filter } from '../manifest.ts';
import type { Plan } from '../plan.ts';

/** What a route sends requests to. */
export interface Targets {
  readonly backendRefs: readonly BackendRef[];
  /** Mirrors. */
  readonly filters: readonly Filter[];
  /** Settings of the route's BackendTrafficPolicy. */
  readonly policy: Readonly<Record<string, unknown>>;
}

const NONE: Targets = { backendRefs: [], filters: [], policy: {} };
/** Weir does these by itself. */
const NOT_NEEDED = ['nativeLB', 'nodePortLB', 'responseForwarding', 'kind'];
const MAX_DEPTH = 4;

/** The targets of a list of services. `source` is the object that has the list. */
export function targetsOf(services: readonly Fields[], source: InputObject, plan: Plan, depth = 0): Targets {
  return joined(services.map((service) => targetOf(service, source, plan, depth)));
}

function targetOf(service: Fields, source: InputObject, plan: Plan, depth: number): Targets {
  const name = service.text('name') ?? '';
  const namespace = service.text('namespace') ?? source.namespace;
  const weight = service.number('weight');
  if (name.endsWith('@internal')) return internal(name, service, source, plan);
  if (service.text('kind') === 'TraefikService') return ofTraefikService({ namespace, name, weight }, service, source, plan, depth);
  const port = plan.port(source, { namespace, name, port: service.text('port') ?? '' }, service.at('port'));
  tellSettings(service, source, plan);
  const policy = protocolOf(service, { namespace, name }, source, plan);
  if (port === undefined) return NONE;
  if (namespace !== source.namespace) grantBackend(source, { namespace, name }, plan);
  const elsewhere = namespace === source.namespace ? {} : { namespace };
  return { backendRefs: [{ name, ...elsewhere, port, ...(weight === undefined ? {} : { weight }) }], filters: [], policy };
}

/** `noop@internal` stands where a middleware answers; the others are Traefik's own pages. */
function internal(name: string, service: Fields, source: InputObject, plan: Plan): Targets {
  service.whole('kind');
  if (name !== 'noop@internal') plan.leftOut(source, { field: service.at('name'), reason: `${name} is a page of Traefik itself` });
  return NONE;
}

function tellSettings(service: Fields, source: InputObject, plan: Plan): void {
  for (const field of NOT_NEEDED) service.whole(field);
  if (service.text('passHostHeader') === 'false') {
    const advice = 'add a URLRewrite filter with a hostname';
    plan.leftOut(source, { field: service.at('passHostHeader'), reason: 'Weir sends the host of the request', advice });
  }
  if ((service.text('strategy') ?? 'wrr').toLowerCase() === 'wrr') return;
  plan.leftOut(source, { field: service.at('strategy'), reason: 'Weir takes endpoints in turn and has no other load balancing yet' });
}

/** The owner of the other namespace has to agree; the grant is written so that the owner can see it. */
function grantBackend(source: InputObject, service: { namespace: string; name: string }, plan: Plan): void {
  const metadata = {
    name: plan.nameFor('ReferenceGrant', service.namespace, `${service.name}-for-${source.namespace}`),
    namespace: service.namespace,
  };
  const from = ['HTTPRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute'].map((kind) => ({
    group: 'gateway.networking.k8s.io',
    kind,
    namespace: source.namespace,
  }));
  const spec = { from, to: [{ group: '', kind: 'Service', name: service.name }] };
  plan.write(source, { apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'ReferenceGrant', metadata, spec });
}

/** HTTP/2 by the scheme; TLS by a BackendTLSPolicy, where a ServersTransport says what is trusted. */
function protocolOf(
  service: Fields,
  target: { namespace: string; name: string },
  source: InputObject,
  plan: Plan,
): Record<string, unknown> {
  const scheme = service.text('scheme') ?? 'http';
  const transport = service.text('serversTransport');
  if (scheme === 'h2c') return { protocol: 'HTTP2' };
  if (scheme !== 'https' && transport === undefined) return {};
  const validation = target.namespace === source.namespace ? validationOf(transport, source, plan) : null;
  if (validation === null) {
    const reason = 'Weir speaks TLS only to backends whose certificate it can check';
    const advice = 'write a BackendTLSPolicy for the Service with the host name and the authority of its certificate';
    plan.leftOut(source, { field: service.at(scheme === 'https' ? 'scheme' : 'serversTransport'), reason, advice });
    return {};
  }
  const metadata = { name: plan.nameFor('BackendTLSPolicy', target.namespace, target.name), namespace: target.namespace };
  const spec = { targetRefs: [{ group: '', kind: 'Service', name: target.name }], validation };
  plan.write(source, { apiVersion: GATEWAY_V1, kind: 'BackendTLSPolicy', metadata, spec });
  return {};
}

/** What a ServersTransport asks of certificates; null where it does not say. */
function validationOf(transport: string | undefined, source: InputObject, plan: Plan): Record<string, unknown> | null {
  const found = transport === undefined ? undefined : plan.find('ServersTransport', source.namespace, transport);
  if (found === undefined) return null;
  const spec = new Fields(found.value['spec'], 'spec');
  const hostname = spec.text('serverName');
  const caCertificateRefs = rootCAs(spec);
  plan.unread(found, spec);
  return hostname === undefined || caCertificateRefs.length === 0 ? null : { hostname, caCertificateRefs };
}

function rootCAs(spec: Fields): { group: string; kind: string; name: string }[] {
  const secrets = spec.texts('rootCAsSecrets').map((name) => ({ group: '', kind: 'Secret', name }));
  const listed = spec.groups('rootCAs').flatMap((entry) => {
    const secret = entry.text('secret');
    const configMap = entry.text('configMap');
    if (secret !== undefined) return [{ group: '', kind: 'Secret', name: secret }];
    return configMap === undefined ? [] : [{ group: '', kind: 'ConfigMap', name: configMap }];
  });
  return [...secrets, ...listed];
}

interface ServiceName {
  readonly namespace: string;
  readonly name: string;
  readonly weight: number | undefined;
}

/** A TraefikService: the shares or mirrors in it, seen from the object itself so that notes name it. */
function ofTraefikService({ namespace, name, weight }: ServiceName, at: Fields, source: InputObject, plan: Plan, depth: number): Targets {
  const object = plan.find('TraefikService', namespace, name);
  if (object === undefined || depth >= MAX_DEPTH) {
    const reason =
      object === undefined ? `TraefikService/${namespace}/${name} is not in the files` : 'TraefikServices refer to each other too deeply';
    plan.leftOut(source, { field: at.at('name'), reason, advice: 'give weir migrate its file too' });
    return NONE;
  }
  const spec = new Fields(object.value['spec'], 'spec');
  const inner = targetsOf(spec.group('weighted').groups('services'), object, plan, depth + 1);
  const mirrored = ofMirroring(spec.group('mirroring'), object, plan, depth);
  plan.unread(object, spec);
  const { backendRefs, filters, policy } = joined([inner, mirrored]);
  return { backendRefs: weight === undefined ? backendRefs : scaled(backendRefs, weight), filters, policy };
}

function ofMirroring(mirroring: Fields, object: InputObject, plan: Plan, depth: number): Targets {
  if (!mirroring.has('name')) return NONE;
  const main = targetOf(mirroring, object, plan, depth + 1);
  const mirrors = mirroring.groups('mirrors').flatMap((mirror) => {
    const percent = mirror.number('percent') ?? 0;
    return targetOf(mirror, object, plan, depth + 1).backendRefs.map(({ weight: _weight, ...backendRef }): Filter => ({
      type: 'RequestMirror',
      requestMirror: { backendRef, percent },
    }));
  });
  return { ...main, filters: [...main.filters, ...mirrors] };
}

/** Shares of a share: whole numbers in the same proportion. */
function scaled(refs: readonly BackendRef[], weight: number): BackendRef[] {
  const total = refs.reduce((sum, ref) => sum + (ref.weight ?? 1), 0);
  const exact = refs.map((ref) => ((ref.weight ?? 1) * weight) / total);
  const factor = exact.every(Number.isInteger) ? 1 : total;
  return refs.map((ref, index) => ({ ...ref, weight: Math.round((exact[index] ?? 0) * factor) }));
}

function joined(all: readonly Targets[]): Targets {
  return {
    backendRefs: all.flatMap(({ backendRefs }) => backendRefs),
    filters: all.flatMap(({ filters }) => filters),
    policy: Object.assign({}, ...all.map(({ policy }) => policy)) as Record<string, unknown>,
  };
}
