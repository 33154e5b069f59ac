// The group `cache` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, duration, group, size } from '../setting.ts';

const TOKEN = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";

/** A list of names; a nearer policy replaces the whole list. */
function names(description: string, pattern: string, must: string) {
  const name = Type.String({ minLength: 1, maxLength: 128, pattern, '~must': must });
  return Type.Optional(Type.Array(name, { maxItems: 32, description }));
}

/** Any characters of a query besides the separators. */
const PARAMETER = '^[^&=#\\s]+$';

export const cache = group('Stores the answers of backends and answers later requests with them (RFC 9111). Only GET is stored.', {
  mode: choice('Disabled: every request goes to the backend. For the targets of a nearer policy.', ['Enabled', 'Disabled']),
  store: choice(
    'Memory: each worker of a proxy stores answers of its own. Redis: behind that memory, all proxies of a Redis (--redis-url) share answers.',
    ['Memory', 'Redis'],
  ),
  maxBodySize: size('Longer bodies are not stored.', { minimum: 1, maximum: 268_435_456 }),
  defaultTtl: duration('How long an answer without a lifetime of its own is fresh.'),
  maxTtl: duration('The longest time that any answer is fresh.'),
  heuristics: choice('Enabled: an answer without a lifetime is fresh for a tenth of the time since its Last-Modified, for a day at most.', [
    'Enabled',
    'Disabled',
  ]),
  staleWhileRevalidate: duration('How long a stale answer may be used while the backend is asked. For answers that do not say it.'),
  staleIfError: duration('How long a stale answer may be used while the backend fails. For answers that do not say it.'),
  requestDirectives: choice('Ignore: a client cannot make the cache ask the backend by Cache-Control, and cannot keep an answer from it.', [
    'Honour',
    'Ignore',
  ]),
  key: group('The parts of a request that belong to the key of a stored answer, besides scheme, host, path and query.', {
    includeQuery: names('Only these parameters of the query.', PARAMETER, 'the name of a parameter'),
    excludeQuery: names('Not these parameters of the query.', PARAMETER, 'the name of a parameter'),
    headers: names('The values of these headers.', TOKEN, 'the name of a header'),
    cookies: names(
      'The values of these cookies; others mean nothing, so that a request with cookies has no credentials by them.',
      TOKEN,
      'the name of a cookie',
    ),
    principal: choice(
      'Own: each authenticated caller has answers of its own. Shared: callers get only answers that say that they are for all.',
      ['Own', 'Shared'],
    ),
  }),
});
