// The rights of a controller as its documentation lists them: tests run it with these and no others, which proves the list complete.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { PolicyRule } from '../cluster/cluster.ts';

const DOCUMENT = path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'controller.md');

/** The table below "Rights it needs". */
export function documentedRights(): PolicyRule[] {
  const section =
    readFileSync(DOCUMENT, 'utf8')
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
