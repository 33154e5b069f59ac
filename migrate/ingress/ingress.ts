// Source `ingress-nginx`: Ingress > HTTPRoute, TLSRoute, listeners and policies.
import type { InputObject } from '../input.ts';
import type { BackendRef } from '../manifest.ts';
import type { Plan } from '../plan.ts';
import type { Source } from '../source.ts';
import { Annotations } from './annotations.ts';
import { BodyLimits } from './body-limits.ts';
import { canaryOf } from './canary.ts';
import type { Canary } from './canary.ts';
import { IngressConverter } from './converter.ts';
import { pathsOf } from './paths.ts';

export const ingressNginx: Source = {
  name: 'ingress-nginx',
  owns: ({ group, kind }) => ['networking.k8s.io', 'extensions'].includes(group) && ['Ingress', 'IngressClass'].includes(kind),
  convert(objects, plan) {
    const limits = new BodyLimits();
    const ingresses = objects
      .filter((object) => isReadable(object, plan))
      .map((object) => ({ object, annotations: new Annotations(object) }));
    const canaries = ingresses.filter(({ annotations }) => annotations.isTrue('canary')).map((each) => readCanary(each, plan));
    for (const { object, annotations } of ingresses)
      if (!annotations.isTrue('canary')) new IngressConverter(object, annotations, plan, limits).convert(canaries);
    limits.write(plan);
  },
};

function isReadable(object: InputObject, plan: Plan): boolean {
  if (object.kind === 'IngressClass') {
    plan.note('not needed', object, { field: '', reason: `the GatewayClass ${plan.options.className} takes its place` });
    return false;
  }
  if (object.apiVersion === 'networking.k8s.io/v1') return true;
  plan.leftOut(object, {
    field: 'apiVersion',
    reason: `${object.apiVersion} is not read`,
    advice: 'write it as networking.k8s.io/v1 first',
  });
  return false;
}

function readCanary({ object, annotations }: { object: InputObject; annotations: Annotations }, plan: Plan): Canary {
  const backends = new Map<string, BackendRef>();
  for (const { host, path, backend } of pathsOf(object, plan))
    if (backend !== null) backends.set(`${object.namespace}/${host}${path}`, backend);
  const canary = canaryOf(object, annotations, backends, plan);
  annotations.tellRest(object, plan);
  return canary;
}
