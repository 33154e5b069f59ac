// The rights of a controller, and of the admin program, as documented. Tests grant exactly these, which proves that the list is complete.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PolicyRule } from '../cluster/cluster.ts';

const FOLDER = path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference');

/** The table under "Rights it needs". */
export function documentedRights(document: 'controller.md' | 'admin.md' = 'controller.md'): PolicyRule[] {
  const section =
    readFileSync(path.join(FOLDER, document), 'utf8')
      .split(/^## /m)
      .find((text) => text.startsWith('Rights it needs')) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) => {
    const [, groups = '', resources = '', verbs = ''] = row.split('|');
    return { apiGroups: groups.includes('(core)') ? [''] : code(groups), resources: code(resources), verbs: code(verbs) };
  });
}

function code(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
}
