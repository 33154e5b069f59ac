// Endpoints that operators and instances register at the controller, by `weir endpoints` or its HTTP API.
import type { Static } from '#lib/typebox.ts';
import { closed } from '../schema.ts';
import type { BackendSourceOf } from './backend-source.ts';

/** No settings: each endpoint has its own. */
export const RegisteredSettings = closed({}, { description: 'Endpoints that are registered at the controller, by `weir endpoints add`.' });
export type RegisteredSettings = Static<typeof RegisteredSettings>;

/** The source `registered`. */
export const registeredSource: BackendSourceOf<typeof RegisteredSettings> & { readonly source: 'registered' } = {
  source: 'registered',
  schema: RegisteredSettings,
  secrets: () => [],
  describe: () => '',
  check: () => [],
};
