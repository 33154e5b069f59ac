// The settings of a proxy: flags, and environment variables for absent flags. Only this file reads them.
import { hostname } from 'node:os';
import { formatDuration } from '#lib/duration.ts';
import { LOG_LEVELS } from '#lib/log.ts';
import type { LogLevel } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import { ACCESS_LOG_FLAGS, readAccessLog } from './access-log-flags.ts';
import type { AccessLogSettings } from './telemetry/access-log/access-log.ts';
import { DEFAULT_LIMITS } from './exchange/limits.ts';
import type { Limits } from './exchange/limits.ts';
import { caught, flagsOf, FlagValues, Mistake } from '#lib/flags.ts';
import type { Flag, FlagGroup, Flags } from '#lib/flags.ts';
import { cpuLimit } from './supervisor/cpu-limit.ts';

/** More workers than any machine has use for: each is a process, and a typing error must not fill the memory. */
const MAX_WORKERS = 1_024;

/** Settings for serving, independent of the source of the configuration. */
export interface ServingConfig {
  readonly workers: number;
  /** The address of listeners without an address; '' is all addresses. */
  readonly bindAddress: string;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  readonly accessLogSettings: AccessLogSettings;
  /** The name of the proxy in Via; '' for no Via. */
  readonly via: string;
  readonly logLevel: LogLevel;
  /** Loopback only. 0: a free port; null: none. */
  readonly adminPort: number | null;
  /** Probes and metrics, on every address. */
  readonly probePort: number | null;
  /** The time between SIGTERM and the stop of accepting, milliseconds. */
  readonly drainDelay: number;
  /** The time for open exchanges after that, milliseconds. */
  readonly drainTimeout: number;
  readonly limits: Limits;
}

/** The source of the configuration. */
export interface ProxyConfig extends ServingConfig {
  /** `host:port` of a controller. */
  readonly controller: string;
  /** Paths of PEM files; 'plaintext' for a controller on loopback. */
  readonly controllerTls: { readonly ca: string; readonly certificate: string; readonly privateKey: string } | 'plaintext';
  readonly controllerName: string;
  readonly nodeId: string;
  /** File; '' for none. */
  readonly lastGood: string;
}

type LimitName = keyof Limits;
const LIMIT_NAMES = Object.keys(DEFAULT_LIMITS) as readonly LimitName[];
/** Limits that may be 0, which means none or unlimited. */
const UNLIMITED_AT_0: ReadonlySet<LimitName> = new Set([
  'maxRequestBodyBytes',
  'minRequestBodyRate',
  'minResponseRate',
  'maxSlowPerEndpoint',
  'maxGatheredBytes',
  'maxRequestsPerConnection',
  'maxConnections',
  'maxIdlePerEndpoint',
  'maxMetricRoutes',
  'maxMetricEndpoints',
]);

/** The meaning of each limit, for the help. */
const LIMIT_TEXTS: Readonly<Record<LimitName, string>> = {
  maxHeadBytes: 'request line and header block, and trailers',
  maxHeaders: 'headers of a request',
  maxTargetBytes: 'request target',
  maxRequestBodyBytes: 'request body; 0 is unlimited',
  maxChunkLineBytes: 'chunk size line with its extensions',
  maxRequestsPerConnection: 'requests on one connection; 0 is unlimited',
  maxLingerBytes: 'how much is read of a request that is answered already, so that its client sees the answer',
  lingerTimeout: 'how long that may take',
  maxStreamsPerConnection: 'open requests on one HTTP/2 connection',
  streamWindowBytes: 'bodies that may be on their way to the proxy on one HTTP/2 stream, of a client or of an endpoint; at least 65535',
  connectionWindowBytes:
    'the same on one HTTP/2 connection of a client; connections to endpoints are shared by clients and have no such limit',
  maxStreamResets: 'HTTP/2 streams of one connection that may be reset in 10 s before they are answered, within a second of their opening',
  maxControlFrames: 'HTTP/2 frames of one connection in 10 s that neither ask for anything nor go with an answer',
  maxConnections: 'open downstream connections of one worker; 0 is unlimited',
  proxyHeaderTimeout: 'header of the PROXY protocol, from accept',
  tlsHandshakeTimeout: 'TLS handshake, from accept',
  requestHeadTimeout: 'from the first byte of a request to the end of its head',
  requestBodyIdleTimeout: 'longest silence within a request body, and how far its client may be behind the least rate',
  minRequestBodyRate: 'bytes per second that a client has to send of a body, on average; 0 is no least rate',
  downstreamIdleTimeout:
    'longest silence between two requests, and after accept; on HTTP/2 also of a connection with requests under way, which is asked with a PING at half of it',
  downstreamWriteTimeout: 'longest time that a downstream takes nothing of its answer, and how far it may be behind the least rate',
  minResponseRate: 'bytes per second that a downstream has to take of an answer that waits for it, on average; 0 is no least rate',
  connectTimeout: 'connecting to an endpoint',
  maxConnectAttempts: 'endpoints tried for a connection of a TCPRoute or TLSRoute',
  upstreamIdleTimeout: 'longest silence of an upstream that has the whole request, or longest time that it takes nothing of it',
  poolIdleTimeout: 'how long an idle upstream connection is kept',
  maxIdlePerEndpoint: 'idle connections kept per endpoint and worker',
  maxConnectionsPerEndpoint: 'connections per endpoint and worker',
  maxSlowPerEndpoint:
    'connections beside those that wait for slow clients or have a long body to pass on, per endpoint and worker; 0: they count among those',
  slowClientTimeout: 'how far behind the least rate a client is slow',
  maxGatheredBytes: 'request bodies that a worker gathers before it takes connections for them; 0 is none',
  maxStreamsPerUpstream: 'requests at a time on one HTTP/2 connection to an endpoint; more open another connection',
  maxPendingPerEndpoint: 'requests that wait for a connection, per endpoint and worker',
  pendingTimeout: 'how long each of them waits',
  maxReplayBytes: 'request body that is kept for another attempt',
  maxMirrors: 'copies of requests under way in one worker',
  maxMirrorBodyBytes: 'request body that is copied',
  maxResponseHeadBytes: 'status line and header block of an answer',
  maxInformational: '1xx answers before the answer proper',
  tunnelIdleTimeout:
    'silence in both directions of a tunnel (WebSocket), a gRPC call over HTTP/2, or a connection of a TCPRoute or TLSRoute',
  maxBufferedBytes: 'bytes that wait for one peer before their source is paused',
  bindTimeout: 'how long a proxy that starts waits for ports that cannot be bound before it is ready with the others',
  datagramIdleTimeout: 'silence that ends the session of a peer of a UDPRoute',
  maxDatagramSessions: 'peers of UDPRoutes of one worker at a time',
  maxMetricRoutes: 'routes, by listener, with metrics of their own in one worker; those beyond share the label other',
  maxMetricEndpoints: 'backends, and endpoints, with metrics of their own in one worker; those beyond share the label other',
};

const SERVING_FLAGS: Flags = {
  workers: {
    default: 'auto',
    value: 'N',
    text: 'worker processes, at most 1024; 1 serves in the process itself, auto takes the CPU limit',
  },
  'bind-address': {
    default: '',
    value: 'ADDRESS',
    text: 'where listeners without an address of their own are bound; every address by default',
  },
  ...ACCESS_LOG_FLAGS,
  via: { default: 'weir', value: 'NAME|off', text: 'what the proxy calls itself in the Via header of requests and answers' },
  'log-level': { default: 'info', value: 'LEVEL', text: LOG_LEVELS.join(', '), words: LOG_LEVELS },
  'admin-port': { default: '15020', value: 'PORT|off', text: 'dumps and commands, on 127.0.0.1; 0 is any free port' },
  'probe-port': { default: '15021', value: 'PORT|off', text: '/livez, /readyz, /metrics, on every address; 0 is any free port' },
  'drain-delay': { default: '5s', value: 'TIME', text: 'how long connections are accepted after SIGTERM' },
  'drain-timeout': { default: '60s', value: 'TIME', text: 'how long requests may take after that' },
};

const LIMIT_FLAGS: Flags = Object.fromEntries(LIMIT_NAMES.map((name) => [flagOf(name), limitFlag(name)]));

const SUBSCRIBE_FLAGS: Flags = {
  controller: { default: '', value: 'HOST:PORT', text: 'the controller to subscribe to' },
  'controller-tls-ca': { default: '', value: 'FILE', text: "the CA of the controller's certificate, PEM" },
  'controller-tls-cert': { default: '', value: 'FILE', text: "the proxy's own certificate" },
  'controller-tls-key': { default: '', value: 'FILE', text: "the certificate's key" },
  'controller-tls-name': { default: '', value: 'NAME', text: "the name in the controller's certificate where it is not its host" },
  'node-id': { default: '', value: 'NAME', text: 'this proxy in logs of the controller; the host name by default' },
  'last-good': {
    default: '',
    value: 'FILE',
    text: 'where the last good configuration is kept; what is served while no controller is there',
  },
};

/** Different defaults of `weir up`: users start it by hand, and a machine may run several. */
const UP_DEFAULTS: Readonly<Record<string, string>> = {
  workers: '1',
  'admin-port': 'off',
  'probe-port': 'off',
  'drain-delay': '0s',
  'drain-timeout': '10s',
};
const FOLDER_FLAGS: Flags = {
  demo: { default: 'false', value: '', text: 'start a small HTTP backend at each loopback endpoint of the Backends in DIR' },
  'strict-kinds': { default: 'false', value: '', text: 'refuse objects of kinds that Weir does not read, in place of skipping them' },
};

/** The flags of `weir proxy`. */
export const PROXY_FLAGS: readonly FlagGroup[] = [
  { title: 'Controller', flags: SUBSCRIBE_FLAGS },
  { title: 'Serving', flags: SERVING_FLAGS },
  { title: 'Limits', flags: LIMIT_FLAGS },
];

/** The flags of `weir up`. */
export const UP_FLAGS: readonly FlagGroup[] = [
  { title: 'Folder', flags: FOLDER_FLAGS },
  {
    title: 'Serving',
    flags: Object.fromEntries(
      Object.entries(SERVING_FLAGS).map(([name, flag]) => [name, { ...flag, default: UP_DEFAULTS[name] ?? flag.default }]),
    ),
  },
  { title: 'Limits', flags: LIMIT_FLAGS },
];

/** The settings of `weir up`. */
export interface UpConfig extends ServingConfig {
  readonly folders: readonly string[];
  /** Starts backends too. */
  readonly demo: boolean;
  /** Reports documents of other programs as problems. */
  readonly strictKinds: boolean;
}

/** The settings of `weir proxy`, or the error in its flags. */
export function readProxyConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<ProxyConfig> {
  return caught(() => {
    const values = new FlagValues(args, flagsOf(PROXY_FLAGS), environment);
    return { ...serving(values), ...subscribing(values) };
  });
}

/** The settings of `weir up` with the given folders, or the error in its flags. */
export function readUpConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<UpConfig> {
  return caught(() => {
    const values = new FlagValues(args, flagsOf(UP_FLAGS), environment, true);
    return { ...serving(values), folders: values.positionals, demo: values.isOn('demo'), strictKinds: values.isOn('strict-kinds') };
  });
}

function serving(values: FlagValues): ServingConfig {
  return {
    workers: values.text('workers') === 'auto' ? cpuLimit() : values.count('workers', 1, MAX_WORKERS),
    bindAddress: values.address('bind-address'),
    ...readAccessLog(values),
    via: pseudonym(values.text('via')),
    logLevel: values.word('log-level', LOG_LEVELS),
    adminPort: values.port('admin-port'),
    probePort: values.port('probe-port'),
    drainDelay: values.time('drain-delay'),
    // A timer of 0 never expires.
    drainTimeout: Math.max(1, values.time('drain-timeout')),
    limits: limits(values),
  };
}

/** A token (RFC 9110 section 7.6.3). */
function pseudonym(text: string): string {
  if (!/^[-!#$%&'*+.^_`|~0-9A-Za-z]{1,64}$/.test(text)) throw new Mistake(`--via: ${JSON.stringify(text)} is neither a name nor off`);
  return text === 'off' ? '' : text;
}

function limits(values: FlagValues): Limits {
  const entries = LIMIT_NAMES.map((name) => {
    return [name, limitOf(name, values)] as const;
  });
  return Object.freeze({ ...DEFAULT_LIMITS, ...Object.fromEntries(entries) });
}

function limitOf(name: LimitName, values: FlagValues): number {
  const flag = flagOf(name);
  if (isTime(name)) return values.time(flag);
  const minimum = UNLIMITED_AT_0.has(name) ? 0 : 1;
  return name.endsWith('Bytes') ? values.bytes(flag, minimum) : values.count(flag, minimum);
}

function subscribing(values: FlagValues): Omit<ProxyConfig, keyof ServingConfig> {
  const controller = values.text('controller');
  const colon = controller.lastIndexOf(':');
  const port = controller.slice(colon + 1);
  if (colon <= 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new Mistake(`--controller: ${JSON.stringify(controller)} is not HOST:PORT, with a port from 1 to 65535`);
  return {
    controller,
    controllerTls: controllerTls(values),
    controllerName: values.text('controller-tls-name'),
    nodeId: values.text('node-id') || hostname(),
    lastGood: values.text('last-good'),
  };
}

function controllerTls(values: FlagValues): ProxyConfig['controllerTls'] {
  const [ca, certificate, privateKey] = ['ca', 'cert', 'key'].map((part) => values.text(`controller-tls-${part}`));
  const given = [ca, certificate, privateKey].filter((file) => file !== '').length;
  if (given === 0) return 'plaintext';
  if (given < 3 || ca === undefined || certificate === undefined || privateKey === undefined)
    throw new Mistake('--controller-tls-ca, --controller-tls-cert and --controller-tls-key belong together');
  return { ca, certificate, privateKey };
}

/** `maxHeadBytes` is `--max-head-bytes`. */
function flagOf(name: LimitName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isTime(name: LimitName): boolean {
  return name.endsWith('Timeout');
}

function limitFlag(name: LimitName): Flag {
  const value = isTime(name) ? 'TIME' : name.endsWith('Bytes') ? 'BYTES' : 'N';
  const text = isTime(name) ? `${LIMIT_TEXTS[name]}; 0 is never` : LIMIT_TEXTS[name];
  return { default: isTime(name) ? formatDuration(DEFAULT_LIMITS[name]) : String(DEFAULT_LIMITS[name]), value, text };
}
