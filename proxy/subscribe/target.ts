// The target of configuration: the worker, or a supervisor with several workers.
import type * as ir from '#api/ir/ir.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';

export interface SubscribeTarget {
  /**
   * Serves these resources from now on. Resolves once they are served, to the errors of refused resources, given now or earlier. The caller
   * waits for it before the next call.
   */
  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]>;
  /** Notes the revision of the configuration that is served now. */
  revised?(revision: string): void;
  /** Sets a callback for when waiting resources may be served: given again, they are served or refused. */
  onRecovery?(listener: () => void): void;
}
