// docs/reference/resources.md: every field of Weir's own kinds, made from the schemas that files are checked with.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KINDS } from '#api/k8s/kinds.ts';
import { OWN_POLICIES } from '#api/k8s/policies.ts';
import { DURATION_FORM } from '#api/k8s/schema.ts';
import { OWN_KINDS } from './definitions.ts';
import type { Presentation } from './definitions.ts';

export const REFERENCE = path.resolve(import.meta.dirname, '..', 'docs', 'reference', 'resources.md');
/** Its tables say what holds without a setting. */
const POLICY_PAGE = path.resolve(import.meta.dirname, '..', 'docs', 'reference', 'policies.md');

type Schema = Readonly<Record<string, unknown>>;

/** One field as the page shows it. */
export interface ReferenceField {
  /** Path below the object, as `spec.timeouts.idle`; `[]` is any item of a list, `*` any key of a map. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** Markdown; '' where there is none. */
  readonly default: string;
  readonly limits: string;
  readonly description: string;
}

const INTRODUCTION = `# Fields of Weir's kinds

<!-- Written by \`npm run crds\` from api/k8s. -->

This page lists every field of the kinds in the API group \`gateway.weir.dev\`. \`kubectl explain\` prints the same texts from a cluster. The guides of these kinds are [policies.md](policies.md), [fleets.md](fleets.md) and [upstreams.md](upstreams.md). The [Gateway API](https://gateway-api.sigs.k8s.io/reference/spec/) documents its own kinds.

A *duration* is a text such as \`10s\`, \`1h30m\` or \`100ms\`. A *size* is a number of bytes, or a text such as \`64Ki\` or \`10M\`. A *quantity* is one of Kubernetes, such as \`500m\` or \`256Mi\`. \`[]\` in a path is any item of a list. A field without a default that is left out has no effect of its own: a policy or object further out decides, and at last the flags of the proxy or the controller.
`;

/** The page. */
export function referencePage(): string {
  return [INTRODUCTION, ...OWN_KINDS.map(sectionOf)].join('\n');
}

/** Every field of spec of a kind, parents before children. */
export function fieldsOf(kind: Presentation['kind']): ReferenceField[] {
  const { spec } = (KINDS[kind].schema as unknown as { readonly properties: { readonly spec: Schema } }).properties;
  return fieldsIn(spec, 'spec', kind);
}

function sectionOf({ kind, description, shortNames }: Presentation): string {
  const { apiVersion, plural } = KINDS[kind];
  const rows = fieldsOf(kind).map((field) => {
    const cells = [`\`${field.path}\``, field.type, field.required ? 'required' : field.default, field.limits, field.description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    `## ${kind}`,
    '',
    `${description}`,
    '',
    `\`${apiVersion}\`; \`kubectl get ${plural}\` or \`kubectl get ${shortNames.join('`, `kubectl get ')}\`.`,
    '',
    '| Field | Type | Default | Limits | Meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function fieldsIn(schema: Schema, parent: string, kind: string): ReferenceField[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  const required = (schema['required'] ?? []) as readonly string[];
  const like = schema['~like'] as string | undefined;
  return Object.entries(properties).flatMap(([name, field]) => {
    const here = `${parent}.${name}`;
    const entry: ReferenceField = {
      path: here,
      type: typeOf(field),
      required: required.includes(name) && field['default'] === undefined,
      default: defaultOf(field, here, kind),
      limits: limitsOf(field),
      description: String(field['description'] ?? ''),
    };
    // The content of the field is listed at the other path.
    if (like !== undefined) return [{ ...entry, description: `${entry.description} Its fields are those of \`${like}.${name}\`.` }];
    const items = field['items'] as Schema | undefined;
    return [entry, ...fieldsIn(field, here, kind), ...(items === undefined ? [] : fieldsIn(items, `${here}[]`, kind))];
  });
}

function typeOf(schema: Schema): string {
  if (schema['~unit'] === 'bytes') return 'size';
  if (schema['~unit'] === 'milliseconds' || schema['~must'] === DURATION_FORM) return 'duration';
  if (Array.isArray(schema['type'])) return 'integer or text';
  if (schema['type'] === 'array') return `list of ${typeOf(schema['items'] as Schema)}`;
  const values = valuesOf(schema);
  if (values !== undefined) return `map of ${typeOf(values)}`;
  if (schema['enum'] !== undefined) return 'word';
  return (
    ({ string: 'text', boolean: 'true or false' } as Readonly<Record<string, string>>)[String(schema['type'])] ??
    String(schema['type'] ?? 'any value')
  );
}

/** The schema of the values of a map. */
function valuesOf(schema: Schema): Schema | undefined {
  return Object.values((schema['patternProperties'] ?? {}) as Readonly<Record<string, Schema>>)[0];
}

function limitsOf(schema: Schema): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema as Readonly<Record<string, number | undefined>>;
  const words = schema['enum'] as readonly unknown[] | undefined;
  const items = schema['items'] as Schema | undefined;
  const inner = [items, valuesOf(schema)].filter((each) => each !== undefined).map(limitsOf);
  const isSize = schema['~unit'] === 'bytes';
  const limits = [
    words === undefined ? '' : words.map((word) => `\`${String(word)}\``).join(', '),
    isSize ? rangeOf(schema['~minimum'] as number, schema['~maximum'] as number, ' bytes') : rangeOf(minimum, maximum, ''),
    isSize || schema['~unit'] !== undefined ? '' : rangeOf(minLength, maxLength, ' characters'),
    rangeOf(minItems, maxItems, ' entries'),
    ...inner.map((text) => (text === '' || schema['properties'] !== undefined ? '' : `each: ${text}`)),
    ...rulesOf(schema),
  ];
  return limits.filter((text) => text !== '').join('; ');
}

function rangeOf(minimum: number | undefined, maximum: number | undefined, unit: string): string {
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum === undefined && most === undefined) return '';
  if (most === undefined) return `at least ${minimum}${unit}`;
  return minimum === undefined ? `at most ${most}${unit}` : `${minimum} to ${most}${unit}`;
}

/** The sentences of the rules in CEL. */
function rulesOf(schema: Schema): string[] {
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly { readonly message: string }[];
  return rules.map(({ message }) => message);
}

function defaultOf(schema: Schema, field: string, kind: string): string {
  if (schema['default'] !== undefined) return `\`${JSON.stringify(schema['default'])}\``;
  return policyDefaults().get(`${kind} ${field}`) ?? String(schema['~otherwise'] ?? '');
}

let read: ReadonlyMap<string, string> | null = null;

/** What holds without a setting of a policy, by kind and path, as the tables of policies.md have it. */
function policyDefaults(): ReadonlyMap<string, string> {
  if (read !== null) return read;
  const sections = readFileSync(POLICY_PAGE, 'utf8').split(/^## /m);
  const entries = OWN_POLICIES.flatMap(({ kind }) => {
    const section = sections.find((text) => text.startsWith(`${kind}\n`)) ?? '';
    const rows = [...section.matchAll(/^\| `([\w.]+)` *\|.*\| ([^|]+?) *\|$/gm)];
    return rows.map(([, setting, otherwise]) => [`${kind} spec.${String(setting)}`, String(otherwise)] as const);
  });
  read = new Map(entries);
  return read;
}
