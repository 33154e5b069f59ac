// GatewayClasses: which are ours, and whether we can serve them.
import type { GatewayClass } from '#api/k8s/k8s.ts';
import { classAccepted, classNotAccepted } from './conditions.ts';
import { SUPPORTED_FEATURES } from './supported-features.ts';
import { valueOnly, type UnitKind } from './view.ts';

/** What a Gateway of the class needs to know. */
export type ClassOutcome = 'ours' | 'not ours' | 'not accepted';

/** Key: the name of the class. */
export const gatewayClassUnit: UnitKind<ClassOutcome> = {
  name: 'gateway-class',
  stage: 'leaf',
  compile(view, name) {
    const gatewayClass = view.object('GatewayClass', '', name);
    if (gatewayClass?.spec.controllerName !== view.options.controllerName) return valueOnly('not ours');
    const problem = problemOf(gatewayClass);
    const generation = gatewayClass.metadata.generation ?? 0;
    return {
      ...valueOnly(problem === null ? 'ours' : 'not accepted'),
      status: {
        ref: { kind: 'GatewayClass', namespace: '', name },
        uid: gatewayClass.metadata.uid ?? '',
        type: 'GatewayClass',
        conditions: [
          problem === null ? classAccepted(generation) : classNotAccepted(generation, { reason: 'InvalidParameters', message: problem }),
        ],
        supportedFeatures: SUPPORTED_FEATURES,
      },
    };
  },
};

function problemOf(gatewayClass: GatewayClass): string | null {
  const ref = gatewayClass.spec.parametersRef;
  return ref === undefined ? null : `spec.parametersRef: ${ref.kind}/${ref.name} of group "${ref.group}" is not supported`;
}
