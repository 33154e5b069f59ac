// Every field, value and kind of the IR of a release, as the paths of api/wire/additions.ts.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Prints the schemas of the release in which it runs. */
const SCRIPT = `
  import * as ir from '#api/ir/ir.ts';
  import { POLICIES } from '#api/k8s/policies.ts';
  import { settingsSchema } from '#api/policy/settings.ts';
  const policies = POLICIES.map(({ kind, settings }) => [kind, { properties: { settings: settingsSchema(settings) } }]);
  const kinds = ir.KIND_ORDER.map((kind) => [kind, ir[kind]]);
  console.log(JSON.stringify(Object.fromEntries([...kinds, ...policies])));
`;

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
}

/** The paths of the release in a folder. */
export async function irPaths(release: string): Promise<ReadonlySet<string>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', SCRIPT], { cwd: release });
  const kinds = Object.entries(JSON.parse(stdout) as Readonly<Record<string, Schema>>);
  return new Set(kinds.flatMap(([kind, schema]) => [kind, ...pathsBelow(kind, schema)]));
}

function pathsBelow(path: string, { properties = {}, items, anyOf = [], const: constant, enum: words = [] }: Schema): readonly string[] {
  const values = [...(constant === undefined ? [] : [constant]), ...words].map((value) => `${path}=${String(value)}`);
  const fields = Object.entries(properties).flatMap(([name, field]) => [`${path}.${name}`, ...pathsBelow(`${path}.${name}`, field)]);
  const forms = anyOf.flatMap((form) => pathsBelow(path, form));
  return [...values, ...fields, ...forms, ...(items === undefined ? [] : pathsBelow(`${path}[]`, items))];
}
