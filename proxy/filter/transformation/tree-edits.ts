// Changes at the places of a body that a pointer names.
import { EACH, type PointerStep } from '#lib/json-pointer.ts';
import { isObject, setMember, type Json, type JsonObject } from './exact-json.ts';

/** A place: a member of an object, or an element of a list. */
interface Place {
  readonly parent: JsonObject | Json[];
  readonly key: string;
}

type Pointer = readonly PointerStep[];

/** Longer lists are not made by the index of an element. */
const APPEND = '-';

/** The existing places, the last first, so that a removal moves none of those that follow. */
function placesOf(root: Json, pointer: Pointer): readonly Place[] {
  let parents: readonly Json[] = [root];
  for (const step of pointer.slice(0, -1)) parents = parents.flatMap((parent) => keysOf(parent, step).map((key) => valueAt(parent, key)));
  const last = pointer.at(-1) as PointerStep;
  return parents.flatMap((parent) => keysOf(parent, last).map((key) => ({ parent: parent as Place['parent'], key }))).reverse();
}

function keysOf(parent: Json, step: PointerStep): readonly string[] {
  if (Array.isArray(parent)) {
    if (step === EACH) return [...parent.keys()].map(String);
    return isIndex(step) && Number(step) < parent.length ? [step] : [];
  }
  if (!isObject(parent)) return [];
  if (step === EACH) return Object.keys(parent);
  return Object.hasOwn(parent, step) ? [step] : [];
}

function isIndex(step: string): boolean {
  return /^(0|[1-9][0-9]{0,8})$/.test(step);
}

/** Of an own member or an element. */
function valueAt(parent: Json, key: string): Json {
  return (parent as JsonObject)[key] as Json;
}

/** Removes what is there. */
export function removeAt(root: Json, pointer: Pointer): void {
  for (const place of placesOf(root, pointer)) take(place);
}

function take({ parent, key }: Place): Json {
  const value = valueAt(parent as Json, key);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else Reflect.deleteProperty(parent, key);
  return value;
}

/** Gives members another name, in place of others with it. */
export function renameAt(root: Json, pointer: Pointer, to: string): void {
  for (const place of placesOf(root, pointer))
    if (!Array.isArray(place.parent) && place.key !== to) setMember(place.parent, to, take(place));
}

/** Moves a value, if it is there. */
export function moveTo(root: Json, from: Pointer, to: Pointer): void {
  const [place] = placesOf(root, from);
  if (place === undefined) return;
  const value = take(place);
  // A place within itself, or below a value that is no object, is none.
  if (!setAt(root, to, () => value)) put(place, value);
}

/** Puts back what was taken. */
function put({ parent, key }: Place, value: Json): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 0, value);
  else setMember(parent, key, value);
}

/** Replaces what is there; `change` undefined keeps it. */
export function mapAt(root: Json, pointer: Pointer, change: (value: Json) => Json | undefined): void {
  for (const { parent, key } of placesOf(root, pointer)) {
    const value = change(valueAt(parent as Json, key));
    if (value !== undefined) write(parent, key, value);
  }
}

function write(parent: Place['parent'], key: string, value: Json): void {
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else setMember(parent, key, value);
}

/** Sets a value, and makes objects on the way. `make` gives each place a value of its own. False: there is no such place. */
export function setAt(root: Json, pointer: Pointer, make: () => Json): boolean {
  let parents: readonly Json[] = [root];
  for (const step of pointer.slice(0, -1)) parents = parents.flatMap((parent) => entered(parent, step));
  const last = pointer.at(-1) as PointerStep;
  return parents.map((parent) => setIn(parent, last, make)).includes(true);
}

function entered(parent: Json, step: PointerStep): readonly Json[] {
  if (step !== EACH && isObject(parent) && !Object.hasOwn(parent, step)) {
    const made: JsonObject = {};
    setMember(parent, step, made);
    return [made];
  }
  return keysOf(parent, step).map((key) => valueAt(parent, key));
}

function setIn(parent: Json, step: PointerStep, make: () => Json): boolean {
  if (Array.isArray(parent) && step === APPEND) {
    parent.push(make());
    return true;
  }
  const keys = step !== EACH && isObject(parent) ? [step] : keysOf(parent, step);
  for (const key of keys) write(parent as Place['parent'], key, make());
  return keys.length > 0;
}
