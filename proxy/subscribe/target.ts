// What configuration is given to: the worker, or a supervisor that hands it to several.
import type * as ir from '#api/ir/ir.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';

export interface SubscribeTarget {
  /**
   * Serves these from now on. Resolves once they are served, to what cannot be: of what was given, or of what came earlier and
   * is broken by it. Never called again before it has resolved.
   */
  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]>;
  /** Has somebody told whenever something may be served that waited: given once more, it is served or refused. */
  onRecovery?(listener: () => void): void;
}
