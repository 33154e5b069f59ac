// Changes of bodies: removes, renames, moves, maps, then sets, in the tree of values of a body of any form.
import { compileExpression, type Expression, type ExpressionMoment } from '#api/expression/expression.ts';
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { parsePointer, type PointerStep } from '#lib/json-pointer.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { BodyForm } from './body-form.ts';
import { readable, ValueBudget, ValueProblem, type Json } from './exact-json.ts';
import { mapAt, moveTo, removeAt, renameAt, setAt } from './tree-edits.ts';

type Settings = Omit<NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['request']>['body']>, 'format'>;
type Pointer = readonly PointerStep[];

const DEFAULT_MAX_SIZE = 1_048_576;
const DEFAULT_MAX_DEPTH = 64;
/** Each place of a `map` costs an evaluation, while others wait. */
const MAX_PLACES = 10_000;

/** The facts with the body as expressions read it: of exact numbers the nearest double. */
type BodyFacts = Facts & { readonly body: unknown };

/** One change of a tree. */
type Edit = (root: Json, facts: BodyFacts, budget: ValueBudget) => void;

/** Why a body cannot be changed. */
export type BodyProblem = 'unreadable' | 'tooLarge' | 'unwritable';

export class BodyChanges {
  /** Bytes of a body, before and after. */
  readonly maxSize: number;
  readonly #maxDepth: number;
  readonly #edits: readonly Edit[];

  constructor(settings: Settings, moment: ExpressionMoment) {
    this.maxSize = settings.maxSize ?? DEFAULT_MAX_SIZE;
    this.#maxDepth = settings.maxDepth ?? DEFAULT_MAX_DEPTH;
    this.#edits = editsOf(settings, moment);
  }

  /** The bytes of a body in another form, or in the same one with changes. */
  change(
    bytes: Buffer,
    { from, to, facts }: { readonly from: BodyForm; readonly to: BodyForm; readonly facts: Facts },
  ): Result<Buffer, BodyProblem> {
    const read = from.read(bytes, this.#maxDepth);
    if (read === null) return err('unreadable');
    const root = { '': read.value };
    if (!this.#edit(root, facts)) return err('tooLarge');
    const text = to.write(root['']);
    if (text === null) return err('unwritable');
    const written = Buffer.from(text, 'utf8');
    return written.length > this.maxSize ? err('tooLarge') : ok(written);
  }

  /** False: expressions made more than the body may have. */
  #edit(root: { readonly '': Json }, facts: Facts): boolean {
    if (this.#edits.length === 0) return true;
    const budget = new ValueBudget(this.maxSize);
    const withBody = { ...facts, body: readable(root['']) };
    try {
      for (const edit of this.#edits) edit(root[''], withBody, budget);
      return true;
    } catch (problem) {
      if (problem instanceof ValueProblem) return false;
      throw problem;
    }
  }
}

function editsOf({ remove = [], rename = [], move = [], map = [], set = [] }: Settings, moment: ExpressionMoment): readonly Edit[] {
  return [
    ...remove.map((path): Edit => {
      const pointer = pointerOf(path);
      return (root) => removeAt(root, pointer);
    }),
    ...rename.map(({ path, to = '' }): Edit => {
      const pointer = pointerOf(path);
      return (root) => renameAt(root, pointer, to);
    }),
    ...move.map(({ from, to }): Edit => {
      const [start, end] = [pointerOf(from), pointerOf(to)];
      return (root) => moveTo(root, start, end);
    }),
    ...map.map((each) => mapEdit(each, moment)),
    ...set.map((each) => setEdit(each, moment)),
  ];
}

/** A place whose expression has no value keeps the old one. */
function mapEdit({ path, value }: NonNullable<Settings['map']>[number], moment: ExpressionMoment): Edit {
  const [pointer, expression] = [pointerOf(path), compiled(value, 'json', moment)];
  return (root, facts, budget) => {
    let places = 0;
    mapAt(root, pointer, (old) => {
      if (++places > MAX_PLACES) throw new ValueProblem('there are too many places');
      budget.spendTime();
      const made = expression.value({ ...facts, value: readable(old) });
      return made.ok ? budget.json(made.value) : undefined;
    });
  };
}

/** Without a value the place goes: that of the sender must not pass for it. */
function setEdit({ path, value, when }: NonNullable<Settings['set']>[number], moment: ExpressionMoment): Edit {
  const [pointer, expression] = [pointerOf(path), compiled(value, 'json', moment)];
  const condition = when === undefined ? null : compiled(when, 'bool', moment);
  return (root, facts, budget) => {
    if (condition !== null && !holds(condition, facts)) return;
    const made = expression.value(facts);
    if (made.ok) setAt(root, pointer, () => budget.json(made.value));
    else removeAt(root, pointer);
  };
}

function holds(condition: Expression, facts: Facts): boolean {
  const value = condition.evaluate(facts);
  return value.ok && value.value === true;
}

/** The rules of the policy have been checked: it compiles. */
function compiled(source = '', result: 'bool' | 'json', moment: ExpressionMoment): Expression {
  const expression = compileExpression(source, { result, moment, path: true, body: true });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}

function pointerOf(text = ''): Pointer {
  const pointer = parsePointer(text);
  if (!pointer.ok) throw new Error(`${text} ${pointer.error}`);
  return pointer.value;
}
