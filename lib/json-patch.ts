// JSON patch (RFC 6902): a list of steps, of which all or none take effect.
import { isList, isObject, type JsonObject, type JsonValue } from './canonical-json.ts';
import { equalJson, memberOf, withMember } from './json-value.ts';
import { err, ok, type Result } from './result.ts';

/** One step. `path` and `from` are JSON pointers (RFC 6901). */
export interface JsonPatchStep {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from?: string;
  readonly value?: JsonValue;
}

/** Why a patch has no effect: the index of the step, and a sentence without its subject. */
export interface PatchFault {
  readonly step: number;
  readonly reason: string;
}

/** `maxSteps` of a patch, and `maxBytes` of JSON that all its steps together may put in: copies of copies grow fast. */
export interface PatchLimits {
  readonly maxSteps: number;
  readonly maxBytes: number;
}

const DEFAULT_LIMITS: PatchLimits = { maxSteps: 1_000, maxBytes: 4 * 1_048_576 };

/** The patched value; the target stays as it is. */
export function applyJsonPatch(
  target: JsonValue,
  steps: readonly JsonPatchStep[],
  { maxSteps, maxBytes }: PatchLimits = DEFAULT_LIMITS,
): Result<JsonValue, PatchFault> {
  if (steps.length > maxSteps) return err({ step: maxSteps, reason: `comes after ${maxSteps} steps, which is the limit` });
  let value = target;
  let bytes = 0;
  for (const [step, each] of steps.entries()) {
    const done = applyStep(value, each);
    if (!done.ok) return err({ step, reason: done.error });
    bytes += done.value.bytes;
    if (bytes > maxBytes) return err({ step, reason: `puts in more than ${maxBytes} bytes together with those before` });
    value = done.value.value;
  }
  return ok(value);
}

interface Done {
  readonly value: JsonValue;
  readonly bytes: number;
}

function applyStep(target: JsonValue, step: JsonPatchStep): Result<Done> {
  const path = stepsOf(step.path);
  if (!path.ok) return path;
  switch (step.op) {
    case 'add':
    case 'replace':
    case 'test':
      return step.value === undefined ? err(`needs a value for ${step.op}`) : applyValue(target, step.op, path.value, step.value);
    case 'remove':
      return without(target, path.value);
    case 'move':
    case 'copy':
      return applyFrom(target, step, path.value);
  }
}

function applyValue(target: JsonValue, op: 'add' | 'replace' | 'test', path: readonly string[], value: JsonValue): Result<Done> {
  if (op === 'add') return withPut(target, path, value, 'add');
  const found = valueAt(target, path);
  if (found === undefined) return err(`names ${pointer(path)}, which does not exist`);
  if (op === 'replace') return withPut(target, path, value, 'replace');
  return equalJson(found, value) ? ok({ value: target, bytes: 0 }) : err(`expects another value at ${pointer(path)}`);
}

function applyFrom(target: JsonValue, { op, from }: JsonPatchStep, path: readonly string[]): Result<Done> {
  if (from === undefined) return err(`needs from for ${op}`);
  const source = stepsOf(from);
  if (!source.ok) return source;
  const found = valueAt(target, source.value);
  if (found === undefined) return err(`names ${pointer(source.value)}, which does not exist`);
  if (op === 'copy') return withPut(target, path, found, 'add');
  if (path.length > source.value.length && source.value.every((name, i) => name === path[i])) return err('moves a value into itself');
  const rest = without(target, source.value);
  return rest.ok ? withPut(rest.value.value, path, found, 'add') : rest;
}

/** The steps of a pointer; none for the whole value. */
function stepsOf(text: string): Result<readonly string[]> {
  if (text === '') return ok([]);
  if (!text.startsWith('/')) return err(`names ${JSON.stringify(text)}, which is no pointer; a pointer starts with /`);
  if (/~(?![01])/.test(text)) return err(`names ${JSON.stringify(text)}, which must write ~ as ~0 and / as ~1`);
  return ok(
    text
      .slice(1)
      .split('/')
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
  );
}

/** The pointer (RFC 6901) of steps. */
export function pointer(steps: readonly (string | number)[]): string {
  return steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function valueAt(target: JsonValue, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = target;
  for (const step of path) {
    if (value !== undefined && isList(value)) value = value[indexOf(step) ?? -1];
    else value = isObject(value) ? memberOf(value, step) : undefined;
  }
  return value;
}

/** The index of a list; null if it is none. RFC 6901 allows no leading zero. */
function indexOf(step: string): number | null {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(step) ? Number(step) : null;
}

function withPut(target: JsonValue, path: readonly string[], value: JsonValue, op: 'add' | 'replace'): Result<Done> {
  const changed = edit(target, path, (parent, last) => {
    if (!isList(parent)) return ok(withMember(parent, last, value));
    const index = last === '-' && op === 'add' ? parent.length : indexOf(last);
    if (index === null || index > parent.length) return err(`names index ${last}, which the list does not have`);
    return ok(parent.toSpliced(index, op === 'add' ? 0 : 1, value));
  });
  const bytes = JSON.stringify(value).length;
  if (path.length === 0) return ok({ value, bytes });
  return changed.ok ? ok({ value: changed.value, bytes }) : changed;
}

function without(target: JsonValue, path: readonly string[]): Result<Done> {
  if (path.length === 0) return err('takes out the whole value');
  if (valueAt(target, path) === undefined) return err(`names ${pointer(path)}, which does not exist`);
  const changed = edit(target, path, (parent, last) =>
    ok(isList(parent) ? parent.toSpliced(Number(last), 1) : withMember(parent, last, undefined)),
  );
  return changed.ok ? ok({ value: changed.value, bytes: 0 }) : changed;
}

/** A copy in which the list or object that holds the last step is another one. */
function edit(
  value: JsonValue,
  path: readonly string[],
  change: (parent: readonly JsonValue[] | JsonObject, last: string) => Result<JsonValue>,
): Result<JsonValue> {
  const [step, ...rest] = path;
  if (step === undefined) return ok(value);
  if (!isList(value) && !isObject(value)) return err(`leads through ${JSON.stringify(step)}, whose parent is no object and no list`);
  if (rest.length === 0) return change(value, step);
  const child = valueAt(value, [step]);
  if (child === undefined) return err(`leads through ${JSON.stringify(step)}, which does not exist`);
  const changed = edit(child, rest, change);
  if (!changed.ok) return changed;
  return ok(isList(value) ? value.with(Number(step), changed.value) : withMember(value, step, changed.value));
}

/** The patch that makes `after` of `before`: the smallest places that differ. */
export function jsonPatchOf(before: JsonValue, after: JsonValue, path: readonly (string | number)[] = []): readonly JsonPatchStep[] {
  if (equalJson(before, after)) return [];
  if (isObject(before) && isObject(after)) return patchOfObjects(before, after, path);
  if (isList(before) && isList(after)) return patchOfLists(before, after, path);
  return [{ op: 'replace', path: pointer(path), value: after }];
}

function patchOfObjects(before: JsonObject, after: JsonObject, path: readonly (string | number)[]): readonly JsonPatchStep[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [old, now] = [memberOf(before, name), memberOf(after, name)];
    const place = [...path, name];
    if (now === undefined) return [{ op: 'remove', path: pointer(place) }];
    return old === undefined ? [{ op: 'add', path: pointer(place), value: now }] : jsonPatchOf(old, now, place);
  });
}

/** How many elements two lists share at their beginning and at their end. */
export function sharedEnds(before: readonly JsonValue[], after: readonly JsonValue[]): { readonly head: number; readonly tail: number } {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && equalJson(before[head], after[head])) head++;
  let tail = 0;
  while (tail < most - head && equalJson(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  return { head, tail };
}

function patchOfLists(
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  path: readonly (string | number)[],
): readonly JsonPatchStep[] {
  const { head, tail } = sharedEnds(before, after);
  const old = before.slice(head, before.length - tail);
  const now = after.slice(head, after.length - tail);
  const steps: JsonPatchStep[] = [];
  for (const [i, value] of now.entries()) {
    const [known, place] = [old[i], [...path, head + i]];
    if (known === undefined) steps.push({ op: 'add', path: pointer(place), value });
    else steps.push(...jsonPatchOf(known, value, place));
  }
  // Each removal moves the elements after it, so the index stays.
  const rest = pointer([...path, head + now.length]);
  return [...steps, ...old.slice(now.length).map(() => ({ op: 'remove' as const, path: rest }))];
}
