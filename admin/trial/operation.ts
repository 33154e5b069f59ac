// The operation that tries transformations on a sample: what the filters of a rule and its HTTPPolicy change in a request, and in an answer to
// it, with the configuration as it is or as changes would make it. The filters of the proxy make the changes; nothing is sent.
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import type { PrincipalSource } from '#api/expression/facts.ts';
import { Type, type Static } from '#lib/typebox.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { sampleRequest, type HeaderLine } from '../../proxy/trial/sample-request.ts';
import type { Change, Sample, SampleAnswer, Trial, TrialConfig } from '../../proxy/trial/trial.ts';
import { adminOperation, reply, type AdminOperation, type Area } from '../api/operation.ts';
import { invalid, type AdminProblem } from '../api/problem.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { changesOf, type GivenChange } from '../configuration/dry-run-operation.ts';
import { DRY_RUN_PROBLEMS, MAX_BODY_BYTES } from '../configuration/object-paths.ts';
import { CHANGE_SET } from '../configuration/schemas.ts';

const CLOSED = { additionalProperties: false };
/** The longest body of a sample, characters. */
const MAX_TEXT = 65_536;
const NAME = Type.String({ maxLength: 256 });
const HEADERS = Type.Array(
  Type.Object(
    {
      name: Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$" }),
      value: Type.String({ maxLength: 8_192, pattern: '^[^\\x00-\\x08\\x0A-\\x1F\\x7F]*$' }),
    },
    CLOSED,
  ),
  { maxItems: 100 },
);
const TEXT = Type.String({ maxLength: MAX_TEXT });
const REQUEST = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 8_192, description: 'Its port is that of the listener.' }),
    method: Type.Optional(Type.String({ pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$", default: 'GET' })),
    headers: Type.Optional(HEADERS),
    body: Type.Optional(TEXT),
    from: Type.Optional(Type.String({ maxLength: 64, default: '127.0.0.1', description: 'The address of the client.' })),
  },
  CLOSED,
);
const PRINCIPAL = Type.Object(
  {
    ...{ id: Type.Optional(NAME), method: Type.Optional(NAME), consumer: Type.Optional(NAME), plan: Type.Optional(NAME) },
    groups: Type.Optional(Type.Array(NAME, { maxItems: 100 })),
    claims: Type.Optional(Type.Object({}, { additionalProperties: true })),
  },
  { ...CLOSED, description: 'The authenticated caller of the gateway, for expressions.' },
);
const ANSWER = Type.Object(
  {
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, default: 200 })),
    ...{ headers: Type.Optional(HEADERS), body: Type.Optional(TEXT) },
  },
  { ...CLOSED, description: 'The answer of the backend.' },
);
const BODY = Type.Object(
  {
    request: REQUEST,
    principal: Type.Optional(PRINCIPAL),
    answer: Type.Optional(ANSWER),
    changes: Type.Optional(CHANGE_SET.properties.changes),
  },
  CLOSED,
);
const MESSAGE = Type.Object(
  {
    line: Type.String({ description: 'Method and target, or the status.' }),
    headers: Type.Array(Type.Object({ name: Type.String(), value: Type.String() }, CLOSED)),
    body: Type.String(),
  },
  CLOSED,
);
const CHANGE = Type.Object({ before: MESSAGE, after: MESSAGE }, CLOSED);
const TRIAL = Type.Object(
  {
    route: Type.Union([Type.String(), Type.Null()], { description: 'The rule; null: none gets the request.' }),
    request: Type.Union([CHANGE, Type.Null()]),
    answer: Type.Union([CHANGE, Type.Null()], { description: 'Null: the request or the answer is refused.' }),
    refusal: Type.Union([Type.Object({ status: Type.Integer(), code: Type.String(), detail: Type.String() }, CLOSED), Type.Null()]),
  },
  CLOSED,
);
type Given = Static<typeof BODY>;

/** The area with its one operation. */
export function trialArea(store: ConfigurationStore): Area {
  return { name: 'trials', summary: 'Transformations on a sample, without traffic.', operations: [tryOperation(store)] };
}

const EXAMPLE_HEADERS = [{ name: 'host', value: 'shop.example.com' }];
const EXAMPLE = {
  body: { request: { url: 'http://shop.example.com/v1/cart', method: 'GET' }, answer: { status: 200, body: '{"items":[]}' } },
  answer: {
    route: 'HTTPRoute/storefront/cart/0',
    request: {
      before: { line: 'GET /v1/cart', headers: EXAMPLE_HEADERS, body: '' },
      after: { line: 'GET /cart', headers: EXAMPLE_HEADERS, body: '' },
    },
    answer: {
      before: { line: '200', headers: [], body: '{"items":[]}' },
      after: { line: '200', headers: [], body: '{"items":[],"version":1}' },
    },
    refusal: null,
  },
};

function tryOperation(store: ConfigurationStore): AdminOperation {
  return adminOperation({
    id: 'trials.run',
    method: 'POST',
    path: '/trials',
    tag: 'trials',
    summary: 'Try what a rule and its policies change in a sample request, and in an answer to it',
    description:
      'Modified headers, rewritten URLs, and `request` and `response` of HTTPPolicies. With changes, as the configuration would be after them. The configuration of all namespaces decides, so the permission is needed in all of them.',
    permission: 'configuration:read',
    audited: false,
    body: BODY,
    maxBodyBytes: MAX_BODY_BYTES,
    answer: TRIAL,
    problems: DRY_RUN_PROBLEMS,
    example: EXAMPLE,
    async run({ body }, { caller }) {
      const sample = sampleOf(body);
      if (!sample.ok) return sample;
      const changes = changesOf((body.changes ?? []) as readonly GivenChange[], caller);
      if (!changes.ok) return changes;
      const done = await store.dryRun(changes.value, { kinds: ['Listener', 'Route', 'Policy'] });
      if (!done.ok) return done;
      const [refused] = done.value.refused;
      if (refused !== undefined) return err(refused.problem);
      // The filters take 20 MB, so they are loaded with the first trial.
      const { trySample } = await import('../../proxy/trial/trial.ts');
      const trial = await trySample(configOf(done.value.resources), sample.value);
      return reply(trial === null ? { route: null, request: null, answer: null, refusal: null } : shown(trial));
    },
  });
}

function sampleOf({ request, principal, answer }: Given): Result<Sample, AdminProblem> {
  const { url, method = 'GET', headers = [], body = '', from = '127.0.0.1' } = request;
  if (net.isIP(from) === 0) return invalid([{ field: 'body.request.from', reason: 'must be an IP address' }]);
  const asked = sampleRequest(url, method, linesOf(headers));
  if (!asked.ok) return invalid([{ field: 'body.request', reason: asked.error }]);
  return ok({
    ...asked.value,
    from,
    body: Buffer.from(body),
    principal: principal === undefined ? null : principalOf(principal),
    answer: answerOf(answer),
  });
}

function answerOf({ status = 200, headers = [], body = '' }: Static<typeof ANSWER> = {}): SampleAnswer {
  return { status, headers: linesOf(headers).flat(), body: Buffer.from(body) };
}

function linesOf(headers: Static<typeof HEADERS>): readonly HeaderLine[] {
  return headers.map(({ name, value }) => [name.toLowerCase(), value.trim()]);
}

function principalOf({
  id = '',
  method = '',
  groups = [],
  claims = {},
  consumer = '',
  plan = '',
}: Static<typeof PRINCIPAL>): PrincipalSource {
  return { id, method, groups, claims: claims as Readonly<Record<string, unknown>>, consumer, plan };
}

function configOf(resources: readonly string[]): TrialConfig {
  const decoded = resources.map((text) => JSON.parse(text) as ir.Resource);
  return {
    listeners: decoded.filter((resource) => resource.kind === 'Listener'),
    routes: decoded.filter((resource) => resource.kind === 'Route'),
    policies: decoded.filter((resource) => resource.kind === 'Policy'),
  };
}

function shown({ route, request, answer, refusal }: Trial): Static<typeof TRIAL> {
  return { route, request: shownChange(request), answer: answer === null ? null : shownChange(answer), refusal };
}

function shownChange({ before, after }: Change): Static<typeof CHANGE> {
  return { before: shownMessage(before), after: shownMessage(after) };
}

/** Names and values are a flat list. */
function shownMessage({ line, headers, body }: Change['before']): Static<typeof MESSAGE> {
  const names = headers.filter((_, i) => i % 2 === 0);
  return { line, headers: names.map((name, i) => ({ name, value: headers[2 * i + 1] ?? '' })), body };
}
