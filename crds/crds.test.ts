// Compares the CRD files with api/k8s. The test in test/cluster/parts.cluster.test.ts shows that a real API server accepts them.
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import { Type } from '#lib/typebox.ts';
import { parse } from 'yaml';
import { definitionFiles, OWN_KINDS } from './definitions.ts';
import { fieldsOf, REFERENCE, referencePage } from './reference.ts';
import { structuralSchema } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';

const CHART = path.resolve(import.meta.dirname, '..', 'charts', 'weir', 'files', 'crds');
const yamlFiles = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();

describe('CRD files', () => {
  test.each([import.meta.dirname, CHART])('in %s are those of api/k8s; `npm run crds` writes them', (folder) => {
    const written = yamlFiles(folder).map((name) => ({ name, text: readFileSync(path.join(folder, name), 'utf8') }));
    expect(written).toEqual(definitionFiles().toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  });

  test('there is one for every kind of our own', () => {
    const own = Object.values(KINDS).filter(({ apiVersion }) => apiVersion.startsWith(`${WEIR_GROUP}/`));
    expect(yamlFiles(import.meta.dirname)).toEqual(own.map(({ plural }) => `${WEIR_GROUP}_${plural}.yaml`).sort());
  });
});

describe('patterns', () => {
  test.each(definitionFiles().map(({ name, text }) => [name, text] as const))('those of %s are in the words of RE2 too', (_name, text) => {
    const patterns = [...text.matchAll(/^ *pattern: (.*)$/gm)].map(([, pattern = '']) => String(parse(pattern)));
    // The API server knows neither \u nor assertions nor references to groups.
    expect(patterns.filter((pattern) => /\\u|\(\?<?[=!]|\\[1-9]/.test(pattern))).toEqual([]);
  });
});

/** `kubectl apply` stores a copy of an object in an annotation, and the annotations of an object have at most 262,144 bytes. */
const MAX_APPLIED = 200_000;

test.each(definitionFiles().map(({ name, text }) => [name, text] as const))('%s is small enough for kubectl apply', (_name, text) => {
  expect(JSON.stringify(parse(text)).length).toBeLessThan(MAX_APPLIED);
});

/** Members of a list of authenticators, which are described outside of lists. */
const REPEATED = /^(spec\.authentication\.)(?:anyOf|allOf)\.\[\]\./;

/** The paths of all fields without a description. `metadata` is the API server's own. */
function undescribed(schema: StructuralSchema, path: string): string[] {
  const fields = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, StructuralSchema>>);
  const own = fields
    .filter(([, field]) => field['description'] === undefined)
    .flatMap(([name]) => (path + name === 'metadata' ? [] : path + name));
  const inner = fields.flatMap(([name, field]) => undescribed(field, `${path}${name}.`));
  const items = schema['items'] as StructuralSchema | undefined;
  return [...own, ...inner, ...(items === undefined ? [] : undescribed(items, `${path}[].`))];
}

describe('descriptions', () => {
  test.each(definitionFiles().map(({ name, text }) => [name, text] as const))('every field of %s has one', (_name, text) => {
    const { spec } = parse(text) as { spec: { versions: [{ schema: { openAPIV3Schema: StructuralSchema } }] } };
    const missing = undescribed(spec.versions[0].schema.openAPIV3Schema, '');
    expect(missing.filter((field) => !REPEATED.test(field))).toEqual([]);
  });

  test('are sentences', () => {
    const texts = OWN_KINDS.flatMap(({ kind }) => fieldsOf(kind)).map(({ path, description }) => `${path}: ${description}`);
    expect(texts.filter((text) => !/: [A-Z'].*[.:"]$/s.test(text))).toEqual([]);
  });
});

describe('docs/reference/resources.md', () => {
  test('is made of the schemas; `npm run crds` writes it', () => {
    expect(readFileSync(REFERENCE, 'utf8')).toBe(referencePage());
  });

  test.each(OWN_KINDS.map(({ kind }) => kind))('says of every scalar of %s what it may be', (kind) => {
    const open = fieldsOf(kind).filter(({ type, limits }) => ['integer', 'size', 'word'].includes(type) && limits === '');
    expect(open).toEqual([]);
  });

  test('says what holds without each setting of a policy', () => {
    const settings = OWN_KINDS.filter(({ kind }) => kind.endsWith('Policy')).flatMap(({ kind }) => fieldsOf(kind));
    // A part of an entry of a list has no value if it is left out: policies replace lists as a whole.
    const without = settings.filter(
      (field) => !field.required && field.default === '' && field.type !== 'object' && !/target|\[\]/.test(field.path),
    );
    expect(without.map(({ path }) => path)).toEqual([]);
  });
});

describe('structural schema', () => {
  test('keeps rules and defaults, and lets a field with a default be left out', () => {
    const schema = Type.Object(
      { a: Type.Enum(['x', 'y'], { default: 'x' }), b: Type.Integer({ minimum: 1 }) },
      { additionalProperties: false },
    );
    expect(structuralSchema(schema)).toEqual({
      type: 'object',
      properties: { a: { type: 'string', enum: ['x', 'y'], default: 'x' }, b: { type: 'integer', minimum: 1 } },
      required: ['b'],
    });
  });

  test('keeps a field of any form', () => {
    expect(structuralSchema(Type.Unknown())).toEqual({ 'x-kubernetes-preserve-unknown-fields': true });
  });

  test('refuses a rule that it cannot translate', () => {
    expect(() => structuralSchema(Type.Object({ a: Type.Union([Type.String(), Type.Integer()]) }))).toThrow('.a uses anyOf');
  });
});
