// Findings from compiled statuses: each cause once, at its field. A condition that repeats another one, or summarises those of listeners,
// is not a cause.
import { objectId } from '#api/k8s/object.ts';
import { UNDER_WAY } from '../compile/acme.ts';
import { ENDPOINTS_RESOLVED } from '../compile/conditions.ts';
import type { DesiredCondition, DesiredStatus } from '../compile/result.ts';
import { isBad, partsOf } from '../status/problems.ts';
import type { Severity, Unplaced } from './finding.ts';
import { fieldOfCondition } from './status-fields.ts';
import type { Subject } from './subject.ts';

/** Reasons of a Gateway or ListenerSet that summarise conditions of its listeners. */
const SUMMARIES: ReadonlySet<string> = new Set(['ListenersNotValid', 'ListenersNotResolved']);
/** Reasons whose cause is in the status of the parent. */
const OF_PARENT: ReadonlySet<string> = new Set(['ParentNotAccepted', 'ParentNotProgrammed', 'NoReadyListeners']);
/** The state of a cluster, not of files: a Service has no address yet. */
const OF_CLUSTER = 'AddressNotAssigned';
/** Reasons of `EndpointsResolved` that have their cause in files. Others are the state of a source. */
const OF_BACKEND: ReadonlySet<string> = new Set(['AddressRefused', 'InvalidSecretRef']);
/** Conditions of objects that are served anyway. */
const SEVERITIES: ReadonlyMap<string, Severity> = new Map<string, Severity>([
  ['OverlappingTLSConfig', 'warning'],
  ['InsecureFrontendValidationMode', 'warning'],
  ['UnsupportedFields', 'warning'],
  ['Overridden', 'info'],
  [ENDPOINTS_RESOLVED, 'warning'],
]);

/** All causes in the statuses, in their order. */
export function statusFindings(subject: Subject): readonly Unplaced[] {
  const findings = subject.statuses.flatMap((status) => ofStatus(subject, status));
  return [...new Map(findings.map((finding) => [JSON.stringify([finding.object, finding.field, finding.reason]), finding])).values()];
}

function ofStatus(subject: Subject, status: DesiredStatus): readonly Unplaced[] {
  const parts = partsOf(status).map(([part, conditions]) => ({ part, causes: causesOf(conditions) }));
  const hasListenerCause = parts.some(({ part, causes }) => part !== '' && causes.length > 0);
  const isWholeRefused = parts.some(({ part, causes }) => part === '' && causes.some(({ reason }) => !SUMMARIES.has(reason)));
  return parts.flatMap(({ part, causes }, index) =>
    causes
      .filter(({ reason }) => !SUMMARIES.has(reason) || !hasListenerCause)
      .filter(({ type, reason }) => !(type === 'Programmed' && reason === 'Invalid' && (part === '' ? hasListenerCause : isWholeRefused)))
      .flatMap((condition) => toFindings(subject, status, { part, index, condition })),
  );
}

/** The bad conditions of one part, each message once. */
function causesOf(conditions: readonly DesiredCondition[]): readonly DesiredCondition[] {
  const bad = conditions.map(exceptionOf).filter((condition) => isBad(condition) || SEVERITIES.has(condition.type));
  const refused = bad.some(({ type, status }) => type === 'Accepted' && status === 'False');
  return bad.filter(
    ({ type, reason, message }, i) =>
      !OF_PARENT.has(reason) &&
      reason !== OF_CLUSTER &&
      (type !== ENDPOINTS_RESOLVED || OF_BACKEND.has(reason)) &&
      !(refused && type === 'Programmed' && reason !== 'AddressNotUsable') &&
      bad.findIndex((other) => other.message === message) === i,
  );
}

const EXCEPTION = 'the route is attached, but ';

/** A route that is attached to some of its listeners has the exception in the message of a True condition. */
function exceptionOf(condition: DesiredCondition): DesiredCondition {
  if (condition.type !== 'Accepted' || !condition.message.startsWith(EXCEPTION)) return condition;
  return { ...condition, type: 'Overridden', reason: 'HostnameConflict', message: condition.message.slice(EXCEPTION.length) };
}

interface Place {
  readonly part: string;
  readonly index: number;
  readonly condition: DesiredCondition;
}

function toFindings({ objects }: Subject, status: DesiredStatus, { part, index, condition }: Place): readonly Unplaced[] {
  const object = objectId(status.ref);
  const { type, reason, message } = condition;
  const severity = isUnderWay(condition) ? 'info' : (SEVERITIES.get(type) ?? 'error');
  const text = message.replace(/^Dropped Rule: /, '');
  if (type === 'UnsupportedFields' && text.startsWith(IGNORED)) return ignoredFields(object, text);
  return text.split(/; (?=spec\.)/).map((one) => {
    const [, field, rest] = /^(spec[^\s:]*): (.*)$/s.exec(one) ?? [];
    if (field !== undefined && rest !== undefined) return { severity, object, field, reason: `${reason}: ${rest}` };
    const place = { status, object: objects.get(object), part, index, condition };
    return { severity, object, field: fieldOfCondition(place), reason: `${reason}: ${one}` };
  });
}

/** The certificate of the listener comes by itself. */
function isUnderWay({ reason, message }: DesiredCondition): boolean {
  return (
    reason === 'InvalidCertificateRef' && /^\S+ (does not exist|has no certificate yet); /.test(message) && message.includes(UNDER_WAY)
  );
}

const IGNORED = 'not supported and ignored: ';

function ignoredFields(object: string, text: string): readonly Unplaced[] {
  return text
    .slice(IGNORED.length)
    .split(', ')
    .map((field) => {
      const isPath = field.startsWith('spec.');
      const reason = 'is not supported and has no effect; remove it';
      return { severity: 'warning', object, field: isPath ? field : '', reason: isPath ? reason : `${field} ${reason}` };
    });
}
