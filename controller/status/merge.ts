// Computes the status patch from the live status and the desired one. Pure; null if they agree.
import { isDeepStrictEqual } from 'node:util';
import type { AncestorStatus, DesiredCondition, DesiredStatus, ListenerStatus, ParentRef } from '../compile/result.ts';
import { ENDPOINTS_RESOLVED, RESOURCES_READABLE } from '../compile/conditions.ts';
import type { Condition } from '#api/k8s/object.ts';

/** Other inputs of a merge. */
export interface MergeOptions {
  /** Route and policy entries with this name belong to Weir. */
  readonly controllerName: string;
  /** RFC 3339 in whole seconds, the format of metav1.Time. */
  readonly now: string;
}

/** The status fields to be replaced. */
export type StatusPatch = Readonly<Record<string, unknown>>;

/** The condition types that Weir sets. Conditions of other types belong to other controllers and stay. */
const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  'Accepted',
  'SupportedVersion',
  RESOURCES_READABLE,
  'Programmed',
  'ResolvedRefs',
  'Conflicted',
  'Overridden',
  'OverlappingTLSConfig',
  'InsecureFrontendValidationMode',
  'PartiallyInvalid',
  'UnsupportedFields',
  'RefusedByProxy',
  ENDPOINTS_RESOLVED,
]);

/** metav1.Condition allows 32 KiB; a readable sentence needs less. */
const MAX_MESSAGE = 4_096;

type Json = Readonly<Record<string, unknown>>;

/** The status fields that differ from the live status; null if none do. */
export function mergeStatus(live: unknown, desired: DesiredStatus, options: MergeOptions): StatusPatch | null {
  const status = isJson(live) ? live : {};
  switch (desired.type) {
    case 'GatewayClass':
      return difference(status, {
        conditions: mergeConditions(status['conditions'], desired.conditions, options),
        supportedFeatures: desired.supportedFeatures.map((name) => ({ name })),
      });
    case 'Gateway':
      return difference(status, {
        addresses: desired.addresses,
        conditions: mergeConditions(status['conditions'], desired.conditions, options),
        listeners: mergeListeners(status['listeners'], desired.listeners, options),
        attachedListenerSets: desired.attachedListenerSets,
      });
    case 'ListenerSet':
      return difference(status, {
        conditions: mergeConditions(status['conditions'], desired.conditions, options),
        listeners: mergeListeners(status['listeners'], desired.listeners, options),
      });
    case 'Route':
      return difference(status, { parents: mergeParents(status['parents'], desired.parents, options) });
    case 'Backend':
    case 'Consumer':
    case 'Alerting':
      return difference(status, { conditions: mergeConditions(status['conditions'], desired.conditions, options) });
    case 'Policy':
      return difference(status, { ancestors: mergeAncestors(status['ancestors'], desired.ancestors, options) });
  }
}

/** The patch that removes Weir's conditions from an object; null if it has none. */
export function withoutOwnConditions(live: unknown, options: MergeOptions): StatusPatch | null {
  const status = isJson(live) ? live : {};
  return difference(status, { conditions: mergeConditions(status['conditions'], [], options) });
}

/** The patch that removes Weir's entries from a route or policy; null if it has none. */
export function withoutOwnEntries(live: unknown, list: 'parents' | 'ancestors', options: MergeOptions): StatusPatch | null {
  const status = isJson(live) ? live : {};
  const left = list === 'parents' ? mergeParents(status[list], [], options) : mergeAncestors(status[list], [], options);
  return difference(status, { [list]: left });
}

/** An absent list equals an empty one, and an absent number equals 0: servers that do not know the field drop it. */
function difference(live: Json, wanted: StatusPatch): StatusPatch | null {
  const fields = Object.entries(wanted).filter(
    ([name, value]) => !isDeepStrictEqual(live[name] ?? (typeof value === 'number' ? 0 : []), value),
  );
  return fields.length === 0 ? null : Object.fromEntries(fields);
}

function mergeParents(live: unknown, wanted: RouteParents, options: MergeOptions): readonly unknown[] {
  const entries = wanted.map(({ parentRef, conditions }) => ({ ref: parentRef, conditions }));
  return mergeEntries(live, 'parentRef', entries, options);
}

type RouteParents = Extract<DesiredStatus, { type: 'Route' }>['parents'];

/** The limit of GEP-713 for the entries of all controllers. Weir adds no entry beyond it and never removes those of others. */
const MAX_ANCESTORS = 16;

function mergeAncestors(live: unknown, wanted: readonly AncestorStatus[], options: MergeOptions): readonly unknown[] {
  const entries = wanted.map(({ ancestorRef, conditions }) => ({ ref: ancestorRef, conditions }));
  return mergeEntries(live, 'ancestorRef', entries, options).slice(0, MAX_ANCESTORS);
}

interface Entry {
  readonly ref: ParentRef;
  readonly conditions: readonly DesiredCondition[];
}

/** Keeps all entries in their order and appends new ones. The field `refName` identifies an entry. */
function mergeEntries(live: unknown, refName: string, wanted: readonly Entry[], options: MergeOptions): readonly unknown[] {
  const left = [...wanted];
  const kept = asList(live).flatMap((entry) => {
    if (entry['controllerName'] !== options.controllerName) return [entry];
    const index = left.findIndex(({ ref }) => isDeepStrictEqual(ref, entry[refName]));
    const [own] = index === -1 ? [] : left.splice(index, 1);
    return own === undefined ? [] : [{ ...entry, conditions: mergeConditions(entry['conditions'], own.conditions, options) }];
  });
  const added = left.map(({ ref, conditions }) => ({
    [refName]: ref,
    controllerName: options.controllerName,
    conditions: mergeConditions([], conditions, options),
  }));
  return [...kept, ...added];
}

/** In the order of the spec. Unknown fields of an entry stay. */
function mergeListeners(live: unknown, wanted: readonly ListenerStatus[], options: MergeOptions): readonly unknown[] {
  const entries = asList(live);
  return wanted.map(({ name, attachedRoutes, supportedKinds, conditions }) => {
    const entry = entries.find((listener) => listener['name'] === name) ?? {};
    return { ...entry, name, attachedRoutes, supportedKinds, conditions: mergeConditions(entry['conditions'], conditions, options) };
  });
}

/** Conditions of other types keep their places; Weir's are updated in place, removed, or appended. */
function mergeConditions(live: unknown, wanted: readonly DesiredCondition[], { now }: MergeOptions): readonly unknown[] {
  const left = new Map(wanted.map((condition) => [condition.type, condition]));
  const kept = asList(live).flatMap((entry): readonly object[] => {
    const type = String(entry['type']);
    const own = left.get(type);
    left.delete(type);
    if (own !== undefined) return [toCondition(own, entry['status'] === own.status ? String(entry['lastTransitionTime']) : now)];
    return OWN_CONDITIONS.has(type) ? [] : [entry];
  });
  return [...kept, ...[...left.values()].map((condition) => toCondition(condition, now))];
}

/** lastTransitionTime is the time when `status` changed, not any other field. */
function toCondition({ type, status, reason, message, observedGeneration }: DesiredCondition, lastTransitionTime: string): Condition {
  return { type, status, reason, message: message.slice(0, MAX_MESSAGE), observedGeneration, lastTransitionTime };
}

function asList(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
