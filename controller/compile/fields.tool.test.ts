// Every field of the Gateway API's CRDs, also experimental ones, affects the configuration or a status. The test removes or changes
// each field of testdata/fields and expects a difference.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { buildCrds } from '../../test/cluster/build.ts';
import { CRD_FOLDER } from '../../test/cluster/tools.ts';
import { describeWith } from '../../test/support/describe-with.ts';
import { Compiler } from './compile.ts';
import { CONTROLLER, tlsSecret, upsert } from './testdata/objects.ts';

const FOLDER = path.join(CRD_FOLDER, 'experimental');

/** Fields for human readers only. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['GatewayClass spec.description']);
/** Fields reported as a whole: their content does not matter. */
const AS_A_WHOLE: ReadonlySet<string> = new Set(['extensionRef']);

/** Operators of label selectors; the CRDs do not list them. */
const OPERATORS = ['In', 'NotIn'];

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface Definition {
  readonly kind: string;
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

/** A field: its path, with `[]` for each item of a list, and its allowed values if they are listed. */
interface Field {
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

function fieldsOf(schema: Schema | undefined, at: readonly string[]): Field[] {
  const name = at.at(-1) ?? '';
  if (schema === undefined || AS_A_WHOLE.has(name)) return [{ path: at, values: [] }];
  if (schema.items !== undefined) return fieldsOf(schema.items, [...at, '[]']);
  if (schema.properties === undefined) return [{ path: at, values: schema.enum ?? (name === 'operator' ? OPERATORS : []) }];
  return Object.entries(schema.properties).flatMap(([field, inner]) => fieldsOf(inner, [...at, field]));
}

/** All fields of spec in version v1 of every kind: `[kind, field]`. */
function allFields(): (readonly [string, Field])[] {
  const files = readdirSync(FOLDER).filter((name) => name.startsWith('gateway.networking.k8s.io_'));
  const documents = files.flatMap((name) => parseAllDocuments(readFileSync(path.join(FOLDER, name), 'utf8')));
  const definitions = documents.map((document) => document.toJS() as Definition).filter(({ kind }) => kind === 'CustomResourceDefinition');
  return definitions.flatMap(({ spec: { names, versions } }) => {
    const schema = versions.find(({ name }) => name === 'v1')?.schema.openAPIV3Schema.properties?.['spec'];
    return fieldsOf(schema, ['spec']).map((field) => [names.kind, field] as const);
  });
}

function read(name: string): string {
  return readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8');
}

const CERTIFICATE = read('tls/a.crt');
const OBJECTS: readonly KubernetesObject[] = [
  ...['gateways', 'routes'].flatMap((name) =>
    parseAllDocuments(read(`fields/${name}.yaml`)).map((document) => document.toJS() as KubernetesObject),
  ),
  tlsSecret('certs', 'cert', CERTIFICATE, read('tls/a.key')),
  ...['certs', 'backends'].map(
    (namespace) =>
      ({
        ...(parse('apiVersion: v1\nkind: ConfigMap') as object),
        metadata: { name: 'clients', namespace },
        data: { 'ca.crt': CERTIFICATE },
      }) as unknown as KubernetesObject,
  ),
];

/** The whole output for the objects; null if one of them is refused. */
function outcomeOf(objects: readonly unknown[]): string | null {
  const options = { addresses: ['192.0.2.1'], fleets: { byDefault: 'PerGateway', lacks: '' } } as const;
  const compiler = new Compiler({ controllerName: CONTROLLER, ...options });
  const { changed, statuses, fleets, rejected, faults } = compiler.apply(objects.map((object) => upsert(object as KubernetesObject)));
  expect(faults).toEqual([]);
  if (rejected.length > 0) return null;
  return JSON.stringify([changed.map(({ body }) => body.toString()), statuses, fleets]);
}

type Json = Record<string, unknown> | unknown[];

/** The object that holds a field, and the field's name. */
interface Place {
  readonly holder: Json;
  readonly name: string | number;
}

/** The places in a value at the end of a path. */
function placesOf(value: unknown, [name, ...rest]: readonly string[]): Place[] {
  if (name === undefined || typeof value !== 'object' || value === null) return [];
  const holder = value as Json;
  const names = name === '[]' ? Object.keys(holder).map(Number) : Object.hasOwn(holder, name) ? [name] : [];
  if (rest.length === 0) return names.map((found) => ({ holder, name: found }));
  return names.flatMap((found) => placesOf((holder as Record<string | number, unknown>)[found], rest));
}

/** Another allowed value of the field. */
function otherThan(value: unknown, values: readonly unknown[]): unknown {
  const other = values.find((one) => one !== value);
  if (other !== undefined) return other;
  if (typeof value === 'number') return value + 1;
  return typeof value === 'boolean' ? !value : `${String(value)}x`;
}

/** The outputs after a field is removed, and after it is changed, for one place after the other. */
function* variantsOf(kind: string, { path: fieldPath, values }: Field): Generator<string | null> {
  const count = OBJECTS.filter((object) => object.kind === kind).flatMap((object) => placesOf(object, fieldPath)).length;
  const vary = (i: number, change: (place: Place) => void): string | null => {
    const objects = structuredClone(OBJECTS);
    const place = objects.filter((object) => object.kind === kind).flatMap((object) => placesOf(object, fieldPath))[i];
    if (place !== undefined) change(place);
    return outcomeOf(objects);
  };
  for (let i = 0; i < count; i++) {
    yield vary(i, ({ holder, name }) => {
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else delete holder[name];
    });
    yield vary(i, ({ holder, name }) => {
      const at = holder as Record<string | number, unknown>;
      at[name] = otherThan(at[name], values);
    });
  }
}

function hasEffect(kind: string, field: Field, before: string | null): boolean {
  for (const outcome of variantsOf(kind, field)) if (outcome !== null && outcome !== before) return true;
  return false;
}

describeWith(['go'], 'the fields of the Gateway API', () => {
  beforeAll(() => buildCrds(), 120_000);

  test('each field has an effect, or a status reports it as ignored', () => {
    const before = outcomeOf(OBJECTS);
    expect(before).not.toBeNull();
    const silent = allFields().flatMap(([kind, field]) => {
      const name = `${kind} ${field.path.join('.').replaceAll('.[]', '[]')}`;
      return hasEffect(kind, field, before) === WITHOUT_EFFECT.has(name) ? [name] : [];
    });
    expect(silent).toEqual([]);
  }, 120_000);
});
