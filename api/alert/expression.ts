// Expressions of alert rules: CEL (cel.dev) over the values of one subject and its traffic, compiled and checked when the rule is read.
import { Environment } from '@marcbachmann/cel-js';
import type { ASTNode } from '@marcbachmann/cel-js';
import { parseDuration } from '#lib/duration.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { TrafficFacts, type SubjectFacts, type TrafficNeed, type TrafficNeeds } from './facts.ts';
import { TRAFFIC_FUNCTIONS, type TrafficFunction } from './functions.ts';
import { SUBJECT_TABLE, type Subject, type SubjectKind } from './subjects.ts';

/** The longest text of an expression. */
export const MAX_ALERT_EXPRESSION = 1_024;
/** The window has steps of ten seconds and keeps two hours, milliseconds. */
export const MIN_WINDOW_MS = 10_000;
export const MAX_WINDOW_MS = 7_200_000;

/** A compiled expression. */
export interface AlertExpression {
  readonly source: string;
  /** Null: there is none, and only labels and the value can be read. */
  readonly subject: SubjectKind | null;
  /** The parts of the traffic that it reads. */
  readonly needs: TrafficNeeds;
  readonly ast: ASTNode;
  /** Its value, or why it has none. */
  evaluate(facts: SubjectFacts, value: number): Result<boolean | number | string>;
}

/** What an expression must be: a condition, a number, or a part of a text. */
export type AlertExpressionType = 'bool' | 'double' | 'text';

const WORDS: Readonly<Record<AlertExpressionType, string>> = { bool: 'true or false', double: 'a number', text: 'a text or a number' };
const TYPES: Readonly<Record<AlertExpressionType, readonly string[]>> = {
  bool: ['bool'],
  double: ['double', 'int'],
  text: ['string', 'double', 'int', 'bool'],
};

/** The values of a subject, by name. */
class SubjectValues {
  [field: string]: number | bigint | boolean;

  constructor(kind: SubjectKind, values: SubjectFacts['values']) {
    for (const [name, { type }] of Object.entries(SUBJECT_TABLE[kind].fields)) {
      const value = values[name] ?? 0;
      this[name] = type === 'int' ? BigInt(Math.round(Number(value))) : type === 'bool' ? Boolean(value) : Number(value);
    }
  }
}

/** Functions for texts, with their meaning. */
export const TEXT_FUNCTIONS: Readonly<Record<string, { readonly text: string; readonly run: (value: number) => string }>> = {
  percent: { text: 'A share as percent: 0.051 is `5.1 %`.', run: (value) => `${rounded(value * 100)} %` },
  seconds: { text: 'Seconds in the unit that fits: 0.25 is `250 ms`.', run: secondsText },
  round: { text: 'A number with three digits at most.', run: rounded },
};

const environments = new Map<string, Environment>();

/** `texts`: the value of the rule and the functions for texts are there too. */
function environmentOf(kind: SubjectKind | null, texts: boolean): Environment {
  const known = environments.get(`${kind} ${texts}`);
  if (known !== undefined) return known;
  const environment = new Environment({
    limits: { maxAstNodes: 256, maxDepth: 32, maxListElements: 64, maxMapEntries: 64, maxCallArguments: 4 },
  });
  environment.registerVariable('labels', 'map<string, string>');
  if (kind !== null) registerSubject(environment, SUBJECT_TABLE[kind]);
  if (texts) registerTexts(environment);
  environments.set(`${kind} ${texts}`, environment);
  return environment;
}

function registerSubject(environment: Environment, { variable, hasTraffic, fields }: Subject): void {
  if (hasTraffic) registerTraffic(environment);
  if (Object.keys(fields).length === 0) return;
  const types = Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type]));
  environment.registerType('Subject', { ctor: SubjectValues, fields: types }).registerVariable(variable, 'Subject');
}

function registerTraffic(environment: Environment): void {
  environment.registerType('Traffic', { ctor: TrafficFacts, fields: {} }).registerVariable('traffic', 'Traffic');
  for (const [name, { parameters, value }] of Object.entries(TRAFFIC_FUNCTIONS)) {
    const types = [...parameters, 'string'].join(', ');
    environment.registerFunction(`Traffic.${name}(${types}): double`, (traffic: TrafficFacts, ...args: (number | string)[]) => {
      const ms = millisecondsOf(args.at(-1));
      return value(traffic.in(ms), args.slice(0, -1), ms);
    });
  }
}

function registerTexts(environment: Environment): void {
  environment.registerVariable('value', 'double');
  for (const [name, { run }] of Object.entries(TEXT_FUNCTIONS)) environment.registerFunction(`${name}(double): string`, run);
}

/** Compiles an expression about a kind of subject. The error is a sentence without its subject: "must be true or false, and is a string". */
export function compileAlertExpression(source: string, subject: SubjectKind | null, type: AlertExpressionType): Result<AlertExpression> {
  if (source.length > MAX_ALERT_EXPRESSION) return err(`must have at most ${MAX_ALERT_EXPRESSION} characters`);
  try {
    const environment = environmentOf(subject, type === 'text');
    const checked = environment.check(source);
    if (!checked.valid) return err(`is not valid: ${summaryOf(checked.error)}`);
    if (!TYPES[type].includes(checked.type ?? '')) return err(`must be ${WORDS[type]}, and is of type ${checked.type}`);
    const run = environment.parse(source);
    const needs = new Map<string, TrafficNeed>();
    const problem = checkCalls(run.ast, { subject, needs });
    if (problem !== null) return err(problem);
    return ok({ source, subject, needs, ast: run.ast, evaluate: (facts, value) => evaluated(run, facts, { subject, value }) });
  } catch (error) {
    return err(`is not valid: ${summaryOf(error)}`);
  }
}

function evaluated(
  run: (variables: Record<string, unknown>) => unknown,
  { labels, values, traffic }: SubjectFacts,
  { subject, value }: { readonly subject: SubjectKind | null; readonly value: number },
): Result<boolean | number | string> {
  try {
    const result = run({
      labels: new Map(Object.entries(labels)),
      traffic: new TrafficFacts(traffic),
      ...(subject === null ? {} : { [SUBJECT_TABLE[subject].variable]: new SubjectValues(subject, values) }),
      value,
    });
    return ok(typeof result === 'bigint' ? Number(result) : (result as boolean | number | string));
  } catch (error) {
    return err(summaryOf(error));
  }
}

/** Where an expression stands, and what it has been found to read. */
interface Place {
  readonly subject: SubjectKind | null;
  readonly needs: Map<string, TrafficNeed>;
}

/** Checks the calls of `traffic`: the times of an expression must be known before it is evaluated. */
function checkCalls(node: ASTNode, place: Place): string | null {
  if (node.op === 'rcall' && Object.hasOwn(TRAFFIC_FUNCTIONS, node.args[0]) && isTraffic(node.args[1])) {
    const [name, , args] = node.args;
    return checkCall(name, TRAFFIC_FUNCTIONS[name] as TrafficFunction, args.map(literalOf), place);
  }
  for (const child of childrenOf(node.args)) {
    const problem = checkCalls(child, place);
    if (problem !== null) return problem;
  }
  return null;
}

function checkCall(
  name: string,
  { of, check, isNotOf }: TrafficFunction,
  args: readonly (number | string | null)[],
  { subject, needs }: Place,
): string | null {
  if (isNotOf !== undefined && isNotOf === subject) return `calls traffic.${name}, which a ${isNotOf} does not have`;
  const time = timeOf(args.at(-1));
  if (!time.ok) return `calls traffic.${name} with ${time.error}`;
  const problem = check?.(args.slice(0, -1)) ?? null;
  if (problem !== null) return `calls traffic.${name}, which ${problem}`;
  const argument = of === 'latency' || of === 'slow' ? Number(args[0]) : 0;
  needs.set(needId(of, time.value, argument), { of, ms: time.value, argument });
  return null;
}

/** The milliseconds of a time; the error completes "calls a function with ...". */
function timeOf(time: number | string | null | undefined): Result<number> {
  if (typeof time !== 'string') return err('a time that is no text in quotes, like "5m"');
  const parsed = parseDuration(time);
  if (!parsed.ok) return err(`the time "${time}", which ${parsed.error}`);
  const isKept = parsed.value >= MIN_WINDOW_MS && parsed.value <= MAX_WINDOW_MS;
  return isKept ? parsed : err(`the time "${time}"; it must be from 10s to 2h, or use prometheus`);
}

/** A comparison of two values. */
export type Comparison = ASTNode & { readonly op: '<' | '<=' | '>' | '>=' | '==' | '!=' };

/** Whether a node is a comparison. */
export function isComparison(node: ASTNode): node is Comparison {
  return ['<', '<=', '>', '>=', '==', '!='].includes(node.op);
}

/** Whether a node is the variable `traffic`. */
export function isTraffic(node: ASTNode): boolean {
  return node.op === 'id' && node.args === 'traffic';
}

/** The value of a literal; null for any other node. */
export function literalOf(node: ASTNode): number | string | null {
  if (node.op !== 'value') return null;
  const value: unknown = node.args;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' || typeof value === 'string' ? value : null;
}

/** The same text for equal parts of the traffic. */
export function needId(of: TrafficNeed['of'], ms: number, argument: number): string {
  return `${of} ${ms} ${argument}`;
}

/** The nodes in the operands of an operator, which are nodes, lists of them, and texts. */
function childrenOf(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}

function millisecondsOf(time: unknown): number {
  const parsed = parseDuration(String(time));
  return parsed.ok ? parsed.value : MIN_WINDOW_MS;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function secondsText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size < 1) return `${rounded(value * 1_000)} ms`;
  if (size < 120) return `${rounded(value)} s`;
  return size < 7_200 ? `${rounded(value / 60)} min` : `${rounded(value / 3_600)} h`;
}

/** The first line: the others draw the place in the expression. */
function summaryOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [line = ''] = message.split('\n', 1);
  const mixed = /no such overload: (double .* int|int .* double)$/.test(line);
  return mixed ? `${line}; write a number with a point beside traffic and measures, like 5.0` : line;
}
