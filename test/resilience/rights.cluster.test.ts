// A controller that loses its rights one by one while it runs: status, Event, log, metric and readiness name the missing one, the
// configuration stays served, and changes take effect when the right is back.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import { collectionPath } from '../../controller/watch/api-paths.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Account, Cluster, PolicyRule } from '../cluster/cluster.ts';
import { addAddress, removeAddress } from '../support/address.ts';
import { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { http2Streams, keptConnection, newConnections } from '../support/flows.ts';
import { freePorts } from '../support/free-port.ts';
import { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute, listOf, serviceOf } from '../support/objects.ts';
import type { Manifest } from '../support/objects.ts';
import { documentedRights } from '../support/rights.ts';
import { traffic } from '../support/traffic.ts';
import { Tunnel } from '../support/tunnel.ts';

const HOST = '127.0.0.7';
const PAUSE_MS = 10;
const GATEWAY_API = 'gateway.networking.k8s.io';
const WEIR_API = 'gateway.weir.dev';
const ROLE = 'default-controller';
const TIMEOUT_MS = 120_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

interface Told {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

/** A right, a change that needs it, and the observed result without and with it. */
interface Row {
  readonly kind: KindName;
  readonly change: () => Promise<unknown>;
  readonly look: () => Promise<string>;
  readonly without: string;
  readonly with: string;
}

describeWith(['cluster', 'root', 'ip'], 'a controller without a right', () => {
  const backends = [new Backend('one'), new Backend('two')] as const;
  const certificates = TestCa.create();
  let address: string;
  let cluster: Cluster;
  let tunnel: Tunnel;
  let account: Account;
  let weir: Installation;
  let ports: readonly number[];

  beforeAll(async () => {
    address = addAddress();
    await Promise.all(backends.map((backend) => backend.start(0, address)));
    ports = await freePorts(6);
    cluster = await startCluster({ channel: 'standard' });
    account = await cluster.account('controller', documentedRights());
    const { hostname, port } = new URL(cluster.url);
    tunnel = await Tunnel.start(hostname, Number(port));
    const config = readFileSync(account.kubeconfig, 'utf8').replaceAll(cluster.url, `https://${hostname}:${tunnel.port}`);
    writeFileSync(account.kubeconfig, config);
    weir = await Installation.start(cluster, [HOST], account);
    await apply(gatewayClass(), mainGateway(), httpRoute('app', 'app'), httpRoute('steered', 'app'), ...service('app', 0));
    // Objects in another namespace, for grants and labels.
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await apply(...service('shared', 0).map(inTeam), inTeam(httpRoute('labelled', 'shared', ['gw/selected'])), granted());
    await answers('/app', 'one');
    await cluster.until('the condition', async () => (await condition())?.status === 'True');
  });

  afterAll(async () => {
    await weir?.stop();
    await tunnel?.stop();
    await cluster?.stop();
    await (await certificates).remove();
    await Promise.all(backends.map((backend) => backend.stop()));
    if (address !== undefined) removeAddress(address);
  });

  const apply = (...objects: readonly object[]) => cluster.apply(listOf(...objects));
  const service = (name: string, backend: 0 | 1) => serviceOf(name, { address, port: backends[backend].port });

  function mainGateway(): object {
    const selected = { name: 'selected', port: ports[1] ?? 0, protocol: 'HTTP' };
    const allowedRoutes = { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'a' } } } };
    const { spec, ...rest } = gateway('gw', [{ name: 'http', port: ports[0] ?? 0 }]) as { spec: { listeners: object[] } };
    return { ...rest, spec: { ...spec, listeners: [...spec.listeners, { ...selected, allowedRoutes }] } };
  }

  function inTeam(object: Manifest): object {
    const { parentRefs = [], ...spec } = (object['spec'] ?? {}) as { parentRefs?: object[] };
    const refs = parentRefs.length === 0 ? {} : { parentRefs: parentRefs.map((ref) => ({ ...ref, namespace: 'default' })) };
    const metadata = { ...(object['metadata'] as object), namespace: 'team' };
    return { ...object, metadata, ...(object['spec'] === undefined ? {} : { spec: { ...spec, ...refs } }) };
  }

  /** A route to a Service of another namespace. */
  function granted(): object {
    const rules = [{ matches: [{ path: { value: '/granted' } }], backendRefs: [{ name: 'shared', namespace: 'team', port: 80 }] }];
    return { ...httpRoute('granted', ''), spec: { parentRefs: [{ name: 'gw' }], rules } };
  }

  /** The backend that answers, the status if none does, or why there is no answer. */
  async function answer(target: string, port = ports[0]): Promise<string> {
    const response = await fetch(`http://${HOST}:${port}${target}`, { headers: { connection: 'close' } }).catch(() => null);
    if (response === null) return 'refused';
    const text = await response.text();
    return response.status === 200 ? (JSON.parse(text) as { backend: string }).backend : String(response.status);
  }

  async function tlsAnswer(port: number | undefined): Promise<string> {
    const request = https.request(`https://${HOST}:${port}/`, { rejectUnauthorized: false, agent: false }).end();
    const [response] = (await once(request, 'response').catch(() => [null])) as [IncomingMessage | null];
    response?.resume();
    return response === null ? 'refused' : String(response.statusCode);
  }

  function answers(target: string, expected: string): Promise<void> {
    return cluster.until(`${expected} at ${target}`, async () => (await answer(target)) === expected);
  }

  async function get<T>(target: string): Promise<T> {
    const { status, body } = await cluster.get(target);
    if (status !== 200) throw new Error(`${target}: ${status} ${body}`);
    return JSON.parse(body) as T;
  }

  /** The conditions of an object of the Gateway API; for a route or policy those of its first entry. */
  async function conditionsOf(plural: string, name: string): Promise<readonly Condition[]> {
    const where = plural === 'gatewayclasses' ? '' : 'namespaces/default/';
    interface Status {
      readonly conditions?: readonly Condition[];
    }
    const { status = {} } = await get<{ status?: Status & { parents?: Status[]; ancestors?: Status[]; listeners?: Status[] } }>(
      `/apis/${GATEWAY_API}/v1/${where}${plural}/${name}`,
    );
    const [entry] = status.parents ?? status.ancestors ?? status.listeners ?? [];
    return [...(entry?.conditions ?? []), ...(status.conditions ?? [])];
  }

  async function condition(): Promise<Condition | undefined> {
    return (await conditionsOf('gatewayclasses', 'weir')).find(({ type }) => type === `${WEIR_API}/ResourcesReadable`);
  }

  async function statusOf(plural: string, name: string, type: string): Promise<string> {
    return (await conditionsOf(plural, name)).find((one) => one.type === type)?.status ?? '';
  }

  /** The Events on the GatewayClass, as `Type Reason: note`. */
  async function events(): Promise<readonly string[]> {
    const { items } = await get<{ items: Told[] }>('/apis/events.k8s.io/v1/namespaces/default/events');
    return items
      .filter(({ regarding }) => regarding.kind === 'GatewayClass' && regarding.name === 'weir')
      .map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
  }

  /** Rules without some verbs on a resource. */
  function less(rules: readonly PolicyRule[], resource: string, verbs: readonly string[]): PolicyRule[] {
    return rules.flatMap((rule) => {
      if (!rule.resources.includes(resource)) return [rule];
      const others = { ...rule, resources: rule.resources.filter((name) => name !== resource) };
      const left = { ...rule, resources: [resource], verbs: rule.verbs.filter((verb) => !verbs.includes(verb)) };
      return [others, left].filter((kept) => kept.resources.length > 0 && kept.verbs.length > 0);
    });
  }

  async function grant(rules: readonly PolicyRule[]): Promise<void> {
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const body = { apiVersion, kind: 'ClusterRole', metadata: { name: ROLE }, rules };
    expect((await cluster.send('PUT', `/apis/${apiVersion}/clusterroles/${ROLE}`, { body })).status).toBe(200);
  }

  /** Removes the right to watch a kind, and restarts all watches, since an API server checks rights at their start. */
  async function blind(kind: KindName, rules: readonly PolicyRule[] = documentedRights()): Promise<void> {
    await grant(less(rules, KINDS[kind].plural, ['list', 'watch']));
    const isDenied = async () => (await cluster.get(`${collectionPath(KINDS[kind])}?limit=1`, account.token)).status === 403;
    await cluster.until('the right to be gone', isDenied);
    tunnel.cut();
  }

  /** Runs traffic to the initial routes; no exchange may fail. */
  async function unharmed(during: () => Promise<unknown>): Promise<void> {
    const url = `http://${HOST}:${ports[0]}/app`;
    const { failures, requests } = await traffic([keptConnection(url), newConnections(url), http2Streams(url)], during, PAUSE_MS);
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(50);
  }

  async function saysForbidden(kind: KindName, said: number): Promise<void> {
    const { plural, apiVersion } = KINDS[kind];
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    const sentence = new RegExp(`the controller may not (list|watch) ${plural}: its ClusterRole lacks the rule`);
    await weir.controller.printed(sentence, said);
    expect(await weir.metric(`weir_watch_trouble{kind="${kind}",reason="forbidden"}`)).toBe(1);
    const { status, body } = await weir.probe('/readyz');
    expect([status, body]).toEqual([200, expect.stringMatching(sentence)]);
    await cluster.until('the condition', async () => (await condition())?.status === 'False');
    const { reason, message } = (await condition()) as Condition;
    expect([reason, message]).toEqual(['Forbidden', expect.stringMatching(sentence)]);
    expect(message).toContain(JSON.stringify({ apiGroups: [group], resources: [plural], verbs: ['list', 'watch'] }));
    const isWarned = (event: string) => event.startsWith('Warning ResourcesNotReadable') && sentence.test(event);
    await cluster.until('the Event', async () => (await events()).some(isWarned));
  }

  async function saysSolved(kind: KindName): Promise<void> {
    await cluster.until('the condition', async () => (await condition())?.status === 'True');
    await cluster.until('the Event', async () => (await events()).includes(`Normal ResourcesReadable: ${kind} can be read again`));
    expect(await weir.metric(`weir_watch_trouble{kind="${kind}",reason="forbidden"}`)).toBe(0);
    expect((await weir.probe('/readyz')).body.trim()).toBe('ready');
  }

  async function freshCertificate(): Promise<void> {
    const { certificate, privateKey } = await (await certificates).issue('fresh', 'DNS:fresh.test');
    await cluster.kubectl(['create', 'secret', 'tls', 'fresh', `--cert=${certificate}`, `--key=${privateKey}`]);
    const tls = { certificateRefs: [{ name: 'fresh' }] };
    await apply(gateway('fresh', [{ name: 'https', port: ports[2] ?? 0, protocol: 'HTTPS', tls }]));
  }

  /** A Service whose backends are verified with the CA of a ConfigMap. */
  async function checkedBackend(): Promise<void> {
    const data = { 'ca.crt': readFileSync((await certificates).certificate, 'utf8') };
    const targetRefs = [{ group: '', kind: 'Service', name: 'checked' }];
    const validation = { hostname: 'checked.test', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'authorities' }] };
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'authorities' }, data },
      { apiVersion: `${GATEWAY_API}/v1`, kind: 'BackendTLSPolicy', metadata: { name: 'checked' }, spec: { targetRefs, validation } },
      httpRoute('checked', 'checked'),
      ...service('checked', 1),
    );
  }

  function steer(): Promise<void> {
    const targetRefs = [{ group: GATEWAY_API, kind: 'HTTPRoute', name: 'steered' }];
    // The backend does not use this protocol.
    const spec = { targetRefs, protocol: 'HTTP2' };
    return apply({ apiVersion: `${WEIR_API}/v1alpha1`, kind: 'BackendTrafficPolicy', metadata: { name: 'steered' }, spec });
  }

  function permit(): Promise<void> {
    const spec = {
      from: [{ group: GATEWAY_API, kind: 'HTTPRoute', namespace: 'default' }],
      to: [{ group: '', kind: 'Service' }],
    };
    const metadata = { name: 'to-shared', namespace: 'team' };
    return apply({ apiVersion: `${GATEWAY_API}/v1beta1`, kind: 'ReferenceGrant', metadata, spec });
  }

  const ROWS: readonly Row[] = [
    { kind: 'Secret', change: freshCertificate, look: () => tlsAnswer(ports[2]), without: 'refused', with: '404' },
    {
      kind: 'ConfigMap',
      change: checkedBackend,
      look: () => statusOf('backendtlspolicies', 'checked', 'ResolvedRefs'),
      without: 'False',
      with: 'True',
    },
    {
      kind: 'Gateway',
      change: () => apply(gateway('second', [{ name: 'http', port: ports[3] ?? 0 }]), httpRoute('second', 'app', ['second'])),
      look: () => answer('/second', ports[3]),
      without: 'refused',
      with: 'one',
    },
    {
      kind: 'Service',
      change: () => apply(httpRoute('placed', 'placed'), ...service('placed', 1)),
      look: () => answer('/placed'),
      without: '500',
      with: 'two',
    },
    {
      kind: 'EndpointSlice',
      change: () => apply(httpRoute('moved', 'moved'), ...service('moved', 1)),
      look: () => answer('/moved'),
      without: '503',
      with: 'two',
    },
    {
      kind: 'Namespace',
      change: () => cluster.kubectl(['label', 'namespace', 'team', 'team=a']),
      look: () => answer('/labelled', ports[1]),
      without: '404',
      with: 'one',
    },
    {
      kind: 'HTTPRoute',
      change: () => apply(httpRoute('routed', 'app')),
      look: () => answer('/routed'),
      without: '404',
      with: 'one',
    },
    { kind: 'ReferenceGrant', change: permit, look: () => answer('/granted'), without: '500', with: 'one' },
    { kind: 'BackendTrafficPolicy', change: steer, look: () => answer('/steered'), without: 'one', with: '502' },
    {
      kind: 'GatewayClass',
      change: () => apply(gatewayClass('other')),
      look: () => statusOf('gatewayclasses', 'other', 'Accepted'),
      without: 'Unknown',
      with: 'True',
    },
  ];

  test(
    'lost for a moment by a restarting API server: it is not reported',
    async () => {
      const before = await condition();
      const lists = await weir.metric('weir_watch_requests_total{kind="Secret",request="watch"}');
      await unharmed(async () => {
        await cluster.restartApiServer();
        await apply(httpRoute('restarted', 'app'));
        await answers('/restarted', 'one');
        await cluster.until(
          'new watches',
          async () => (await weir.metric('weir_watch_requests_total{kind="Secret",request="watch"}')) > lists,
        );
      });
      expect(await condition()).toEqual(before);
      expect(await events()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test.each(ROWS)(
    'to read objects of kind $kind',
    async ({ kind, change, look, ...expected }) => {
      const said = weir.controller.output.length;
      await unharmed(async () => {
        await blind(kind);
        await Promise.all([change(), saysForbidden(kind, said)]);
        await cluster.until(expected.without, async () => (await look()) === expected.without);
        await grant(documentedRights());
        await cluster.until(expected.with, async () => (await look()) === expected.with);
        await saysSolved(kind);
      });
    },
    TIMEOUT_MS,
  );

  test(
    'to read Secrets: they are not reported as missing',
    async () => {
      await blind('Secret');
      await cluster.until('the condition', async () => (await condition())?.status === 'False');
      const tls = { certificateRefs: [{ name: 'newer' }] };
      await apply(gateway('newer', [{ name: 'https', port: ports[4] ?? 0, protocol: 'HTTPS', tls }]));
      const refs = async () => (await conditionsOf('gateways', 'newer')).find(({ type }) => type === 'ResolvedRefs')?.message ?? '';
      await cluster.until('the status', async () => (await refs()) !== '');
      expect(await refs()).toMatch(/^may be outdated \(Secret cannot be read now\): Secret\/default\/newer does not exist/);
      // Existing Secrets are reported and served as before.
      expect(await statusOf('gateways', 'fresh', 'ResolvedRefs')).toBe('True');
      expect(await tlsAnswer(ports[2])).toBe('404');
      await grant(documentedRights());
      await cluster.until('the status', async () => (await refs()).startsWith('Secret/default/newer does not exist'));
    },
    TIMEOUT_MS,
  );

  test.each([
    ['HTTPRoute', () => apply(httpRoute('untold', 'app'))],
    ['Gateway', () => apply(gateway('untold', [{ name: 'http', port: ports[5] ?? 0 }]))],
    ['GatewayClass', () => apply(gatewayClass('untold'))],
  ] as const)(
    'to write the status of a %s',
    async (kind, change) => {
      const said = weir.controller.output.length;
      const { plural } = KINDS[kind];
      const rule = { apiGroups: [GATEWAY_API], resources: [`${plural}/status`], verbs: ['patch'] };
      const failed = () => weir.metric(`weir_status_writes_total{kind="${kind}",result="failed"}`);
      const isTold = async () => (await statusOf(plural, 'untold', 'Accepted')) === 'True';
      await grant(less(documentedRights(), `${plural}/status`, ['patch']));
      await change();
      await weir.controller.printed(/the API server refuses a status/, said);
      expect(weir.controller.output.slice(said)).toContain(`"lackingRule":${JSON.stringify(rule)}`);
      expect(await failed()).toBeGreaterThan(0);
      expect(await failed()).toBeLessThan(10);
      expect(await isTold()).toBe(false);
      await grant(documentedRights());
      await cluster.until('the status', isTold);
    },
    TIMEOUT_MS,
  );

  test(
    'to write Events',
    async () => {
      const said = weir.controller.output.length;
      const noEvents = less(documentedRights(), 'events', ['create']);
      const isTold = async () => (await events()).some((event) => event.includes('grpcroutes'));
      await blind('GRPCRoute', noEvents);
      await weir.controller.printed(/an Event could not be written/, said);
      const rule = { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] };
      expect(weir.controller.output.slice(said)).toContain(`"lackingRule":${JSON.stringify(rule)}`);
      await cluster.until('the condition', async () => (await condition())?.message.includes('grpcroutes') === true);
      expect(await isTold()).toBe(false);
      await grant(less(documentedRights(), 'grpcroutes', ['list', 'watch']));
      await cluster.until('the Event', isTold);
      // Each Event fails once in turn, however often it is tried; under time pressure another one may be first.
      expect(weir.controller.output.slice(said).match(/an Event could not be written/g)?.length).toBeLessThanOrEqual(3);
      await grant(documentedRights());
      await saysSolved('GRPCRoute');
    },
    TIMEOUT_MS,
  );

  test(
    'to hold the Lease',
    async () => {
      const said = weir.controller.output.length;
      await unharmed(async () => {
        await grant(less(documentedRights(), 'leases', ['get', 'create', 'update']));
        await weir.controller.printed(
          /"lackingRule":\{"apiGroups":\["coordination.k8s.io"\],"resources":\["leases"\].*cannot read or write the Lease/,
          said,
        );
        await cluster.until('no leader', async () => (await weir.metric('weir_leader')) === 0);
        await apply(httpRoute('unled', 'app'));
        await answers('/unled', 'one');
        await grant(documentedRights());
        await cluster.until('a leader', async () => (await weir.metric('weir_leader')) === 1);
      });
    },
    TIMEOUT_MS,
  );
});
