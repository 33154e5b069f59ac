// The forms of bodies that can be changed: how each is recognised, read as a tree of JSON values, and written.
import { isObject, parseJson, setMember, type Json, type JsonObject } from './exact-json.ts';
import { scalarText } from './scalar-text.ts';
import { readXml, writeXml } from './xml.ts';

/** The name of a form, as settings have it. */
export type FormName = 'Json' | 'Form' | 'Xml';

export interface BodyForm {
  readonly name: FormName;
  readonly contentType: string;
  /** By a media type in lower case, without parameters. */
  suits(type: string): boolean;
  /** Null: it is none, or nested deeper. */
  read(bytes: Buffer, maxDepth: number): { readonly value: Json } | null;
  /** Null: the form cannot have this value. */
  write(value: Json): string | null;
}

const json: BodyForm = {
  name: 'Json',
  contentType: 'application/json',
  suits: (type) => type === 'application/json' || type.endsWith('+json'),
  read: parseJson,
  write: (value) => JSON.stringify(value),
};

const FORM_TYPE = 'application/x-www-form-urlencoded';
/** More are refused: each is an object. */
const MAX_FIELDS = 10_000;

const form: BodyForm = {
  name: 'Form',
  contentType: FORM_TYPE,
  suits: (type) => type === FORM_TYPE,
  read: (bytes) => readForm(bytes),
  write: writeForm,
};

/** Fields are texts; those of one name are a list. */
function readForm(bytes: Buffer): { readonly value: JsonObject } | null {
  const fields = [...new URLSearchParams(bytes.toString('utf8'))];
  if (fields.length > MAX_FIELDS) return null;
  const values = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  const object: JsonObject = {};
  for (const [name, all] of values) setMember(object, name, all.length === 1 ? (all[0] as string) : all);
  return { value: object };
}

/** An object of texts, numbers, booleans and lists of them. */
function writeForm(value: Json): string | null {
  if (!isObject(value)) return null;
  const fields = new URLSearchParams();
  for (const [name, member] of Object.entries(value)) {
    for (const each of Array.isArray(member) ? member : [member]) {
      const text = scalarText(each);
      if (text === null) return null;
      fields.append(name, text);
    }
  }
  return fields.toString();
}

const xml: BodyForm = {
  name: 'Xml',
  contentType: 'application/xml',
  // Pages and images in XML have text beside elements.
  suits: (type) => /^(application|text)\/(xml|[^/]+\+xml)$/.test(type) && type !== 'application/xhtml+xml',
  read: readXml,
  write: writeXml,
};

const FORMS: readonly BodyForm[] = [json, form, xml];

/** The form of a body with this Content-Type; null: it cannot be changed. */
export function formOfType(contentType: string | null): BodyForm | null {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return FORMS.find((each) => each.suits(type)) ?? null;
}

export function formOfName(name: FormName): BodyForm {
  return FORMS.find((each) => each.name === name) as BodyForm;
}

/** Whether a Content-Type says another encoding than UTF-8, in which nothing is read or written. */
export function isOtherCharset(contentType: string | null): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  return charset !== undefined && charset !== 'utf-8' && charset !== 'utf8';
}
