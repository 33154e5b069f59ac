// ClientTrafficPolicy of Envoy Gateway > that of Weir; client certificates go to the Gateway.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { compact, WEIR_V1 } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { targeting, targetsOf } from './target.ts';

const PROXY_LIMIT = { reason: 'this is a limit of the whole proxy in Weir' };
const REASONS = {
  'spec.connection': { ...PROXY_LIMIT, advice: 'set max-connections and max-buffered-bytes in proxy.limits of the chart' },
  'spec.http3': { reason: 'Weir does not speak HTTP/3 yet' },
  'spec.healthCheck': { reason: 'the probe port of a proxy has /readyz', advice: 'point the load balancer there' },
  'spec.tcpKeepalive': { reason: 'Weir has no setting for keepalives of TCP' },
  'spec.timeout.http.requestReceivedTimeout': {
    reason: 'Weir limits the head of a request and the silence in its body',
    advice: 'set timeouts.requestHead and timeouts.requestBodyIdle',
  },
  'spec.path': { reason: 'Weir brings paths into normal form and keeps slashes' },
  'spec.tls.session': { reason: 'Weir resumes sessions by tickets and has no setting for it' },
};

const VERSIONS: Readonly<Record<string, string>> = { '1.2': '1.2', '1.3': '1.3' };

/** Writes the policy with the settings that have an equivalent. */
export function convertClientTraffic(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const targets = targeting(spec);
  const http = spec.group('timeout').group('http');
  const http2 = spec.group('http2');
  const settings = compact({
    timeouts: compact({ idle: http.text('idleTimeout') }),
    proxyProtocol: spec.flag('enableProxyProtocol') === true || spec.has('proxyProtocol') ? { mode: 'Required' } : undefined,
    clientIP: clientIpOf(spec.group('clientIPDetection')),
    tls: tlsOf(spec.group('tls')),
    http2: compact({
      maxConcurrentStreams: http2.number('maxConcurrentStreams'),
      streamWindow: http2.whole('initialStreamWindowSize'),
      connectionWindow: http2.whole('initialConnectionWindowSize'),
    }),
  });
  if (spec.has('proxyProtocol')) optionalHeader(spec.group('proxyProtocol'), object, plan);
  clientCertificates(spec, object, plan);
  plan.unread(object, spec, REASONS);
  if (Object.keys(settings).length === 0) return;
  const metadata = { name: plan.nameFor('ClientTrafficPolicy', object.namespace, object.name), namespace: object.namespace };
  plan.write(object, { apiVersion: WEIR_V1, kind: 'ClientTrafficPolicy', metadata, spec: { ...targets, ...settings } });
}

function optionalHeader(proxyProtocol: Fields, object: InputObject, plan: Plan): void {
  if (proxyProtocol.flag('optional') === true)
    plan.note('differs', object, {
      field: proxyProtocol.at('optional'),
      reason: "every connection needs the header: one that may come or not could be any client's",
    });
}

function clientIpOf(detection: Fields): Record<string, unknown> {
  const forwarded = detection.group('xForwardedFor');
  const custom = detection.group('customHeader');
  return compact({
    trustedHops: forwarded.number('numTrustedHops'),
    trustedCIDRs: forwarded.texts('trustedCIDRs'),
    header: custom.text('name'),
    failClosed: custom.flag('failClosed'),
  });
}

function tlsOf(tls: Fields): Record<string, unknown> {
  return compact({
    minVersion: VERSIONS[tls.text('minVersion') ?? ''],
    maxVersion: VERSIONS[tls.text('maxVersion') ?? ''],
    cipherSuites: tls.texts('ciphers'),
    keyExchanges: tls.texts('ecdhCurves'),
    alpn: tls.texts('alpnProtocols'),
  });
}

/** Authorities of client certificates: of the whole Gateway, or of the port of one listener. */
function clientCertificates(spec: Fields, object: InputObject, plan: Plan): void {
  if (!spec.group('tls').has('clientValidation')) return;
  const validation = spec.group('tls').group('clientValidation');
  const refs = validation.groups('caCertificateRefs').map((ref) => {
    const namespace = ref.text('namespace');
    const named = { group: ref.text('group') ?? '', kind: ref.text('kind') ?? 'Secret', name: ref.text('name') ?? '' };
    return { ...named, ...(namespace === undefined ? {} : { namespace }) };
  });
  const mode = validation.flag('optional') === true ? { mode: 'AllowInsecureFallback' } : {};
  const frontend = { validation: { caCertificateRefs: refs, ...mode } };
  for (const { kind, name, sectionName } of targetsOf(spec)) {
    const gateway = plan.find('Gateway', object.namespace, name);
    const port = portOf(gateway, sectionName);
    const id = `Gateway/${object.namespace}/${name}`;
    if (kind === 'Gateway' && refs.length > 0 && gateway !== undefined && (sectionName === undefined || port !== undefined))
      plan.additions.setFrontend(id, port === undefined ? { default: frontend } : { default: {}, perPort: [{ port, tls: frontend }] });
    else {
      plan.leftOut(object, { field: validation.path, reason: 'the Gateway that asks clients for certificates is not in the files' });
      plan.additions.add(id, { filters: [], open: [`ClientTrafficPolicy ${object.name} (client certificates)`] });
    }
  }
}

function portOf(gateway: InputObject | undefined, sectionName: string | undefined): number | undefined {
  const listeners = new Fields(gateway?.value['spec'], 'spec').groups('listeners');
  return listeners.find((listener) => listener.text('name') === sectionName)?.number('port');
}
