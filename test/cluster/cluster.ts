// A Kubernetes control plane for a test: real etcd, kube-apiserver and kube-controller-manager on loopback, ready in seconds, with the CRDs
// of the Gateway API and of Weir. With nodes, Pods run as processes of this machine; without, they stay pending.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAuditLog } from './audit.ts';
import type { AuditEvent } from './audit.ts';
import { buildTools } from './build.ts';
import { Client } from './client.ts';
import type { AddressPlan } from './node/address-plan.ts';
import { Nodes } from './nodes.ts';
import type { NodesOptions } from './nodes.ts';
import { Part } from './part.ts';
import { apiServerArguments, controllerManagerArguments, etcdArguments, etcdUrl, prepare } from './settings.ts';
import type { Settings } from './settings.ts';
import { restoreState, saveState, stateFile } from './state.ts';
import { CRD_FOLDER, toolPath } from './tools.ts';

const WEIR_CRDS = path.resolve(import.meta.dirname, '..', '..', 'crds');
const READY_DEADLINE_MS = 60_000;
const TOKEN_SECONDS = 2 * 60 * 60;

export interface ClusterOptions {
  /** Which CRDs of the Gateway API are installed; `experimental` unless said otherwise. */
  readonly channel?: 'standard' | 'experimental';
  /** False for a cluster without Weir's own CRDs. */
  readonly weirCrds?: boolean;
  /** Records every write except those of the administrator, for `auditEvents`. */
  readonly audit?: boolean;
  /** Nodes that run Pods; for root only. */
  readonly nodes?: NodesOptions;
}

/** One rule of a ClusterRole. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** The credentials of a program under test. */
export interface Account {
  /** Its name in audit events. */
  readonly user: string;
  readonly token: string;
  /** Path of a file. */
  readonly kubeconfig: string;
}

/** The fields of a CustomResourceDefinition that tests read. */
interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null };
}

export class Cluster extends Client {
  /** The administrator's; path of a file. */
  readonly kubeconfig: string;
  readonly #settings: Settings;
  readonly #etcd: Part;
  #apiServer: Part | null = null;
  #controllerManager: Part | null = null;

  constructor(settings: Settings) {
    super(settings.url, settings.adminToken, settings.folder);
    this.#settings = settings;
    this.kubeconfig = path.join(settings.folder, 'admin.kubeconfig');
    this.#etcd = new Part(toolPath('etcd'), etcdArguments(settings), settings.folder);
  }

  /** Resolves once the API server is ready and every CRD is served. */
  async start({ channel = 'experimental', weirCrds = true }: ClusterOptions): Promise<void> {
    const folders = [path.join(CRD_FOLDER, channel), ...(weirCrds ? [WEIR_CRDS] : [])];
    const state = stateFile(folders);
    const etcd = etcdUrl(this.#settings);
    await this.until('etcd', async () => (await fetch(`${etcd}/health`)).ok);
    const restored = await restoreState(etcd, state);
    this.#apiServer = this.#startApiServer();
    await this.#ready();
    this.#writeKubeconfig('admin', this.adminToken);
    this.#settings.nodes?.begin(this.url, this.adminToken, path.join(this.folder, 'apiserver.crt'));
    this.#controllerManager = new Part(toolPath('kube-controller-manager'), controllerManagerArguments(this.#settings), this.folder);
    if (!restored) await this.kubectl(['apply', '--server-side', ...folders.flatMap((folder) => ['-f', folder])]);
    // Not `kubectl wait`: it fails for a CRD with an empty status.
    await this.until('the CRDs', () => this.#crdsServed());
    if (!restored) await saveState(etcd, state);
    await this.until(
      'the controller manager',
      async () => (await this.get('/api/v1/namespaces/default/serviceaccounts/default')).status === 200,
    );
    if (this.#settings.nodes !== null) await this.#nodesReady(this.#settings.nodes);
  }

  async #nodesReady(nodes: Nodes): Promise<void> {
    await this.until('the nodes', async () => {
      const answers = await Promise.all(nodes.names.map((name) => this.get(`/api/v1/nodes/${name}`)));
      return answers.every(({ status, body }) => status === 200 && body.includes('KubeletReady'));
    });
  }

  /** Data, keys and logs; removed by `stop`. */
  get folder(): string {
    return this.#settings.folder;
  }

  /** The addresses of the cluster; throws without nodes. */
  get plan(): AddressPlan {
    if (this.#settings.nodes === null) throw new Error('a cluster without nodes has no addresses');
    return this.#settings.nodes.plan;
  }

  /** Lets Pods vanish by their addresses, without a word to anyone (`Nodes.vanish`). */
  vanish(addresses: readonly string[]): void {
    this.#settings.nodes?.vanish(addresses);
  }

  /** Process ids by the name of the part. */
  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#parts().map((part) => [part.name, part.pid]));
  }

  /** Runs kubectl as the administrator and resolves to its standard output; rejects with its standard error. */
  async kubectl(args: readonly string[], stdin = ''): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.folder };
    const child = spawn(toolPath('kubectl'), args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    // kubectl may end before it has read its input; its exit code says more than a broken pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${output.stderr.trim() || output.stdout.trim()}`);
    return output.stdout;
  }

  /** A service account with exactly these rules, in all namespaces. */
  async account(name: string, rules: readonly PolicyRule[], namespace = 'default'): Promise<Account> {
    const metadata = { name: `${namespace}-${name}` };
    const api = 'rbac.authorization.k8s.io';
    const subjects = [{ kind: 'ServiceAccount', name, namespace }];
    const roleRef = { apiGroup: api, kind: 'ClusterRole', name: metadata.name };
    const objects = [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
      { apiVersion: `${api}/v1`, kind: 'ClusterRole', metadata, rules },
      { apiVersion: `${api}/v1`, kind: 'ClusterRoleBinding', metadata, subjects, roleRef },
    ];
    await this.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    const token = await this.#tokenOf(name, namespace);
    const kubeconfig = this.#writeKubeconfig(`${namespace}-${name}`, token);
    return { user: `system:serviceaccount:${namespace}:${name}`, token, kubeconfig };
  }

  async #tokenOf(account: string, namespace: string): Promise<string> {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: TOKEN_SECONDS } };
    const answer = await this.send('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, { body });
    if (answer.status !== 201) throw new Error(`a token for ${account}: ${answer.status} ${answer.body}`);
    return (JSON.parse(answer.body) as { readonly status: { readonly token: string } }).status.token;
  }

  /** Deletes an object; resolves once it is deleted, even if another one gets its name at once. */
  async remove(kind: string, name: string, namespace = 'default'): Promise<void> {
    const uid = await this.uidOf(kind, name, namespace);
    await this.delete(kind, name, namespace);
    await this.until(`the end of ${kind}/${name}`, async () => (await this.uidOf(kind, name, namespace)) !== uid);
  }

  /** Writes by others than the administrator, oldest first; empty without the option `audit`. */
  auditEvents(): AuditEvent[] {
    return this.#settings.auditLog === null ? [] : parseAuditLog(this.#settings.auditLog);
  }

  /** Kills the API server; etcd keeps running. */
  async stopApiServer(): Promise<void> {
    await this.#apiServer?.stop();
    this.#apiServer = null;
    this.disconnect();
  }

  /** Starts it again on the same address; resolves when it is ready. */
  async startApiServer(): Promise<void> {
    this.#apiServer = this.#startApiServer();
    await this.#ready();
  }

  async restartApiServer(): Promise<void> {
    await this.stopApiServer();
    await this.startApiServer();
  }

  /** Suspends the API server: connections stay open without answers, as in a partition. */
  async pauseApiServer(): Promise<void> {
    await this.#apiServer?.pause();
  }

  resumeApiServer(): void {
    this.#apiServer?.resume();
  }

  /** Ends all parts and removes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.#parts().map((part) => part.stop()));
    await this.#settings.nodes?.stop();
    this.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits until the condition holds; rejects at a deadline, or with the log of a part that has ended. An exception counts as false. */
  async until(what: string, holds: () => Promise<boolean>, deadlineMs = READY_DEADLINE_MS): Promise<void> {
    const started = performance.now();
    let reason = '';
    const ask = () => holds().catch((error: unknown) => ((reason = `: ${String(error)}`), false));
    while (!(await ask())) {
      for (const part of this.#parts()) part.assertRunning();
      if (performance.now() - started > deadlineMs)
        throw new Error(`${what} did not come within ${deadlineMs} ms${reason}\n${this.#tails()}`);
      await delay(25);
    }
  }

  #ready(): Promise<void> {
    return this.until('a ready API server', async () => {
      // The API server writes its certificate during the start; an incomplete one is useless.
      this.disconnect();
      return (await this.get('/readyz')).status === 200;
    });
  }

  /** Waits until CRDs are established and served: CRDs from the saved state are established before every group and version answers. */
  async #crdsServed(): Promise<boolean> {
    const { body } = await this.get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
    const { items } = JSON.parse(body) as { items: readonly Definition[] };
    const established = items.every(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True'),
    );
    if (!established) return false;
    const versions = items.flatMap(({ spec }) => spec.versions.filter(({ served }) => served).map(({ name }) => `${spec.group}/${name}`));
    const lists = await Promise.all([...new Set(versions)].map((version) => this.get(`/apis/${version}`)));
    return items.every(({ spec }) => lists.some(({ body: list }) => list.includes(`"name":"${spec.names.plural}"`)));
  }

  #startApiServer(): Part {
    return new Part(toolPath('kube-apiserver'), apiServerArguments(this.#settings), this.#settings.folder);
  }

  #parts(): Part[] {
    const { nodes } = this.#settings;
    return [this.#etcd, this.#apiServer, this.#controllerManager, nodes?.part ?? null].filter((part) => part !== null);
  }

  #tails(): string {
    return this.#parts()
      .map((part) => `--- ${part.name}\n${part.tail()}`)
      .join('\n');
  }

  #writeKubeconfig(name: string, token: string): string {
    const ca = readFileSync(path.join(this.folder, 'apiserver.crt')).toString('base64');
    const file = path.join(this.folder, `${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority-data': ca } }],
      users: [{ name, user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
      'current-context': 'test',
    };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }
}

/** Starts a cluster: seconds, or minutes if the parts must be built. The caller stops it. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  buildTools();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-cluster-'));
  const nodes = options.nodes === undefined ? null : await Nodes.open(folder, options.nodes);
  const settings = await prepare(folder, options.audit ?? false, nodes);
  const cluster = new Cluster(settings);
  try {
    await cluster.start(options);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}
