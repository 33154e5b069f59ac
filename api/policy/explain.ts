// Why a request is treated as it is: every setting in force for its listener and on its way to each backend, and whose it is. By
// the merge that the proxy builds its runtime with.
import { formatDuration } from '#lib/duration.ts';
import { formatSize } from '#lib/size.ts';
import type { Route, StreamRoute } from '../ir/ir.ts';
import type { PolicyKindName } from '../k8s/policies.ts';
import { listenerTargets, requestTargets, type PolicyIndex } from './layers.ts';
import { leavesOfKind, mergePolicies, type SettingOrigin } from './merge.ts';

/** The settings of one policy kind, and what they are for. */
export interface ExplainedSettings {
  readonly policyKind: PolicyKindName;
  /** `listener <key>` or `backend <key of the cluster>`. */
  readonly subject: string;
  /** Settings that nobody makes are left to the flags of the proxy, and are not listed. */
  readonly origins: readonly SettingOrigin[];
}

/** What is in force for requests that come in at a listener (key) and match the rule. */
export function explainPolicies(policies: PolicyIndex, route: Route, listener: string): readonly ExplainedSettings[] {
  const client = policies.layers('ClientTrafficPolicy', listenerTargets(listener));
  const clusters = [...new Set(route.backends.flatMap(({ cluster }) => cluster ?? []))];
  return [
    {
      policyKind: 'ClientTrafficPolicy',
      subject: `listener ${listener}`,
      origins: mergePolicies('ClientTrafficPolicy', client).origins,
    },
    ...clusters.map((cluster): ExplainedSettings => {
      const layers = policies.layers('BackendTrafficPolicy', requestTargets(route, listener, cluster));
      const origins = withRule(route, mergePolicies('BackendTrafficPolicy', layers).origins);
      return { policyKind: 'BackendTrafficPolicy', subject: `backend ${cluster}`, origins };
    }),
  ];
}

/** The same for connections of a stream route: of the settings of backends those that concern requests say nothing to them. */
export function explainStreamPolicies(policies: PolicyIndex, route: StreamRoute, listener: string): readonly ExplainedSettings[] {
  const client = policies.layers('ClientTrafficPolicy', listenerTargets(listener));
  const clusters = route.objectKind === 'UDPRoute' ? [] : [...new Set(route.backends.flatMap(({ cluster }) => cluster ?? []))];
  return [
    {
      policyKind: 'ClientTrafficPolicy',
      subject: `listener ${listener}`,
      origins: mergePolicies('ClientTrafficPolicy', client).origins,
    },
    ...clusters.map((cluster): ExplainedSettings => {
      const layers = policies.layers('BackendTrafficPolicy', requestTargets(route, listener, cluster));
      const origins = mergePolicies('BackendTrafficPolicy', layers).origins.filter(({ field }) => /^proxyProtocol(?:\.|$)/.test(field));
      return { policyKind: 'BackendTrafficPolicy', subject: `backend ${cluster}`, origins };
    }),
  ];
}

/** What the rule says itself wins over all policies. */
function withRule(route: Route, origins: readonly SettingOrigin[]): readonly SettingOrigin[] {
  const own = new Map<string, unknown>([
    ['protocol', route.http2 === true ? 'HTTP2' : undefined],
    ['timeouts.request', route.timeouts.request ?? undefined],
    ['timeouts.backendRequest', route.timeouts.backendRequest ?? undefined],
    ...Object.entries(route.retry ?? {}).map(([name, value]): [string, unknown] => [`retry.${name}`, value]),
  ]);
  const fields = leavesOfKind('BackendTrafficPolicy').map(({ path }) => path.join('.'));
  return fields.flatMap((field): readonly SettingOrigin[] => {
    const value = own.get(field);
    if (value !== undefined) return [{ field, value, policy: route.key, target: 'the rule itself' }];
    // A retry of the rule is taken whole.
    return route.retry !== null && field.startsWith('retry.') ? [] : origins.filter((origin) => origin.field === field);
  });
}

/** For a terminal: a line for each setting, as its author would write it. */
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
  const schema = leavesOfKind(kind).find(({ path }) => path.join('.') === field)?.schema as { '~unit'?: string } | undefined;
  if (schema?.['~unit'] === 'milliseconds') return formatDuration(value as number);
  return schema?.['~unit'] === 'bytes' ? formatSize(value as number) : JSON.stringify(value);
}
