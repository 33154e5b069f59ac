// The settings of a controller: flags, and environment variables for those that are not given. The one place that reads either.
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { randomBytes } from 'node:crypto';
import { caught, describe, FlagValues, Mistake } from '#lib/flags.ts';
import type { BindAddress, Flags } from '#lib/flags.ts';
import { FLEETS } from '#api/k8s/gateway-parameters.ts';
import type { FleetMode } from '#api/k8s/gateway-parameters.ts';
import { LOG_LEVELS } from '#lib/log.ts';
import type { LogLevel } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import { AddressPool } from './fleet/address-pool.ts';

/** Everything that can be set. */
export interface ControllerConfig {
  /** Path of a kubeconfig; '' finds the cluster as kubectl and pods do. */
  readonly kubeconfig: string;
  readonly controllerName: string;
  /** Where the Lease lives; '' is the controller's own namespace. */
  readonly namespace: string;
  readonly leaseName: string;
  /** Unlike that of any other replica. */
  readonly identity: string;
  /** What Gateways tell that ask for no address. */
  readonly addresses: readonly string[];
  /** The Service of the proxies that Gateways share, `<namespace>/<name>`: they tell its addresses where there are no others. '' for none. */
  readonly proxyService: string;
  /** What Services get that are in front of proxies where there is no load balancer; null without a pool. */
  readonly addressPool: AddressPool | null;
  readonly pushAddress: BindAddress;
  /** At which other controllers reach the push server of this one. */
  readonly advertiseHost: string;
  readonly pushTls: PushTls;
  /** Who serves Gateways, and what is needed to make proxies for one. */
  readonly fleets: FleetConfig;
  /** Probes and metrics. */
  readonly metricsAddress: BindAddress;
  /** Dumps: on loopback, or with a token. */
  readonly adminAddress: BindAddress;
  /** Bearer token of the dumps; '' for none, on loopback only. */
  readonly adminToken: string;
  readonly logLevel: LogLevel;
}

/** How controllers and proxies know each other. */
export type PushTls =
  /** They do not: on loopback. */
  | { readonly from: 'nothing' }
  /** Files of the push server's certificate, key and the CA that proxies' certificates are signed by. */
  | { readonly from: 'files'; readonly certificate: string; readonly key: string; readonly ca: string }
  /** Weir makes and renews everything in Secrets of the controller's namespace. */
  | { readonly from: 'secrets'; readonly authoritySecret: string; readonly proxySecret: string; readonly authorityLifetime: number };

/** How fleets are made. */
export interface FleetConfig {
  readonly byDefault: FleetMode;
  /** Image of the proxies where GatewayParameters name none. */
  readonly image: string;
  /** `host:port` at which proxies reach the controllers. */
  readonly controller: string;
  /** The name in the controllers' certificate, where it is not that host. */
  readonly controllerTlsName: string;
  /** File of the key of the CA that proxies' certificates are signed by. */
  readonly caKey: string;
  /** How long certificates are good that Weir issues, milliseconds. */
  readonly certificateLifetime: number;
  /** Why fleets cannot be made; '' when they can. */
  readonly lacks: string;
}

const FLAGS: Flags = {
  kubeconfig: { default: '', value: 'FILE', text: 'the cluster; without it KUBECONFIG, ~/.kube/config or the pod it runs in' },
  'controller-name': { default: 'gateway.weir.dev/controller', value: 'NAME', text: 'GatewayClasses with this controllerName are ours' },
  namespace: { default: '', value: 'NAME', text: "where the Lease is kept; the pod's own by default" },
  'lease-name': { default: 'weir-controller', value: 'NAME', text: 'the Lease that decides which replica writes' },
  identity: { default: '', value: 'NAME', text: 'this replica in the Lease; the host name and a random part by default' },
  addresses: { default: '', value: 'LIST', text: 'IP addresses and host names of the proxies, by commas: status.addresses of Gateways' },
  'proxy-service': {
    default: '',
    value: 'NAMESPACE/NAME',
    text: 'the Service of the proxies that Gateways share: where --addresses are not given they are its addresses',
  },
  'address-pool': {
    default: '',
    value: 'LIST',
    text: 'where there is no load balancer: ranges of addresses for Services in front of proxies, like 10.0.0.0/28,fd00::1-fd00::9',
  },
  'push-address': { default: '0.0.0.0:9443', value: 'HOST:PORT', text: 'where proxies subscribe' },
  'advertise-host': {
    default: '',
    value: 'HOST',
    text: "at which other replicas reach the push server; that of --push-address by default, or the machine's first address",
  },
  'push-tls-cert': { default: '', value: 'FILE', text: 'certificate of the push server, PEM' },
  'push-tls-key': { default: '', value: 'FILE', text: 'its key' },
  'push-tls-ca': { default: '', value: 'FILE', text: "the CA of the proxies' certificates" },
  'push-tls-ca-key': {
    default: '',
    value: 'FILE',
    text: "that CA's key, to issue certificates to the proxies of Gateways that have their own",
  },
  'push-tls-secret': {
    default: '',
    value: 'NAME',
    text: 'instead of these files: the Secret in the own namespace where Weir makes and renews the CA by itself',
  },
  'proxy-tls-secret': {
    default: '',
    value: 'NAME',
    text: 'with --push-tls-secret: the Secret there with the credentials of the proxies that Gateways share',
  },
  'certificate-lifetime': { default: '720h', value: 'TIME', text: 'of certificates that Weir issues; renewed when a third is left' },
  'ca-lifetime': { default: '8760h', value: 'TIME', text: 'of the CA in --push-tls-secret; at least six times that of certificates' },
  fleet: { default: 'Shared', value: 'MODE', text: 'who serves a Gateway whose GatewayParameters do not say: Shared or PerGateway' },
  'proxy-image': { default: '', value: 'IMAGE', text: 'the image of the proxies of Gateways that have their own' },
  'proxy-controller': { default: '', value: 'HOST:PORT', text: 'where those proxies subscribe: a Service in front of the controllers' },
  'proxy-controller-tls-name': { default: '', value: 'NAME', text: "the name in the controllers' certificate where it is not that host" },
  'metrics-address': { default: '0.0.0.0:9080', value: 'HOST:PORT', text: '/livez, /readyz, /metrics' },
  'admin-address': { default: '127.0.0.1:9081', value: 'HOST:PORT', text: 'dumps; anything but loopback needs --admin-token-file' },
  'admin-token-file': { default: '', value: 'FILE', text: 'bearer token that the dumps ask for' },
  'log-level': { default: 'info', value: 'LEVEL', text: LOG_LEVELS.join(', ') },
};

/** One line per flag. */
export function describeFlags(): string {
  return describe(FLAGS);
}

/** The settings, or what is wrong with them. Throws a TypeError for flags that do not exist. */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<ControllerConfig> {
  const values = new FlagValues(args, FLAGS, environment);
  return caught(() => toConfig(values));
}

function toConfig(values: FlagValues): ControllerConfig {
  const adminAddress = values.bindAddress('admin-address');
  const adminToken = token(values.text('admin-token-file'));
  if (adminToken === '' && !isLoopback(adminAddress.host)) {
    throw new Mistake('--admin-address: dumps beyond loopback need --admin-token-file');
  }
  return {
    kubeconfig: values.text('kubeconfig'),
    controllerName: values.text('controller-name'),
    namespace: values.text('namespace'),
    leaseName: values.text('lease-name'),
    identity: values.text('identity') || `${hostname()}-${randomBytes(4).toString('hex')}`,
    addresses: values
      .text('addresses')
      .split(',')
      .map((address) => address.trim())
      .filter((address) => address !== ''),
    proxyService: serviceKey(values),
    addressPool: addressPool(values.text('address-pool')),
    pushAddress: values.bindAddress('push-address'),
    advertiseHost: values.text('advertise-host') || ownHost(values.bindAddress('push-address').host),
    pushTls: pushTls(values),
    fleets: fleets(values),
    metricsAddress: values.bindAddress('metrics-address'),
    adminAddress,
    adminToken,
    logLevel: values.word('log-level', LOG_LEVELS),
  };
}

/** Without what it takes, a Gateway that asks for proxies of its own says so in its conditions. */
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
    lacks: missing.length === 0 ? '' : `the controller was started without ${missing.join(', ')}`,
  };
}

/** Secrets travel this way: without TLS only on loopback. */
function pushTls(values: FlagValues): PushTls {
  const files = { certificate: values.text('push-tls-cert'), key: values.text('push-tls-key'), ca: values.text('push-tls-ca') };
  const given = Object.values(files).filter((file) => file !== '').length;
  if (values.text('push-tls-secret') !== '') {
    if (given + values.text('push-tls-ca-key').length > 0) throw new Mistake('--push-tls-secret replaces the other --push-tls flags');
    return managedTls(values);
  }
  if (values.text('proxy-tls-secret') !== '') throw new Mistake('--proxy-tls-secret needs --push-tls-secret');
  if (given !== 0 && given !== 3) throw new Mistake('--push-tls-cert, --push-tls-key and --push-tls-ca belong together');
  if (given === 3) return { from: 'files', ...files };
  if (isLoopback(values.bindAddress('push-address').host)) return { from: 'nothing' };
  throw new Mistake('--push-address: beyond loopback proxies are served with --push-tls-secret, or --push-tls-cert, -key and -ca');
}

function managedTls(values: FlagValues): PushTls {
  const authorityLifetime = values.time('ca-lifetime');
  if (authorityLifetime < 6 * values.time('certificate-lifetime')) {
    throw new Mistake('--ca-lifetime: must be at least six times --certificate-lifetime');
  }
  const { host } = values.bindAddress('proxy-controller');
  if (isIP(values.text('proxy-controller-tls-name') || host) !== 0) {
    throw new Mistake('--proxy-controller: certificates hold host names, not addresses; --proxy-controller-tls-name can be one');
  }
  const [authoritySecret, proxySecret] = [values.text('push-tls-secret'), values.text('proxy-tls-secret')];
  return { from: 'secrets', authoritySecret, proxySecret, authorityLifetime };
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

/** Where others reach what is bound there. */
function ownHost(bound: string): string {
  if (bound !== '' && bound !== '0.0.0.0' && bound !== '::') return bound;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
