// Holds the CRD files against api/k8s. That a real API server takes them is the test of test/cluster/parts.cluster.test.ts.
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import { Type } from 'typebox';
import { definitionFiles } from './definitions.ts';
import { structuralSchema } from './structural-schema.ts';

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

  test('refuses a rule it cannot translate', () => {
    expect(() => structuralSchema(Type.Object({ a: Type.Union([Type.String(), Type.Integer()]) }))).toThrow('.a uses anyOf');
  });
});
