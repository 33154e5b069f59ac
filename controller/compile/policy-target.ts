// The target of a policy: whether it exists, the meaning of its sectionName, and the Gateways or ListenerSets through which the policy
// takes effect.
import type { PolicyTarget } from '#api/ir/ir.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Gateway, GrpcRoute, HttpRoute, ListenerSet, TcpRoute, TlsRoute } from '#api/k8s/k8s.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import type { PolicyTargetRef } from '#api/k8s/policy.ts';
import { ancestorRef, gatewaysOf, gatewaysTo } from './ancestors.ts';
import { attachableUnit } from './attachable.ts';
import type { ParentRef } from './result.ts';
import type { View } from './view.ts';

/** The outcome of one target. */
export type TargetOutcome =
  | { readonly found: false; readonly ancestors: readonly [ParentRef]; readonly message: string }
  /** Without ancestors this controller does not serve the target: another class, or a route without a Gateway of this controller. */
  | { readonly found: true; readonly ancestors: readonly ParentRef[]; readonly target: PolicyTarget };

/** A route of a kind that policies may target. */
type TargetedRoute = HttpRoute | GrpcRoute | TcpRoute | TlsRoute;

/** Finds a target in the namespace of its policy. */
export function resolveTarget(view: View, namespace: string, ref: PolicyTargetRef): TargetOutcome {
  switch (ref.kind) {
    case 'Gateway':
    case 'ListenerSet':
      return resolveHolder(view, { kind: ref.kind, namespace, name: ref.name }, ref, view.object(ref.kind, namespace, ref.name));
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TCPRoute':
    case 'TLSRoute':
      return resolveRoute(view, namespace, ref, view.object(ref.kind, namespace, ref.name));
    case 'Service':
      return resolveService(view, namespace, ref);
    default:
      return view.object('Backend', namespace, ref.name) === undefined
        ? missing(namespace, ref)
        : found(namespace, ref, '', ancestorsOfBackend(view, namespace, ref));
  }
}

/** A Gateway or ListenerSet is its own ancestor. */
function resolveHolder(view: View, ref: ObjectRef, target: PolicyTargetRef, holder: Gateway | ListenerSet | undefined): TargetOutcome {
  const { namespace } = ref;
  if (holder === undefined) return missing(namespace, target);
  if (view.read(attachableUnit, objectId(ref)) === null) return found(namespace, target, '', []);
  const { sectionName } = target;
  if (sectionName === undefined) return found(namespace, target, '', [ancestorRef(ref)]);
  const names = holder.spec.listeners.map(({ name }) => name);
  if (!names.includes(sectionName)) return missing(namespace, target, lacks('listener', sectionName, names));
  return found(namespace, target, sectionName, [{ ...ancestorRef(ref), sectionName }]);
}

function resolveRoute(view: View, namespace: string, ref: PolicyTargetRef, route: TargetedRoute | undefined): TargetOutcome {
  if (route === undefined) return missing(namespace, ref);
  const { sectionName } = ref;
  const rules: readonly { readonly name?: string }[] = route.spec.rules;
  const names = rules.flatMap(({ name }) => name ?? []);
  if (sectionName !== undefined && !names.includes(sectionName)) return missing(namespace, ref, lacks('rule', sectionName, names));
  return found(namespace, ref, sectionName ?? '', gatewaysOf(view, [route]));
}

function resolveService(view: View, namespace: string, ref: PolicyTargetRef): TargetOutcome {
  const service = view.object('Service', namespace, ref.name);
  if (service === undefined) return missing(namespace, ref);
  const { sectionName } = ref;
  const port = service.spec.ports.find(({ name }) => name === sectionName);
  if (sectionName !== undefined && port === undefined) {
    const names = service.spec.ports.map(({ name }) => name).filter((name) => name !== '');
    return missing(namespace, ref, lacks('port', sectionName, names));
  }
  const section = sectionName === undefined || port === undefined ? '' : String(port.port);
  return found(namespace, ref, section, ancestorsOfBackend(view, namespace, ref));
}

function ancestorsOfBackend(view: View, namespace: string, { kind, name }: PolicyTargetRef): readonly ParentRef[] {
  return gatewaysTo(view, `${kind}/${namespace}/${name}`);
}

function found(namespace: string, { kind, name }: PolicyTargetRef, section: string, ancestors: readonly ParentRef[]): TargetOutcome {
  return { found: true, ancestors, target: { kind, namespace, name, section } };
}

function lacks(part: string, name: string, names: readonly string[]): string {
  const others = names.length === 0 ? `; none of them has a name` : `; its ${part}s are ${names.join(', ')}`;
  return `has no ${part} ${name}${didYouMean(name, names) || others}`;
}

/** Without a Gateway the target itself is the ancestor. */
function missing(namespace: string, ref: PolicyTargetRef, what = 'does not exist'): TargetOutcome {
  const { group, kind, name, sectionName } = ref;
  const ancestor = { group, kind, namespace, name, ...(sectionName === undefined ? {} : { sectionName }) };
  return { found: false, ancestors: [ancestor], message: `${kind}/${namespace}/${name} ${what}` };
}
