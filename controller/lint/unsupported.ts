// Fields that the schemas accept, since an API server does, and that Weir does not support: found by a walk through schema and object.
import { KINDS } from '#api/k8s/kinds.ts';
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import { UNSUPPORTED } from '#api/k8s/schema.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

/** The parts of a JSON Schema that a walk needs. */
interface Walked {
  readonly properties?: Readonly<Record<string, Walked>>;
  readonly items?: Walked;
  readonly [UNSUPPORTED]?: true;
}

/** One finding for each unsupported field that an object sets. */
export function unsupportedFindings({ content }: Subject): readonly Unplaced[] {
  return content.objects.flatMap((object) => {
    const known = FOUND.get(object) ?? ofObject(object);
    FOUND.set(object, known);
    return known;
  });
}

/** The walk is long, and most objects are the same as in the last check. */
const FOUND = new WeakMap<KubernetesObject, readonly Unplaced[]>();

function ofObject(object: KubernetesObject): readonly Unplaced[] {
  const schema = KINDS[object.kind as keyof typeof KINDS].schema as Walked;
  return fieldsIn(schema, object, '').map((field) => ({
    severity: 'warning',
    object: objectId(refOf(object)),
    field,
    reason: 'is not supported and has no effect; remove it',
  }));
}

function fieldsIn(schema: Walked, value: unknown, path: string): readonly string[] {
  // None is the default of the API server where there is one.
  if (value === undefined || (schema[UNSUPPORTED] === true && value === 'None')) return [];
  if (schema[UNSUPPORTED] === true) return [path];
  if (schema.items !== undefined) {
    const { items } = schema;
    return Array.isArray(value) ? value.flatMap((item, i) => fieldsIn(items, item, `${path}[${i}]`)) : [];
  }
  if (schema.properties === undefined || typeof value !== 'object' || value === null) return [];
  return Object.entries(schema.properties).flatMap(([name, field]) =>
    fieldsIn(field, (value as Readonly<Record<string, unknown>>)[name], path === '' ? name : `${path}.${name}`),
  );
}
