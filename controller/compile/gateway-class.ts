// GatewayClasses: which belong to this controller, and whether it can serve them.
import { classAccepted, classNotAccepted } from './conditions.ts';
import { versionConditions } from './gateway-api-version.ts';
import { classParameters } from './parameters.ts';
import { supportedFeatures } from './supported-features.ts';
import { valueOnly, type UnitKind } from './view.ts';

/** The outcome that Gateways of the class depend on. */
export type ClassOutcome = 'ours' | 'not ours' | 'not accepted';

/** Key: the name of the class. */
export const gatewayClassUnit: UnitKind<ClassOutcome> = {
  name: 'gateway-class',
  stage: 'leaf',
  fallback: () => 'not ours',
  compile(view, name) {
    const gatewayClass = view.object('GatewayClass', '', name);
    if (gatewayClass?.spec.controllerName !== view.options.controllerName) return valueOnly('not ours');
    const parameters = classParameters(view, gatewayClass);
    const generation = gatewayClass.metadata.generation ?? 0;
    return {
      ...valueOnly(parameters.ok ? 'ours' : 'not accepted'),
      status: {
        ref: { kind: 'GatewayClass', namespace: '', name },
        uid: gatewayClass.metadata.uid ?? '',
        type: 'GatewayClass',
        conditions: [
          parameters.ok
            ? classAccepted(generation)
            : classNotAccepted(generation, { reason: 'InvalidParameters', message: parameters.error }),
          ...versionConditions(view, generation),
        ],
        supportedFeatures: supportedFeatures(view, parameters.ok ? (parameters.value.fleet ?? view.options.fleets.byDefault) : 'Shared'),
      },
    };
  },
};
