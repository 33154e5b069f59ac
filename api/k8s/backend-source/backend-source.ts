// A source of endpoints that a Backend may have: the descriptor beside the schema of its settings. index.ts has the list.
import type { Static, TSchema } from '#lib/typebox.ts';
import type { FieldError } from '../field-error.ts';

/** The source with settings of schema S. */
export interface BackendSourceOf<S extends TSchema> {
  /** The field of `spec` with the settings, and the name of the source in `controller/discovery`. */
  readonly source: string;
  /** The settings, with a description: `kubectl explain` shows it. */
  readonly schema: S;
  /** Names of the Secrets that the settings refer to, in the namespace of the Backend. */
  readonly secrets: (settings: Static<S>) => readonly string[];
  /** What is asked, in a few words for `weir explain`: the name of a service or in DNS; '' for nothing. */
  readonly describe: (settings: Static<S>) => string;
  /** Violations of rules that the schema cannot express (CEL in the CRD); fields below the settings, '' for the settings. */
  readonly check: (settings: Static<S>) => readonly FieldError[];
}
