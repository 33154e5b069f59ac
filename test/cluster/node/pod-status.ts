// What a Pod's status says, worked out from its containers.
import type { Condition, ContainerStatus, PodSpec } from './objects.ts';

/** Everything a status follows from. */
export interface PodFacts {
  readonly spec: PodSpec;
  readonly hostIp: string;
  readonly podIp: string | null;
  readonly startTime: string;
  readonly init: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  /** Whether every init container has succeeded. */
  readonly initialized: boolean;
  /** The Pod ended for good. */
  readonly failure: { readonly reason: string; readonly message: string } | null;
  /** What a volume lacks. */
  readonly waitsFor: string | null;
  /** Conditions that others set. */
  readonly foreign: readonly Condition[];
}

/** What a patch says of the status. */
export interface PodStatusPatch {
  readonly conditions: readonly Condition[];
  readonly [field: string]: unknown;
}

/** The status; a condition that did not change keeps its time. */
export function statusOf(facts: PodFacts, before: readonly Condition[]): PodStatusPatch {
  const { podIp, hostIp, startTime, failure, waitsFor } = facts;
  return {
    phase: phaseOf(facts),
    // Null takes away what an earlier patch said.
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
  // A container that crashed is still of a running Pod; one that never ran is not.
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
  // Null takes away what an earlier patch said.
  const cleared = { reason: null, message: null } as unknown as { reason: string; message: string };
  return { type, status: holds ? 'True' : 'False', ...(holds ? cleared : (otherwise ?? cleared)) };
}

function timed(now: Condition, before: readonly Condition[]): Condition {
  const known = before.find(({ type, status }) => type === now.type && status === now.status);
  return { ...now, lastTransitionTime: known?.lastTransitionTime ?? new Date().toISOString() };
}
