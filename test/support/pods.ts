// Weir's controllers as Pods of a test cluster with nodes, installed as documented.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import type { Image } from '../cluster/node/settings.ts';
import { TestCa } from './certificates.ts';
import { listOf } from './objects.ts';
import { documentedRights } from './rights.ts';

/** The image names of Pods of controllers and proxies, and the programs to run for them. */
export const WEIR_IMAGE = 'weir';
export const WEIR: Image = { entrypoint: [process.execPath, path.resolve(import.meta.dirname, '..', '..', 'cli', 'weir.ts')] };

const NAMESPACE = 'default';
/** Those of the chart. */
const LABELS = { 'app.kubernetes.io/name': 'weir', 'app.kubernetes.io/component': 'controller' };

/**
 * Applies the Deployment `controller` with all objects it needs to create proxies; the nodes must have its image. `nodeSelector`: the nodes
 * that may run it, all unless given.
 */
export async function installControllers(cluster: Cluster, replicas = 1, more: Flags = {}, nodeSelector: Labels = {}): Promise<void> {
  const ca = await TestCa.create(cluster.folder);
  const { certificate, privateKey } = await ca.issue('controller', `DNS:controller.${NAMESPACE}.svc`);
  const files = { 'tls.crt': certificate, 'tls.key': privateKey, 'ca.crt': ca.certificate, 'ca.key': path.join(ca.folder, 'ca.key') };
  const stringData = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readFileSync(file, 'utf8')]));
  await cluster.account('weir', documentedRights(), NAMESPACE);
  await cluster.apply(
    listOf(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'push' }, stringData },
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'controller' }, spec: { selector: LABELS, ports: [{ port: 9443 }] } },
      deployment(replicas, more, nodeSelector),
    ),
  );
}

/** By name, without the dashes. */
type Flags = Readonly<Record<string, string>>;
type Labels = Readonly<Record<string, string>>;

function deployment(replicas: number, more: Flags, nodeSelector: Labels): object {
  const flags = {
    'push-tls-cert': '/push/tls.crt',
    'push-tls-key': '/push/tls.key',
    'push-tls-ca': '/push/ca.crt',
    'push-tls-ca-key': '/push/ca.key',
    'proxy-image': WEIR_IMAGE,
    'proxy-controller': `controller.${NAMESPACE}.svc:9443`,
    ...more,
  };
  const container = {
    name: 'controller',
    image: WEIR_IMAGE,
    args: ['controller', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    readinessProbe: { periodSeconds: 1, httpGet: { path: '/readyz', port: 9080 } },
    volumeMounts: [{ name: 'push', mountPath: '/push' }],
  };
  const volumes = [{ name: 'push', secret: { secretName: 'push' } }];
  const spec = { serviceAccountName: 'weir', nodeSelector, containers: [container], volumes };
  const template = { metadata: { labels: LABELS }, spec };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'controller' },
    spec: { replicas, selector: { matchLabels: LABELS }, template },
  };
}

/** The process of this machine that runs Weir in a Pod. */
export function processOf(pod: string): number {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      const [command = '', environment = ''] = ['cmdline', 'environ'].map((file) => readProc(pid, file));
      return command.includes('weir.ts') && command.startsWith(process.execPath) && environment.split('\0').includes(`HOSTNAME=${pod}`);
    });
  if (found === undefined) throw new Error(`no process runs Weir in Pod ${pod}`);
  return Number(found);
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(path.join('/proc', pid, file), 'utf8');
  } catch {
    // The Pod ended meanwhile.
    return '';
  }
}
