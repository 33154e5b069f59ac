// The areas of the admin API, in the order of the document. A new area gets a row here, and what it needs is a member of AdminParts.
import { healthArea, type Health } from './health.ts';
import type { Area } from './operation.ts';

/** What the areas need. */
export interface AdminParts {
  readonly health: Health;
}

/** All areas. */
export function areasOf({ health }: AdminParts): readonly Area[] {
  return [healthArea(health)];
}
