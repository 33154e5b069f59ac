// The settings of a proxy: flags, and environment variables for absent flags. Only this file reads them.
import type { AddressRange } from '#lib/address-range.ts';
import { ENDPOINT_FLAGS, readEndpointFlags, readRanges, type EndpointPermissions } from '#api/k8s/endpoint-flags.ts';
import { hostname } from 'node:os';
import path from 'node:path';
import { formatDuration } from '#lib/duration.ts';
import { LOG_LEVELS } from '#lib/log.ts';
import type { LogLevel } from '#lib/log.ts';
import { OTLP_FLAGS, readOtlp } from '#lib/otlp/settings.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import type { Result } from '#lib/result.ts';
import { ALERT_FLAGS, readAlertSettings, type AlertSettings } from '#lib/alert-settings.ts';
import { MAX_REGISTERED, readStore, storeFlags } from '#lib/store-settings.ts';
import type { StoreSettings } from '#lib/store-settings.ts';
import { ACCESS_LOG_FLAGS, readAccessLog } from './access-log-flags.ts';
import type { AccessLogSettings } from './telemetry/access-log/access-log.ts';
import type { TracingSettings } from './exchange/tracing.ts';
import { readTracing, TRACING_FLAGS } from './tracing-flags.ts';
import { DEFAULT_LIMITS } from './exchange/limits.ts';
import type { Limits } from './exchange/limits.ts';
import { REDIS_FLAGS, readRedis } from './redis-flags.ts';
import type { RedisSettings } from '#lib/redis.ts';
import { caught, flagsOf, FlagValues, Mistake } from '#lib/flags.ts';
import type { Flag, FlagGroup, Flags } from '#lib/flags.ts';
import { cpuLimit } from './supervisor/cpu-limit.ts';

/** Each worker is a process, so this limit keeps a typing error from filling the memory. */
const MAX_WORKERS = 1_024;

/** Settings for serving, independent of the source of the configuration. */
export interface ServingConfig {
  readonly workers: number;
  /** The address of listeners without an address; '' is all addresses. */
  readonly bindAddress: string;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  readonly accessLogSettings: AccessLogSettings;
  /** `off`, `stdout` or a file. */
  readonly securityLog: string;
  /** The name of the proxy in Via; '' for no Via. */
  readonly via: string;
  /** The zone that the proxy is in; '' is unknown. */
  readonly zone: string;
  readonly logLevel: LogLevel;
  /** On loopback only. 0: a free port; null: none. */
  readonly adminPort: number | null;
  /** Probes and metrics, on every address. */
  readonly probePort: number | null;
  /** The time between SIGTERM and the stop of accepting, milliseconds. */
  readonly drainDelay: number;
  /** The time for open exchanges after that, milliseconds. */
  readonly drainTimeout: number;
  readonly limits: Limits;
  /** Null: there is no Redis. */
  readonly redis: RedisSettings | null;
  /** Null: nothing goes to an OpenTelemetry collector. */
  readonly otlp: OtlpSettings | null;
  /** Of requests without a policy. */
  readonly tracing: TracingSettings;
  /** Addresses of services by URL that are permitted although they lead to the machine itself. */
  readonly allowedServices: readonly AddressRange[];
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
  'shedMemoryPercent',
  'shedCpuPercent',
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
  maxLingerBytes: 'bytes of a request that the proxy reads after it has answered, so that the client sees the answer',
  lingerTimeout: 'time for reading those bytes',
  maxStreamsPerConnection: 'open requests on one HTTP/2 connection',
  streamWindowBytes: 'flow-control window of one HTTP/2 stream, from a client or from an endpoint; at least 65535',
  connectionWindowBytes:
    'flow-control window of one HTTP/2 connection of a client; clients share the connections to endpoints, which have no such limit',
  maxStreamResets: 'resets of unanswered HTTP/2 streams on one connection in 10 s, within a second of their opening',
  maxControlFrames: 'HTTP/2 frames of one connection in 10 s that belong to no request and no answer',
  maxConnections: 'open downstream connections of one worker; 0 is unlimited',
  proxyHeaderTimeout: 'time for the header of the PROXY protocol, from accept',
  tlsHandshakeTimeout: 'time for the TLS handshake, from accept',
  requestHeadTimeout: 'time from the first byte of a request to the end of its head',
  requestBodyIdleTimeout: 'longest silence within a request body, and longest lag of its client behind the least rate',
  minRequestBodyRate: 'least rate of request bodies in bytes per second, on average; 0 is no least rate',
  downstreamIdleTimeout:
    'longest silence between two requests, and after accept; on HTTP/2 also with open requests, and the proxy sends a PING after half of this time',
  downstreamWriteTimeout: 'longest time in which a client takes no bytes of its answer, and its longest lag behind the least rate',
  minResponseRate: 'least rate at which a client takes an answer that waits for it, in bytes per second, on average; 0 is no least rate',
  connectTimeout: 'time for a connection to an endpoint to open',
  doubtTimeout: 'silence of an endpoint with a waiting request after which the proxy tests whether it still accepts connections',
  maxConnectAttempts: 'endpoints that the proxy tries for a connection of a TCPRoute or TLSRoute',
  upstreamIdleTimeout: 'longest silence of an upstream after the whole request, or longest time in which it takes no bytes of the request',
  poolIdleTimeout: 'how long an upstream connection may be idle',
  maxIdlePerEndpoint: 'idle connections per endpoint and worker',
  maxConnectionsPerEndpoint: 'connections per endpoint and worker',
  maxSlowPerEndpoint:
    'extra connections per endpoint and worker for exchanges with slow clients or long bodies; 0: they count in --max-connections-per-endpoint',
  slowClientTimeout: 'lag behind the least rate from which a client counts as slow',
  maxGatheredBytes: 'request bodies that a worker buffers before it takes connections for them; 0 is none',
  maxStreamsPerUpstream: 'requests at a time on one HTTP/2 connection to an endpoint; further requests open another connection',
  maxPendingPerEndpoint: 'requests that wait for a connection, per endpoint and worker',
  pendingTimeout: 'how long a request waits for a connection',
  maxReplayBytes: 'request body that the proxy keeps for another attempt',
  maxMirrors: 'open copies of requests in one worker',
  maxMirrorBodyBytes: 'request body of a copy',
  maxCacheBytes: 'stored answers of each worker (`cache` of an HTTPPolicy)',
  maxResponseHeadBytes: 'status line and header block of an answer',
  filterTimeout: 'longest wait for a filter of a route that sets no time itself, such as one that asks another service',
  maxInformational: '1xx answers before the final answer',
  tunnelIdleTimeout:
    'longest silence in both directions of a tunnel (WebSocket), a gRPC call over HTTP/2, or a connection of a TCPRoute or TLSRoute',
  maxBufferedBytes: 'bytes that wait for one peer before the proxy pauses their source',
  bindTimeout: 'how long a new proxy waits for ports that it cannot bind before it is ready with the others',
  datagramIdleTimeout: 'silence that ends the session of a peer of a UDPRoute',
  maxDatagramSessions: 'peers of UDPRoutes in one worker at a time',
  shedLoopDelay: 'delay of the event loop of a worker at which it begins to refuse requests',
  shedMemoryPercent: 'use of the memory limit of the container in percent at which a worker begins to refuse requests; 0 is never',
  shedCpuPercent: 'busy time of a worker in percent at which it begins to refuse sheddable requests; 0 is never',
  stallDelay: 'delay of the event loop of a process from which on log and metrics tell of a stall',
  maxMetricRoutes: 'pairs of listener and route with separate metrics in one worker; further pairs share the label other',
  maxMetricEndpoints: 'backends, and endpoints, with separate metrics in one worker; further ones share the label other',
  maxOtlpQueueBytes: 'bytes of each of traces, logs and metrics that wait in one worker for the collector of --otlp-endpoint',
  maxRecentRequestBytes: 'bytes of lines that one worker keeps about the requests of --recent-requests',
};

const SERVING_FLAGS: Flags = {
  workers: {
    default: 'auto',
    value: 'N',
    text: 'number of worker processes, at most 1024; 1 means no extra process, auto means the CPU limit',
  },
  'bind-address': {
    default: '',
    value: 'ADDRESS',
    text: 'address of listeners without an address; every address by default',
  },
  ...ACCESS_LOG_FLAGS,
  via: { default: 'weir', value: 'NAME|off', text: 'name of the proxy in the Via header of requests and answers' },
  zone: {
    default: '',
    value: 'NAME',
    text: 'zone that the proxy is in, as in topology.kubernetes.io/zone; policies may prefer endpoints there',
  },
  'log-level': { default: 'info', value: 'LEVEL', text: LOG_LEVELS.join(', '), words: LOG_LEVELS },
  'admin-port': { default: '15020', value: 'PORT|off', text: 'port of dumps and commands, on 127.0.0.1; 0 is any free port' },
  'probe-port': { default: '15021', value: 'PORT|off', text: 'port of /livez, /readyz and /metrics, on every address; 0 is any free port' },
  'drain-delay': { default: '5s', value: 'TIME', text: 'how long the proxy accepts connections after SIGTERM' },
  'allow-services': {
    default: '',
    value: 'LIST',
    text: 'addresses and ranges that policies may name as services by URL, such as key sets, although they are loopback, link-local or metadata addresses',
  },
  'drain-timeout': { default: '60s', value: 'TIME', text: 'how long requests may take after --drain-delay' },
};

const LIMIT_FLAGS: Flags = Object.fromEntries(LIMIT_NAMES.map((name) => [flagOf(name), limitFlag(name)]));

const SUBSCRIBE_FLAGS: Flags = {
  controller: { default: '', value: 'HOST:PORT', text: 'address of the controller' },
  'controller-tls-ca': { default: '', value: 'FILE', text: "CA of the controller's certificate, PEM" },
  'controller-tls-cert': { default: '', value: 'FILE', text: 'certificate of the proxy, PEM' },
  'controller-tls-key': { default: '', value: 'FILE', text: 'key of that certificate, PEM' },
  'controller-tls-name': {
    default: '',
    value: 'NAME',
    text: "name in the controller's certificate, if it is not the host of --controller",
  },
  'node-id': { default: '', value: 'NAME', text: 'name of this proxy in logs of the controller; the host name by default' },
  'last-good': {
    default: '',
    value: 'FILE',
    text: 'file of the last good configuration; the proxy serves it when it starts without a controller',
  },
};

/** Different defaults of `weir up`: users start it by hand, and a machine may run several. */
const UP_DEFAULTS: Readonly<Record<string, string>> = {
  workers: '1',
  'admin-port': 'off',
  'probe-port': 'off',
  'allow-services': '127.0.0.0/8,::1',
  'drain-delay': '0s',
  'drain-timeout': '10s',
};
const FOLDER_FLAGS: Flags = {
  demo: { default: 'false', value: '', text: 'start a small HTTP backend at each loopback endpoint of the Backends in DIR' },
  'strict-kinds': { default: 'false', value: '', text: 'refuse objects of kinds that Weir does not read, instead of skipping them' },
};

/** The store of `weir up` in the folder. Its folder begins with a dot, so it is no configuration. */
const STORE_FILE = path.join('.weir', 'store.sqlite');

/** The flags of `weir proxy`. */
export const PROXY_FLAGS: readonly FlagGroup[] = [
  { title: 'Controller', flags: SUBSCRIBE_FLAGS },
  { title: 'Serving', flags: SERVING_FLAGS },
  { title: 'Redis', flags: REDIS_FLAGS },
  { title: 'OpenTelemetry', flags: { ...OTLP_FLAGS, ...TRACING_FLAGS } },
  { title: 'Limits', flags: LIMIT_FLAGS },
];

/** The flags of `weir up`. */
export const UP_FLAGS: readonly FlagGroup[] = [
  { title: 'Folder', flags: FOLDER_FLAGS },
  { title: 'Store', flags: storeFlags(`${STORE_FILE} in DIR`) },
  { title: 'Alerts', flags: ALERT_FLAGS },
  { title: 'Endpoints', flags: ENDPOINT_FLAGS },
  {
    title: 'Serving',
    flags: Object.fromEntries(
      Object.entries(SERVING_FLAGS).map(([name, flag]) => [name, { ...flag, default: UP_DEFAULTS[name] ?? flag.default }]),
    ),
  },
  { title: 'Redis', flags: REDIS_FLAGS },
  { title: 'OpenTelemetry', flags: { ...OTLP_FLAGS, ...TRACING_FLAGS } },
  { title: 'Limits', flags: LIMIT_FLAGS },
];

/** The settings of `weir up`. */
export interface UpConfig extends ServingConfig, EndpointPermissions {
  readonly folders: readonly string[];
  /** Starts backends too. */
  readonly demo: boolean;
  /** Reports documents of other programs as problems. */
  readonly strictKinds: boolean;
  readonly store: StoreSettings;
  /** How many endpoints can be registered by hand for one Backend. */
  readonly maxRegisteredEndpoints: number;
  readonly alerts: AlertSettings;
}

/** The settings of `weir proxy`, or the error in its flags. */
export function readProxyConfig(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Result<ProxyConfig> {
  return caught(() => {
    const values = new FlagValues(args, flagsOf(PROXY_FLAGS), environment);
    return { ...serving(values, environment), ...subscribing(values) };
  });
}

/** The settings of `weir up` with the given folders, or the error in its flags. `groups`: all flags of the command. */
export function readUpConfig(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
  groups: readonly FlagGroup[] = UP_FLAGS,
): Result<UpConfig> {
  return caught(() => {
    const values = new FlagValues(args, flagsOf(groups), environment, true);
    const [folder = ''] = values.positionals;
    return {
      ...serving(values, environment),
      folders: values.positionals,
      demo: values.isOn('demo'),
      strictKinds: values.isOn('strict-kinds'),
      store: readStore(values, environment, path.join(folder, STORE_FILE)),
      maxRegisteredEndpoints: values.count('max-registered-endpoints', 1, MAX_REGISTERED),
      alerts: readAlertSettings(values),
      ...readEndpointFlags(values),
    };
  });
}

function serving(values: FlagValues, environment: NodeJS.ProcessEnv): ServingConfig {
  const otlp = readOtlp(values, environment, nodeId(values));
  const logs = readAccessLog(values);
  if (logs.accessLogSettings.otlp === true && otlp?.signals.logs === undefined)
    throw new Mistake('--access-log-otlp: needs --otlp-endpoint');
  return {
    workers: values.text('workers') === 'auto' ? cpuLimit() : values.count('workers', 1, MAX_WORKERS),
    bindAddress: values.address('bind-address'),
    ...logs,
    via: pseudonym(values.text('via')),
    zone: values.text('zone'),
    logLevel: values.word('log-level', LOG_LEVELS),
    adminPort: values.port('admin-port'),
    probePort: values.port('probe-port'),
    drainDelay: values.time('drain-delay'),
    // A timer of 0 never expires.
    drainTimeout: Math.max(1, values.time('drain-timeout')),
    limits: limits(values),
    redis: readRedis(values),
    otlp,
    // Without a collector variables that other programs read do not matter.
    tracing: readTracing(values, otlp?.signals.traces === undefined ? {} : environment),
    allowedServices: readRanges(values, 'allow-services'),
  };
}

function nodeId(values: FlagValues): string {
  return values.text('node-id') || hostname();
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
    nodeId: nodeId(values),
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
  return name.endsWith('Timeout') || name.endsWith('Delay');
}

function limitFlag(name: LimitName): Flag {
  const value = isTime(name) ? 'TIME' : name.endsWith('Bytes') ? 'BYTES' : 'N';
  const text = isTime(name) ? `${LIMIT_TEXTS[name]}; 0 is never` : LIMIT_TEXTS[name];
  return { default: isTime(name) ? formatDuration(DEFAULT_LIMITS[name]) : String(DEFAULT_LIMITS[name]), value, text };
}
