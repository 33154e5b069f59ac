// Generated listeners, routes and requests: small alphabets, so that they match often, and names that break objects used as maps.
import fc from 'fast-check';
import type { Listener, Match, Route } from '#api/ir/ir.ts';
import type { MatchRequest } from '../request.ts';
import { grpcMethod, listener, route } from './make.ts';

/** Mostly common values, so that requests match routes, and some rare ones. */
const mostly = (common: readonly string[], odd: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...common) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });

const label = mostly(['a', 'b'], ['ab', 'c', '__proto__', 'constructor']);
const segment = mostly(['a', 'b', 'ab'], ['', 'abc', '__proto__', 'constructor', '.x', '%2F']);
const name = mostly(['x'], ['__proto__', 'constructor']);
const value = mostly(['1'], ['2', '1,2', 'a b', '']);
const expressions = ['1', '[12]', '.*', '1(,2)?', '(a|b)+', '[^/]*', 'x*'];
const pathExpressions = ['/a', '/(a|b)', '/a.*', '/.*', '/ab?', '/a/[a-c]+', '(/[^/]+)+', '/ab{0}', '/a|/b'];

const host = fc.array(label, { maxLength: 3 }).map((parts) => parts.join('.'));

const pattern = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  host.filter((name) => name !== ''),
  host.filter((name) => name !== '').map((name) => `*.${name}`),
);

const path = fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);

// A prefix with two slashes at its end is excluded: the CRD refuses it, and the rule for one slash does not cover it.
const prefixPath = path.filter((value) => !value.endsWith('//'));

const pathMatch: fc.Arbitrary<Match['path']> = fc.oneof(
  path.map((value) => ({ type: 'Exact' as const, value })),
  prefixPath.map((value) => ({ type: 'PathPrefix' as const, value })),
  fc.constantFrom(...pathExpressions).map((value) => ({ type: 'RegularExpression' as const, value })),
  fc.tuple(fc.constantFrom('', 'a', 'a.*'), fc.constantFrom('', 'b', 'b?')).map(([service, method]) => grpcMethod(service, method)),
);

const valueMatch: fc.Arbitrary<Match['headers'][number]> = fc.oneof(
  fc.record({ type: fc.constant('Exact' as const), name, value }),
  fc.record({ type: fc.constant('RegularExpression' as const), name, value: fc.constantFrom(...expressions) }),
);

const valueMatches = fc.oneof({ weight: 5, arbitrary: fc.constant<Match['headers']>([]) }, { weight: 2, arbitrary: fc.array(valueMatch, { maxLength: 2 }) });

const match: fc.Arbitrary<Match> = fc.record({
  path: pathMatch,
  method: fc.constantFrom(null, null, 'GET', 'POST'),
  headers: valueMatches,
  queryParams: valueMatches,
});

const listenerNames = ['l0', 'l1', 'l2', 'l3'];

const unserved = fc.constantFrom<Partial<Listener>>({}, {}, {}, { unserved: 'no certificate' });

/** Up to four listeners of one port, some of them unserved; host names may repeat. */
export const listeners: fc.Arbitrary<Listener[]> = fc.uniqueArray(
  fc.tuple(fc.constantFrom(...listenerNames), pattern, unserved).map(([name, hostname, rest]) => ({ ...listener(name, hostname), ...rest })),
  { selector: ({ key }) => key, minLength: 1, maxLength: 4 },
);

/** A rule with the host names of its object; `attach` turns it into IR for given listeners. */
export interface DraftRoute {
  readonly route: Route;
  readonly hostnames: readonly string[];
  readonly listenerNames: readonly string[];
}

const draftRoute: fc.Arbitrary<DraftRoute> = fc.record({
  route: fc
    .record({
      name: fc.constantFrom('r', 's', 't', 'u'),
      namespace: fc.constantFrom('n', 'n-a'),
      ruleIndex: fc.nat(2),
      createdAt: fc.nat(2),
      matches: fc.array(match, { minLength: 1, maxLength: 3 }),
    })
    .map(({ name, matches, ...parts }) => route(name, matches, parts)),
  hostnames: fc.array(pattern, { maxLength: 2 }),
  listenerNames: fc.subarray(listenerNames, { minLength: 1 }),
});

/** Rules with different keys. */
export const draftRoutes: fc.Arbitrary<DraftRoute[]> = fc.uniqueArray(draftRoute, { selector: (draft) => draft.route.key, minLength: 1, maxLength: 20 });

/** Attaches a route to each listener with the host names of both, as a controller does. */
export function attach({ route: bare, hostnames, listenerNames: wanted }: DraftRoute, available: readonly Listener[]): Route {
  const attachments = available
    .filter(({ key }) => wanted.some((name) => key === `infra/gw/${name}`))
    .map(({ key, hostname }) => ({ listener: key, hostnames: agree(hostname, hostnames) }))
    .filter((attachment) => attachment.hostnames.length > 0);
  return { ...bare, attachments };
}

function agree(ofListener: string, ofRoute: readonly string[]): string[] {
  if (ofRoute.length === 0) return [ofListener];
  return ofRoute.map((hostname) => intersect(ofListener, hostname)).filter((hostname) => hostname !== null);
}

function intersect(a: string, b: string): string | null {
  if (a === '' || a === b) return b;
  if (b === '') return a;
  if (a.startsWith('*.') && b.endsWith(a.slice(1))) return b;
  return b.startsWith('*.') && a.endsWith(b.slice(1)) ? a : null;
}

const headers = fc.array(fc.tuple(fc.oneof(name, fc.constant('z')), value), { maxLength: 4 }).map((pairs) => pairs.flat());

const query = fc
  .array(fc.tuple(fc.oneof(name, fc.constantFrom('%78', 'z')), fc.oneof(value, fc.constantFrom(null, 'a+b', 'a%20b', '%31'))), { maxLength: 4 })
  .map((pairs) => pairs.map(([name, value]) => (value === null ? name : `${name}=${value}`)).join('&'));

/** A normalised request, as a proxy passes it. */
export const request: fc.Arbitrary<MatchRequest> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  host,
  path,
  query,
  headers,
  listener: fc.constantFrom(undefined, undefined, undefined, '', ...listenerNames.map((name) => `infra/gw/${name}`), 'infra/gw/other'),
});
