// The input of the linter's checks: the files, and the result of the compiler.
import type * as ir from '#api/ir/ir.ts';
import type { DesiredStatus, UnitFault } from '../compile/result.ts';
import type { FolderContent } from '../watch/folder.ts';
import { Inventory } from './inventory.ts';

/** The compiler's result for the objects of a folder. */
export interface Compiled {
  readonly resources: readonly ir.Resource[];
  readonly statuses: readonly DesiredStatus[];
  readonly faults: readonly UnitFault[];
}

/** The input of a lint run. */
export interface LintOptions {
  /** GatewayClasses with this controller are Weir's. */
  readonly controllerName: string;
  /** Milliseconds since the epoch: certificates expire. */
  readonly now: number;
  /** The folder is served without a cluster: endpoints come from the files only. */
  readonly served: boolean;
}

/** The input of every check. */
export interface Subject extends LintOptions, Compiled {
  readonly content: FolderContent;
  readonly objects: Inventory;
}

/** Joins the parts. */
export function subjectOf(content: FolderContent, compiled: Compiled, options: LintOptions): Subject {
  return { ...options, ...compiled, content, objects: new Inventory(content.objects) };
}
