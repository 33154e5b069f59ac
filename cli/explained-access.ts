// The decision of authorization in `weir explain`, for a caller that flags describe. The code of the proxy decides.
import { Authorization, type ExplainedAccess } from '#api/authorization/authorization.ts';
import type { AccessSubject } from '#api/authorization/subject.ts';
import { ClientFacts, PrincipalFacts, RequestFacts, type Facts, type PrincipalSource } from '#api/expression/facts.ts';
import type { MatchRequest } from '#api/match/table.ts';
import { mergePolicies } from '#api/policy/merge.ts';
import { requestTargets, type PolicyIndex } from '#api/policy/layers.ts';
import type * as ir from '#api/ir/ir.ts';
import type { FlagGroup, FlagValues } from '#lib/flags.ts';
import { removeIdentities } from '../proxy/filter/headers-to-backend.ts';
import { UsageError } from './command.ts';

/** The flags that describe the caller. */
export const ACCESS_FLAGS: FlagGroup = {
  title: 'The caller, for authorization',
  flags: {
    principal: { default: '', value: 'ID', text: 'id of the authenticated caller; none, if no flag of the caller is given' },
    'principal-method': { default: '', value: 'METHOD', text: 'how it was authenticated, such as jwt' },
    group: { default: '', value: 'GROUP', text: 'a group of the caller', multiple: true },
    claim: { default: '', value: 'NAME=VALUE', text: 'a claim of the caller; VALUE is JSON, or a text', multiple: true },
    consumer: { default: '', value: 'NAMESPACE/NAME', text: 'Consumer of the caller' },
    plan: { default: '', value: 'PLAN', text: 'plan of its Consumer' },
  },
};

/** The caller that the flags describe; null without one of them. Throws a UsageError for a claim of the wrong form. */
export function callerOf(values: FlagValues): PrincipalSource | null {
  const caller = {
    id: values.text('principal'),
    method: values.text('principal-method'),
    groups: values.list('group'),
    claims: Object.fromEntries(values.list('claim').map(claimOf)),
    consumer: values.text('consumer'),
    plan: values.text('plan'),
  };
  const { id, method, groups, claims, consumer, plan } = caller;
  const isNone = [id, method, consumer, plan, ...groups, ...Object.keys(claims)].every((text) => text === '');
  return isNone ? null : caller;
}

function claimOf(text: string): readonly [string, unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new UsageError(`--claim ${JSON.stringify(text)}: expected NAME=VALUE`);
  const value = text.slice(equals + 1);
  try {
    return [text.slice(0, equals), JSON.parse(value) as unknown];
  } catch {
    return [text.slice(0, equals), value];
  }
}

/** A hypothetical request, with what expressions can read of it besides. */
export interface HypotheticalRequest extends AccessSubject {
  readonly request: MatchRequest;
  readonly secured: boolean;
}

/** The decision for a request to a rule, and the policy that has the rules; null without authorization. */
export interface ExplainedPolicyAccess extends ExplainedAccess {
  readonly policy: string;
}

/** What the proxy would decide about a request that arrives at a listener (key) and matches the rule. */
export function explainAccess(
  policies: PolicyIndex,
  route: ir.Route,
  listener: string,
  request: HypotheticalRequest,
): ExplainedPolicyAccess | null {
  const { settings, origins } = mergePolicies('SecurityPolicy', policies.layers('SecurityPolicy', requestTargets(route, listener, null)));
  if (settings.authorization === undefined) return null;
  const policy = origins.find(({ field }) => field === 'authorization')?.policy ?? '';
  const requestHeaders = [...request.requestHeaders];
  // Clients cannot set them, so no rule sees them.
  removeIdentities(settings, requestHeaders);
  const seen = { ...request, requestHeaders, request: { ...request.request, headers: requestHeaders } };
  return { policy, ...new Authorization(settings.authorization, factsOf).explain(seen) };
}

function factsOf({ request, secured, clientAddress, principal }: HypotheticalRequest): Facts {
  const { method, host, path, query, headers, own } = request;
  const scheme = secured ? 'https' : 'http';
  return {
    request: new RequestFacts({ method, scheme, host, path, query, headers, size: own?.contentLength ?? 0 }),
    client: new ClientFacts(clientAddress),
    principal: new PrincipalFacts(principal),
    now: new Date(),
  };
}

/** For a terminal: the decision, then each rule that was asked. */
export function printAccess(access: ExplainedPolicyAccess | null): string {
  if (access === null) return '';
  const { allowed, rule, undecided, enforced, policy, rules } = access;
  const verb = allowed ? 'allowed' : enforced ? 'refused' : 'passes, and would be refused';
  const by = rule === '' ? `no rule of ${policy} matches, by its default` : `rule ${rule} of ${policy}`;
  return [
    `access    ${verb}: ${by}${undecided ? ', whose expression has no value' : ''}`,
    ...rules.map(({ rule: name, action, failed }) => `  ${action.padEnd(5)} ${name}: ${failed === '' ? 'matches' : `no, by ${failed}`}`),
  ].join('\n');
}
