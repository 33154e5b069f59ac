// While a kind cannot be read, a condition may report an object as missing although it exists. The condition then says so.
import type { KindName } from '#api/k8s/kinds.ts';
import type { DesiredCondition, DesiredStatus } from '../compile/result.ts';
import { partsOf } from './problems.ts';

/** By reason of a condition: the kinds whose objects decide whether it applies. */
const DECIDED_BY: ReadonlyMap<string, readonly KindName[]> = new Map<string, readonly KindName[]>([
  ['InvalidCertificateRef', ['Secret']],
  ['InvalidClientCertificateRef', ['Secret']],
  ['InvalidCACertificateRef', ['ConfigMap', 'Secret']],
  ['NoValidCACertificate', ['ConfigMap', 'Secret']],
  ['BackendNotFound', ['Service', 'Backend']],
  ['RefNotPermitted', ['ReferenceGrant']],
  ['NotFound', ['ConfigMap', 'Secret']],
  ['InvalidParameters', ['GatewayParameters']],
  ['NoMatchingParent', ['Gateway', 'ListenerSet']],
  ['NotAllowedByListeners', ['Namespace']],
  ['NotAllowed', ['Namespace']],
  [
    'TargetNotFound',
    ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute', 'Service', 'Backend', 'ReferenceGrant'],
  ],
]);

/** Whether the status has a condition that is doubtful while some kind cannot be read. */
export function isDoubtful(status: DesiredStatus): boolean {
  return partsOf(status).some(([, own]) => own.some(({ reason }) => DECIDED_BY.has(reason)));
}

/** The status with a remark in each condition that depends on an unread kind. */
export function withDoubts(status: DesiredStatus, unread: ReadonlySet<string>): DesiredStatus {
  return unread.size === 0 ? status : mapConditions(status, (condition) => doubted(condition, unread));
}

function doubted(condition: DesiredCondition, unread: ReadonlySet<string>): DesiredCondition {
  const kinds = (DECIDED_BY.get(condition.reason) ?? []).filter((kind) => unread.has(kind));
  if (kinds.length === 0) return condition;
  return { ...condition, message: `may be outdated (${kinds.join(' and ')} cannot be read now): ${condition.message}` };
}

function mapConditions(status: DesiredStatus, map: (condition: DesiredCondition) => DesiredCondition): DesiredStatus {
  const own = <E extends { readonly conditions: readonly DesiredCondition[] }>(entry: E): E => ({
    ...entry,
    conditions: entry.conditions.map(map),
  });
  switch (status.type) {
    case 'GatewayClass':
    case 'Backend':
    case 'Consumer':
    case 'Alerting':
      return own(status);
    case 'Gateway':
    case 'ListenerSet':
      return { ...own(status), listeners: status.listeners.map(own) };
    case 'Route':
      return { ...status, parents: status.parents.map(own) };
    case 'Policy':
      return { ...status, ancestors: status.ancestors.map(own) };
  }
}
