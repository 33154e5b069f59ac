// docs/reference/policies.md agrees with the schemas, field by field.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TSchema } from '#lib/typebox.ts';
import { POLICIES } from '../k8s/policies.ts';
import { leavesOf, type Leaf } from './settings.ts';

const DOCUMENT = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'policies.md'), 'utf8');
const SECTIONS = new Map(DOCUMENT.split(/^## /m).map((text) => [text.slice(0, text.indexOf('\n')).trim(), text]));

/** Every setting, also each of a group that is merged as a whole; the fields of a reference are the same everywhere. */
function rowsOf(schema: TSchema): readonly Leaf[] {
  return leavesOf(schema).flatMap((leaf) => {
    const { '~whole': isWhole } = leaf.schema as { '~whole'?: true };
    if (isWhole === undefined) return [leaf];
    return rowsOf(leaf.schema).map((inner): Leaf => ({ ...inner, path: [...leaf.path, ...inner.path] }));
  });
}

function typeName(schema: TSchema): string {
  if ('~reference' in schema) return 'reference';
  const { '~unit': unit, type, enum: words } = schema as { '~unit'?: string; type?: string; enum?: readonly string[] };
  if (unit !== undefined) return unit === 'bytes' ? 'size' : 'duration';
  // The names of filters have a page of their own.
  if (words !== undefined && words.length > 16) return 'name';
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(', ');
  return type === 'array' ? 'list' : (type ?? 'any');
}

describe.each(POLICIES.map((policy) => [policy.kind, policy] as const))('%s', (kind, policy) => {
  const section = SECTIONS.get(kind) ?? '';

  test('documents every setting in its order, with the type and the words of its schema', () => {
    const documented = [...section.matchAll(/^\| `([\w.]+)` *\| ([^|]+?) *\| ([^|]+?) *\|/gm)].map(([, ...cells]) => cells);
    const settings = rowsOf(policy.settings).map(({ path: names, schema }) => {
      return [names.join('.'), typeName(schema), (schema as { description?: string }).description];
    });
    expect(documented).toEqual(settings);
  });

  test('documents its possible targets, and its place in the table of the merge', () => {
    for (const target of policy.targets) expect(section).toContain(target.kind);
    expect(SECTIONS.get('Merge')).toContain(`| ${kind} |`);
  });
});
