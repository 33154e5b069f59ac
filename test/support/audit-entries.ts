// Entries of an audit log for tests.
import type { AuditRecord } from '../../admin/api/authenticator.ts';
import { GENESIS, sealed, type AuditEntry, type AuditFacts, type ChainPlace } from '../../admin/audit/entry.ts';

let count = 0;

/** Facts with ids of their own. */
export function facts(some: Partial<AuditFacts> = {}): AuditFacts {
  count++;
  return {
    id: `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    time: new Date(1_700_000_000_000 + count).toISOString(),
    requestId: `request-${count}`,
    operation: 'users.update',
    path: '/users/ana',
    actor: { kind: 'user', id: 'u1', name: 'bob', session: 's1' },
    address: '192.0.2.1',
    userAgent: 'curl/8',
    reason: '',
    namespace: null,
    changes: [{ object: 'user/ana', before: { role: 'viewer' }, after: { role: 'editor' } }],
    outcome: 'success',
    status: 200,
    code: '',
    ...some,
  };
}

/** The facts as entries of a chain. */
export function chainOf(all: readonly AuditFacts[], start: ChainPlace = GENESIS): readonly AuditEntry[] {
  let last = start;
  return all.map((each, i) => {
    const entry = sealed(each, new Date(1_700_000_000_000 + i).toISOString(), last);
    last = entry;
    return entry;
  });
}

/** What the server tells about an operation of the user bob. */
export function auditRecord({
  caller,
  ...some
}: Partial<Omit<AuditRecord, 'caller'>> & { caller?: Partial<AuditRecord['caller']> } = {}): AuditRecord {
  return {
    time: 1_700_000_000_000,
    requestId: 'request',
    operation: 'users.update',
    path: '/users/ana',
    caller: { kind: 'user', id: 'u2', name: 'bob', address: '192.0.2.1', session: 's1', ...caller },
    userAgent: 'curl/8',
    reason: '',
    namespace: null,
    outcome: 'success',
    status: 200,
    code: '',
    changes: [{ object: 'user/ana', before: { role: 'viewer' }, after: { role: 'editor' } }],
    ...some,
  };
}
