// Converts the settings in a policy object to those in the code: the same fields, with milliseconds for durations, bytes for sizes, and one
// form for references.
// Shapes, types and checks all derive from the one schema in api/k8s.
import { parseDuration } from '#lib/duration.ts';
import { parseSize } from '#lib/size.ts';
import { Type, type Static, type TSchema } from '#lib/typebox.ts';
import { fieldOf } from '../k8s/field-error.ts';
import type { EntryContent, ReferenceType } from '../k8s/policy-reference.ts';
import type { PolicyKind, PolicyKindName } from '../k8s/policies.ts';

/** An entry of a Secret or ConfigMap: `data` is `<kind>/<namespace>/<name>`. */
export interface DataSetting {
  readonly data: string;
  readonly key: string;
}

/** A backend, by the key of its cluster. '' if it cannot be one. */
export interface BackendSetting {
  readonly cluster: string;
}

/** The settings of a written form: durations and sizes are numbers, references have one form, and every field is optional. */
export type SettingsOf<T> = T extends { readonly '~unit': string }
  ? number
  : T extends { readonly '~reference': 'data' }
    ? DataSetting
    : T extends { readonly '~reference': 'backend' }
      ? BackendSetting
      : T extends readonly (infer Item)[]
        ? readonly SettingsOf<Item>[]
        : T extends object
          ? { readonly [K in keyof T]?: SettingsOf<T[K]> }
          : T;

/** The settings of a policy kind. */
export type PolicySettings<K extends PolicyKindName = PolicyKindName> = SettingsOf<Static<PolicyKind<K>['settings']>>;

interface Keywords {
  readonly '~unit'?: 'milliseconds' | 'bytes';
  readonly '~reference'?: ReferenceType;
  readonly '~content'?: EntryContent;
  readonly '~whole'?: true;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
}

type Fields = Readonly<Record<string, unknown>>;

/** Gives the setting for a reference as its author wrote it, at a path such as `users[0].password`. `content`: what the entry must be. */
export type Refer = (type: ReferenceType, value: unknown, field: string, content?: EntryContent) => DataSetting | BackendSetting;

/** The settings in a valid spec, without its other fields such as targetRefs. */
export function toSettings(schema: TSchema, spec: unknown, refer: Refer): Fields {
  return convert(schema, spec, { refer, field: '' }) as Fields;
}

/** The function for references, and the path of the value. */
interface Place {
  readonly refer: Refer;
  readonly field: string;
}

function convert(schema: TSchema, value: unknown, { refer, field }: Place): unknown {
  const { '~unit': unit, '~reference': reference, '~content': content, properties, items } = schema as Keywords;
  if (unit !== undefined) return unit === 'bytes' ? valueOf(parseSize(value as string | number)) : valueOf(parseDuration(value as string));
  if (reference !== undefined) return refer(reference, value, field, content);
  if (items !== undefined) return (value as readonly unknown[]).map((item, i) => convert(items, item, { refer, field: `${field}[${i}]` }));
  if (properties === undefined) return value;
  const fields = value as Fields;
  const set = Object.entries(properties).filter(([name]) => Object.hasOwn(fields, name));
  return Object.fromEntries(set.map(([name, inner]) => [name, convert(inner, fields[name], { refer, field: fieldOf(field, name) })]));
}

/** 0 for an invalid value, which cannot occur: the rules of the policy have been checked. */
function valueOf(parsed: ReturnType<typeof parseSize>): number {
  return parsed.ok ? parsed.value : 0;
}

const DATA = Type.Object({ data: Type.String({ minLength: 1 }), key: Type.String({ minLength: 1 }) });
const BACKEND = Type.Object({ cluster: Type.String() });

/** The schema of converted settings, with which a proxy validates them. */
export function settingsSchema(schema: TSchema): TSchema {
  const { '~unit': unit, '~reference': reference, properties, items } = schema as Keywords;
  if (unit !== undefined) return Type.Integer({ minimum: 0 });
  if (reference !== undefined) return reference === 'data' ? DATA : BACKEND;
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

/** Every setting of a schema, in its order. A list, a reference and a group that is marked as whole are one setting. */
export function leavesOf(schema: TSchema): readonly Leaf[] {
  const { properties = {} } = schema as Keywords;
  return Object.entries(properties).flatMap(([name, inner]): readonly Leaf[] => {
    if (isLeaf(inner as Keywords)) return [{ path: [name], schema: inner }];
    return leavesOf(inner).map((leaf) => ({ path: [name, ...leaf.path], schema: leaf.schema }));
  });
}

function isLeaf({ properties, '~reference': reference, '~whole': isWhole }: Keywords): boolean {
  return properties === undefined || reference !== undefined || isWhole === true;
}

/** Whether a field is a setting, or a part of its value: `users` has `users[1].password`. */
export function isWithin(field: string, setting: string): boolean {
  return field === setting || field.startsWith(`${setting}.`) || field.startsWith(`${setting}[`);
}

/** Sets the value at a path. */
export function setAt(settings: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let group = settings;
  for (const name of path.slice(0, -1)) group = (group[name] ??= {}) as Record<string, unknown>;
  group[path.at(-1) as string] = value;
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
