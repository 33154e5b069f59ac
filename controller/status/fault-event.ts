// The Event about an object that cannot be compiled because of a bug in Weir.
import { KINDS } from '#api/k8s/kinds.ts';
import type { UnitFault } from '../compile/result.ts';
import type { EventReport } from './event-writer.ts';

/** Empty if the object is unknown. */
export function faultEvents({ unit, object, error }: UnitFault): readonly EventReport[] {
  const [kind = '', second = '', third] = object.split('/');
  const { namespace, name } = third === undefined ? { namespace: '', name: second } : { namespace: second, name: third };
  if (name === '' || !Object.hasOwn(KINDS, kind)) return [];
  const reason = error instanceof Error ? error.message : String(error);
  const note = `cannot be compiled because of a bug in Weir (${unit}): ${reason}. The last good configuration stays in use`;
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
