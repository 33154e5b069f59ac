// One container of a Pod through all its runs: start, probes, restarts with a growing pause, and its end.
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import { perform } from './action.ts';
import type { ActionTarget, Failure } from './action.ts';
import type { Configuration } from './configuration.ts';
import { ContainerProcess } from './container-process.ts';
import type { Exit } from './container-process.ts';
import type { Mount, RootOptions } from './container-root.ts';
import { commandOf } from './environment.ts';
import type { Command } from './environment.ts';
import type { PlacedPod } from './fields.ts';
import type { ContainerSpec, ContainerState, ContainerStatus, SecurityContext } from './objects.ts';
import { passes, watchOver } from './prober.ts';

/** The inputs from the Pod. */
export interface ContainerPlace {
  readonly spec: ContainerSpec;
  /** Whether a run that ended is followed by another. */
  restarts(exitCode: number): boolean;
  readonly placed: PlacedPod;
  readonly configuration: Configuration;
  /** The network namespace. */
  readonly network: string;
  /** Of the Pod. */
  readonly folder: string;
  readonly mounts: readonly Mount[];
  readonly security: SecurityContext;
  readonly graceSeconds: number;
  /** Called after every change of the status. */
  onChange(): void;
  /** Reports a failure that the status does not show. */
  warn(reason: string, message: string): void;
}

/** A kubelet has 10 s and 5 min; tests need shorter pauses. */
const RESTART_PAUSE = { minimum: 1_000, maximum: 20_000 };
/** A run this long was no failure to start. */
const STEADY_MS = 30_000;
const CONFIG_RETRY_MS = 500;
/** The grace for SIGTERM after a hook that took all of it, as in a kubelet. */
const LEAST_GRACE_MS = 2_000;

export class Container {
  readonly spec: ContainerSpec;
  readonly #place: ContainerPlace;
  readonly #stopping = new AbortController();
  readonly #backoff = new Backoff(RESTART_PAUSE);
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState = {};
  #process: ContainerProcess | null = null;
  #ending: Promise<void> | null = null;
  #restarts = 0;
  #ready = false;
  #started = false;

  constructor(place: ContainerPlace) {
    this.spec = place.spec;
    this.#place = place;
  }

  get status(): ContainerStatus {
    const { name, image } = this.spec;
    const running = this.#state.running !== undefined;
    return {
      name,
      image,
      imageID: `process://${image}`,
      containerID: `process://${this.#place.placed.pod.metadata.uid}/${name}/${this.#restarts}`,
      ready: running && this.#ready,
      started: running && this.#started,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** The log of the current run, or of the one before. */
  logFile(run: 'current' | 'previous' = 'current'): string {
    const number = run === 'current' ? this.#restarts : this.#restarts - 1;
    return path.join(this.#place.folder, 'logs', this.spec.name, `${number}.log`);
  }

  /** Resolves at the end of the current run, if there is one. */
  async ended(): Promise<void> {
    await this.#process?.exit;
  }

  /** Runs it until it is stopped, or ends without a restart. Resolves to the last exit code; null if it never ran. */
  async run(): Promise<number | null> {
    let code: number | null = null;
    while (!this.#stopping.signal.aborted) {
      const command = this.#command();
      if (command === null) {
        await this.#pause(CONFIG_RETRY_MS);
        continue;
      }
      code = await this.#runOnce(command);
      if (this.#stopping.signal.aborted || !this.#place.restarts(code)) return code;
      await this.#pauseBeforeRestart();
    }
    return code;
  }

  /** Ends it: preStop, SIGTERM, and SIGKILL after the grace. No restart follows. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#end(graceMs);
  }

  /** At once. */
  kill(): void {
    this.#stopping.abort();
    this.#process?.kill('SIGKILL');
  }

  #command(): Command | null {
    const { placed, configuration, security } = this.#place;
    const image = placed.settings.images[this.spec.image];
    if (image === undefined) return this.#wait('ErrImagePull', `the cluster has no image ${this.spec.image}`);
    if (security.runAsNonRoot === true && (security.runAsUser ?? 0) === 0) {
      return this.#wait('CreateContainerConfigError', 'container has runAsNonRoot and image will run as root');
    }
    const command = commandOf(placed, this.spec, image, configuration);
    return command.ok ? command.value : this.#wait('CreateContainerConfigError', command.error);
  }

  #wait(reason: string, message: string): null {
    this.#change({ waiting: { reason, message } });
    return null;
  }

  async #runOnce(command: Command): Promise<number> {
    const { network } = this.#place;
    const startedAt = new Date().toISOString();
    const run = await ContainerProcess.start(network, this.#rootFor(command), command, this.logFile());
    this.#process = run;
    if (this.#stopping.signal.aborted) run.kill('SIGKILL');
    this.#ready = false;
    this.#started = false;
    const ended = new AbortController();
    const began = await run.started;
    if (began) {
      this.#change({ running: { startedAt } });
      void this.#supervise(run, ended.signal);
    }
    const exit = await run.exit;
    ended.abort();
    this.#process = null;
    this.#ending = null;
    this.#change({ terminated: terminated(exit, startedAt) });
    if (Date.now() - Date.parse(startedAt) > STEADY_MS) this.#backoff.reset();
    return exit.exitCode;
  }

  #rootFor(command: Command): RootOptions {
    const { placed, folder, mounts, security } = this.#place;
    return {
      folder: path.join(folder, 'roots', this.spec.name),
      hostname: placed.pod.spec.hostname ?? placed.pod.metadata.name,
      mounts,
      workingDir: command.workingDir,
      security,
      searchPath: command.env['PATH'] ?? '',
    };
  }

  /** postStart, then the startup probe, then the others, as long as the run lasts. */
  async #supervise(run: ContainerProcess, ended: AbortSignal): Promise<void> {
    const { lifecycle, startupProbe, livenessProbe, readinessProbe } = this.spec;
    const target = this.#target(run);
    const unlessStopped = AbortSignal.any([ended, this.#stopping.signal]);
    if (lifecycle?.postStart !== undefined) {
      const failure = await perform(lifecycle.postStart, target, unlessStopped);
      if (failure !== null) return this.#giveUp('FailedPostStartHook', failure, this.#graceMs);
    }
    if (startupProbe !== undefined) {
      const failure = await passes(startupProbe, target, unlessStopped);
      if (unlessStopped.aborted) return;
      const grace = this.#graceOf(startupProbe.terminationGracePeriodSeconds);
      if (failure !== null) return this.#giveUp('Unhealthy', `startup probe failed: ${failure}`, grace);
    }
    if (ended.aborted) return;
    this.#started = true;
    this.#ready = readinessProbe === undefined;
    this.#place.onChange();
    if (readinessProbe !== undefined) void watchOver(readinessProbe, target, ended, (failure) => this.#judgeReady(failure));
    if (livenessProbe === undefined) return;
    const grace = this.#graceOf(livenessProbe.terminationGracePeriodSeconds);
    void watchOver(livenessProbe, target, unlessStopped, (failure) => {
      if (failure !== null) this.#giveUp('Unhealthy', `liveness probe failed: ${failure}`, grace);
    });
  }

  /** Ends the run; the restart policy decides about another. */
  #giveUp(reason: string, message: string, graceMs: number): void {
    if (this.#ending === null) this.#place.warn(reason, message);
    void this.#end(graceMs);
  }

  #judgeReady(failure: Failure): void {
    const ready = failure === null;
    if (ready === this.#ready) return;
    this.#ready = ready;
    if (failure !== null) this.#place.warn('Unhealthy', `readiness probe failed: ${failure}`);
    this.#place.onChange();
  }

  #target(run: ContainerProcess): ActionTarget {
    return { spec: this.spec, podIp: this.#place.placed.podIp, exec: (words, signal) => run.exec(words, signal) };
  }

  get #graceMs(): number {
    return this.#graceOf(undefined);
  }

  #graceOf(seconds: number | undefined): number {
    return (seconds ?? this.#place.graceSeconds) * 1_000;
  }

  /** Ends the current run; a second call joins the first. */
  #end(graceMs: number): Promise<void> {
    const run = this.#process;
    if (run === null) return Promise.resolve();
    this.#ending ??= this.#endRun(run, graceMs);
    return this.#ending;
  }

  async #endRun(run: ContainerProcess, graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    const preStop = this.spec.lifecycle?.preStop;
    const inTime = AbortSignal.timeout(graceMs);
    if (preStop !== undefined && this.#state.running !== undefined) {
      const failure = await perform(preStop, this.#target(run), inTime);
      if (failure !== null) this.#place.warn('FailedPreStopHook', failure);
    }
    // Before the program runs no process handles SIGTERM.
    run.kill(this.#state.running === undefined ? 'SIGKILL' : 'SIGTERM');
    const left = Math.max(deadline - performance.now(), Math.min(graceMs, LEAST_GRACE_MS));
    const timer = setTimeout(() => run.kill('SIGKILL'), left);
    await run.exit;
    clearTimeout(timer);
  }

  async #pauseBeforeRestart(): Promise<void> {
    this.#lastState = this.#state;
    // The first restart has no pause, as in a kubelet.
    if (this.#restarts > 0) {
      this.#change({ waiting: { reason: 'CrashLoopBackOff', message: 'waits before the next restart' } });
      await this.#pause(this.#backoff.next());
    }
    this.#restarts += 1;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, null, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  #change(state: ContainerState): void {
    this.#state = state;
    this.#place.onChange();
  }
}

function terminated({ exitCode, signal, began }: Exit, startedAt: string): NonNullable<ContainerState['terminated']> {
  const reason = !began ? 'StartError' : exitCode === 0 ? 'Completed' : 'Error';
  return { exitCode, ...(signal === null ? {} : { signal }), reason, startedAt, finishedAt: new Date().toISOString() };
}
