// The Event about an object that a bug in Weir keeps from being compiled.
import { KINDS } from '#api/k8s/kinds.ts';
import type { UnitFault } from '../compile/result.ts';
import type { EventReport } from './event-writer.ts';

/** None where it is not known which object it is. */
export function faultEvents({ unit, object, error }: UnitFault): readonly EventReport[] {
  const [kind = '', second = '', third] = object.split('/');
  const { namespace, name } = third === undefined ? { namespace: '', name: second } : { namespace: second, name: third };
  if (name === '' || !Object.hasOwn(KINDS, kind)) return [];
  const reason = error instanceof Error ? error.message : String(error);
  const note = `a bug in Weir keeps it from being compiled (${unit}): ${reason}. What it was compiled to before stays in force`;
  return [
    {
      ref: { kind, namespace, name },
      identity: `${object} ${unit} ${reason}`,
      type: 'Warning',
      reason: 'CompileFailed',
      action: 'Compile',
      note,
    },
  ];
}
