// Expressions in policies: CEL (the Common Expression Language, cel.dev) over the facts of a request, compiled and checked before any
// request. https://github.com/marcbachmann/cel-js parses and evaluates them: it has no dependencies, limits the size of expressions, checks
// their types, and is several times as fast as the other implementations.
import { Environment } from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import { AddressRanges } from '#lib/address-ranges.ts';
import { parseAddressRange } from '#lib/address-range.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { PATTERN_CALL, translate } from './dialect.ts';
import { ClientFacts, OutcomeFacts, PathFacts, PrincipalFacts, RequestFacts, ResponseFacts, type Facts } from './facts.ts';

/** The longest text of an expression. */
export const MAX_EXPRESSION = 2_048;

/** The value that an expression must have: a decision, a text, or any value of JSON. */
export type ExpressionResult = 'bool' | 'string' | 'number' | 'json';

/** A compiled expression. */
export interface Expression {
  readonly source: string;
  /** It reads the caller, which is known after authentication. */
  readonly readsPrincipal: boolean;
  /** Its value, or why it has none: a missing header or claim, a value of another type. The error may have values of the request. */
  evaluate(facts: Facts): Result<boolean | string>;
  /** The same for any value: those of CEL, with `bigint`, `Map` and so on. */
  value(facts: Facts): Result<unknown>;
}

/**
 * The moment at which an expression is evaluated: only then `response` is there, also `outcome` when the exchange is over, or the `topic`
 * that a caller wants.
 */
export type ExpressionMoment = 'request' | 'response' | 'outcome' | 'topic';

const BASE = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 512, maxDepth: 32, maxListElements: 256, maxMapEntries: 64, maxCallArguments: 8 },
})
  .registerType('Request', {
    ctor: RequestFacts,
    fields: {
      method: 'string',
      scheme: 'string',
      host: 'string',
      path: 'string',
      query: 'map<string, string>',
      headers: 'map<string, string>',
      size: 'int',
    },
  })
  .registerType('Client', { ctor: ClientFacts, fields: { address: 'string', version: 'int' } })
  .registerType('Principal', {
    ctor: PrincipalFacts,
    fields: { id: 'string', method: 'string', groups: 'list<string>', claims: 'map<string, dyn>', consumer: 'string', plan: 'string' },
  })
  .registerType('Response', { ctor: ResponseFacts, fields: { status: 'int', headers: 'map<string, string>' } })
  .registerType('Outcome', {
    ctor: OutcomeFacts,
    fields: {
      error: 'string',
      durationMs: 'int',
      attempts: 'int',
      requestBytes: 'int',
      responseBytes: 'int',
      route: 'string',
      listener: 'string',
      endpoint: 'string',
    },
  })
  .registerType('Path', { ctor: PathFacts, fields: { captures: 'list<string>', params: 'map<string, string>' } })
  .registerVariable('request', 'Request')
  .registerVariable('client', 'Client')
  .registerVariable('principal', 'Principal')
  .registerVariable('now', 'google.protobuf.Timestamp')
  .registerFunction('string.inRange(string): bool', inRange);

const ENVIRONMENTS: Readonly<Record<ExpressionMoment, Environment>> = {
  request: BASE.clone(),
  response: BASE.clone().registerVariable('response', 'Response'),
  outcome: BASE.clone().registerVariable('response', 'Response').registerVariable('outcome', 'Outcome'),
  topic: BASE.clone().registerVariable('topic', 'string'),
};

/** The same with the parts of the path. */
const WITH_PATH: Readonly<Record<ExpressionMoment, Environment>> = {
  request: ENVIRONMENTS.request.clone().registerVariable('path', 'Path'),
  response: ENVIRONMENTS.response.clone().registerVariable('path', 'Path'),
  outcome: ENVIRONMENTS.outcome,
  topic: ENVIRONMENTS.topic,
};

/** What an expression may read and must be. `path`: it may read the parts of the path; `body`: the body, and the old value of a place. */
export interface ExpressionTerms {
  readonly result: ExpressionResult;
  readonly moment?: ExpressionMoment;
  readonly path?: boolean;
  readonly body?: boolean;
}

/** The same with the body. */
const WITH_BODY: Readonly<Record<ExpressionMoment, Environment>> = {
  request: withBody(WITH_PATH.request),
  response: withBody(WITH_PATH.response),
  outcome: withBody(WITH_PATH.outcome),
  topic: withBody(WITH_PATH.topic),
};

function withBody(environment: Environment): Environment {
  return environment.clone().registerVariable('body', 'dyn').registerVariable('value', 'dyn');
}

function environmentOf({ moment = 'request', path = false, body = false }: ExpressionTerms): Environment {
  const withoutBody = path ? WITH_PATH : ENVIRONMENTS;
  return (body ? WITH_BODY : withoutBody)[moment];
}

/** Compiles an expression. The error is a sentence without its subject: "must be true or false, and is a string". */
export function compileExpression(source: string, terms: ExpressionTerms): Result<Expression> {
  const { result } = terms;
  if (source.length > MAX_EXPRESSION) return err(`must have at most ${MAX_EXPRESSION} characters`);
  try {
    const environment = environmentOf(terms);
    const checked = environment.check(source);
    if (!checked.valid) return err(`is not valid: ${summaryOf(checked.error)}`);
    if (!isOfType(result, checked.type ?? '')) return err(`must be ${WORDS[result]}, and is of type ${checked.type}`);
    const translated = translate(environment.parse(source).ast);
    if (!translated.ok) return translated;
    const { text, patterns, names } = translated.value;
    const evaluate = withPatterns(environment, patterns).parse(text);
    return ok({
      source,
      readsPrincipal: names.has('principal'),
      evaluate: (facts) => guarded(evaluate, facts, result),
      value: (facts) => valued(evaluate, facts),
    });
  } catch (error) {
    return err(`is not valid: ${summaryOf(error)}`);
  }
}

const WORDS: Readonly<Record<ExpressionResult, string>> = {
  bool: 'true or false',
  string: 'a text',
  number: 'a number',
  json: 'a value of JSON',
};
const NUMBERS: ReadonlySet<string> = new Set(['int', 'uint', 'double']);

function isOfType(result: ExpressionResult, type: string): boolean {
  return result === 'json' || type === 'dyn' || type === result || (result === 'number' && NUMBERS.has(type));
}

/** The environment with the function that replaces `matches`. */
function withPatterns(environment: Environment, patterns: ReadonlyMap<string, RE2JS>): Environment {
  if (patterns.size === 0) return environment;
  const matches = (text: string, pattern: string): boolean => (patterns.get(pattern) as RE2JS).matcher(text).find();
  return environment.clone().registerFunction(`string.${PATTERN_CALL}(string): bool`, matches);
}

function guarded(evaluate: (facts: Facts) => unknown, facts: Facts, result: ExpressionResult): Result<boolean | string> {
  try {
    const value = evaluate(facts);
    if (typeof value === (result === 'bool' ? 'boolean' : 'string')) return ok(value as boolean | string);
    return err(`must be ${WORDS[result]}`);
  } catch (error) {
    return err(summaryOf(error));
  }
}

function valued(evaluate: (facts: Facts) => unknown, facts: Facts): Result<unknown> {
  try {
    return ok(evaluate(facts));
  } catch (error) {
    return err(summaryOf(error));
  }
}

/** Ranges occur as literals, so there are few of them. */
const ranges = new Map<string, AddressRanges>();
const MAX_RANGES = 1_024;

function inRange(address: string, text: string): boolean {
  return rangeOf(text).includes(address);
}

function rangeOf(text: string): AddressRanges {
  const known = ranges.get(text);
  if (known !== undefined) return known;
  const parsed = parseAddressRange(text);
  if (!parsed.ok) throw new Error(`inRange: ${text} ${parsed.error}`);
  const made = AddressRanges.of([parsed.value]);
  if (ranges.size < MAX_RANGES) ranges.set(text, made);
  return made;
}

/** The first line: the others draw the place in the expression. */
function summaryOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
