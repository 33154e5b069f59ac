// The settings of a controller, from flags and from environment variables. No other file reads either.
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { randomBytes } from 'node:crypto';
import { caught, flagsOf, FlagValues, Mistake } from '#lib/flags.ts';
import type { BindAddress, FlagGroup, Flags } from '#lib/flags.ts';
import { ENDPOINT_FLAGS, readEndpointFlags, type EndpointPermissions } from '#api/k8s/endpoint-flags.ts';
import { FLEETS } from '#api/k8s/gateway-parameters.ts';
import type { FleetMode } from '#api/k8s/gateway-parameters.ts';
import { formatDuration } from '#lib/duration.ts';
import { DEFAULT_STALL_MS } from '#lib/event-loop/stall-watch.ts';
import { LOG_LEVELS } from '#lib/log.ts';
import type { LogLevel } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import {
  ALERT_FLAGS,
  PROMETHEUS_RULE_FLAGS,
  readAlertSettings,
  readPrometheusRuleSettings,
  type AlertSettings,
  type PrometheusRuleSettings,
} from '#lib/alert-settings.ts';
import { MAX_REGISTERED, readStore, storeFlags } from '#lib/store-settings.ts';
import type { StoreSettings } from '#lib/store-settings.ts';
import { namespaceList } from '#api/k8s/namespace-list.ts';
import { AddressPool } from './fleet/address-pool.ts';

/** All settings. */
export interface ControllerConfig extends EndpointPermissions {
  /** Path of a kubeconfig; '' means KUBECONFIG, ~/.kube/config, or the service account of the pod. */
  readonly kubeconfig: string;
  readonly controllerName: string;
  /** Namespace of the Lease; '' means the controller's own namespace. */
  readonly namespace: string;
  readonly leaseName: string;
  /** Name of this replica in the Lease; every replica has another one. */
  readonly identity: string;
  /** Addresses in the status of Gateways that request none. */
  readonly addresses: readonly string[];
  /** The Service of the shared proxies, `<namespace>/<name>`: its addresses apply if `addresses` is empty. '' means none. */
  readonly proxyService: string;
  /** Whether the controller adds the ports of listeners to that Service. */
  readonly followsPorts: boolean;
  /** The namespaces that the controller reads besides its own; empty means all. */
  readonly watchNamespaces: readonly string[];
  /** Addresses for the Services of proxies, in clusters without a load balancer; null without a pool. */
  readonly addressPool: AddressPool | null;
  readonly pushAddress: BindAddress;
  /** The host at which other controllers reach the push server of this one. */
  readonly advertiseHost: string;
  readonly pushTls: PushTls;
  /** The Secret with the keys of sessions, in the controller's namespace; '' for none: then proxies keep no sessions. */
  readonly sessionSecret: string;
  /** The default mode of fleets, and the settings of dedicated proxies. */
  readonly fleets: FleetConfig;
  /** Probes and metrics. */
  readonly metricsAddress: BindAddress;
  /** Dumps: on loopback, or with a token. */
  readonly adminAddress: BindAddress;
  /** Bearer token of the dumps; '' for none, on loopback only. */
  readonly adminToken: string;
  readonly store: StoreSettings;
  /** How many endpoints can be registered by hand for one Backend. */
  readonly maxRegisteredEndpoints: number;
  readonly alerts: AlertSettings;
  readonly prometheusRules: PrometheusRuleSettings;
  readonly logLevel: LogLevel;
  /** The delay of the event loop from which on it is a stall, milliseconds; 0 is never. */
  readonly stallDelay: number;
}

/** How controllers and proxies authenticate each other. */
export type PushTls =
  /** Not at all: on loopback only. */
  | { readonly from: 'nothing' }
  /** PEM files: certificate and key of the push server, and the CA of the proxies' certificates. */
  | { readonly from: 'files'; readonly certificate: string; readonly key: string; readonly ca: string }
  /** Weir creates and renews all of it in Secrets of the controller's namespace. */
  | {
      readonly from: 'secrets';
      readonly authoritySecret: string;
      readonly proxySecret: string;
      readonly adminSecret: string;
      readonly authorityLifetime: number;
    };

/** The settings of dedicated proxies: proxies that serve one Gateway only. */
export interface FleetConfig {
  readonly byDefault: FleetMode;
  /** Image of the proxies, unless GatewayParameters name another. */
  readonly image: string;
  /** `host:port` at which proxies reach the controllers. */
  readonly controller: string;
  /** The name in the controllers' certificate, if it is not the host of `controller`. */
  readonly controllerTlsName: string;
  /** File of the private key of the CA that signs the proxies' certificates. */
  readonly caKey: string;
  /** Lifetime of the certificates that Weir issues, milliseconds. */
  readonly certificateLifetime: number;
  /** User and group of dedicated proxies; null means that the cluster chooses them. */
  readonly user: number | null;
  /** Why the controller cannot create dedicated proxies; '' if it can. */
  readonly lacks: string;
}

const STORE_FILE = '/var/lib/weir/store.sqlite';

const FLAGS: Flags = {
  kubeconfig: {
    default: '',
    value: 'FILE',
    text: 'kubeconfig of the cluster; by default KUBECONFIG, ~/.kube/config or the pod it runs in',
  },
  'controller-name': {
    default: 'gateway.weir.dev/controller',
    value: 'NAME',
    text: 'the controller serves GatewayClasses with this controllerName',
  },
  namespace: { default: '', value: 'NAME', text: 'namespace of the Lease; by default that of the pod' },
  'lease-name': { default: 'weir-controller', value: 'NAME', text: 'the Lease that decides which replica writes' },
  identity: { default: '', value: 'NAME', text: 'name of this replica in the Lease; by default the host name and a random part' },
  addresses: {
    default: '',
    value: 'LIST',
    text: 'IP addresses and host names of the proxies, separated by commas, for status.addresses of Gateways',
  },
  'proxy-service': {
    default: '',
    value: 'NAMESPACE/NAME',
    text: 'the Service of the shared proxies; without --addresses, Gateways get its addresses',
  },
  'proxy-service-ports': {
    default: 'Fixed',
    value: 'MODE',
    text: 'Follow: that Service gets the ports of all listeners; Fixed: its ports stay as they are',
    see: 'controller.md#the-ports-of-the-shared-service',
  },
  'watch-namespaces': {
    default: '',
    value: 'LIST',
    text: 'namespaces that the controller reads besides its own, separated by commas; all by default',
    see: 'controller.md#namespaces',
  },
  'address-pool': {
    default: '',
    value: 'LIST',
    text: 'address ranges for the Services of proxies, in clusters without a load balancer, like 10.0.0.0/28,fd00::1-fd00::9',
    see: 'fleets.md#addresses',
  },
  'push-address': { default: '0.0.0.0:9443', value: 'HOST:PORT', text: 'address of the push server, to which proxies connect' },
  'advertise-host': {
    default: '',
    value: 'HOST',
    text: "host at which other replicas reach the push server; by default that of --push-address, or the machine's first address",
  },
  'push-tls-cert': { default: '', value: 'FILE', text: 'certificate of the push server, PEM' },
  'push-tls-key': { default: '', value: 'FILE', text: 'its key' },
  'push-tls-ca': { default: '', value: 'FILE', text: "CA of the proxies' certificates, PEM" },
  'push-tls-ca-key': {
    default: '',
    value: 'FILE',
    text: 'private key of that CA; the controller needs it to issue certificates to dedicated proxies',
  },
  'push-tls-secret': {
    default: '',
    value: 'NAME',
    text: "instead of these files: a Secret in the controller's namespace in which Weir creates and renews the CA",
    see: 'push.md#certificates-that-weir-makes',
  },
  'proxy-tls-secret': {
    default: '',
    value: 'NAME',
    text: 'with --push-tls-secret: the Secret in that namespace for the credentials of the shared proxies',
  },
  'admin-tls-secret': {
    default: '',
    value: 'NAME',
    text: 'with --push-tls-secret: the Secret in that namespace for the credentials of the admin program',
    see: 'admin-live.md#certificates',
  },
  'session-secret': {
    default: '',
    value: 'NAME',
    text: "a Secret in the controller's namespace in which Weir creates and renews the keys of sessions; without it, proxies keep no sessions",
    see: 'balancing.md#sessions',
  },
  'certificate-lifetime': {
    default: '720h',
    value: 'TIME',
    text: 'lifetime of certificates that Weir issues; Weir renews them when a third is left',
  },
  'ca-lifetime': {
    default: '8760h',
    value: 'TIME',
    text: 'lifetime of the CA in --push-tls-secret; at least six times --certificate-lifetime',
  },
  fleet: {
    default: 'Shared',
    value: 'MODE',
    text: 'default mode of a Gateway: Shared (one set of proxies for all) or PerGateway (dedicated proxies)',
    words: FLEETS,
    see: 'fleets.md',
  },
  'proxy-image': { default: '', value: 'IMAGE', text: 'image of dedicated proxies' },
  'proxy-user': { default: '65532', value: 'ID', text: 'user and group of dedicated proxies; with any, the cluster chooses them' },
  'proxy-controller': {
    default: '',
    value: 'HOST:PORT',
    text: 'address to which dedicated proxies connect: a Service in front of the controllers',
  },
  'proxy-controller-tls-name': {
    default: '',
    value: 'NAME',
    text: "name in the controllers' certificate, if it is not the host of --proxy-controller",
  },
  'metrics-address': { default: '0.0.0.0:9080', value: 'HOST:PORT', text: '/livez, /readyz, /metrics' },
  'admin-address': {
    default: '127.0.0.1:9081',
    value: 'HOST:PORT',
    text: 'address of the dumps and operations; an address other than loopback needs --admin-token-file',
    see: 'operations.md',
  },
  'admin-token-file': { default: '', value: 'FILE', text: 'file with the bearer token for the dumps and operations' },
  ...storeFlags(STORE_FILE),
  ...ALERT_FLAGS,
  ...PROMETHEUS_RULE_FLAGS,
  ...ENDPOINT_FLAGS,
  'log-level': { default: 'info', value: 'LEVEL', text: LOG_LEVELS.join(', '), words: LOG_LEVELS },
  'stall-delay': {
    default: formatDuration(DEFAULT_STALL_MS),
    value: 'TIME',
    text: 'delay of the event loop from which on log and metrics tell of a stall; 0 is never',
  },
};

/** The flags of `weir controller`. */
export const CONTROLLER_FLAGS: readonly FlagGroup[] = [{ title: '', flags: FLAGS }];

/** Reads and checks the settings. An error names the flag and the mistake. */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<ControllerConfig> {
  return caught(() => toConfig(new FlagValues(args, flagsOf(CONTROLLER_FLAGS), environment), environment));
}

function toConfig(values: FlagValues, environment: NodeJS.ProcessEnv): ControllerConfig {
  const adminAddress = values.bindAddress('admin-address');
  const adminToken = token(values.text('admin-token-file'));
  if (adminToken === '' && !isLoopback(adminAddress.host)) {
    throw new Mistake('--admin-address: an address other than loopback needs --admin-token-file');
  }
  return {
    kubeconfig: values.text('kubeconfig'),
    controllerName: values.text('controller-name'),
    namespace: values.text('namespace'),
    leaseName: values.text('lease-name'),
    identity: values.text('identity') || `${hostname()}-${randomBytes(4).toString('hex')}`,
    addresses: values.parts('addresses'),
    proxyService: serviceKey(values),
    followsPorts: followsPorts(values),
    watchNamespaces: namespaceList(values, 'watch-namespaces'),
    addressPool: addressPool(values.text('address-pool')),
    pushAddress: values.bindAddress('push-address'),
    advertiseHost: values.text('advertise-host') || ownHost(values.bindAddress('push-address').host),
    pushTls: pushTls(values),
    sessionSecret: values.text('session-secret'),
    fleets: fleets(values),
    metricsAddress: values.bindAddress('metrics-address'),
    adminAddress,
    adminToken,
    store: readStore(values, environment, STORE_FILE),
    maxRegisteredEndpoints: values.count('max-registered-endpoints', 1, MAX_REGISTERED),
    alerts: readAlertSettings(values),
    prometheusRules: readPrometheusRuleSettings(values),
    logLevel: values.word('log-level', LOG_LEVELS),
    stallDelay: values.time('stall-delay'),
    ...readEndpointFlags(values),
  };
}

/** If settings are missing, `lacks` names them; Gateways that need dedicated proxies report it in their conditions. */
function fleets(values: FlagValues): FleetConfig {
  const signs = values.text('push-tls-secret') === '' ? ['push-tls-ca-key'] : [];
  const needed = ['proxy-image', 'proxy-controller', ...signs];
  const missing = needed.filter((name) => values.text(name) === '').map((name) => `--${name}`);
  return {
    byDefault: values.word('fleet', FLEETS),
    image: values.text('proxy-image'),
    controller: values.text('proxy-controller'),
    controllerTlsName: values.text('proxy-controller-tls-name'),
    caKey: values.text('push-tls-ca-key'),
    certificateLifetime: values.time('certificate-lifetime'),
    user: values.text('proxy-user') === 'any' ? null : values.count('proxy-user', 1),
    lacks: missing.length === 0 ? '' : `the controller was started without ${missing.join(', ')}`,
  };
}

/** TLS is required except on loopback, since Secrets travel on this connection. */
function pushTls(values: FlagValues): PushTls {
  const files = { certificate: values.text('push-tls-cert'), key: values.text('push-tls-key'), ca: values.text('push-tls-ca') };
  const given = Object.values(files).filter((file) => file !== '').length;
  if (values.text('push-tls-secret') !== '') {
    if (given + values.text('push-tls-ca-key').length > 0) throw new Mistake('--push-tls-secret replaces the other --push-tls flags');
    return managedTls(values);
  }
  for (const name of ['proxy-tls-secret', 'admin-tls-secret'])
    if (values.text(name) !== '') throw new Mistake(`--${name} needs --push-tls-secret`);
  if (given !== 0 && given !== 3) throw new Mistake('--push-tls-cert, --push-tls-key and --push-tls-ca must be given together');
  if (given === 3) return { from: 'files', ...files };
  if (isLoopback(values.bindAddress('push-address').host)) return { from: 'nothing' };
  throw new Mistake(
    '--push-address: an address other than loopback needs --push-tls-secret, or --push-tls-cert, --push-tls-key and --push-tls-ca',
  );
}

function managedTls(values: FlagValues): PushTls {
  const authorityLifetime = values.time('ca-lifetime');
  if (authorityLifetime < 6 * values.time('certificate-lifetime')) {
    throw new Mistake('--ca-lifetime: must be at least six times --certificate-lifetime');
  }
  const { host } = values.bindAddress('proxy-controller');
  if (isIP(values.text('proxy-controller-tls-name') || host) !== 0) {
    throw new Mistake('--proxy-controller: an IP address needs --proxy-controller-tls-name, since certificates hold host names only');
  }
  const authoritySecret = values.text('push-tls-secret');
  const [proxySecret, adminSecret] = [values.text('proxy-tls-secret'), values.text('admin-tls-secret')];
  return { from: 'secrets', authoritySecret, proxySecret, adminSecret, authorityLifetime };
}

function followsPorts(values: FlagValues): boolean {
  const follows = values.word('proxy-service-ports', ['Fixed', 'Follow']) === 'Follow';
  if (follows && values.text('proxy-service') === '') throw new Mistake('--proxy-service-ports: Follow needs --proxy-service');
  return follows;
}

function serviceKey(values: FlagValues): string {
  const text = values.text('proxy-service');
  if (text !== '' && !/^[^/]+\/[^/]+$/.test(text)) throw new Mistake(`--proxy-service: ${JSON.stringify(text)} is not NAMESPACE/NAME`);
  return text;
}

function addressPool(text: string): AddressPool | null {
  if (text === '') return null;
  const pool = AddressPool.parse(text);
  if (!pool.ok) throw new Mistake(`--address-pool: ${pool.error}`);
  return pool.value;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function token(file: string): string {
  if (file === '') return '';
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text !== '') return text;
  } catch (error) {
    throw new Mistake(`--admin-token-file: ${(error as Error).message}`);
  }
  throw new Mistake(`--admin-token-file: ${file} is empty`);
}

/** The host at which others reach a bound address. */
function ownHost(bound: string): string {
  if (bound !== '' && bound !== '0.0.0.0' && bound !== '::') return bound;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
