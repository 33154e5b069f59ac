// The effects of a change, by the compiler: resources of proxies, listeners, conditions of objects, and problems.
import { originOf, resourceId, type EncodedResource, type ResourceKind } from '#api/ir/ir.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { JsonValue } from '#lib/canonical-json.ts';
import { fieldDiff } from '#lib/field-diff.ts';
import type { DesiredCondition, DesiredStatus } from '../../controller/compile/result.ts';
import type { Finding } from '../../controller/lint/finding.ts';
import { placeOf, sorted } from '../../controller/lint/lint.ts';
import { partsOf } from '../../controller/status/problems.ts';
import type { FolderContent } from '../../controller/watch/folder.ts';
import type { Outcome } from './compilation.ts';

/** A resource of the proxies that the change adds, removes or changes. */
export interface ResourceEffect {
  readonly kind: ResourceKind;
  readonly key: string;
  /** The object that it comes from. */
  readonly origin: ObjectRef;
  readonly change: 'added' | 'removed' | 'changed';
  /** The fields that change, without values; none for Secrets, since equal values would confirm a guess. */
  readonly fields: readonly string[];
}

/** A condition that appears, goes, or changes. */
export interface ConditionEffect {
  readonly ref: ObjectRef;
  /** `listener http`, `parent shop`, or ''. */
  readonly part: string;
  readonly type: string;
  readonly before: ConditionState | null;
  readonly after: ConditionState | null;
}

/** The content of a condition. */
export type ConditionState = Pick<DesiredCondition, 'status' | 'reason' | 'message'>;

/** A finding of the linter or of the files. */
export type Problem = Finding;

/** All effects of a change. */
export interface ChangeEffects {
  readonly resources: readonly ResourceEffect[];
  /** Keys of the listeners that change, or whose routes do. */
  readonly listeners: readonly string[];
  readonly conditions: readonly ConditionEffect[];
  /** Problems that the change causes, and those that it solves. */
  readonly problems: readonly Problem[];
  readonly solved: readonly Problem[];
}

/** The effects of going from one outcome to the other. */
export function effectsOf(before: Outcome, after: Outcome): ChangeEffects {
  const resources = resourceEffects(before.resources, after.resources);
  return {
    resources,
    listeners: listenersOf(resources, before, after),
    conditions: conditionEffects(before.statuses, after.statuses),
    problems: missingFrom(before.findings, after.findings),
    solved: missingFrom(after.findings, before.findings),
  };
}

type Resources = ReadonlyMap<string, EncodedResource>;

function resourceEffects(before: Resources, after: Resources): readonly ResourceEffect[] {
  const effects: ResourceEffect[] = [];
  for (const [id, { kind, key, version }] of after) {
    const old = before.get(id);
    if (old === undefined) effects.push(effect(kind, key, 'added'));
    else if (kind !== 'Secret' && old.version !== version) effects.push(effect(kind, key, 'changed', fieldsOf(old, after.get(id))));
  }
  for (const [id, { kind, key }] of before) if (!after.has(id)) effects.push(effect(kind, key, 'removed'));
  return effects;
}

function effect(kind: ResourceKind, key: string, change: ResourceEffect['change'], fields: readonly string[] = []): ResourceEffect {
  return { kind, key, origin: originOf(kind, key).ref, change, fields };
}

function fieldsOf(before: EncodedResource, after: EncodedResource | undefined): readonly string[] {
  return fieldDiff(decoded(before), after === undefined ? undefined : decoded(after)).map(({ path }) => path);
}

function decoded({ body }: EncodedResource): JsonValue {
  return JSON.parse(body.toString()) as JsonValue;
}

function listenersOf(effects: readonly ResourceEffect[], before: Outcome, after: Outcome): readonly string[] {
  const listeners = new Set<string>();
  for (const { kind, key } of effects) {
    if (kind === 'Listener') listeners.add(key);
    if (kind !== 'Route' && kind !== 'StreamRoute') continue;
    for (const { resources } of [before, after])
      for (const listener of attachedTo(resources.get(resourceId(kind, key)))) listeners.add(listener);
  }
  return [...listeners].sort();
}

function attachedTo(route: EncodedResource | undefined): readonly string[] {
  if (route === undefined) return [];
  const { attachments } = JSON.parse(route.body.toString()) as { attachments: readonly { readonly listener: string }[] };
  return attachments.map(({ listener }) => listener);
}

type Statuses = ReadonlyMap<string, DesiredStatus>;

function conditionEffects(before: Statuses, after: Statuses): readonly ConditionEffect[] {
  const effects: ConditionEffect[] = [];
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(id), after.get(id)];
    const ref = (now ?? old)?.ref;
    if (ref !== undefined && old !== now) effects.push(...conditionsThatDiffer(ref, old, now));
  }
  return effects;
}

function conditionsThatDiffer(
  ref: ObjectRef,
  before: DesiredStatus | undefined,
  after: DesiredStatus | undefined,
): readonly ConditionEffect[] {
  const [old, now] = [conditionsOf(before), conditionsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => {
    const [part = '', type = ''] = JSON.parse(key) as string[];
    const [was, is] = [old.get(key) ?? null, now.get(key) ?? null];
    return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ ref, part, type, before: was, after: is }];
  });
}

function conditionsOf(status: DesiredStatus | undefined): ReadonlyMap<string, ConditionState> {
  const parts = status === undefined ? [] : partsOf(status);
  return new Map(
    parts.flatMap(([part, conditions]) =>
      conditions.map(
        ({ type, status: state, reason, message }) => [JSON.stringify([part, type]), { status: state, reason, message }] as const,
      ),
    ),
  );
}

/** The second findings that the first lack, wherever their lines are now. */
function missingFrom(known: readonly Finding[], findings: readonly Finding[]): readonly Problem[] {
  const id = ({ object, field, reason }: Finding): string => JSON.stringify([object, field, reason]);
  const ids = new Set(known.map(id));
  return findings.filter((finding) => !ids.has(id(finding))).map(withoutData);
}

/** A reason about the data of a Secret may quote it. */
function withoutData(finding: Finding): Problem {
  const isData = finding.object.startsWith('Secret/') && /^(?:data|stringData)\b/.test(finding.field);
  return isData ? { ...finding, reason: 'is not valid' } : finding;
}

/** The effects on objects of some namespaces only; '' is that of objects without a namespace. */
export function effectsIn(effects: ChangeEffects, isVisible: (namespace: string) => boolean): ChangeEffects {
  const sees = (finding: Finding): boolean => isVisible(namespaceOf(finding.object));
  return {
    resources: effects.resources.filter(({ origin }) => isVisible(origin.namespace)),
    listeners: effects.listeners.filter((key) => isVisible(originOf('Listener', key).ref.namespace)),
    conditions: effects.conditions.filter(({ ref }) => isVisible(ref.namespace)),
    problems: effects.problems.filter(sees),
    solved: effects.solved.filter(sees),
  };
}

/** The places of objects in the files of a content. */
export type Places = FolderContent['places'];

/** The effects with the places of their problems, sorted by them. `nameOf`: the name of a file for callers. */
export function withPlaces(effects: ChangeEffects, before: Places, after: Places, nameOf: (file: string) => string): ChangeEffects {
  return { ...effects, problems: placed(effects.problems, after, nameOf), solved: placed(effects.solved, before, nameOf) };
}

/** Problems of the files themselves have their places, and come first. */
function placed(problems: readonly Problem[], places: Places, nameOf: (file: string) => string): readonly Problem[] {
  const [ofFiles, ofLinter] = [problems.filter(({ file }) => file !== ''), problems.filter(({ file }) => file === '')];
  const found = sorted(ofLinter.map((finding) => ({ ...finding, ...placeOf(finding, places) })));
  return [...ofFiles, ...found].map((finding) => (finding.file === '' ? finding : { ...finding, file: nameOf(finding.file) }));
}

function namespaceOf(id: string): string {
  const [, namespace = '', name] = id.split('/');
  return name === undefined ? '' : namespace;
}
