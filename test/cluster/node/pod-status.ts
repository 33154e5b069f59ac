// The status of a Pod, derived from its containers.
import type { Condition, ContainerStatus, PodSpec } from './objects.ts';

/** The inputs of a status. */
export interface PodFacts {
  readonly spec: PodSpec;
  readonly hostIp: string;
  readonly podIp: string | null;
  readonly startTime: string;
  readonly init: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  /** Whether every init container has succeeded. */
  readonly initialized: boolean;
  /** The Pod has ended permanently. */
  readonly failure: { readonly reason: string; readonly message: string } | null;
  /** The missing source of a volume. */
  readonly waitsFor: string | null;
  /** Conditions of other controllers. */
  readonly foreign: readonly Condition[];
}

/** The status fields of a patch. */
export interface PodStatusPatch {
  readonly conditions: readonly Condition[];
  readonly [field: string]: unknown;
}

/** The status; an unchanged condition keeps its time. */
export function statusOf(facts: PodFacts, before: readonly Condition[]): PodStatusPatch {
  const { podIp, hostIp, startTime, failure, waitsFor } = facts;
  return {
    phase: phaseOf(facts),
    // Null removes a value of an earlier patch.
    ...(failure ?? { message: waitsFor }),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    ...(podIp === null ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime,
    conditions: conditionsOf(facts).map((condition) => timed(condition, before)),
    initContainerStatuses: facts.init,
    containerStatuses: facts.containers,
  };
}

function phaseOf({ spec, containers, initialized, failure, init }: PodFacts): string {
  if (failure !== null) return 'Failed';
  const over = (status: ContainerStatus) => status.state.terminated !== undefined && !restarts(spec, status);
  if (init.some((status) => over(status) && status.state.terminated?.exitCode !== 0)) return 'Failed';
  if (!initialized || containers.length === 0) return 'Pending';
  if (containers.every(over)) return containers.every(({ state }) => state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
  // A Pod with a crashed container counts as running; one whose container never ran does not.
  return containers.every(hasRun) ? 'Running' : 'Pending';
}

function restarts({ restartPolicy = 'Always' }: PodSpec, { state }: ContainerStatus): boolean {
  return restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && state.terminated?.exitCode !== 0);
}

function hasRun({ state, restartCount }: ContainerStatus): boolean {
  return state.waiting === undefined || restartCount > 0;
}

function conditionsOf(facts: PodFacts): Condition[] {
  const { spec, containers, initialized, podIp, foreign } = facts;
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  const whole = containers.length === spec.containers.length && unready.length === 0;
  const gates = (spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const open = gates.every((gate) => foreign.some(({ type, status }) => type === gate && status === 'True'));
  const notReady = { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const notOpen = { reason: 'ReadinessGatesNotReady', message: 'a readiness gate is not open' };
  return [
    condition('PodReadyToStartContainers', podIp !== null, null),
    condition('Initialized', initialized, { reason: 'ContainersNotInitialized', message: 'init containers are not complete' }),
    condition('ContainersReady', whole, notReady),
    condition('Ready', whole && open, whole ? notOpen : notReady),
    condition('PodScheduled', true, null),
  ];
}

function condition(type: string, holds: boolean, otherwise: { readonly reason: string; readonly message: string } | null): Condition {
  // Null removes a value of an earlier patch.
  const cleared = { reason: null, message: null } as unknown as { reason: string; message: string };
  return { type, status: holds ? 'True' : 'False', ...(holds ? cleared : (otherwise ?? cleared)) };
}

function timed(now: Condition, before: readonly Condition[]): Condition {
  const known = before.find(({ type, status }) => type === now.type && status === now.status);
  return { ...now, lastTransitionTime: known?.lastTransitionTime ?? new Date().toISOString() };
}
