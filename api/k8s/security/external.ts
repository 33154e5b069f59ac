// The authenticator `external`: an authorisation service.
import { Type } from '#lib/typebox.ts';
import { parseDuration } from '#lib/duration.ts';
import type { FieldError } from '../field-error.ts';
import { backend } from '../policy-reference.ts';
import { HeaderName } from '../schema.ts';
import { choice, choices, count, duration, fieldName, flag, group, size, text } from '../setting.ts';

/** An absolute path without query. */
const PATH = "/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*";

function headerNames(description: string) {
  return Type.Optional(Type.Array(HeaderName, { maxItems: 64, description }));
}

/** The path of questions, and nothing else, is one or the other. */
const RULES = [
  { rule: 'has(self.backendRef)', message: 'must have backendRef' },
  { rule: "!has(self.http) || !has(self.protocol) || self.protocol == 'HTTP'", message: 'http is for the protocol HTTP' },
  { rule: '!has(self.http) || !has(self.http.path) || !has(self.http.pathPrefix)', message: 'http must not have path and pathPrefix' },
  { rule: '!has(self.body) || has(self.body.maxBytes)', message: 'body must have maxBytes' },
  {
    rule: '!has(self.cache) || !has(self.cache.deniedTtl) || !has(self.cache.ttl) || duration(self.cache.deniedTtl) <= duration(self.cache.ttl)',
    message: 'cache.deniedTtl must not be longer than cache.ttl',
  },
];

const settings = {
  backendRef: backend('The service that decides.'),
  protocol: choice('HTTP, the default: the status of the answer decides. GRPC: the protocol of Envoy.', ['HTTP', 'GRPC']),
  headersToService: headerNames(
    'The headers of the request that the service gets. When absent: Authorization and Cookie over HTTP, all over gRPC.',
  ),
  headersToBackend: headerNames(
    'The headers of the decision that the backend gets. Such headers of clients are removed. When absent: none over HTTP, all over gRPC.',
  ),
  headersToClient: headerNames(
    'The headers of the decision that the client gets. When absent: all of a denial, and over gRPC all that an approval has for it.',
  ),
  identityHeader: fieldName(
    'The header of the decision with the name of the caller, for principal.id. It is removed from requests of clients.',
  ),
  http: group('How to ask over HTTP.', {
    path: text('The path of every question. The service learns the path of the request from X-Forwarded-Uri.', {
      maxLength: 1_024,
      form: PATH,
    }),
    pathPrefix: text('The prefix of the path of the request in questions.', { maxLength: 1_024, form: PATH }),
    method: choice('The method of questions. When absent: GET with path and without body, or else that of the request.', [
      'GET',
      'HEAD',
      'POST',
      'PUT',
    ]),
  }),
  body: group('The service gets the body of the request too.', {
    maxBytes: size('The largest body. Requests with a larger one get 413.', { minimum: 1, maximum: 10_485_760 }),
    allowPartial: flag('Of a larger body, the service gets the beginning.'),
  }),
  timeout: duration('How long a decision may take.'),
  onError: choice(
    'The handling of requests while the service gives no decision. Closed: they get 503. Open: they go on without a caller.',
    ['Closed', 'Open'],
  ),
  cache: group('Decisions are used again. Those that set cookies are not.', {
    headers: headerNames('Requests that differ in these headers, in Authorization or in Cookie have separate decisions.'),
    parts: choices(
      'Requests that differ in these parts have separate decisions. Without headers and parts: in anything that the service gets.',
      ['Method', 'Host', 'Path', 'Query', 'ClientAddress'],
    ),
    ttl: duration(
      'How long an approval is used again, at most an hour. Cache-Control of the service may shorten it, and decides, when absent.',
    ),
    deniedTtl: duration('How long a denial is used again.'),
    entries: count('The number of decisions that are remembered.', { minimum: 1, maximum: 1_000_000 }),
  }),
};

export const external = Type.Optional(
  Type.Object(settings, {
    additionalProperties: false,
    description: 'A service of your own decides about each request, and says which caller it is.',
    'x-kubernetes-validations': RULES,
  }),
);

/** The settings as written, as far as the rules concern them. */
interface Written {
  readonly backendRef?: unknown;
  readonly protocol?: string;
  readonly http?: { readonly path?: string; readonly pathPrefix?: string };
  readonly body?: { readonly maxBytes?: unknown };
  readonly timeout?: string;
  readonly cache?: { readonly ttl?: string; readonly deniedTtl?: string };
}

/** The rules that an authenticator violates. */
export function checkExternal(written: Written, field: string): FieldError[] {
  return CHECKS.flatMap(([at, reason, isBroken]) => (isBroken(written) ? [{ field: `${field}.${at}`, reason }] : []));
}

/** Field, reason, and whether the settings break the rule. */
const CHECKS: readonly (readonly [field: string, reason: string, isBroken: (written: Written) => boolean])[] = [
  ['backendRef', 'is missing: name the service that decides', ({ backendRef }) => backendRef === undefined],
  ['http', 'is for the protocol HTTP: remove it', ({ protocol = 'HTTP', http }) => http !== undefined && protocol !== 'HTTP'],
  [
    'http.pathPrefix',
    'has no effect with path: remove one of them',
    ({ http = {} }) => http.path !== undefined && http.pathPrefix !== undefined,
  ],
  ['body.maxBytes', 'is missing: set the largest body, such as 64Ki', ({ body }) => body !== undefined && body.maxBytes === undefined],
  ['timeout', 'must be more than 0', ({ timeout }) => timeout !== undefined && milliseconds(timeout) === 0],
  [
    'cache.deniedTtl',
    'must not be longer than ttl',
    ({ cache = {} }) => milliseconds(cache.deniedTtl) > milliseconds(cache.ttl ?? LONGEST_TTL),
  ],
];

const LONGEST_TTL = '1h';

function milliseconds(text = '0s'): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : 0;
}
