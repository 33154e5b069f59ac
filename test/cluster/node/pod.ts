// One Pod on its node: sandbox, volumes, init containers, containers, and their end; writes the status along the way.
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { err } from '#lib/result.ts';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import type { Configuration } from './configuration.ts';
import { Container } from './container.ts';
import type { Mount } from './container-root.ts';
import type { Events } from './events.ts';
import { hostAddress } from './fields.ts';
import type { PlacedPod } from './fields.ts';
import type { Condition, ContainerSpec, Pod, SecurityContext, VolumeMount } from './objects.ts';
import { statusOf } from './pod-status.ts';
import { Sandbox } from './sandbox.ts';
import type { AddressPool } from './sandbox.ts';
import type { NodeSettings } from './settings.ts';
import { StatusWriter } from './status-writer.ts';
import { Tokens } from './token.ts';
import { unsupportedFields } from './unsupported.ts';
import { Volumes } from './volumes.ts';

/** Services shared by all Pods. */
export interface PodSurroundings {
  readonly api: Api;
  readonly settings: NodeSettings;
  readonly configuration: Configuration;
  readonly addresses: AddressPool;
  readonly events: Events;
}

const DEFAULT_GRACE_SECONDS = 30;
const VOLUME_RETRY_MS = 500;
const OWN_CONDITIONS = new Set(['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready', 'PodScheduled']);
/** Longer timers overflow. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class PodLife {
  #pod: Pod;
  readonly #around: PodSurroundings;
  readonly #folder: string;
  readonly #volumes: Volumes;
  readonly #tokens: Tokens;
  readonly #status: StatusWriter;
  readonly #startTime = new Date().toISOString();
  readonly #stopping = new AbortController();
  readonly #life: Promise<void>;
  #sandbox: Sandbox | null = null;
  #init: Container[] = [];
  #containers: Container[] = [];
  #initialized = false;
  #failure: { readonly reason: string; readonly message: string } | null = null;
  #conditions: readonly Condition[];
  /** The missing source of a volume. */
  #waitsFor: string | null = null;
  #refreshed: Promise<unknown> = Promise.resolve();
  #renewal: NodeJS.Timeout | null = null;
  #ended: Promise<void> | null = null;

  constructor(pod: Pod, around: PodSurroundings) {
    this.#pod = pod;
    this.#around = around;
    this.#folder = path.join(around.settings.folder, 'pods', pod.metadata.uid ?? '');
    const { runAsUser, fsGroup } = pod.spec.securityContext ?? {};
    this.#volumes = new Volumes(path.join(this.#folder, 'volumes'), { user: runAsUser ?? null, group: fsGroup ?? null });
    this.#tokens = new Tokens(around.api, pod);
    this.#conditions = pod.status?.conditions ?? [];
    this.#status = new StatusWriter(around.api, pod, () => this.#currentStatus());
    this.#life = this.#run().catch((error: unknown) => this.#fail('NodeError', String(error)));
  }

  /** Its network namespace, while it has one. */
  get network(): string | undefined {
    return this.#sandbox?.namespace;
  }

  /** A container by its name. */
  container(name: string): Container | undefined {
    return [...this.#init, ...this.#containers].find(({ spec }) => spec.name === name);
  }

  /** The object changed: the Pod may have to end, or the content of its volumes may differ. */
  update(pod: Pod): void {
    this.#pod = pod;
    const grace = pod.metadata.deletionGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    if (pod.metadata.deletionTimestamp !== undefined) this.#ended ??= this.#terminate(grace * 1_000);
    else if ((pod.spec.readinessGates ?? []).length > 0) this.#status.write();
    this.#refresh();
  }

  /** The object is deleted: running containers end at once. */
  async gone(): Promise<void> {
    this.#status.close();
    this.#stopping.abort();
    for (const container of [...this.#init, ...this.#containers]) container.kill();
    await this.#life;
    await this.#clear();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    const unsupported = unsupportedFields(this.#pod);
    if (unsupported.length > 0) return this.#fail('Unsupported', `nodes of this cluster do not do ${unsupported.join(', ')}`);
    const stopListening = this.#around.configuration.onChange((namespace) => {
      if (namespace === this.#pod.metadata.namespace) this.#refresh();
    });
    try {
      const sandbox = await Sandbox.open(this.#around.addresses, this.#pod.spec.securityContext?.sysctls);
      this.#sandbox = sandbox;
      await this.#prepareVolumes();
      if (!this.#stopping.signal.aborted) await this.#runContainers(sandbox);
    } finally {
      stopListening();
      await this.#clear();
    }
  }

  async #runContainers(sandbox: Sandbox): Promise<void> {
    const { spec } = this.#pod;
    const { restartPolicy = 'Always' } = spec;
    this.#init = (spec.initContainers ?? []).map((each) => this.#place(each, sandbox, (code) => restartPolicy !== 'Never' && code !== 0));
    this.#containers = spec.containers.map((each) =>
      this.#place(each, sandbox, (code) => restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && code !== 0)),
    );
    for (const container of this.#init) {
      const code = await container.run();
      if (this.#stopping.signal.aborted) return;
      if (code !== 0) return this.#fail('InitContainerFailed', `init container ${container.spec.name} ended with ${code}`);
    }
    this.#initialized = true;
    await Promise.all(this.#containers.map((container) => container.run()));
  }

  async #terminate(graceMs: number): Promise<void> {
    this.#stopping.abort();
    // Containers that are being created stop at the next step; running ones get the signal.
    await Promise.all([...this.#init, ...this.#containers].map((container) => container.stop(graceMs)));
    await this.#life;
    await this.#status.flush();
    await this.#removeObject();
  }

  /** The API server deletes a Pod once its node confirms it. */
  async #removeObject(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
    for (;;) {
      try {
        return void (await this.#around.api.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, options));
      } catch (error) {
        if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return;
        await delay(VOLUME_RETRY_MS);
      }
    }
  }

  async #clear(): Promise<void> {
    if (this.#renewal !== null) clearTimeout(this.#renewal);
    this.#renewal = null;
    const sandbox = this.#sandbox;
    this.#sandbox = null;
    await sandbox?.close();
  }

  #fail(reason: string, message: string): void {
    this.#failure = { reason, message };
    this.#status.write();
  }

  async #prepareVolumes(): Promise<void> {
    writeFileSync(this.#file('hosts'), `127.0.0.1\tlocalhost\n${this.#placed().podIp}\t${this.#pod.metadata.name}\n`);
    const { namespace = '' } = this.#pod.metadata;
    const search = [`${namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'].join(' ');
    const resolver = [`nameserver ${this.#around.settings.plan.dns}`, `search ${search}`, 'options ndots:5', ''];
    writeFileSync(this.#file('resolv.conf'), resolver.join('\n'));
    while (!this.#stopping.signal.aborted && !(await this.#writeVolumes())) {
      await delay(VOLUME_RETRY_MS, null, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  /** Updates volumes after a change of their sources. Before the containers start, volumes are created anyway. */
  #refresh(): void {
    if (this.#containers.length === 0 || this.#sandbox === null) return;
    this.#refreshed = this.#refreshed.then(() => this.#writeVolumes());
  }

  /** Whether every volume is complete. */
  async #writeVolumes(): Promise<boolean> {
    const { configuration } = this.#around;
    const sources = { placed: this.#placed(), configuration, token: (source: object) => this.#tokens.get(source) };
    const whole = await this.#volumes.write(sources).catch((error: unknown) => err(String(error)));
    if (this.#renewal !== null) clearTimeout(this.#renewal);
    const wait = whole.ok ? Math.min(this.#tokens.renewalIn, LONGEST_TIMER_MS) : VOLUME_RETRY_MS;
    if (this.#sandbox !== null) this.#renewal = setTimeout(() => this.#refresh(), wait);
    this.#explain(whole.ok ? null : whole.error);
    return whole.ok;
  }

  #explain(waitsFor: string | null): void {
    if (waitsFor === this.#waitsFor) return;
    this.#waitsFor = waitsFor;
    if (waitsFor !== null) this.#around.events.warn(this.#pod, 'FailedMount', waitsFor);
    this.#status.write();
  }

  #file(name: string): string {
    mkdirSync(this.#folder, { recursive: true });
    return path.join(this.#folder, name);
  }

  #placed(): PlacedPod {
    return { pod: this.#pod, podIp: this.#sandbox?.address ?? '', settings: this.#around.settings };
  }

  #place(spec: ContainerSpec, sandbox: Sandbox, restarts: (code: number) => boolean): Container {
    return new Container({
      spec,
      restarts,
      placed: this.#placed(),
      configuration: this.#around.configuration,
      network: sandbox.namespace,
      folder: this.#folder,
      mounts: this.#mountsOf(spec),
      security: securityOf(this.#pod, spec),
      graceSeconds: this.#pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS,
      onChange: () => this.#status.write(),
      warn: (reason, message) => this.#around.events.warn(this.#pod, reason, `container ${spec.name}: ${message}`),
    });
  }

  #mountsOf({ volumeMounts = [] }: ContainerSpec): Mount[] {
    const own = ['hosts', 'resolv.conf'].map((name) => ({ source: this.#file(name), target: `/etc/${name}`, readOnly: false }));
    return [...own, ...volumeMounts.map((mount) => this.#mountOf(mount))];
  }

  #mountOf({ name, mountPath, subPath = '', readOnly = false }: VolumeMount): Mount {
    const volume = this.#pod.spec.volumes?.find((each) => each.name === name);
    const isEmptyDir = volume?.emptyDir !== undefined;
    const source = path.join(this.#volumes.folderOf(name), path.join('/', subPath));
    if (isEmptyDir) mkdirSync(source, { recursive: true });
    // Through a subPath a container sees the file as at its start, like with a kubelet.
    return { source: subPath === '' ? source : realpathSync(source), target: mountPath, readOnly: readOnly || !isEmptyDir };
  }

  #currentStatus(): object {
    const status = statusOf(
      {
        spec: this.#pod.spec,
        hostIp: hostAddress(this.#around.settings, this.#pod.spec.nodeName),
        podIp: this.#sandbox?.address ?? null,
        startTime: this.#startTime,
        init: this.#init.map((container) => container.status),
        containers: this.#containers.map((container) => container.status),
        initialized: this.#initialized,
        failure: this.#failure,
        waitsFor: this.#waitsFor,
        foreign: (this.#pod.status?.conditions ?? []).filter(({ type }) => !OWN_CONDITIONS.has(type)),
      },
      this.#conditions,
    );
    this.#conditions = status.conditions;
    return status;
  }
}

/** Settings of the container override those of its Pod. */
function securityOf({ spec }: Pod, container: ContainerSpec): SecurityContext {
  const { runAsUser, runAsGroup, runAsNonRoot, fsGroup } = spec.securityContext ?? {};
  const group = runAsGroup ?? fsGroup;
  return {
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(group === undefined ? {} : { runAsGroup: group }),
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    ...container.securityContext,
  };
}
