// Explains the settings of a request: every setting in force for its listener and for each backend, with its origin. The proxy builds its
// runtime with the same merge.
import { formatDuration } from '#lib/duration.ts';
import { formatSize } from '#lib/size.ts';
import type { PolicyTarget, Route, StreamRoute } from '../ir/ir.ts';
import { POLICIES, type PolicyKind, type PolicyKindName } from '../k8s/policies.ts';
import { SETTINGS_OF_CONNECTIONS, SETTINGS_OF_FIRST_BACKENDS } from '../k8s/backend-traffic-policy.ts';
import { isAmong } from '../k8s/policy.ts';
import type { ReferenceType } from '../k8s/policy-reference.ts';
import { listenerTargets, requestTargets, type PolicyIndex } from './layers.ts';
import { leavesOfKind, mergePolicies, type SettingOrigin } from './merge.ts';
import type { BackendSetting } from './settings.ts';

/** The settings of one policy kind, and the listener or backend they apply to. */
export interface ExplainedSettings {
  readonly policyKind: PolicyKindName;
  /** `listener <key>`, `rule <key of the route>`, `backend <key of the cluster>` or `fallback <key of the cluster>`. */
  readonly subject: string;
  /** Settings without a policy have the value of the proxy's flags, and are not in the list. */
  readonly origins: readonly SettingOrigin[];
}

/** Kinds whose policies are not merged with those of another kind. */
const MERGED = POLICIES.filter((policy) => !('mergedInto' in policy));

/** The settings in force for requests that arrive at a listener (key) and match the rule. */
export function explainPolicies(policies: PolicyIndex, route: Route, listener: string): readonly ExplainedSettings[] {
  const explain = (policyKind: PolicyKindName, subject: string, targets: readonly PolicyTarget[]): ExplainedSettings => {
    const { origins } = mergePolicies(policyKind, policies.layers(policyKind, targets));
    return { policyKind, subject, origins: policyKind === 'BackendTrafficPolicy' ? withRule(route, origins) : origins };
  };
  return [
    ...kindsFor('listener').map((kind) => explain(kind, `listener ${listener}`, listenerTargets(listener))),
    ...kindsFor('rule').map((kind) => explain(kind, `rule ${route.key}`, requestTargets(route, listener, null))),
    ...clustersOf(route).flatMap((cluster) =>
      kindsFor('backend').map((kind) => explain(kind, `backend ${cluster}`, requestTargets(route, listener, cluster))),
    ),
    ...fallbacksOf(policies, route, listener).map((cluster): ExplainedSettings => {
      const explained = explain('BackendTrafficPolicy', `fallback ${cluster}`, requestTargets(route, listener, cluster));
      return { ...explained, origins: explained.origins.filter(({ field }) => !isAmong(SETTINGS_OF_FIRST_BACKENDS, field)) };
    }),
  ];
}

/** The fallbacks of the backends of a rule, each once. */
function fallbacksOf(policies: PolicyIndex, route: Route, listener: string): readonly string[] {
  const keys = clustersOf(route).flatMap((cluster) => {
    const layers = policies.layers('BackendTrafficPolicy', requestTargets(route, listener, cluster));
    return mergePolicies('BackendTrafficPolicy', layers).settings.fallback?.backendRef?.cluster ?? [];
  });
  return [...new Set(keys)];
}

/** The same for connections of a stream route: settings of backends that concern requests do not apply to connections. */
export function explainStreamPolicies(policies: PolicyIndex, route: StreamRoute, listener: string): readonly ExplainedSettings[] {
  const client = policies.layers('ClientTrafficPolicy', listenerTargets(listener));
  const clusters = route.objectKind === 'UDPRoute' ? [] : clustersOf(route);
  return [
    {
      policyKind: 'ClientTrafficPolicy',
      subject: `listener ${listener}`,
      origins: mergePolicies('ClientTrafficPolicy', client).origins,
    },
    ...clusters.map((cluster): ExplainedSettings => {
      const layers = policies.layers('BackendTrafficPolicy', requestTargets(route, listener, cluster));
      const origins = mergePolicies('BackendTrafficPolicy', layers).origins.filter(({ field }) => isAmong(SETTINGS_OF_CONNECTIONS, field));
      return { policyKind: 'BackendTrafficPolicy', subject: `backend ${cluster}`, origins };
    }),
  ];
}

function kindsFor(subject: PolicyKind['appliesTo']): readonly PolicyKindName[] {
  return MERGED.filter(({ appliesTo }) => appliesTo === subject).map(({ kind }) => kind);
}

function clustersOf({ backends }: Route | StreamRoute): readonly string[] {
  return [...new Set(backends.flatMap(({ cluster }) => cluster ?? []))];
}

/** Settings in the rule itself win over all policies. */
function withRule(route: Route, origins: readonly SettingOrigin[]): readonly SettingOrigin[] {
  const own = new Map<string, unknown>([
    ['protocol', route.http2 === true ? 'HTTP2' : undefined],
    ['timeouts.request', route.timeouts.request ?? undefined],
    ['timeouts.backendRequest', route.timeouts.backendRequest ?? undefined],
    ['retry.attempts', route.retry?.attempts],
    // Without statuses the rule leaves them to the policies.
    ['retry.codes', route.retry?.codes.length === 0 ? undefined : route.retry?.codes],
    ['retry.backoff', route.retry?.backoff],
    ...sessionsOf(route.sessionPersistence),
  ]);
  // They replace those of policies as a whole (GEP-1619).
  const left = route.sessionPersistence === undefined ? origins : origins.filter(({ field }) => !field.startsWith(SESSIONS));
  const fields = leavesOfKind('BackendTrafficPolicy').map(({ path }) => path.join('.'));
  return fields.flatMap((field): readonly SettingOrigin[] => {
    const value = own.get(field);
    if (value !== undefined) return [{ field, value, policy: route.key, target: 'the rule itself' }];
    return left.filter((origin) => origin.field === field);
  });
}

const SESSIONS = 'loadBalancer.sessionPersistence.';

/** The settings of a rule that are not the default. */
function sessionsOf(sessions: Route['sessionPersistence']): readonly (readonly [string, unknown])[] {
  if (sessions === undefined) return [];
  const { type, name, permanent, absoluteTimeout, idleTimeout } = sessions;
  return [
    [`${SESSIONS}type`, type],
    [`${SESSIONS}sessionName`, name || undefined],
    [`${SESSIONS}absoluteTimeout`, absoluteTimeout || undefined],
    [`${SESSIONS}idleTimeout`, idleTimeout || undefined],
    [`${SESSIONS}cookieConfig.lifetimeType`, permanent ? 'Permanent' : undefined],
  ];
}

/** For a terminal: one line per setting, in the spelling of its author. */
export function printPolicies(explained: readonly ExplainedSettings[]): string {
  const printed = explained.filter(({ origins }) => origins.length > 0);
  return printed
    .flatMap(({ policyKind, subject, origins }) => [
      `settings of ${subject}`,
      ...origins.map(({ field, value, policy, target }) => `  ${field} ${describe(policyKind, field, value)}: ${policy}, ${target}`),
    ])
    .join('\n');
}

function describe(kind: PolicyKindName, field: string, value: unknown): string {
  const { schema = {} } = leavesOfKind(kind).find(({ path }) => path.join('.') === field) ?? {};
  const { '~unit': unit, '~reference': reference } = schema as { '~unit'?: string; '~reference'?: ReferenceType };
  if (reference === 'backend') return (value as BackendSetting).cluster;
  if (unit === 'milliseconds') return formatDuration(value as number);
  return unit === 'bytes' ? formatSize(value as number) : JSON.stringify(value);
}
