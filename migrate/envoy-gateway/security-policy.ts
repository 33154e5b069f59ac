// SecurityPolicy of Envoy Gateway: CORS becomes a filter; the rest protects routes and has no equivalent yet.
import { Fields } from '../fields.ts';
import type { InputObject } from '../input.ts';
import { compact } from '../manifest.ts';
import type { Filter } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import { targetsOf } from './target.ts';

/** Notes the CORS filter and the lost protection for the targets of the policy. */
export function convertSecurity(object: InputObject, plan: Plan): void {
  const spec = new Fields(object.value['spec'], 'spec');
  const targets = targetsOf(spec);
  const filters = spec.has('cors') ? [corsOf(spec.group('cors'))] : [];
  const open = spec.unread().map((field) => `SecurityPolicy ${object.name} (${field.split('.')[1] ?? ''})`);
  plan.unread(object, spec, { 'spec.targetSelectors': { reason: 'targets by label are not followed', advice: 'name the targets' } });
  for (const { kind, name } of targets) {
    const id = `${kind}/${object.namespace}/${name}`;
    if (plan.find(kind, object.namespace, name) === undefined)
      plan.leftOut(object, { field: 'spec.targetRefs', reason: `${id} is not in the files`, advice: 'give weir migrate its file too' });
    plan.additions.add(id, { filters, open: [...new Set(open)] });
  }
}

/** Envoy's `*` among methods and headers means all, as in the Gateway API. */
function corsOf(cors: Fields): Filter {
  const maxAge = secondsOf(cors.text('maxAge'));
  const lists = {
    allowOrigins: cors.texts('allowOrigins'),
    allowMethods: cors.texts('allowMethods'),
    allowHeaders: cors.texts('allowHeaders'),
    exposeHeaders: cors.texts('exposeHeaders'),
  };
  return { type: 'CORS', cors: compact({ ...lists, allowCredentials: cors.flag('allowCredentials'), maxAge }) };
}

function secondsOf(duration: string | undefined): number | undefined {
  const units: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1 };
  const parts = [...(duration ?? '').matchAll(/([0-9]+)(h|m|s)(?![a-z])/g)];
  return parts.length === 0 ? undefined : parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0);
}
