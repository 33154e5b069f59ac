// A proxy with a route to a backend, configured by Kubernetes objects that a test changes one by one.
import type * as ir from '#api/ir/ir.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import type { Limits } from '../../proxy/exchange/limits.ts';
import type { WorkerOptions } from '../../proxy/worker.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { closeLater, openClient, openUpstream } from '../support/fixture.ts';
import type { Message } from '../support/message.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { CONTROLLER_NAME, gateway, gatewayClass, type Manifest } from '../support/objects.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';

/** An object of Weir or the Gateway API in the namespace `default`. */
export function manifest(kind: string, name: string, spec: object): Manifest {
  const weir = [
    'Backend',
    'SecurityPolicy',
    'RateLimitPolicy',
    'HTTPPolicy',
    'ExtensionPolicy',
    'BackendTrafficPolicy',
    'TelemetryPolicy',
    'AlertRule',
    'NotificationChannel',
  ].includes(kind);
  return {
    apiVersion: weir ? 'gateway.weir.dev/v1alpha1' : 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec,
  };
}

const ROUTE = { kind: 'HTTPRoute', name: 'app' };

/** A SecurityPolicy for the route `app`, or another target. */
export function securityPolicy(name: string, settings: object, target: object = ROUTE): Manifest {
  return manifest('SecurityPolicy', name, { targetRefs: [target], ...settings });
}

export class SecurityRig {
  readonly compiler: Compiler;
  readonly proxy: Proxy;
  readonly upstream: RawUpstream;

  private constructor(compiler: Compiler, proxy: Proxy, upstream: RawUpstream) {
    this.compiler = compiler;
    this.proxy = proxy;
    this.upstream = upstream;
  }

  /** Starts a proxy with the Gateway `gw`, the route `app` with these fields in its rule, these objects, and these options. */
  static async start(
    objects: readonly Manifest[],
    rule: object = {},
    options: Partial<
      Pick<
        WorkerOptions,
        'redis' | 'allowedServices' | 'documentTimes' | 'securityLog' | 'accessLog' | 'accessLogSettings' | 'otlp' | 'tracing'
      >
    > & { readonly limits?: Partial<Limits> } = {},
  ): Promise<SecurityRig> {
    const { limits = {}, ...more } = options;
    const upstream = await openUpstream('HTTP/1.1 200 OK\r\nx-frame-options: BACKEND\r\ncontent-length: 2\r\n\r\nok');
    const compiler = new Compiler({ controllerName: CONTROLLER_NAME, allowLoopback: true, bindAddresses: true });
    const rules = [{ name: 'all', ...rule, backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }];
    const all = [
      gatewayClass(),
      gateway('gw', [{ name: 'http', port: 80 }]),
      manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: upstream.port }] }),
      manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules }),
      ...objects,
    ];
    const delta = compiler.apply(all.map((object) => ({ type: 'upsert', object: inDefault(object) as never })));
    const proxy = await startProxy(delta.changed.map(decoded), limits, more.accessLog ?? 'off', more);
    closeLater(() => proxy.close());
    return new SecurityRig(compiler, proxy, upstream);
  }

  /** Adds or replaces objects, and removes others, in one batch. */
  async change(put: readonly Manifest[], gone: readonly Manifest[] = []): Promise<void> {
    const { changed, removed } = this.compiler.apply([
      ...put.map((object) => ({ type: 'upsert' as const, object: inDefault(object) as never })),
      ...gone.map((object) => ({ type: 'delete' as const, ref: refOf(object) })),
    ]);
    const names: ResourceName[] = removed.map(({ kind, key }) => ({ kind, key }));
    await this.proxy.worker.apply(changed.map(decoded), names);
  }

  /** The answer to one request on its own connection, from an address of this machine. */
  async ask(bytes: string, from = '127.0.0.1'): Promise<Message> {
    const client = await openClient(this.proxy.port, true, from);
    return client.ask(bytes);
  }

  /** A condition of a policy, as `True Accepted: message`. */
  condition(policy: string, type: string, kind = 'SecurityPolicy'): string | undefined {
    const status = [...this.compiler.statuses()].find(({ ref }) => ref.kind === kind && ref.name === policy);
    const found = status?.type === 'Policy' ? status.ancestors[0]?.conditions.find((each) => each.type === type) : undefined;
    return found === undefined ? undefined : `${found.status} ${found.reason}: ${found.message}`;
  }
}

/** The object in the namespace `default`, unless it names another or has none. */
export function inDefault(object: Manifest): Manifest {
  const metadata = object['metadata'] as Readonly<Record<string, unknown>>;
  return object['kind'] === 'GatewayClass' ? object : { ...object, metadata: { namespace: 'default', ...metadata } };
}

function refOf(object: Manifest): { readonly kind: string; readonly namespace: string; readonly name: string } {
  const { name, namespace = 'default' } = object['metadata'] as { readonly name: string; readonly namespace?: string };
  return { kind: String(object['kind']), namespace, name };
}

function decoded({ body }: { readonly body: Buffer }): ir.Resource {
  return JSON.parse(body.toString()) as ir.Resource;
}
