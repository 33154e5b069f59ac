// The configuration that `weir explain` uses: compiled from a folder, or read from a running proxy.
import type * as ir from '#api/ir/ir.ts';
import { ENDPOINT_FLAGS, type EndpointPermissions } from '#api/k8s/endpoint-flags.ts';
import type { FlagGroup } from '#lib/flags.ts';
import { Compiler } from '../controller/compile/compile.ts';
import { readOnce } from '../controller/watch/folder.ts';
import { lackIn, withPairs } from '../proxy/runtime/pairs.ts';
import type { LackOf } from '../proxy/runtime/pairs.ts';
import type { DescribedSecret } from '../proxy/supervisor/pairs.ts';
import { UsageError } from './command.ts';
import { CONTROLLER_NAME } from './controller-name.ts';

/** The flags of where the configuration comes from. */
export const CONFIG_FLAGS = {
  config: { default: '', value: 'DIR', text: 'read the configuration from this folder' },
  proxy: { default: '', value: 'ADDRESS', text: 'read the configuration from a running proxy; HOST:PORT of its admin server' },
  ...ENDPOINT_FLAGS,
} as const satisfies FlagGroup['flags'];

/** The resources that match requests and connections. */
export interface Config {
  readonly listeners: readonly ir.Listener[];
  readonly routes: readonly ir.Route[];
  readonly streamRoutes: readonly ir.StreamRoute[];
  readonly policies: readonly ir.Policy[];
  readonly clusters: readonly ir.Cluster[];
}

/** The Secrets in the dump of a proxy; an earlier release omits them. */
interface Described {
  readonly secrets?: readonly DescribedSecret[];
}

/** Reads a folder, or the admin server of a proxy; one of the two is ''. Throws a UsageError. */
export async function configOf(folder: string, proxy: string, permissions: EndpointPermissions): Promise<Config> {
  if ((folder === '') === (proxy === '')) throw new UsageError('a configuration is needed: either --config DIR or --proxy ADDRESS');
  return folder === '' ? ofProxy(proxy) : ofFolder(folder, permissions);
}

async function ofFolder(folder: string, permissions: EndpointPermissions): Promise<Config> {
  const { objects, problems, refusals } = await readOnce([folder]);
  for (const { file, line, object, field, reason } of problems) {
    console.error(`${file}:${line}: left out: ${[object, field].filter((part) => part !== '').join(' ')}: ${reason}`);
  }
  const fleets = { byDefault: 'Shared', lacks: '' } as const;
  const compiler = new Compiler({ controllerName: CONTROLLER_NAME, allowLoopback: true, fleets, ...permissions });
  compiler.apply([...objects, ...refusals].map((object) => ({ type: 'upsert', object })));
  const resources = [...compiler.resources()].map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
  const lacks = lackIn(new Map(resources.filter((resource) => resource.kind === 'Secret').map((secret) => [secret.key, secret])));
  return {
    listeners: resources.filter((resource) => resource.kind === 'Listener').map((listener) => withPairs(listener, lacks)),
    routes: resources.filter((resource) => resource.kind === 'Route'),
    streamRoutes: resources.filter((resource) => resource.kind === 'StreamRoute'),
    policies: resources.filter((resource) => resource.kind === 'Policy'),
    clusters: resources.filter((resource) => resource.kind === 'Cluster'),
  };
}

/** Reads the resources of a proxy from its admin server. */
async function ofProxy(address: string): Promise<Config> {
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`;
  try {
    // `undici` takes most of the load time, and a folder needs none of it.
    const { request } = await import('undici');
    const { statusCode, body } = await request(new URL('/config', url));
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
    const { secrets = [], ...config } = (await body.json()) as Omit<Config, 'policies' | 'streamRoutes' | 'clusters'> &
      Partial<Config> &
      Described;
    const lacks: LackOf = (key) => {
      const secret = secrets.find((each) => each.key === key);
      return secret === undefined || secret.expires !== null ? null : (secret.problem ?? 'holds no certificate that can be read');
    };
    return {
      policies: [],
      streamRoutes: [],
      clusters: [],
      ...config,
      listeners: config.listeners.map((listener) => withPairs(listener, lacks)),
    };
  } catch (error) {
    throw new UsageError(`--proxy ${address}: ${(error as Error).message}`);
  }
}
