// Golden files: testdata/<case>.yaml holds objects and, after "# Output", the expected output. Each file is a test.
// UPDATE_GOLDEN=1 rewrites the outputs; read the difference before committing it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { describeError } from '#api/k8s/field-error.ts';
import type { Resource } from '#api/ir/ir.ts';
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Compiler } from './compile.ts';
import type { CompileDelta, DesiredCondition, DesiredFleet, DesiredStatus, ListenerStatus } from './result.ts';
import { irErrors } from './testdata/valid-ir.ts';
import type { CompileOptions } from './view.ts';

const TESTDATA = new URL('testdata/', import.meta.url);
const CONTROLLER = 'gateway.weir.dev/controller';
const OUTPUT = '\n---\n# Output\n';
/** A first line like `# Options: {"allowLoopback": true}` sets options of the compiler. */
const OPTIONS = /^# Options: (.*)$/m;

describe('golden files', () => {
  const cases = readdirSync(TESTDATA).filter((name) => name.endsWith('.yaml'));

  test.each(cases)('%s', (name) => {
    const file = new URL(name, TESTDATA);
    const [input = '', expected = ''] = readFileSync(file, 'utf8').split(OUTPUT);
    const actual = compile(input);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, input.trimEnd() + OUTPUT + stringify(actual, { lineWidth: 0 }));
    else expect(actual).toEqual(parse(expected));
  });
});

function compile(input: string): Record<string, unknown> {
  const objects = parseAllDocuments(input).map((document) => document.toJS() as KubernetesObject);
  const options = JSON.parse(OPTIONS.exec(input)?.[1] ?? '{}') as Partial<CompileOptions>;
  const compiler = new Compiler({ controllerName: CONTROLLER, ...options });
  const delta = compiler.apply(objects.map((object) => ({ type: 'upsert', object })));
  expect(delta.faults).toEqual([]);
  const generations = new Map(objects.map((object) => [objectId(refOf(object)), object.metadata.generation ?? 0]));
  const statuses = delta.statuses.map((status) => printStatus(status, generations.get(objectId(status.ref)) ?? -1));
  return { ...refused(objects), ...rejected(delta), ...resources(delta), ...fleets(delta), statuses };
}

/** The errors that `weir validate` and the file source report for the same objects. */
function refused(objects: readonly KubernetesObject[]): Record<string, unknown> {
  const errors = objects.flatMap((object) => {
    const result = validateObject(object, { strict: true });
    return result.ok ? [] : [[objectId(refOf(object)), result.error.map(describeError)]];
  });
  return errors.length === 0 ? {} : { refusedAsFile: Object.fromEntries(errors) as unknown };
}

function rejected(delta: CompileDelta): Record<string, unknown> {
  if (delta.rejected.length === 0) return {};
  return { rejected: Object.fromEntries(delta.rejected.map(({ object, errors }) => [object, errors.map(describeError)])) };
}

function resources(delta: CompileDelta): Record<string, unknown> {
  const all = delta.changed.map(({ body }) => JSON.parse(body.toString()) as Resource);
  for (const resource of all) expect(irErrors(resource)).toBe('');
  return { resources: all.map(withoutEmpty) };
}

/** The ports of fleets; other fields come from GatewayParameters and are left out. */
function fleets(delta: CompileDelta): Record<string, unknown> {
  if (delta.fleets.length === 0) return {};
  const print = ({ ports }: DesiredFleet) => ports.map(({ protocol, port }) => `${protocol} ${port}`).join(', ');
  return { fleets: Object.fromEntries(delta.fleets.map((fleet) => [fleet.gateway, print(fleet)])) };
}

/** Drops empty fields (null, '', [], {}), which resources have because their shape is fixed. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, withoutEmpty(field)] as const);
  return Object.fromEntries(fields.filter(([, field]) => !isEmpty(field)));
}

function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Statuses with one line for each condition. */
function printStatus(status: DesiredStatus, generation: number): Record<string, unknown> {
  const object = objectId(status.ref);
  const print = (conditions: readonly DesiredCondition[]) => conditions.map((condition) => printCondition(condition, generation));
  switch (status.type) {
    case 'Gateway':
      return {
        object,
        ...(status.addresses.length === 0 ? {} : { addresses: status.addresses }),
        conditions: print(status.conditions),
        listeners: status.listeners.map((listener) => printListener(listener, print)),
        ...(status.attachedListenerSets === 0 ? {} : { attachedListenerSets: status.attachedListenerSets }),
      };
    case 'ListenerSet': {
      const listeners = status.listeners.map((listener) => printListener(listener, print));
      return { object, conditions: print(status.conditions), listeners };
    }
    case 'Policy':
      return { object, ancestors: status.ancestors.map(({ ancestorRef, conditions }) => ({ ancestorRef, conditions: print(conditions) })) };
    case 'Route':
      return { object, parents: status.parents.map(({ parentRef, conditions }) => ({ parentRef, conditions: print(conditions) })) };
    default:
      return { object, conditions: print(status.conditions) };
  }
}

type Print = (conditions: readonly DesiredCondition[]) => readonly string[];

function printListener({ name, attachedRoutes, supportedKinds, conditions }: ListenerStatus, print: Print): Record<string, unknown> {
  return { name, attachedRoutes, supportedKinds: supportedKinds.map(({ kind }) => kind).join(', '), conditions: print(conditions) };
}

/** Every condition must have the generation of its object. */
function printCondition({ type, status, reason, message, observedGeneration }: DesiredCondition, generation: number): string {
  expect(observedGeneration).toBe(generation);
  return `${type} ${status} ${reason}: ${message}`;
}
