// The settings of the admin program, from flags and from environment variables. No other file reads either.
import path from 'node:path';
import { caught, flagsOf, FlagValues, Mistake } from '#lib/flags.ts';
import type { BindAddress, FlagGroup, FlagOrigin, Flags } from '#lib/flags.ts';
import { LOG_LEVELS, type LogLevel } from '#lib/log.ts';
import { namespaceList } from '#api/k8s/namespace-list.ts';
import type { Result } from '#lib/result.ts';
import { readStoreOf } from '#lib/store-settings.ts';
import type { RetentionSettings } from './audit/retention.ts';
import type { RevisionRetentionSettings } from './revisions/retention.ts';
import { isLoopback } from './api/loopback.ts';
import type { RequestRate } from './api/rates.ts';
import type { TlsFiles } from './api/tls.ts';
import type { KeySettings } from './identity/key-file.ts';
import type { TrustedProxies } from './api/client-address.ts';
import type { ControllersOptions } from './live/controllers.ts';
import { PROXY_FLAGS, readProxies } from './proxy-config.ts';
import { FACTOR_FLAGS, readKeySettings, readNeed } from './factor-config.ts';
import { OIDC_FLAGS, readOidc } from './oidc-config.ts';
import type { OidcSettings } from './oidc/settings.ts';
import type { GitSettings } from './proposal/proposals.ts';
import { PROVIDERS } from './proposal/pull-request.ts';
import type { AdminStoreSettings } from './store/admin-store.ts';

/** The settings of the admin API, in a program of its own and in `weir up`. */
export interface AdminSettings {
  readonly address: BindAddress;
  /** Null: the server has no TLS, on loopback only. */
  readonly tls: TlsFiles | null;
  /** The origin under which callers reach the API, like `https://admin.example.com`; '' is that of the address. */
  readonly url: string;
  /** Proxies in front whose word about the address of a caller counts; null trusts none. */
  readonly trustedProxies: TrustedProxies | null;
  readonly addressRate: RequestRate;
  readonly callerRate: RequestRate;
  readonly store: AdminStoreSettings;
  /** The key that seals secrets in the store. */
  readonly key: KeySettings;
  /** Users with a password have no rights before they have a second factor. */
  readonly needsSecondFactor: boolean;
  /** The provider of logins; null without one. */
  readonly oidc: OidcSettings | null;
  /** All flags of the process, with what decides each. */
  readonly flags: readonly FlagOrigin[];
  /** Which entries of the audit log stay. */
  readonly auditRetention: RetentionSettings;
  /** Which revisions of the configuration stay. */
  readonly revisionRetention: RevisionRetentionSettings;
}

/** The settings of `weir admin`. */
export interface AdminConfig extends AdminSettings {
  /** Path of a kubeconfig; `default` finds the cluster like kubectl and pods do; '' is none. */
  readonly kubeconfig: string;
  readonly controllerName: string;
  /** The namespaces to read besides its own; empty means all. */
  readonly watchNamespaces: readonly string[];
  /** The audience that tokens of ServiceAccounts must be for. */
  readonly serviceAccountAudience: string;
  /** The repository with the sources of objects; null for none. */
  readonly git: GitSettings | null;
  /** The controllers of the fleet; without addresses there is no live state. */
  readonly controllers: Pick<ControllersOptions, 'addresses' | 'tls' | 'serverName'>;
  /** Probes and metrics. */
  readonly metricsAddress: BindAddress;
  readonly logLevel: LogLevel;
}

const STORE_FILE = '/var/lib/weir/admin.sqlite';
const UP_STORE_FILE = path.join('.weir', 'admin.sqlite');
const ADDRESS = '127.0.0.1:15080';
const MAX_RATE = 100_000;
/** A shorter age would lose the evidence of a day, milliseconds. */
const LEAST_AUDIT_AGE = 86_400_000;
const LEAST_AUDIT_ENTRIES = 1_000;
/** A shorter age would lose what was in force before a change of today, milliseconds. */
const LEAST_REVISION_AGE = 3_600_000;
const LEAST_REVISIONS = 1_000;

const RETENTION_FLAGS: Flags = {
  'admin-audit-max-age': {
    default: '9600h',
    value: 'TIME',
    text: 'older entries of the audit log are removed; 400 days by default, at least 24h',
    see: 'audit.md#retention',
  },
  'admin-audit-max-entries': {
    default: '1000000',
    value: 'N',
    text: 'the oldest entries of the audit log beyond these are removed; at least 1000',
  },
  'admin-revisions-max-age': {
    default: '9600h',
    value: 'TIME',
    text: 'what went out of force earlier is removed from the revisions; 400 days by default, at least 1h',
    see: 'admin-revisions.md#retention',
  },
  'admin-revisions-max-entries': {
    default: '100000',
    value: 'N',
    text: 'the oldest revisions beyond these are removed, but never the newest one of an object; at least 1000',
  },
};

const RATE_FLAGS: Flags = {
  'admin-api-caller-rate': { default: '100', value: 'N', text: 'requests per second of one caller; twice as many at once' },
  'admin-api-address-rate': { default: '200', value: 'N', text: 'requests per second of one address; twice as many at once' },
};

function apiFlags(storeFile: string, form: string, address: string): Flags {
  return {
    'admin-api-address': { default: ADDRESS, value: form, text: address, see: 'admin.md' },
    'admin-api-tls-cert': { default: '', value: 'FILE', text: 'certificate of the admin API, PEM; it is read again when it changes' },
    'admin-api-tls-key': { default: '', value: 'FILE', text: 'its key' },
    'admin-api-url': {
      default: '',
      value: 'URL',
      text: 'origin under which browsers reach the admin API, if a proxy is in front of it, like https://admin.example.com',
    },
    ...OIDC_FLAGS,
    ...PROXY_FLAGS,
    ...RATE_FLAGS,
    ...storeFlags(storeFile),
  };
}

function storeFlags(storeFile: string): Flags {
  return {
    'admin-store': {
      default: '',
      value: 'FILE|URL',
      text: `store of users, sessions and the audit log: a file, or postgres://USER@HOST/DATABASE; by default ${storeFile}`,
      see: 'admin.md#store',
    },
    'admin-store-password-file': {
      default: '',
      value: 'FILE',
      text: 'file with the password for the URL in --admin-store; PGPASSWORD by default',
    },
    ...FACTOR_FLAGS,
    ...RETENTION_FLAGS,
  };
}

const CONTROLLER_FLAGS: Flags = {
  controllers: {
    default: '',
    value: 'LIST',
    text: 'addresses of the push servers of controllers, HOST:PORT, separated by commas; without it there is no live state',
    see: 'admin-live.md#several-controllers',
  },
  'controller-tls-ca': { default: '', value: 'FILE', text: "CA of the controllers' certificates, PEM" },
  'controller-tls-cert': { default: '', value: 'FILE', text: 'certificate of the admin program, PEM', see: 'admin-live.md#certificates' },
  'controller-tls-key': { default: '', value: 'FILE', text: 'key of that certificate, PEM' },
  'controller-tls-name': {
    default: '',
    value: 'NAME',
    text: "name in the controllers' certificates, if it is not the host of each address",
  },
};

const CLUSTER_FLAGS: Flags = {
  kubeconfig: {
    default: '',
    value: 'FILE|default',
    text: 'kubeconfig of the cluster, or default: KUBECONFIG, ~/.kube/config or the pod it runs in; without it there is no cluster',
  },
  'controller-name': {
    default: 'gateway.weir.dev/controller',
    value: 'NAME',
    text: 'the controllerName of the GatewayClasses in dry runs, as for the controller',
  },
  'watch-namespaces': {
    default: '',
    value: 'LIST',
    text: 'namespaces whose objects the admin program reads besides its own, separated by commas; all by default',
    see: 'admin.md#configuration-in-a-cluster',
  },
  'service-account-audience': {
    default: 'weir-admin',
    value: 'NAME',
    text: 'audience of the tokens with which ServiceAccounts of the cluster may call',
    see: 'admin-login.md#serviceaccounts',
  },
};

const GIT_FLAGS: Flags = {
  'git-repository': {
    default: '',
    value: 'URL',
    text: 'https URL of the git repository with the sources of objects, for pull requests; without it there are none',
    see: 'admin.md#pull-requests',
  },
  'git-branch': { default: 'main', value: 'NAME', text: 'its branch that changes are for' },
  'git-folder': { default: '', value: 'PATH', text: 'the folder in it with the sources; by default its root' },
  'git-user': { default: 'weir-admin', value: 'NAME', text: 'user name for the repository' },
  'git-token-file': {
    default: '',
    value: 'FILE',
    text: 'file with the token for the repository and its provider; it is read for each proposal',
  },
  'git-ca-file': { default: '', value: 'FILE', text: 'CA of its server, PEM; by default the CAs of Node.js' },
  'git-provider': { default: 'None', value: 'NAME', text: `provider that takes pull requests: ${PROVIDERS.join(', ')}`, words: PROVIDERS },
  'git-api': { default: '', value: 'URL', text: 'base of the API of the provider; by default that at the host of the repository' },
};

/** The flags of `weir admin`. */
export const ADMIN_FLAGS: readonly FlagGroup[] = [
  {
    title: '',
    flags: {
      ...apiFlags(STORE_FILE, 'HOST:PORT', 'address of the admin API; one other than loopback needs a certificate'),
      ...CLUSTER_FLAGS,
      ...GIT_FLAGS,
      ...CONTROLLER_FLAGS,
      'metrics-address': { default: '0.0.0.0:9082', value: 'HOST:PORT', text: '/livez, /readyz, /metrics' },
      'log-level': { default: 'info', value: 'LEVEL', text: LOG_LEVELS.join(', '), words: LOG_LEVELS },
    },
  },
];

/** The flags of the admin API in `weir up`. */
export const UP_ADMIN_FLAGS: FlagGroup = {
  title: 'Admin API',
  flags: apiFlags(`${UP_STORE_FILE} in DIR`, 'HOST:PORT|off', 'address of the admin API; one other than loopback needs a certificate'),
};

/** Reads and checks the settings of `weir admin`. An error names the flag and the mistake. */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<AdminConfig> {
  return caught(() => {
    const values = new FlagValues(args, flagsOf(ADMIN_FLAGS), environment);
    return {
      ...settings(values, environment, STORE_FILE),
      kubeconfig: values.text('kubeconfig'),
      controllerName: values.text('controller-name'),
      watchNamespaces: namespaceList(values, 'watch-namespaces'),
      serviceAccountAudience: audience(values),
      git: gitSettings(values),
      controllers: controllers(values),
      metricsAddress: values.bindAddress('metrics-address'),
      logLevel: values.word('log-level', LOG_LEVELS),
    };
  });
}

/** The settings of the admin API in `weir up` for a folder; null if it is off. `groups`: all flags of the command. */
export function readUpSettings(
  args: readonly string[],
  groups: readonly FlagGroup[],
  folder: string,
  environment: NodeJS.ProcessEnv = process.env,
): Result<AdminSettings | null> {
  return caught(() => {
    const values = new FlagValues(args, flagsOf(groups), environment, true);
    return values.text('admin-api-address') === 'off' ? null : settings(values, environment, path.join(folder, UP_STORE_FILE));
  });
}

function settings(values: FlagValues, environment: NodeJS.ProcessEnv, storeFile: string): AdminSettings {
  const address = values.bindAddress('admin-api-address');
  const tls = tlsFiles(values);
  if (tls === null && !isLoopback(address.host)) {
    throw new Mistake('--admin-api-address: an address other than loopback needs --admin-api-tls-cert and --admin-api-tls-key');
  }
  const store = readStoreOf(values, environment, { flag: 'admin-store', file: storeFile });
  if (store.kind === 'off') throw new Mistake('--admin-store: the admin API cannot be without a store; its users are in it');
  const url = origin(values.text('admin-api-url'));
  return {
    address,
    tls,
    url,
    key: readKeySettings(values, store),
    needsSecondFactor: readNeed(values),
    oidc: readOidc(values, url),
    trustedProxies: readProxies(values),
    addressRate: rate(values, 'admin-api-address-rate'),
    callerRate: rate(values, 'admin-api-caller-rate'),
    store,
    flags: values.origins(),
    auditRetention: auditRetention(values),
    revisionRetention: revisionRetention(values),
  };
}

/** Null without a repository. */
function gitSettings(values: FlagValues): GitSettings | null {
  const url = secureUrl(values, 'git-repository');
  const folder = path.posix.normalize(`/${values.text('git-folder')}`).replace(/^\/|\/$/g, '');
  const settings = {
    ...{ url, branch: values.text('git-branch'), folder, user: values.text('git-user') },
    ...{ tokenFile: values.text('git-token-file'), caFile: values.text('git-ca-file') },
    ...{ provider: values.word('git-provider', PROVIDERS), api: secureUrl(values, 'git-api') },
  };
  return url === '' ? null : settings;
}

/** Credentials go over TLS only, and are in no URL, which logs have. */
function secureUrl(values: FlagValues, flag: string): string {
  const text = values.text(flag);
  if (text === '') return '';
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new Mistake(`--${flag}: must be an https URL without credentials and query`);
  return text.replace(/\/$/, '');
}

function controllers(values: FlagValues): AdminConfig['controllers'] {
  const addresses = values.parts('controllers');
  const wrong = addresses.find((address) => !isHostPort(address));
  if (wrong !== undefined) throw new Mistake(`--controllers: ${JSON.stringify(wrong)} is not HOST:PORT, with a port from 1 to 65535`);
  const serverName = values.text('controller-tls-name');
  const [ca = '', certificate = '', privateKey = ''] = ['ca', 'cert', 'key'].map((part) => values.text(`controller-tls-${part}`));
  const files = [ca, certificate, privateKey];
  if (addresses.length > 0 && files.includes(''))
    throw new Mistake('--controllers needs --controller-tls-ca, --controller-tls-cert and --controller-tls-key');
  if (addresses.length === 0 && [...files, serverName].some((text) => text !== ''))
    throw new Mistake('the --controller-tls flags have no effect without --controllers');
  return { addresses, tls: { ca, certificate, privateKey }, serverName };
}

function isHostPort(text: string): boolean {
  const [, digits = ''] = /^[^\s,]+:([0-9]{1,5})$/.exec(text) ?? [];
  return digits !== '' && Number(digits) >= 1 && Number(digits) <= 65_535;
}

function auditRetention(values: FlagValues): RetentionSettings {
  const maxAge = values.time('admin-audit-max-age');
  if (maxAge < LEAST_AUDIT_AGE) throw new Mistake('--admin-audit-max-age: the age is too small; it must be at least 24h');
  return { maxAge, maxEntries: values.count('admin-audit-max-entries', LEAST_AUDIT_ENTRIES) };
}

function revisionRetention(values: FlagValues): RevisionRetentionSettings {
  const maxAge = values.time('admin-revisions-max-age');
  if (maxAge < LEAST_REVISION_AGE) throw new Mistake('--admin-revisions-max-age: the age is too small; it must be at least 1h');
  return { maxAge, maxEntries: values.count('admin-revisions-max-entries', LEAST_REVISIONS) };
}

function tlsFiles(values: FlagValues): TlsFiles | null {
  const [certificate, privateKey] = [values.text('admin-api-tls-cert'), values.text('admin-api-tls-key')];
  if ((certificate === '') !== (privateKey === ''))
    throw new Mistake('--admin-api-tls-cert and --admin-api-tls-key must be given together');
  return certificate === '' ? null : { certificate, privateKey };
}

function audience(values: FlagValues): string {
  const text = values.text('service-account-audience');
  if (text === '') throw new Mistake('--service-account-audience: without an audience, tokens for other services would be accepted');
  return text;
}

function origin(text: string): string {
  if (text === '') return '';
  const url = URL.parse(text);
  const isOrigin = url !== null && ['http:', 'https:'].includes(url.protocol) && [url.origin, `${url.origin}/`].includes(text);
  if (!isOrigin) throw new Mistake('--admin-api-url: the URL is not of the form https://HOST or https://HOST:PORT');
  return url.origin;
}

function rate(values: FlagValues, name: string): RequestRate {
  const perSecond = values.count(name, 1, MAX_RATE);
  return { perSecond, burst: 2 * perSecond };
}
