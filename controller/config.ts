// The settings of a controller: flags, and environment variables for those that are not given. The one place that reads either.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { randomBytes } from 'node:crypto';
import { LOG_LEVELS } from '#lib/log.ts';
import type { LogLevel } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** Where a server listens. Host '' is every address. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

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
  readonly pushAddress: BindAddress;
  /** Files of the push server's certificate, key and the CA that proxies' certificates are signed by; '' for all: without TLS. */
  readonly pushTls: { readonly certificate: string; readonly key: string; readonly ca: string };
  /** Probes and metrics. */
  readonly metricsAddress: BindAddress;
  /** Dumps: on loopback, or with a token. */
  readonly adminAddress: BindAddress;
  /** Bearer token of the dumps; '' for none, on loopback only. */
  readonly adminToken: string;
  readonly logLevel: LogLevel;
}

/** Flag, its default, its value in the help, and what it is for. The variable is WEIR_ and the name in capitals. */
const FLAGS = {
  kubeconfig: { default: '', value: 'FILE', text: 'the cluster; without it KUBECONFIG, ~/.kube/config or the pod it runs in' },
  'controller-name': { default: 'gateway.weir.dev/controller', value: 'NAME', text: 'GatewayClasses with this controllerName are ours' },
  namespace: { default: '', value: 'NAME', text: "where the Lease is kept; the pod's own by default" },
  'lease-name': { default: 'weir-controller', value: 'NAME', text: 'the Lease that decides which replica writes' },
  identity: { default: '', value: 'NAME', text: 'this replica in the Lease; the host name and a random part by default' },
  addresses: { default: '', value: 'LIST', text: 'IP addresses and host names of the proxies, by commas: status.addresses of Gateways' },
  'push-address': { default: '0.0.0.0:9443', value: 'HOST:PORT', text: 'where proxies subscribe' },
  'push-tls-cert': { default: '', value: 'FILE', text: 'certificate of the push server, PEM' },
  'push-tls-key': { default: '', value: 'FILE', text: 'its key' },
  'push-tls-ca': { default: '', value: 'FILE', text: "the CA of the proxies' certificates" },
  'metrics-address': { default: '0.0.0.0:9080', value: 'HOST:PORT', text: '/livez, /readyz, /metrics' },
  'admin-address': { default: '127.0.0.1:9081', value: 'HOST:PORT', text: 'dumps; anything but loopback needs --admin-token-file' },
  'admin-token-file': { default: '', value: 'FILE', text: 'bearer token that the dumps ask for' },
  'log-level': { default: 'info', value: 'LEVEL', text: LOG_LEVELS.join(', ') },
} as const;

type FlagName = keyof typeof FLAGS;

/** One line per flag. */
export function describeFlags(): string {
  return Object.entries(FLAGS)
    .map(
      ([name, { default: value, value: placeholder, text }]) =>
        `--${name} ${placeholder}`.padEnd(32) + text + (value === '' ? '' : ` (${value})`),
    )
    .join('\n');
}

/** The name of a flag's environment variable. */
export function variableOf(flag: string): string {
  return `WEIR_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** The settings, or what is wrong with them. Throws a TypeError for flags that do not exist, as node:util's parseArgs does. */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<ControllerConfig> {
  const options = Object.fromEntries(Object.keys(FLAGS).map((name) => [name, { type: 'string' } as const]));
  const { values } = parseArgs({ args: [...args], options });
  const get = (name: FlagName): string => String(values[name] ?? environment[variableOf(name)] ?? FLAGS[name].default);
  try {
    return ok(toConfig(get));
  } catch (error) {
    if (error instanceof Mistake) return err(error.message);
    throw error;
  }
}

/** A setting that cannot be used; never leaves this file. */
class Mistake extends Error {}

function toConfig(get: (name: FlagName) => string): ControllerConfig {
  const adminAddress = bindAddress('admin-address', get('admin-address'));
  const adminToken = token(get('admin-token-file'));
  if (adminToken === '' && !isLoopback(adminAddress.host)) {
    throw new Mistake('--admin-address: dumps beyond loopback need --admin-token-file');
  }
  return {
    kubeconfig: get('kubeconfig'),
    controllerName: get('controller-name'),
    namespace: get('namespace'),
    leaseName: get('lease-name'),
    identity: get('identity') || `${hostname()}-${randomBytes(4).toString('hex')}`,
    addresses: get('addresses')
      .split(',')
      .map((address) => address.trim())
      .filter((address) => address !== ''),
    pushAddress: bindAddress('push-address', get('push-address')),
    pushTls: pushTls(get),
    metricsAddress: bindAddress('metrics-address', get('metrics-address')),
    adminAddress,
    adminToken,
    logLevel: logLevel(get('log-level')),
  };
}

/** Secrets travel this way: without TLS only on loopback. */
function pushTls(get: (name: FlagName) => string): ControllerConfig['pushTls'] {
  const files = { certificate: get('push-tls-cert'), key: get('push-tls-key'), ca: get('push-tls-ca') };
  const given = Object.values(files).filter((file) => file !== '').length;
  if (given !== 0 && given !== 3) throw new Mistake('--push-tls-cert, --push-tls-key and --push-tls-ca belong together');
  const { host } = bindAddress('push-address', get('push-address'));
  if (given === 0 && !isLoopback(host))
    throw new Mistake('--push-address: beyond loopback proxies are served with --push-tls-cert, -key and -ca only');
  return files;
}

function bindAddress(flag: FlagName, text: string): BindAddress {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  const host = text.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1');
  const isPort = /^[0-9]+$/.test(text.slice(colon + 1)) && port <= 65_535;
  if (colon === -1 || !isPort) throw new Mistake(`--${flag}: ${JSON.stringify(text)} is not HOST:PORT`);
  return { host, port };
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

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Mistake(`--log-level: ${JSON.stringify(text)} is none of ${LOG_LEVELS.join(', ')}`);
  return level;
}
