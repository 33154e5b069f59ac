// Rules of the group `openapi` of an HTTPPolicy that a schema cannot express.
import type { FieldError } from '../field-error.ts';
import type { PolicyObjects } from '../policies.ts';

type Settings = NonNullable<PolicyObjects['HTTPPolicy']['spec']['openapi']>;

/** The rules that the settings violate. */
export function checkOpenApi(settings: Settings | undefined): FieldError[] {
  if (settings === undefined) return [];
  const { documentRef, uri, ca } = settings;
  const named = [documentRef, uri].filter((each) => each !== undefined).length;
  return [
    ...(named === 0 && !isOff(settings)
      ? [{ field: 'spec.openapi', reason: 'must have documentRef or uri, unless all of it is Off' }]
      : []),
    ...(named === 2 ? [{ field: 'spec.openapi.uri', reason: 'cannot be set together with documentRef: remove one of them' }] : []),
    ...(ca !== undefined && uri === undefined ? [{ field: 'spec.openapi.ca', reason: 'must be set only with uri' }] : []),
  ];
}

/** Whether settings only end what a policy further away says. */
export function isOff({ request, response = 'Off', mock = 'Disabled' }: Pick<Settings, 'request' | 'response' | 'mock'>): boolean {
  return request === 'Off' && response === 'Off' && mock === 'Disabled';
}
