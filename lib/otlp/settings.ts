// The settings of the way to an OTLP collector: flags, and the variables of OpenTelemetry for absent flags. A variable of one signal wins
// over everything for that signal (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
import { Mistake } from '../flags.ts';
import type { Flags, FlagValues } from '../flags.ts';
import { WEIR_VERSION } from '../version.ts';
import type { Attributes } from './records.ts';
import { headerOf } from './headers.ts';
import type { Headers } from './headers.ts';

export const SIGNALS = ['traces', 'logs', 'metrics'] as const;
export type Signal = (typeof SIGNALS)[number];

export const PROTOCOLS = ['grpc', 'http/protobuf'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const COMPRESSIONS = ['none', 'gzip'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The way of one signal. Files are paths, '' for none; all are read before each request. */
export interface SignalSettings {
  readonly signal: Signal;
  /** Of http or https. With HTTP the whole URL, with gRPC only scheme, host and port count. */
  readonly url: string;
  readonly protocol: Protocol;
  readonly compression: Compression;
  /** The time of a request, milliseconds. */
  readonly timeoutMs: number;
  /** How long a batch that is not full waits for more records, milliseconds. */
  readonly batchAgeMs: number;
  /** From variables; never logged. */
  readonly headers: Headers;
  /** More headers, one per line. */
  readonly headersFile: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface OtlpSettings {
  /** A signal without an endpoint is absent. */
  readonly signals: Partial<Readonly<Record<Signal, SignalSettings>>>;
  /** The attributes of the resource. */
  readonly resource: Attributes;
  /** The time between two pushes of metrics, milliseconds; 0: metrics are not pushed. */
  readonly metricsIntervalMs: number;
}

export const OTLP_FLAGS: Flags = {
  'otlp-endpoint': {
    default: '',
    value: 'URL',
    text: 'OpenTelemetry collector for traces, logs and metrics, https://HOST:PORT; HTTP adds /v1/traces and so on to its path',
  },
  'otlp-protocol': { default: 'http/protobuf', value: 'PROTOCOL', text: PROTOCOLS.join(', '), words: PROTOCOLS },
  'otlp-headers-file': {
    default: '',
    value: 'FILE',
    text: 'headers of requests to the collector, such as a token, one NAME: VALUE per line; the proxy notices changes',
  },
  'otlp-ca-file': { default: '', value: 'FILE', text: "CA of the collector's certificate, PEM; the machine's CAs by default" },
  'otlp-cert-file': { default: '', value: 'FILE', text: 'certificate for the collector, PEM' },
  'otlp-key-file': { default: '', value: 'FILE', text: 'key of that certificate, PEM' },
  'otlp-compression': {
    default: 'none',
    value: 'NAME',
    text: `of requests to the collector: ${COMPRESSIONS.join(', ')}`,
    words: COMPRESSIONS,
  },
  'otlp-timeout': { default: '10s', value: 'TIME', text: 'how long a request to the collector may take' },
  'otlp-metrics-interval': {
    default: '0',
    value: 'TIME',
    text: 'time between two pushes of the metrics to the collector, at least 1s; 0 pushes none',
  },
};

const LONGEST_TIMEOUT_MS = 60_000;
const BATCH_AGE_MS = 1_000;
const LONGEST_BATCH_AGE_MS = 60_000;
/** The variables for the ages of batches; metrics go out at once. */
const BATCH_AGE_VARIABLES: Partial<Readonly<Record<Signal, string>>> = {
  traces: 'OTEL_BSP_SCHEDULE_DELAY',
  logs: 'OTEL_BLRP_SCHEDULE_DELAY',
};
const SHORTEST_INTERVAL_MS = 1_000;
const LONGEST_URL = 2_048;

/** The variables of OpenTelemetry. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Null without an endpoint. `instance` is the name of this process among all with the same service name. Throws a Mistake. */
export function readOtlp(values: FlagValues, environment: Environment, instance: string): OtlpSettings | null {
  // Mistakes in flags are told also without an endpoint.
  const signals = Object.fromEntries(
    SIGNALS.map((signal) => [signal, signalOf(signal, values, environment)]).filter(([, way]) => way !== null),
  );
  const metricsIntervalMs = values.time('otlp-metrics-interval');
  if (metricsIntervalMs > 0 && metricsIntervalMs < SHORTEST_INTERVAL_MS)
    throw new Mistake('--otlp-metrics-interval: must be 0 or at least 1s');
  if (metricsIntervalMs > 0 && signals['metrics'] === undefined) throw new Mistake('--otlp-metrics-interval: needs --otlp-endpoint');
  if (Object.keys(signals).length === 0 || environment['OTEL_SDK_DISABLED'] === 'true') return null;
  return { signals, resource: resourceOf(environment, instance), metricsIntervalMs };
}

/** The settings of a signal, or null without an endpoint. */
function signalOf(signal: Signal, values: FlagValues, environment: Environment): SignalSettings | null {
  const own = (name: string) => environment[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`] ?? '';
  const shared = (name: string) => environment[`OTEL_EXPORTER_OTLP_${name}`] ?? '';
  /** The variable of the signal, the flag, the variable for all signals, the default of the flag. */
  const setting = (flag: string, name: string) => own(name) || (values.isSet(flag) ? values.text(flag) : shared(name) || values.text(flag));
  const [certificateFile, keyFile] = [setting('otlp-cert-file', 'CLIENT_CERTIFICATE'), setting('otlp-key-file', 'CLIENT_KEY')];
  if ((certificateFile === '') !== (keyFile === '')) throw new Mistake('--otlp-cert-file and --otlp-key-file belong together');
  const protocol = oneOf('--otlp-protocol, OTEL_EXPORTER_OTLP_PROTOCOL', setting('otlp-protocol', 'PROTOCOL'), PROTOCOLS);
  const url = urlOf(signal, own('ENDPOINT'), setting('otlp-endpoint', 'ENDPOINT'), protocol);
  if (url === '') return null;
  return {
    signal,
    url,
    protocol,
    compression: oneOf('--otlp-compression, OTEL_EXPORTER_OTLP_COMPRESSION', setting('otlp-compression', 'COMPRESSION'), COMPRESSIONS),
    timeoutMs: timeoutOf(values, own('TIMEOUT') || (values.isSet('otlp-timeout') ? '' : shared('TIMEOUT'))),
    batchAgeMs: batchAgeOf(signal, environment),
    headers: parseHeaderList(own('HEADERS') || shared('HEADERS')),
    headersFile: values.text('otlp-headers-file'),
    caFile: setting('otlp-ca-file', 'CERTIFICATE'),
    certificateFile,
    keyFile,
  };
}

/** The endpoint of a signal is the whole URL; that for all signals is the beginning. */
function urlOf(signal: Signal, own: string, shared: string, protocol: Protocol): string {
  const text = own || shared;
  if (text === '') return '';
  const name = own === '' ? '--otlp-endpoint, OTEL_EXPORTER_OTLP_ENDPOINT' : `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
  const problem = endpointProblem(text);
  if (problem !== null) throw new Mistake(`${name}: ${problem}`);
  if (protocol === 'grpc' || own !== '') return text;
  return `${text.replace(/\/+$/, '')}/v1/${signal}`;
}

/** Why a text is no endpoint, or null. Does not repeat the text, in which there may be a password. */
export function endpointProblem(text: string): string | null {
  const url = text.length > LONGEST_URL ? null : URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return 'is not a URL like https://collector:4318';
  if (url.username !== '' || url.password !== '') return 'has a user or password; put a header into the file of --otlp-headers-file';
  return url.search !== '' || url.hash !== '' ? 'must not have ? or #' : null;
}

function oneOf<Word extends string>(name: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) throw new Mistake(`${name}: ${JSON.stringify(text)} is none of ${words.join(', ')}`);
  return found;
}

/** Variables of OpenTelemetry have milliseconds, flags a unit. */
function timeoutOf(values: FlagValues, variable: string): number {
  const ms = variable === '' ? values.time('otlp-timeout') : Number(variable);
  if (!Number.isSafeInteger(ms) || ms < 1 || ms > LONGEST_TIMEOUT_MS)
    throw new Mistake('--otlp-timeout, OTEL_EXPORTER_OTLP_TIMEOUT: must be from 1 ms to 60 s');
  return ms;
}

function batchAgeOf(signal: Signal, environment: Environment): number {
  const variable = BATCH_AGE_VARIABLES[signal] ?? '';
  const text = environment[variable] ?? '';
  if (text === '') return BATCH_AGE_MS;
  const ms = Number(text);
  if (!Number.isSafeInteger(ms) || ms < 1 || ms > LONGEST_BATCH_AGE_MS)
    throw new Mistake(`${variable}: must be milliseconds, from 1 to ${LONGEST_BATCH_AGE_MS}`);
  return ms;
}

/** `name=value,name=value` with percent-encoding, as in OTEL_EXPORTER_OTLP_HEADERS. */
function parseHeaderList(text: string): Headers {
  return parsePairs('OTEL_EXPORTER_OTLP_HEADERS', text).map(([name, value], index) => {
    const header = headerOf(name, value);
    if (header === null) throw new Mistake(`OTEL_EXPORTER_OTLP_HEADERS: header ${index + 1} has an invalid name or value`);
    return header;
  });
}

/** Pairs as in OTEL_RESOURCE_ATTRIBUTES. The mistake does not have the text, which may be secret. */
function parsePairs(variable: string, text: string): readonly (readonly [string, string])[] {
  if (text.trim() === '') return [];
  return text.split(',').map((pair, index) => {
    const equals = pair.indexOf('=');
    const value = decoded(pair.slice(equals + 1).trim());
    if (equals <= 0 || value === null) throw new Mistake(`${variable}: part ${index + 1} is not NAME=VALUE with percent-encoding`);
    return [pair.slice(0, equals).trim(), value] as const;
  });
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Variables win over the names that the program has for itself. */
function resourceOf(environment: Environment, instance: string): Attributes {
  const attributes = new Map([
    ['service.name', 'weir'],
    ['service.version', WEIR_VERSION],
    ['service.instance.id', instance],
  ]);
  const given = parsePairs('OTEL_RESOURCE_ATTRIBUTES', environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '');
  // A field of a Pod may be empty.
  for (const [name, value] of given) if (value !== '') attributes.set(name, value);
  const name = environment['OTEL_SERVICE_NAME'] ?? '';
  if (name !== '') attributes.set('service.name', name);
  return [...attributes].flat();
}
