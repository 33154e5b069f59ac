// Rules of the group `grpcJson` of an HTTPPolicy that a schema cannot express.
import type { FieldError } from '../field-error.ts';
import type { PolicyObjects } from '../policies.ts';

type Settings = NonNullable<PolicyObjects['HTTPPolicy']['spec']['grpcJson']>;

/** The rules that the settings violate. */
export function checkGrpcJson(settings: Settings | undefined): FieldError[] {
  if (settings === undefined || settings.mode === 'Disabled') return [];
  const { descriptors, reflection } = settings;
  const named = [descriptors, reflection].filter((each) => each !== undefined).length;
  if (named === 0) return [{ field: 'spec.grpcJson', reason: 'must have descriptors or reflection, unless its mode is Disabled' }];
  if (named === 1) return [];
  return [{ field: 'spec.grpcJson.reflection', reason: 'cannot be set together with descriptors: remove one of them' }];
}
