// Applies ClientTrafficPolicies in a proxy: the settings of a listener, merged once per change.
import type * as ir from '#api/ir/ir.ts';
import { parseListenerKey } from '#api/ir/ir.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { listenerTargets, type PolicyIndex } from '#api/policy/layers.ts';
import { mergePolicies } from '#api/policy/merge.ts';
import type { Limits } from '../exchange/limits.ts';
import type { ListenerSettings } from '../listener/settings.ts';
import { TrustedProxies } from '../listener/trusted-proxies.ts';
import { TrustedSources } from '../listener/trusted-sources.ts';

type ClientTraffic = PolicySettings<'ClientTrafficPolicy'>;
type ClientIp = NonNullable<ClientTraffic['clientIP']>;

/** The limit of each setting, one line each. */
const LIMITS: { readonly [N in keyof Limits]?: (settings: ClientTraffic) => number | undefined } = {
  proxyHeaderTimeout: ({ timeouts }) => timeouts?.proxyHeader,
  tlsHandshakeTimeout: ({ timeouts }) => timeouts?.tlsHandshake,
  requestHeadTimeout: ({ timeouts }) => timeouts?.requestHead,
  requestBodyIdleTimeout: ({ timeouts }) => timeouts?.requestBodyIdle,
  downstreamIdleTimeout: ({ timeouts }) => timeouts?.idle,
  downstreamWriteTimeout: ({ timeouts }) => timeouts?.write,
  minRequestBodyRate: ({ rates }) => rates?.requestBody,
  minResponseRate: ({ rates }) => rates?.response,
  maxHeadBytes: ({ limits }) => limits?.headerBytes,
  maxHeaders: ({ limits }) => limits?.headers,
  maxTargetBytes: ({ limits }) => limits?.targetBytes,
  maxRequestBodyBytes: ({ limits }) => limits?.requestBody,
  maxRequestsPerConnection: ({ limits }) => limits?.requestsPerConnection,
  maxStreamsPerConnection: ({ http2 }) => http2?.maxConcurrentStreams,
  streamWindowBytes: ({ http2 }) => http2?.streamWindow,
  connectionWindowBytes: ({ http2 }) => http2?.connectionWindow,
};

/** The listener with the TLS settings of its policies, if it terminates TLS and has no settings itself. */
export function withTlsSettings(policies: PolicyIndex, listener: ir.Listener): ir.Listener {
  if (listener.tls?.mode !== 'Terminate') return listener;
  const { settings } = mergePolicies('ClientTrafficPolicy', policies.layers('ClientTrafficPolicy', listenerTargets(listener.key)));
  if (settings.tls === undefined) return listener;
  const merged = { ...settings.tls, ...listener.tls.settings } as ir.TlsSettings;
  return { ...listener, tls: { ...listener.tls, settings: merged } };
}

/** The settings of a listener (key): those of its policies, with `base` as default. Without policies it is `base` itself. */
export function listenerSettings(policies: PolicyIndex, listener: string, base: ListenerSettings): ListenerSettings {
  const targets = listenerTargets(listener);
  const settings = settingsFor(policies, targets, base);
  if (settings === base || parseListenerKey(listener).listenerSet === null) return settings;
  return Object.freeze({ ...settings, common: settingsFor(policies, targets.slice(-1), base) });
}

function settingsFor(policies: PolicyIndex, targets: readonly ir.PolicyTarget[], base: ListenerSettings): ListenerSettings {
  const { settings, origins } = mergePolicies('ClientTrafficPolicy', policies.layers('ClientTrafficPolicy', targets));
  if (origins.length === 0) return base;
  const limits = Object.entries(LIMITS).flatMap(([name, read]) => {
    const value = read(settings);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.freeze({
    limits: Object.freeze({ ...base.limits, ...Object.fromEntries(limits) }),
    proxyProtocol: proxyProtocolOf(settings) ?? base.proxyProtocol,
    ...(hopsOf(settings.clientIP ?? {}) > 0 ? { trustsProxies: true as const } : {}),
  });
}

function proxyProtocolOf({ proxyProtocol }: ClientTraffic): ListenerSettings['proxyProtocol'] {
  return proxyProtocol?.mode === 'Required' ? [TrustedSources.of(proxyProtocol.trustedSources ?? [])] : null;
}

/**
 * The trusted peers of each listener (key) for information about clients; absent: none. Listeners with the same host and port that disagree
 * trust none: a request may belong to any of them.
 */
export function trustedProxies(policies: PolicyIndex, listeners: Iterable<ir.Listener>): ReadonlyMap<string, TrustedProxies> {
  if (policies.isEmpty) return new Map();
  const served = [...listeners].filter(({ unserved }) => unserved === undefined);
  const byHost = Map.groupBy(served, ({ port, hostname }) => `${port} ${hostname}`);
  const trusted = new Map<string, TrustedProxies>();
  for (const group of byHost.values()) {
    const [settings, ...others] = group.map(({ key }) => clientIp(policies, key));
    if (settings === undefined || others.some((other) => JSON.stringify(other) !== JSON.stringify(settings))) continue;
    const proxies = trustedBy(settings);
    if (proxies !== null) for (const { key } of group) trusted.set(key, proxies);
  }
  return trusted;
}

function clientIp(policies: PolicyIndex, listener: string): ClientIp {
  const layers = policies.layers('ClientTrafficPolicy', listenerTargets(listener));
  return mergePolicies('ClientTrafficPolicy', layers).settings.clientIP ?? {};
}

/** Null: no peer is trusted. */
function trustedBy(settings: ClientIp): TrustedProxies | null {
  const { trustedCIDRs = [], header = 'x-forwarded-for', failClosed = false } = settings;
  const hops = hopsOf(settings);
  if (hops === 0) return null;
  const sources = trustedCIDRs.length === 0 ? null : TrustedSources.of(trustedCIDRs);
  return new TrustedProxies({ hops, sources, header: header.toLowerCase(), failClosed });
}

/** 0: no peer is trusted. Without addresses of proxies the default is one hop. */
function hopsOf({ trustedHops, trustedCIDRs = [], header }: ClientIp): number {
  if (trustedHops !== undefined) return trustedHops;
  if (trustedCIDRs.length > 0) return Infinity;
  return header === undefined ? 0 : 1;
}
