// The group `processor` of an ExtensionPolicy: an external processor.
import { Type } from '#lib/typebox.ts';
import { parseDuration } from '#lib/duration.ts';
import type { FieldError } from '../field-error.ts';
import { backend } from '../policy-reference.ts';
import { HeaderName } from '../schema.ts';
import { choice, choices, duration, flag, group, size } from '../setting.ts';

/** How the processor gets a head or trailers. */
const SENDING = ['Send', 'Skip'] as const;
/** How it gets a body. */
const BODY = ['None', 'Streamed', 'Buffered', 'BufferedPartial', 'FullDuplexStreamed'] as const;

/** The attributes that a processor may ask for, with Envoy's names. */
export const ATTRIBUTES = [
  'request.path',
  'request.url_path',
  'request.query',
  'request.host',
  'request.scheme',
  'request.method',
  'request.protocol',
  'request.size',
  'request.id',
  'request.useragent',
  'request.referer',
  'source.address',
  'source.port',
  'destination.address',
  'destination.port',
  'connection.mtls',
  'connection.requested_server_name',
  'xds.route_name',
  'response.code',
] as const;

function headerNames(description: string) {
  return Type.Optional(Type.Array(HeaderName, { maxItems: 64, description }));
}

const NO_BACKEND = 'is missing: name the service that processes';
const OBSERVED = 'is for the mode Process: an observer does not hold bodies back';

const settings = {
  backendRef: backend('The service, which speaks the protocol envoy.service.ext_proc.v3 over gRPC.'),
  mode: choice(
    'Process: the service may change and answer requests. Observe: it only gets copies, and nothing waits for it. Disabled: no processor. For the targets of a nearer policy.',
    ['Process', 'Observe', 'Disabled'],
  ),
  requestHeaders: choice('Whether the service gets the heads of requests.', SENDING),
  requestBody: choice(
    'How it gets the bodies of requests. Buffered: whole, up to maxBodyBytes. BufferedPartial: the beginning of larger ones. Streamed: piece by piece, with an answer to each. FullDuplexStreamed: piece by piece, and only the bytes that it sends go on.',
    BODY,
  ),
  requestTrailers: choice('Whether it gets the trailers of requests.', SENDING),
  responseHeaders: choice('Whether it gets the heads of answers.', SENDING),
  responseBody: choice('How it gets the bodies of answers. FullDuplexStreamed: both ways in pieces that need not match.', BODY),
  responseTrailers: choice('Whether it gets the trailers of answers.', SENDING),
  headersToService: headerNames('The headers that the service gets, besides pseudo headers. When absent: all, also credentials.'),
  allowModeOverride: flag('The service may change these modes for one request, in its answer to a head.'),
  maxBodyBytes: size('The largest body that is held for the service. Of a larger one it gets an error or the beginning, by the mode.', {
    minimum: 1,
    maximum: 67_108_864,
  }),
  messageTimeout: duration('How long the service may take to answer a message.'),
  maxMessageTimeout: duration('The longest time that it may ask for instead, once for each message.'),
  onError: choice('The handling of requests while the service fails. Closed: they get 503. Open: they go on without it.', [
    'Closed',
    'Open',
  ]),
  requestAttributes: choices('Attributes that come with the first message about a request.', ATTRIBUTES),
  responseAttributes: choices('Attributes that come with the first message about an answer.', ATTRIBUTES),
  headers: group('The headers that the service may change.', {
    allow: headerNames('Only these, also protected ones. When absent: all that are not protected.'),
    deny: headerNames('None of these.'),
    routing: flag('Also method, path and host of requests. The route stays the same.'),
    onRefused: choice('Ignore: another change has no effect. Fail: it counts as a failure of the service.', ['Ignore', 'Fail']),
  }),
};

export const processor = Type.Optional(
  Type.Object(settings, {
    additionalProperties: false,
    description: 'A service of your own processes requests and answers. A nearer policy replaces all of it.',
    '~whole': true,
    'x-kubernetes-validations': [
      { rule: "has(self.backendRef) || (has(self.mode) && self.mode == 'Disabled')", message: 'must have backendRef' },
    ],
  }),
);

/** The settings as written, as far as the rules concern them. */
interface Written {
  readonly backendRef?: unknown;
  readonly mode?: string;
  readonly requestBody?: string;
  readonly responseBody?: string;
  readonly messageTimeout?: string;
}

/** The rules that a processor violates. */
export function checkProcessor(written: Written | undefined, field: string): FieldError[] {
  if (written === undefined) return [];
  return CHECKS.flatMap(([at, reason, isBroken]) => (isBroken(written) ? [{ field: `${field}.${at}`, reason }] : []));
}

/** Field, reason, and whether the settings break the rule. */
const CHECKS: readonly (readonly [field: string, reason: string, isBroken: (written: Written) => boolean])[] = [
  ['backendRef', NO_BACKEND, ({ backendRef, mode }) => backendRef === undefined && mode !== 'Disabled'],
  ['requestBody', OBSERVED, ({ mode, requestBody }) => mode === 'Observe' && !isObservable(requestBody)],
  ['responseBody', OBSERVED, ({ mode, responseBody }) => mode === 'Observe' && !isObservable(responseBody)],
  ['messageTimeout', 'must be more than 0', ({ messageTimeout }) => messageTimeout !== undefined && milliseconds(messageTimeout) === 0],
];

function isObservable(mode: string | undefined): boolean {
  return mode === undefined || mode === 'None' || mode === 'Streamed';
}

function milliseconds(text: string): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : 0;
}
