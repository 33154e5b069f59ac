// The group `hub` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, count, duration, flag, group, pageOrigins, size, topicExpression, whole } from '../setting.ts';

const Name = Type.String({
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
  '~must': 'lower-case letters, digits and hyphens, with a letter or digit at both ends',
  description: 'Hubs of one name in a namespace have the same topics.',
});

export const hub = whole(
  'The targets are a hub of topics: clients subscribe by WebSocket or by server-sent events, and publish by POST or by WebSocket. No backend gets the requests. gRPC calls get UNAVAILABLE. A nearer policy replaces all of it.',
  {
    mode: choice('Disabled: no hub. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
    name: Type.Optional(Name),
    store: choice('Where topics are: Memory for the workers of one proxy; Redis (--redis-url) for all proxies.', ['Memory', 'Redis']),
    subscribe: topicExpression('Whether the caller may subscribe to `topic`, in CEL.'),
    publish: topicExpression('Whether the caller may publish to `topic`, in CEL.'),
    presence: flag('Subscribers may ask which callers are subscribed to a topic.'),
    allowedOrigins: pageOrigins('Other origins whose pages may open WebSockets and publish.'),
    history: group('The messages that each topic keeps for clients that come back.', {
      messages: count('The last messages that each topic keeps.', { minimum: 0, maximum: 10_000 }),
      age: duration('For how long it keeps them.'),
    }),
    maxMessageSize: size('The largest message that a client may send.', { minimum: 1, maximum: 16_777_216 }),
    maxQueueSize: size('The messages that may wait for a slow client. Beyond that, its connection ends.', { minimum: 1_024 }),
    maxSubscriptions: count('The topics of one connection.', { minimum: 1, maximum: 10_000 }),
    maxConnections: count('The open connections of each worker.', { minimum: 1, maximum: 1_000_000 }),
    heartbeat: duration('A connection without traffic gets a sign of life so often; one that does not answer a ping ends.'),
    lifetime: duration('A connection ends after this time, so that its caller proves itself again.'),
  },
);
