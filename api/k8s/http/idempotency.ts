// The group `idempotency` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, duration, fieldName, flag, size, whole } from '../setting.ts';

export const idempotency = whole(
  'Requests with a key in a header are done once: a repeated request gets the stored answer (draft-ietf-httpapi-idempotency-key-header). A nearer policy replaces all of it.',
  {
    mode: choice('Disabled: keys mean nothing to the proxy. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
    store: choice('Where keys and answers are: Memory for the workers of one proxy; Redis (--redis-url) for all proxies.', [
      'Memory',
      'Redis',
    ]),
    header: fieldName('The header with the key.'),
    required: flag('A request without a key gets 400. Otherwise it passes.'),
    methods: Type.Optional(
      Type.Array(Type.Enum(['POST', 'PATCH', 'PUT', 'DELETE']), { minItems: 1, maxItems: 4, description: 'Requests with these methods.' }),
    ),
    ttl: duration('How long an answer is kept.'),
    maxBodySize: size('Longer bodies of requests with a key get 413.', { minimum: 0, maximum: 268_435_456 }),
    maxAnswerSize: size('Longer answers are not kept: repeated requests get 409.', { minimum: 0, maximum: 16_777_216 }),
    onError: choice(
      'The handling of requests with a key while the store does not answer. Closed: they get 503. Open: they pass without a key.',
      ['Closed', 'Open'],
    ),
  },
);
