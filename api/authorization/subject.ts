// What the rules of an authorization read of a request. An exchange of the proxy has these fields.
import type { PrincipalSource } from '../expression/facts.ts';

export interface AccessSubject {
  readonly method: string;
  /** Normalised, without the query. */
  readonly path: string;
  /** Flat pairs of a lower-case name and a value. */
  readonly requestHeaders: readonly string[];
  readonly clientAddress: string;
  /** Null: no caller is authenticated. */
  readonly principal: PrincipalSource | null;
}
