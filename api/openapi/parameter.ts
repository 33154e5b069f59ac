// The parameters of operations: how their values are written in a path, a query, headers and cookies (OpenAPI 3.1 section 4.8.12).
import type { Faults } from './faults.ts';
import { isJsonType, mediaTypeOf } from './media-types.ts';
import type { Fields } from './reading.ts';
import type { Part, References } from './references.ts';
import { isObject } from './references.ts';

export type ParameterPlace = 'path' | 'query' | 'header' | 'cookie';
export type ParameterStyle = 'simple' | 'label' | 'matrix' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';

export interface Parameter {
  readonly in: ParameterPlace;
  /** In lower case for a header. */
  readonly name: string;
  readonly required: boolean;
  readonly style: ParameterStyle;
  /** Each element or member is written on its own. */
  readonly explode: boolean;
  /** The value is JSON. */
  readonly isJson: boolean;
  /** Null: any value. */
  readonly schema: Part | null;
}

/** For each place its styles, that without a `style` first. */
const STYLES: Readonly<Record<ParameterPlace, readonly ParameterStyle[]>> = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
};

/** Headers that parameters do not describe. */
const OTHERWISE_DESCRIBED = new Set(['accept', 'content-type', 'authorization']);

/** The parameters of an operation and of its path; those of the operation replace equal ones. */
export function readParameters(lists: readonly Part[], references: References, faults: Faults): readonly Parameter[] {
  const byId = new Map<string, Parameter>();
  for (const { value, path } of lists) {
    if (value === undefined) continue;
    if (!Array.isArray(value)) {
      faults.add(path, 'must be a list');
      continue;
    }
    for (const [i, element] of value.entries()) {
      const found = references.objectAt({ value: element as unknown, path: [...path, String(i)] });
      const parameter = found === null ? null : readParameter(found, faults);
      if (parameter !== null) byId.set(`${parameter.in} ${parameter.name}`, parameter);
    }
  }
  return [...byId.values()];
}

function readParameter({ value, path }: { readonly value: Fields; readonly path: Part['path'] }, faults: Faults): Parameter | null {
  const { in: place, name, required } = value;
  if (typeof name !== 'string' || name === '') return none(faults, [...path, 'name'], 'must be a text');
  if (!isPlace(place)) return none(faults, [...path, 'in'], 'must be path, query, header or cookie');
  const lower = place === 'header' ? name.toLowerCase() : name;
  if (place === 'header' && OTHERWISE_DESCRIBED.has(lower)) return null;
  const style = styleOf(value['style'], place);
  if (style === null) return none(faults, [...path, 'style'], `must be ${STYLES[place].join(' or ')} for a parameter in ${place}`);
  const { explode = style === 'form' || style === 'deepObject' } = value;
  return {
    in: place,
    name: lower,
    required: isRequired(place, required),
    style,
    explode: explode === true,
    ...valueOf(value, path, faults),
  };
}

/** Without its variables a path is another one. */
function isRequired(place: ParameterPlace, required: unknown): boolean {
  return place === 'path' || required === true;
}

function styleOf(written: unknown, place: ParameterPlace): ParameterStyle | null {
  const [usual = null] = STYLES[place];
  return written === undefined ? usual : (STYLES[place].find((each) => each === written) ?? null);
}

function valueOf({ content, schema }: Fields, path: Part['path'], faults: Faults): Pick<Parameter, 'isJson' | 'schema'> {
  if (content !== undefined) return contentOf({ value: content, path: [...path, 'content'] }, faults);
  return { isJson: false, schema: schema === undefined ? null : { value: schema, path: [...path, 'schema'] } };
}

/** A parameter may have a media type, as bodies have. */
function contentOf({ value, path }: Part, faults: Faults): Pick<Parameter, 'isJson' | 'schema'> {
  const [type, media] = isObject(value) ? (Object.entries(value)[0] ?? []) : [];
  if (type === undefined || !isObject(media)) {
    faults.add(path, 'must have one media type');
    return { isJson: false, schema: null };
  }
  const isJson = isJsonType(mediaTypeOf(type));
  const { schema } = media;
  return { isJson, schema: !isJson || schema === undefined ? null : { value: schema, path: [...path, type, 'schema'] } };
}

function isPlace(place: unknown): place is ParameterPlace {
  return typeof place === 'string' && Object.hasOwn(STYLES, place);
}

function none(faults: Faults, path: Part['path'], reason: string): null {
  faults.add(path, reason);
  return null;
}
