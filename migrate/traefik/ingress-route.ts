// IngressRoute > HTTPRoutes, one for each set of host names.
import type { SecretName } from '../edge.ts';
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { compact, slug } from '../manifest.ts';
import type { Filter, Match, ParentRef, Rule } from '../manifest.ts';
import type { Plan, WantedRoute } from '../plan.ts';
import { portsOf } from './entry-points.ts';
import { matchOf } from './match.ts';
import type { RouteMatch } from './match.ts';
import { chainOf } from './middlewares.ts';
import type { Chain } from './middlewares.ts';
import { parseRule } from './rule.ts';
import { targetsOf } from './services.ts';
import type { Targets } from './services.ts';
import { tlsTermsOf } from './tls-options.ts';
import type { TlsTerms } from './tls-options.ts';

/** What the rules of one host need. */
interface HostRules {
  readonly rules: Rule[];
  readonly policy: Record<string, unknown>;
  readonly open: Set<string>;
}

/** Writes the routes of one IngressRoute. */
export function convertIngressRoute(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const hosts = new Map<string, HostRules>();
  for (const route of spec.groups('routes')) addRoute(route, object, plan, hosts);
  const tls = spec.group('tls');
  const secured = spec.has('tls');
  const ports = portsOf(spec, [secured ? 'websecure' : 'web'], object, plan);
  const terms = secured ? tlsTermsOf(tls.group('options'), object, plan) : { options: {}, open: [] };
  for (const [host, { rules, policy, open }] of hosts) {
    const secret = secured ? certificateOf(tls, host, object, plan) : undefined;
    const parents = ports.map((port) => listenerOf(host, port, { secret, terms }, plan));
    const name = hosts.size === 1 ? object.name : `${object.name}-${host === '' ? 'any' : slug(host)}`;
    const route: WantedRoute = {
      name,
      hostnames: host === '' ? [] : [host],
      parents,
      rules,
      policy,
      open: [...open, ...terms.open],
      labels: new Fields(object.value['metadata'], 'metadata').textMap('labels'),
    };
    if (parents.length > 0) plan.writeRoute(object, route);
  }
  tls.whole('domains');
  plan.unread(object, spec, {
    'spec.tls.store': { reason: 'a Gateway has no default certificate', advice: 'name the Secret of each host' },
  });
}

function listenerOf(host: string, port: number, tls: { secret: SecretName | undefined; terms: TlsTerms }, plan: Plan): ParentRef {
  if (tls.secret === undefined) return plan.edge.listener({ protocol: 'HTTP', port, hostname: '' }).parent;
  return plan.edge.listener({ protocol: 'HTTPS', port, hostname: host, secret: tls.secret, options: tls.terms.options }).parent;
}

/** The Secret of a host; a name to be filled where Traefik itself asked for the certificate. */
function certificateOf(tls: Fields, host: string, object: InputObject, plan: Plan): SecretName {
  const named = tls.text('secretName');
  const resolver = tls.text('certResolver');
  const name = named ?? `${slug(host === '' ? object.name : host)}-tls`;
  if (named === undefined) {
    const reason = `${resolver === undefined ? 'the default certificate' : `the certificate resolver ${resolver}`} of Traefik has no equivalent`;
    plan.leftOut(object, {
      field: tls.at('secretName'),
      reason,
      advice: `put the certificate of ${host} into Secret/${object.namespace}/${name}, as cert-manager does`,
    });
  }
  return { namespace: object.namespace, name };
}

function addRoute(route: Fields, object: InputObject, plan: Plan, hosts: Map<string, HostRules>): void {
  const alternatives = parseRule(route.text('match') ?? '');
  route.text('kind');
  route.text('syntax');
  if (route.number('priority') !== undefined) {
    const reason = 'the Gateway API decides by the longer path, then by more conditions';
    plan.note('differs', object, { field: route.at('priority'), reason });
  }
  const chain = chainOf(route.groups('middlewares'), object, plan);
  const targets = targetsOf(route.groups('services'), object, plan);
  if (!alternatives.ok) {
    plan.leftOut(object, { field: route.at('match'), reason: alternatives.error, advice: 'write the rule as an HTTPRoute by hand' });
    return;
  }
  for (const alternative of alternatives.value) {
    const found = matchOf(alternative);
    if (found.ok) addRule(found.value, route, { chain, targets, object, plan }, hosts);
    else plan.leftOut(object, { field: route.at('match'), reason: found.error, advice: 'write the rule as an HTTPRoute by hand' });
  }
}

interface RuleParts {
  readonly chain: Chain;
  readonly targets: Targets;
  readonly object: InputObject;
  readonly plan: Plan;
}

function addRule({ host, match }: RouteMatch, route: Fields, parts: RuleParts, hosts: Map<string, HostRules>): void {
  const { chain, targets } = parts;
  const of = hosts.get(host) ?? { rules: [], policy: {}, open: new Set<string>() };
  hosts.set(host, of);
  Object.assign(of.policy, targets.policy, chain.policy);
  for (const name of chain.open) of.open.add(name);
  const redirects = chain.filters.some(({ type }) => type === 'RequestRedirect');
  const rewrites = redirects ? [] : rewritesOf(match, route, parts);
  const filters = merged([...chain.filters, ...rewrites, ...targets.filters]);
  of.rules.push(
    compact({ matches: Object.keys(match).length > 0 ? [match] : [], filters, ...(redirects ? {} : { backendRefs: targets.backendRefs }) }),
  );
}

function rewritesOf(match: Match, route: Fields, { chain, object, plan }: RuleParts): Filter[] {
  return chain.rewrites.flatMap((rewrite) => {
    const filter = rewrite(match);
    const reason = 'a prefix can be stripped or added only where the rule has a PathPrefix with it';
    if (filter === null) plan.note('differs', object, { field: route.at('middlewares'), reason });
    return filter ?? [];
  });
}

/** A rule may have one filter of each type, mirrors excepted: modifiers of several middlewares become one. */
function merged(filters: readonly Filter[]): Filter[] {
  const result: Filter[] = [];
  for (const filter of filters) {
    const known = filter.type === 'RequestMirror' ? -1 : result.findIndex(({ type }) => type === filter.type);
    if (known === -1) result.push(filter);
    else result[known] = joined(result[known] as Filter, filter);
  }
  return result;
}

/** The later settings win; lists of headers are added up. */
function joined(first: Filter, second: Filter): Filter {
  const name = first.type === 'CORS' ? 'cors' : first.type.replace(/^URL/, 'url').replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  const [one, two] = [first[name], second[name]] as [Record<string, unknown>, Record<string, unknown>];
  const sums = ['set', 'add', 'remove'].flatMap((list) => {
    const items = [...((one[list] as unknown[] | undefined) ?? []), ...((two[list] as unknown[] | undefined) ?? [])];
    return items.length > 0 ? [[list, items] as const] : [];
  });
  return { ...first, [name]: { ...one, ...two, ...Object.fromEntries(sums) } };
}
