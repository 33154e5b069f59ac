// The Event about a source of endpoints that does not answer, on the object whose endpoints it looks up.
import type { SourceTrouble } from '../watch/found.ts';
import type { EventReport } from './event-writer.ts';

/** `owner`: `Backend/<namespace>/<name>`, or `Service/<namespace>/<name>/<port>`. */
export function sourceEvent(owner: string, { reason, message }: SourceTrouble): EventReport {
  const [kind = '', namespace = '', name = ''] = owner.split('/');
  return {
    ref: { kind, namespace, name },
    identity: `${owner} ${reason} ${message}`,
    type: 'Warning',
    reason,
    action: 'Resolve',
    note: message,
  };
}
