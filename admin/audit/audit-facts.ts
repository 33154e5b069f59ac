// The facts of an operation for its entry: without secrets, and of limited size.
import { canonicalJson, type JsonValue } from '#lib/canonical-json.ts';
import { plainText } from '../store/plain-text.ts';
import type { AuditRecord } from '../api/authenticator.ts';
import type { AuditChange, AuditFacts } from './entry.ts';
import { redactedState } from './redacted-state.ts';

/** The states of later changes of the same operation are left out, characters of JSON. */
const MAX_CHANGES = 1_048_576;
/** Stands for such a state. */
const LEFT_OUT: JsonValue = { leftOut: 'the entry has too many changes' };

/** The facts about an operation. `id`: a UUID. */
export function auditFacts(record: AuditRecord, id: string): AuditFacts {
  const { time, operation, status, outcome, caller } = record;
  return {
    id,
    time: new Date(time).toISOString(),
    requestId: plainText(record.requestId),
    operation,
    path: plainText(record.path),
    actor: { kind: caller.kind, id: plainText(caller.id), name: plainText(caller.name), session: caller.session },
    address: plainText(caller.address),
    userAgent: plainText(record.userAgent),
    reason: plainText(record.reason),
    namespace: record.namespace === null ? null : plainText(record.namespace),
    changes: changesOf(record.changes),
    outcome,
    status,
    code: plainText(record.code),
  };
}

function changesOf(changes: AuditRecord['changes']): readonly AuditChange[] {
  let size = 0;
  return changes.map((change) => {
    const object = plainText(change.object);
    const [kind = ''] = object.split('/', 1);
    const [before, after] = [redactedState(kind, change.before), redactedState(kind, change.after)];
    size += canonicalJson([before, after]).length;
    return size <= MAX_CHANGES ? { object, before, after } : { object, before: leftOut(before), after: leftOut(after) };
  });
}

/** An object that did not exist stays one. */
function leftOut(state: JsonValue): JsonValue {
  return state === null ? null : LEFT_OUT;
}
