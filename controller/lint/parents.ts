// References upwards: from routes and ListenerSets to their parents, from Gateways to their class. The Gateway API has no status for a
// parent that does not exist, so only a linter can report it.
import { ROUTE_KINDS, type KindName } from '#api/k8s/kinds.ts';
import type { Gateway, GatewayClass, HttpRoute, ListenerSet } from '#api/k8s/k8s.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import { parentOf } from '#api/k8s/reference.ts';
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { didYouMean, nearest } from '#lib/nearest.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

/** Routes and ListenerSets without a parent. */
export function parentFindings(subject: Subject): readonly Unplaced[] {
  const routes = [...ROUTE_KINDS].flatMap((kind) => subject.objects.all(kind as KindName) as readonly HttpRoute[]);
  return [
    ...routes.flatMap((route) => ofRoute(subject, route)),
    ...subject.objects.all('ListenerSet').flatMap((set) => ofSet(subject, set)),
  ];
}

function ofRoute(subject: Subject, route: HttpRoute): readonly Unplaced[] {
  const object = objectId(refOf(route));
  const { parentRefs } = route.spec;
  if (parentRefs.length === 0) {
    return [{ severity: 'warning', object, field: 'spec.parentRefs', reason: 'is empty: no Gateway serves the route; name one' }];
  }
  return parentRefs.flatMap((ref, i) => {
    const field = `spec.parentRefs[${i}]`;
    const parent = parentOf(ref, route.metadata.namespace ?? '');
    if (parent === null) return [foreignParent(object, field, ref.group, ref.kind)];
    const finding = missing(subject, objectId(parent), `${field}.name`);
    return finding === null ? [] : [{ ...finding, object }];
  });
}

function foreignParent(object: string, field: string, group: string, kind: string): Unplaced {
  const named = group === GATEWAY_GROUP ? kind : `${kind} of group "${group}"`;
  const reason = `a ${named} cannot be the parent of a route; Weir serves routes of Gateways and ListenerSets`;
  return { severity: 'warning', object, field: `${field}.kind`, reason };
}

function ofSet(subject: Subject, set: ListenerSet): readonly Unplaced[] {
  const { group, kind, namespace = set.metadata.namespace ?? '', name } = set.spec.parentRef;
  const object = objectId(refOf(set));
  if (group !== GATEWAY_GROUP || kind !== 'Gateway') {
    return [
      { severity: 'error', object, field: 'spec.parentRef.kind', reason: 'must be Gateway: a ListenerSet adds listeners to a Gateway' },
    ];
  }
  const finding = missing(subject, objectId({ kind, namespace, name }), 'spec.parentRef.name');
  return finding === null ? [] : [{ ...finding, object }];
}

function missing({ objects }: Subject, id: string, field: string): Omit<Unplaced, 'object'> | null {
  return objects.get(id) === undefined ? { severity: 'error', field, reason: `${id} does not exist` } : null;
}

/** Gateways of a missing class, or of one that Weir does not serve. */
export function classFindings({ objects, controllerName }: Subject): readonly Unplaced[] {
  const classes = objects.all('GatewayClass');
  return [
    ...objects.all('Gateway').flatMap((gateway) => ofGateway(gateway, classes, controllerName)),
    ...classes.flatMap((gatewayClass) => ofClass(gatewayClass, controllerName)),
  ];
}

function ofGateway(gateway: Gateway, classes: readonly GatewayClass[], controllerName: string): readonly Unplaced[] {
  const { gatewayClassName } = gateway.spec;
  const found = classes.find(({ metadata }) => metadata.name === gatewayClassName);
  if (found?.spec.controllerName === controllerName) return [];
  const at = { object: objectId(refOf(gateway)), field: 'spec.gatewayClassName' };
  if (found !== undefined) {
    // The finding of the class is the cause.
    if (nearest(found.spec.controllerName, [controllerName]) !== null) return [];
    const reason = `GatewayClass/${gatewayClassName} belongs to the controller ${found.spec.controllerName}: Weir does not serve the Gateway`;
    return [{ ...at, severity: 'warning', reason }];
  }
  const ours = classes.filter(({ spec }) => spec.controllerName === controllerName).map(({ metadata }) => metadata.name);
  const remedy =
    ours.length > 0
      ? didYouMean(gatewayClassName, ours) || `; Weir serves ${ours.join(', ')}`
      : `; create one with spec.controllerName ${controllerName}`;
  return [
    { ...at, severity: 'error', reason: `GatewayClass/${gatewayClassName} does not exist: no controller serves the Gateway${remedy}` },
  ];
}

/** A typing error in the name of Weir's controller. */
function ofClass(gatewayClass: GatewayClass, controllerName: string): readonly Unplaced[] {
  const given = gatewayClass.spec.controllerName;
  if (given === controllerName || nearest(given, [controllerName]) === null) return [];
  const reason = `${given} is not Weir's controller; did you mean ${controllerName}?`;
  return [{ severity: 'warning', object: objectId(refOf(gatewayClass)), field: 'spec.controllerName', reason }];
}
