// A stream to the admin port of a controller in a cluster, through the API server. It needs the rights to list pods and Leases and to
// create `pods/portforward`.
import { duplexPair, PassThrough } from 'node:stream';
import type { Duplex } from 'node:stream';
import { PortForward } from '@kubernetes/client-node';
import type { KubeConfig } from '@kubernetes/client-node';
import { ApiClient, ApiError, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { UsageError } from '../command.ts';
import type { Connection } from './connection.ts';

/** The admin port in the pods of the chart. */
const ADMIN_PORT = 9_081;
/** The labels of controllers in the chart. */
const SELECTOR = 'app.kubernetes.io/name=weir,app.kubernetes.io/component=controller';

export interface ForwardOptions {
  readonly namespace: string;
  /** '' for the default. */
  readonly kubeconfig: string;
  readonly token: string;
}

/** The fields of a Pod that decide. */
interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface Lease {
  readonly spec?: { readonly holderIdentity?: string };
}

/** The way to the leader, or to another ready controller. Throws a UsageError if there is none. */
export async function forwarded({ namespace, kubeconfig, token }: ForwardOptions): Promise<Connection> {
  const config = loadKubeConfig(kubeconfig);
  const pod = await controllerIn(config, namespace);
  const name = `Pod ${namespace}/${pod}`;
  return { name, host: 'localhost', token, open: () => forward(config, namespace, pod, name) };
}

async function controllerIn(config: KubeConfig, namespace: string): Promise<string> {
  const client = new ApiClient(config);
  try {
    const ready = (await listOf<Pod>(client, `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(SELECTOR)}`)).filter(
      isReady,
    );
    const leaders = ready.length < 2 ? [] : await leadersIn(client, namespace);
    const names = ready.map(({ metadata }) => metadata.name);
    const pod = names.find((name) => leaders.some((identity) => identity.startsWith(`${name}-`))) ?? names[0];
    if (pod !== undefined) return pod;
    throw new UsageError(`namespace ${namespace} has no ready Pod with the labels ${SELECTOR}; give the namespace of the controllers`);
  } catch (error) {
    if (error instanceof ApiError) throw new UsageError(`the controllers in namespace ${namespace} cannot be found: ${error.message}`);
    throw error;
  } finally {
    await client.close();
  }
}

function isReady({ metadata, status }: Pod): boolean {
  const isRunning = metadata.deletionTimestamp === undefined;
  return isRunning && (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/** The identities of leaders; none without the right to read Leases. */
async function leadersIn(client: ApiClient, namespace: string): Promise<readonly string[]> {
  try {
    const leases = await listOf<Lease>(client, `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`);
    return leases.flatMap(({ spec }) => spec?.holderIdentity ?? []);
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

async function listOf<T>(client: ApiClient, path: string): Promise<readonly T[]> {
  const { items } = (await client.ask({ method: 'GET', path })) as { readonly items: readonly T[] };
  return items;
}

/** One forwarded connection as a stream. Its end, and errors of the kubelet, end the stream. */
async function forward(config: KubeConfig, namespace: string, podName: string, name: string): Promise<Duplex> {
  const [stream, pod] = duplexPair();
  const errors = new PassThrough();
  errors.on('data', (text: Buffer) => stream.destroy(new Error(`the port ${ADMIN_PORT} cannot be forwarded: ${text.toString().trim()}`)));
  try {
    const socket = await new PortForward(config).portForward(namespace, podName, [ADMIN_PORT], pod, errors, pod);
    if (typeof socket === 'function') throw new Error('the forward has no connection');
    socket.onclose = () => pod.end();
    stream.once('close', () => socket.close());
    return stream;
  } catch (error) {
    throw new UsageError(`${name}: port ${ADMIN_PORT} cannot be forwarded: ${messageOf(error)}`);
  }
}

/** The client of Kubernetes rejects with events of its web socket. */
function messageOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  return typeof message === 'string' && message !== '' ? message : 'the API server refuses it';
}
