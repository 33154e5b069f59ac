// The initial state of a new cluster: CRDs, and the roles, policies and settings that every API server creates. Their creation takes most
// of the start time. So the first cluster of a kind saves them in the cache, and later ones load them into etcd.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { ETCD, KUBERNETES, TOOLS_FOLDER } from './tools.ts';

/** Prefixes of keys without addresses, keys or times of one cluster. */
const KEPT = [
  'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices',
  'clusterrolebindings',
  'clusterroles',
  'flowschemas',
  'prioritylevelconfigurations',
  'priorityclasses',
  'rolebindings',
  'roles',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
].map((name) => `/registry/${name}/`);
const PUTS_AT_ONCE = 8;

/** One key of etcd, both in Base64 as in its JSON API. */
interface Entry {
  readonly key: string;
  readonly value: string;
}

/** The cache file for clusters with the CRDs of these folders. Other CRDs, or other versions, have another file. */
export function stateFile(folders: readonly string[]): string {
  const hash = createHash('sha256').update(`${ETCD.version} ${KUBERNETES.version} ${KEPT.join()}`);
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort()) if (/\.ya?ml$/.test(name)) hash.update(readFileSync(path.join(folder, name)));
  }
  return path.join(TOOLS_FOLDER, `cluster-state-${hash.digest('hex').slice(0, 12)}.json`);
}

/** Loads the saved state into an etcd; resolves to false if there is none yet. */
export async function restoreState(etcd: string, file: string): Promise<boolean> {
  if (!existsSync(file)) return false;
  const entries = JSON.parse(readFileSync(file, 'utf8')) as readonly Entry[];
  const agent = new http.Agent({ keepAlive: true, maxSockets: PUTS_AT_ONCE });
  await Promise.all(entries.map((entry) => post(agent, `${etcd}/v3/kv/put`, entry)));
  agent.destroy();
  return true;
}

/** Saves the content of an etcd for later clusters. */
export async function saveState(etcd: string, file: string): Promise<void> {
  const agent = new http.Agent({ keepAlive: true });
  const ranges = await Promise.all(
    KEPT.map((prefix) => {
      const end = prefix.replace(/\/$/, '0'); // the character after the slash
      return post(agent, `${etcd}/v3/kv/range`, { key: base64(prefix), range_end: base64(end) });
    }),
  );
  agent.destroy();
  const entries = ranges.flatMap((range) => (range as { kvs?: readonly Entry[] }).kvs ?? []).map(({ key, value }) => ({ key, value }));
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, JSON.stringify(entries));
  renameSync(partial, file);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

async function post(agent: http.Agent, url: string, body: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  http.request(url, { method: 'POST', agent }, resolve).once('error', reject).end(JSON.stringify(body));
  const response = await promise;
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${text}`);
  return JSON.parse(text);
}
