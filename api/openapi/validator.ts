// Checks values by a translated schema, with a bound for the work: schemas that refer to themselves in several ways can take time beyond
// all measure for a short value.
import { createRequire } from 'node:module';
import { types } from 'node:util';
import { compileFunction } from 'node:vm';
import { _ } from 'ajv';
import { useFunc } from 'ajv/dist/compile/util.js';
import standalone from 'ajv/dist/standalone/index.js';
import { Ajv2020, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { DocumentPath, Faults } from './faults.ts';
import { pathOf } from './faults.ts';
import { FORMATS, NUMBER_FORMATS } from './formats.ts';
import { patternEngine } from './pattern.ts';
import { STEP, type Translated } from './schemas.ts';

/** A fault of a value. */
export interface ValueFault {
  /** Where in the value: a JSON pointer; '' for all of it. */
  readonly pointer: string;
  /** The rest of a sentence about it: `must be integer`. It holds nothing of the value. */
  readonly reason: string;
}

/** Checks values by one schema. */
export interface Validator {
  /** The faults of a value, in its order; none: it fits. */
  check(value: unknown): readonly ValueFault[];
}

/** Schemas that are applied to one value at most, each time they are. */
const MAX_STEPS = 1_000_000;

/** The same to find all faults of a value that has one. */
const MAX_STEPS_FOR_ALL = 10_000;

const TOO_COMPLEX: ValueFault = { pointer: '', reason: 'is too complex to be checked' };

/** The steps that are left to the check under way. Checks never wait, so there is one at a time. */
let left = 0;

class TooManySteps extends Error {}

/** Ends a check that takes too long. */
function step(): void {
  if (--left < 0) throw new TooManySteps();
}

/** The stack is full. Compiled functions may be of another realm, with classes of errors of its own. */
function isOverflow(error: unknown): boolean {
  return types.isNativeError(error) && error.name === 'RangeError';
}

/** The code of a validator, made by `compiledSchemas`. It is code of this release for this release. */
export interface ValidatorCode {
  /** Ends with the first fault. */
  readonly quick: string;
  /** Finds all faults. */
  readonly full: string;
}

class SchemaValidator implements Validator {
  readonly #quick: ValidateFunction;
  readonly #makeFull: () => ValidateFunction;
  /** Made for the first value with a fault. */
  #full: ValidateFunction | null = null;

  constructor(quick: ValidateFunction, makeFull: () => ValidateFunction) {
    this.#quick = quick;
    this.#makeFull = makeFull;
  }

  check(value: unknown): readonly ValueFault[] {
    const first = run(this.#quick, value, MAX_STEPS);
    if (first === null) return [TOO_COMPLEX];
    if (first.length === 0) return [];
    this.#full ??= this.#makeFull();
    return run(this.#full, value, MAX_STEPS_FOR_ALL) ?? first;
  }
}

/** Null: it takes too long. */
function run(validate: ValidateFunction, value: unknown, steps: number): readonly ValueFault[] | null {
  left = steps;
  try {
    return validate(value) ? [] : faultsOf(validate.errors ?? []);
  } catch (error) {
    if (error instanceof TooManySteps || isOverflow(error)) return null;
    throw error;
  } finally {
    // Its errors hold parts of the value.
    validate.errors = null;
  }
}

/** Compiles schemas to code. Takes up to seconds for a large or dense document. Throws if that is impossible. */
export function compiledSchemas(schemas: readonly Translated[]): ValidatorCode {
  return { quick: codeOf(schemas, false), full: codeOf(schemas, true) };
}

function codeOf(schemas: readonly Translated[], allErrors: boolean): string {
  const ajv = compiler(allErrors);
  for (const { id, schema } of schemas) ajv.addSchema(schema as AnySchemaObject, id);
  return standalone.default(ajv, ajv.getSchema(schemas[0]?.id ?? '') as ValidateFunction);
}

/** What the code refers to. */
const SURROUNDINGS = {
  require: createRequire(import.meta.url),
  formats: Object.fromEntries([...FORMATS, ...NUMBER_FORMATS].map(([name, validate]) => [name, { validate }])),
  patternEngine,
  step: Object.assign(step, { code: 'step' }),
  areUnique: Object.assign(areUnique, { code: 'areUnique' }),
};

function functionOf(code: string): ValidateFunction {
  const module: { exports: unknown } = { exports: null };
  // As the compiler itself makes its functions: it puts texts of schemas into the code as literals only.
  const evaluate = compileFunction(code, ['module', ...Object.keys(SURROUNDINGS)]) as (...values: readonly unknown[]) => void;
  evaluate(module, ...Object.values(SURROUNDINGS));
  return module.exports as ValidateFunction;
}

function compiler(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    validateSchema: false,
    inlineRefs: false,
    addUsedSchema: false,
    multipleOfPrecision: 9,
    logger: false,
    code: { source: true, formats: _`formats`, regExp: Object.assign(patternEngine, { code: 'patternEngine' }) },
  });
  for (const [name, validate] of FORMATS) ajv.addFormat(name, { type: 'string', validate });
  for (const [name, validate] of NUMBER_FORMATS) ajv.addFormat(name, { type: 'number', validate });
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    code: (context) => {
      if (context.schema === true) context.fail(_`!${useFunc(context.gen, SURROUNDINGS.areUnique)}(${context.data})`);
    },
    error: { message: 'must not have equal items' },
  });
  ajv.addKeyword({ keyword: STEP, code: ({ gen }) => void gen.code(_`${useFunc(gen, SURROUNDINGS.step)}()`) });
  return ajv;
}

/** In time in proportion to the array: that of Ajv compares each item with each other. */
function areUnique(items: readonly unknown[]): boolean {
  return new Set(items.map(canonical)).size === items.length;
}

/** Equal texts for equal values. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`);
  return `{${members.sort().join()}}`;
}

/** Of a schema that cannot be compiled: no value fits. */
const UNUSABLE: Validator = { check: () => [{ pointer: '', reason: 'has a schema that cannot be used' }] };

/** A validator of the first schema; the others are those that it refers to. */
export function validatorOf(schemas: readonly Translated[]): Validator {
  return usable(() => new SchemaValidator(functionOf(codeOf(schemas, false)), () => functionOf(codeOf(schemas, true))));
}

/** The validator with this code; null: it could not be made. */
export function validatorWith(code: ValidatorCode | null): Validator {
  return code === null ? UNUSABLE : usable(() => new SchemaValidator(functionOf(code.quick), () => functionOf(code.full)));
}

function usable(make: () => Validator): Validator {
  try {
    return make();
  } catch {
    return UNUSABLE;
  }
}

/** Knows the schema of schemas; made once, because that takes milliseconds. */
let checker: Ajv2020 | null = null;

/** Adds the faults of the schemas themselves: keywords with values that they cannot have. */
export function checkSchemas(schemas: readonly Translated[], faults: Faults): void {
  const ajv = (checker ??= compiler(true));
  for (const { path, schema } of schemas) {
    if (ajv.validateSchema(schema as AnySchemaObject) === true) continue;
    for (const { instancePath, message } of ajv.errors ?? []) faults.add(under(path, instancePath), message ?? 'is not valid');
  }
}

function under(path: DocumentPath, pointer: string): DocumentPath {
  return [...path, ...pathOf(pointer)];
}

function faultsOf(errors: readonly ErrorObject[]): readonly ValueFault[] {
  const found = new Map(errors.map(faultOf).map((fault) => [`${fault.pointer} ${fault.reason}`, fault]));
  return [...found.values()];
}

/** Names of members are those of the client; they are in the pointer. */
function faultOf({ keyword, instancePath, params, message = 'does not fit' }: ErrorObject): ValueFault {
  const named = params as Readonly<Record<string, unknown>>;
  const below = (name: unknown): string => `${instancePath}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (keyword === 'required') return { pointer: below(named['missingProperty']), reason: 'is required' };
  if (keyword === 'additionalProperties') return { pointer: below(named['additionalProperty']), reason: 'is not in the document' };
  if (keyword === 'unevaluatedProperties') return { pointer: below(named['unevaluatedProperty']), reason: 'is not in the document' };
  if (keyword === 'false schema') return { pointer: instancePath, reason: 'is not allowed' };
  if (keyword === 'enum') return { pointer: instancePath, reason: `must be one of ${described(named['allowedValues'])}` };
  if (keyword === 'const') return { pointer: instancePath, reason: `must be ${described([named['allowedValue']])}` };
  return { pointer: instancePath, reason: message };
}

function described(values: unknown): string {
  const texts = (values as readonly unknown[]).map((value) => JSON.stringify(value));
  return texts.length > 16 ? `${texts.slice(0, 16).join(', ')} and ${texts.length - 16} others` : texts.join(', ');
}
