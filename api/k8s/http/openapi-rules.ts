// Rules of the group `openapi` of an HTTPPolicy that a schema cannot express.
import type { FieldError } from '../field-error.ts';
import type { PolicyObjects } from '../policies.ts';

type Settings = NonNullable<PolicyObjects['HTTPPolicy']['spec']['openapi']>;

/** The rules that the settings violate. */
export function checkOpenApi(settings: Settings | undefined): FieldError[] {
  if (settings === undefined || settings.documentRef !== undefined || isOff(settings)) return [];
  return [{ field: 'spec.openapi', reason: 'must have documentRef, unless all of it is Off' }];
}

/** Whether settings only end what a policy further away says. */
export function isOff({ request, response = 'Off', mock = 'Disabled' }: Pick<Settings, 'request' | 'response' | 'mock'>): boolean {
  return request === 'Off' && response === 'Off' && mock === 'Disabled';
}
