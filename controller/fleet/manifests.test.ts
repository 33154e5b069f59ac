// From Kubernetes objects to the objects of their fleets: testdata/x.yaml to testdata/x.golden.yaml. UPDATE_GOLDEN=1 writes them.
import { describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Compiler } from '../compile/compile.ts';
import { credentials } from './credentials.ts';
import { manifests } from './manifests.ts';

const FOLDER = path.join(import.meta.dirname, 'testdata');
const SETTINGS = {
  controllerName: 'gateway.weir.dev/controller',
  image: 'weir-proxy:test',
  controller: 'weir-controller.weir-system.svc:9443',
  controllerTlsName: '',
  poolFamilies: [],
  certificateLifetime: 3_600_000,
  user: 65_532,
};
const PEMS = { ca: 'the CA', certificate: 'the certificate', privateKey: 'the key' };

function compile(text: string): Compiler {
  const compiler = new Compiler({ controllerName: SETTINGS.controllerName, fleets: { byDefault: 'Shared', lacks: '' } });
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
  const { rejected } = compiler.apply(objects.map((object) => ({ type: 'upsert', object })));
  expect(rejected).toEqual([]);
  return compiler;
}

describe('manifests', () => {
  test.each(readdirSync(FOLDER).filter((name) => !name.includes('.golden.')))('%s', (name) => {
    const fleets = [...compile(readFileSync(path.join(FOLDER, name), 'utf8')).fleets()];
    const made = fleets.flatMap((fleet) => [...manifests(fleet, fleet.parameters ?? {}, SETTINGS), credentials(fleet, SETTINGS, PEMS)]);
    const golden = path.join(FOLDER, name.replace('.yaml', '.golden.yaml'));
    const text = made.map((manifest) => stringify(manifest, { lineWidth: 140, aliasDuplicateObjects: false })).join('---\n');
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
    expect(made.length).toBeGreaterThan(4);
  });

  test('leave user and groups to the cluster where it is asked to choose them', () => {
    const fleets = [...compile(readFileSync(path.join(FOLDER, 'defaults.yaml'), 'utf8')).fleets()];
    const made = fleets.flatMap((fleet) => manifests(fleet, fleet.parameters ?? {}, { ...SETTINGS, user: null }));
    const text = JSON.stringify(made);
    expect(text).not.toMatch(/runAsUser|runAsGroup|fsGroup/);
    expect(text).toContain('"runAsNonRoot":true');
  });
});
