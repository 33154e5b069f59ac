// Converts the settings in a policy object to those in the code: the same fields, with milliseconds for durations and bytes for sizes.
// Shapes, types and checks all derive from the one schema in api/k8s.
import { parseDuration } from '#lib/duration.ts';
import { parseSize } from '#lib/size.ts';
import { Type, type Static, type TSchema } from 'typebox';
import type { PolicyKind, PolicyKindName } from '../k8s/policies.ts';

/** The settings of a written form: durations and sizes are numbers, and every field is optional. */
export type SettingsOf<T> = T extends { readonly '~unit': string }
  ? number
  : T extends readonly (infer Item)[]
    ? readonly SettingsOf<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: SettingsOf<T[K]> }
      : T;

/** The settings of a policy kind. */
export type PolicySettings<K extends PolicyKindName = PolicyKindName> = SettingsOf<Static<PolicyKind<K>['settings']>>;

interface Keywords {
  readonly '~unit'?: 'milliseconds' | 'bytes';
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
}

type Fields = Readonly<Record<string, unknown>>;

/** The settings in a valid spec, without its other fields such as targetRefs. */
export function toSettings(schema: TSchema, spec: unknown): Fields {
  return convert(schema, spec) as Fields;
}

function convert(schema: TSchema, value: unknown): unknown {
  const { '~unit': unit, properties, items } = schema as Keywords;
  if (unit !== undefined) return unit === 'bytes' ? valueOf(parseSize(value as string | number)) : valueOf(parseDuration(value as string));
  if (items !== undefined) return (value as readonly unknown[]).map((item) => convert(items, item));
  if (properties === undefined) return value;
  const fields = value as Fields;
  const set = Object.entries(properties).filter(([name]) => Object.hasOwn(fields, name));
  return Object.fromEntries(set.map(([name, inner]) => [name, convert(inner, fields[name])]));
}

/** 0 for an invalid value, which cannot occur: the rules of the policy have been checked. */
function valueOf(parsed: ReturnType<typeof parseSize>): number {
  return parsed.ok ? parsed.value : 0;
}

/** The schema of converted settings, with which a proxy validates them. */
export function settingsSchema(schema: TSchema): TSchema {
  const { '~unit': unit, properties, items } = schema as Keywords;
  if (unit !== undefined) return Type.Integer({ minimum: 0 });
  if (items !== undefined) return { ...schema, items: settingsSchema(items) } as TSchema;
  if (properties === undefined) return schema;
  const inner = Object.entries(properties).map(([name, field]) => [name, settingsSchema(field)]);
  return { ...schema, properties: Object.fromEntries(inner) as unknown } as TSchema;
}

/** A setting that is merged as a whole: its path, and the schema of its written value. */
export interface Leaf {
  readonly path: readonly [string, ...string[]];
  readonly schema: TSchema;
}

/** Every setting of a schema, in its order. A list is one setting. */
export function leavesOf(schema: TSchema): readonly Leaf[] {
  const { properties = {} } = schema as Keywords;
  return Object.entries(properties).flatMap(([name, inner]): readonly Leaf[] => {
    if ((inner as Keywords).properties === undefined) return [{ path: [name], schema: inner }];
    return leavesOf(inner).map((leaf) => ({ path: [name, ...leaf.path], schema: leaf.schema }));
  });
}

/** The value at a path of settings or of a spec, or undefined. */
export function valueAt(settings: unknown, path: readonly string[]): unknown {
  let value = settings;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
