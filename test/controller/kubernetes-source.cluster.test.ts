// The source with a real API server: its reports, its memory, and its messages about missing rights and kinds.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { until } from '../support/until.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import type { Change, SourceProblem } from '../../controller/watch/event.ts';
import { INFORMER_TIMES } from '../../controller/watch/informer.ts';
import { metadataOf, WATCHED_KINDS } from '../../controller/watch/kinds.ts';
import type { RawObject } from '../../controller/watch/kinds.ts';
import { KubernetesSource } from '../../controller/watch/kubernetes.ts';
import type { KubernetesSourceOptions } from '../../controller/watch/kubernetes.ts';

const GATEWAY_CLASS = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GatewayClass', spec: { controllerName: 'example.net/nobody' } };
const TIMES = { ...INFORMER_TIMES, backoff: { minimum: 20, maximum: 200 } };

let cluster: Cluster;

/** A source and its reports. */
class Told {
  readonly changes: Change[] = [];
  problems: readonly SourceProblem[] = [];
  readonly client: ApiClient;
  readonly source: KubernetesSource;

  constructor(kubeconfig: string, options: KubernetesSourceOptions = {}) {
    this.client = new ApiClient(loadKubeConfig(kubeconfig));
    const readerTimes = { backoff: TIMES.backoff, patience: 5_000 };
    this.source = new KubernetesSource(this.client, { times: TIMES, readerTimes, ...options });
  }

  start(): Promise<void> {
    return this.source.start({
      changed: (changes) => void this.changes.push(...changes),
      synced: () => undefined,
      problems: (problems) => void (this.problems = problems),
    });
  }

  async stop(): Promise<void> {
    await this.source.stop();
    await this.client.close();
  }

  /** Follows these objects of the namespace default, and no others. */
  want({ Secret = [], ConfigMap = [] }: { readonly Secret?: readonly string[]; readonly ConfigMap?: readonly string[] }) {
    const ids = (kind: string, names: readonly string[]) => new Set(names.map((name) => `${kind}/default/${name}`));
    return this.source.want({ Secret: ids('Secret', Secret), ConfigMap: ids('ConfigMap', ConfigMap) });
  }

  /** The last change of an object: the object, `deleted`, or undefined. */
  last(kind: string, name: string): object | 'deleted' | undefined {
    const ofObject = this.changes.filter((change) =>
      change.type === 'upsert'
        ? change.object.kind === kind && change.object.metadata.name === name
        : change.ref.kind === kind && change.ref.name === name,
    );
    const change = ofObject.at(-1);
    return change?.type === 'upsert' ? change.object : change === undefined ? undefined : 'deleted';
  }
}

let told: Told;

const apply = (...objects: object[]) => cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

beforeAll(async () => {
  cluster = await startCluster();
});

afterEach(() => told.stop());
afterAll(() => cluster.stop());

describeWith(['cluster'], 'KubernetesSource', () => {
  test('an object that fails because of a bug is reported by name, and its kind is still watched', async () => {
    await apply({ ...GATEWAY_CLASS, metadata: { name: 'broken' } }, { ...GATEWAY_CLASS, metadata: { name: 'sound' } });
    const lines: string[] = [];
    const guard = new Faults(createLog('info', { write: (line) => void lines.push(line) }));
    const kinds = WATCHED_KINDS.filter(({ name }) => name === 'GatewayClass').map((kind) => {
      const throwing = (object: RawObject): void => {
        if (metadataOf(object)['name'] === 'broken') throw new Error('a bug');
      };
      const fingerprint = (object: RawObject) => (throwing(object), kind.fingerprint(object));
      const project = (object: RawObject) => (throwing(object), kind.project(object));
      return { ...kind, fingerprint, project };
    });
    told = new Told(cluster.kubeconfig, { kinds, guard });
    await told.start();
    expect(told.last('GatewayClass', 'sound')).toBeDefined();
    expect(told.last('GatewayClass', 'broken')).toBeUndefined();
    expect(JSON.parse(lines[0]!)).toMatchObject({ part: 'watch', kind: 'GatewayClass', name: 'broken', err: { message: 'a bug' } });
    expect(told.problems).toEqual([]);
    await cluster.kubectl(['delete', 'gatewayclass', 'broken', 'sound']);
  });

  test('reports projected objects only', async () => {
    const annotations = { 'example.net/long': 'x'.repeat(1_000) };
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 's', namespace: 'default', annotations, labels: { 'kubernetes.io/service-name': 'svc', app: 'x' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true }, nodeName: 'n1', targetRef: { kind: 'Pod', name: 'p' } }],
      ports: [{ name: 'http', port: 8080 }],
    };
    await apply({ ...GATEWAY_CLASS, metadata: { name: 'c1', annotations } }, slice);
    told = new Told(cluster.kubeconfig);
    await told.start();
    const identity = { uid: expect.any(String), creationTimestamp: expect.any(String) };
    expect(told.last('GatewayClass', 'c1')).toEqual({ ...GATEWAY_CLASS, metadata: { name: 'c1', generation: 1, ...identity } });
    expect(told.last('EndpointSlice', 's')).toEqual({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 's', namespace: 'default', generation: 1, labels: { 'kubernetes.io/service-name': 'svc' }, ...identity },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true } }],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    });
  });

  test('reports the ConfigMaps that it follows, with all entries, and their changes', async () => {
    const configMap = (name: string, data: object) => ({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } },
      data,
    });
    await apply(configMap('pages', { 'ca.crt': 'a', sorry: 'first' }), configMap('lock', { holder: 'x' }));
    told = new Told(cluster.kubeconfig);
    await told.start();
    expect([told.source.isSynced('ConfigMap'), told.last('ConfigMap', 'pages')]).toEqual([false, undefined]);
    await told.want({ ConfigMap: ['pages', 'later'] });
    expect(told.source.isSynced('ConfigMap')).toBe(true);
    expect(told.last('ConfigMap', 'pages')).toHaveProperty('data', { 'ca.crt': 'a', sorry: 'first' });
    await apply(configMap('pages', { sorry: 'second' }), configMap('later', { a: 'b' }));
    await until(() => JSON.stringify(told.last('ConfigMap', 'pages')).includes('second'), 'the new text');
    await until(() => told.last('ConfigMap', 'later') !== undefined, 'the one that came later');
    await cluster.kubectl(['delete', 'configmap', 'later']);
    await until(() => told.last('ConfigMap', 'later') === 'deleted', 'the deletion');
    expect(told.want({})).toBeNull();
    expect([told.last('ConfigMap', 'pages'), told.last('ConfigMap', 'lock')]).toEqual(['deleted', undefined]);
  });

  test('reports the Secrets that it follows, and their changes', async () => {
    const tls = { 'tls.crt': 'Yw==', 'tls.key': 'aw==', 'ca.crt': 'YQ==', 'key.der': 'AA==' };
    const kind = { apiVersion: 'v1', kind: 'Secret' };
    const cert = { ...kind, type: 'kubernetes.io/tls', metadata: { name: 'tls', namespace: 'default' }, data: tls };
    const opaque = { ...kind, metadata: { name: 'opaque', namespace: 'default' }, data: { ...tls, p: 'cA==' } };
    const other = { ...kind, metadata: { name: 'other', namespace: 'default' }, data: { p: 'cA==' } };
    await apply(cert, opaque, other);
    told = new Told(cluster.kubeconfig);
    await told.start();
    expect(told.source.isSynced('Secret')).toBe(false);
    await told.want({ Secret: ['tls', 'opaque', 'later'] });
    expect(told.source.isSynced('Secret')).toBe(true);
    expect(told.last('Secret', 'tls')).toMatchObject({ type: cert.type, data: { 'tls.crt': 'Yw==', 'tls.key': 'aw==', 'ca.crt': 'YQ==' } });
    // A policy may refer to any of them.
    expect(told.last('Secret', 'tls')).toMatchObject({ data: { 'key.der': 'AA==' } });
    expect(told.last('Secret', 'opaque')).toHaveProperty('data', opaque.data);
    await apply({ ...cert, data: { ...tls, 'tls.crt': 'ZA==' } });
    await until(() => JSON.stringify(told.last('Secret', 'tls')).includes('ZA=='), 'the new certificate');
    await apply({ ...cert, metadata: { ...cert.metadata, name: 'later' } });
    await until(() => told.last('Secret', 'later') !== undefined, 'the one that came later');
    await cluster.kubectl(['delete', 'secret', 'tls', 'later']);
    await until(() => told.last('Secret', 'tls') === 'deleted' && told.last('Secret', 'later') === 'deleted', 'the deletions');
    await apply(cert);
    await until(() => JSON.stringify(told.last('Secret', 'tls')).includes('Yw=='), 'the certificate made anew');
    expect(told.want({})).toBeNull();
    expect([told.last('Secret', 'tls'), told.last('Secret', 'opaque')]).toEqual(['deleted', 'deleted']);
    expect(told.last('Secret', 'other')).toBeUndefined();
  });

  test('reports changes and deletions, but no changes of status or annotations', async () => {
    await apply({ ...GATEWAY_CLASS, metadata: { name: 'c2' } });
    told = new Told(cluster.kubeconfig);
    await told.start();
    const count = () => told.changes.filter((change) => change.type === 'upsert' && change.object.metadata.name === 'c2').length;
    const ref = { kind: 'GatewayClass', namespace: '', name: 'c2' };
    const before = told.source.live.get(ref)?.resourceVersion;
    await cluster.kubectl(['annotate', 'gatewayclass', 'c2', 'example.net/a=b']);
    await until(() => told.source.live.get(ref)?.resourceVersion !== before);
    expect(count()).toBe(1);
    await apply({ ...GATEWAY_CLASS, metadata: { name: 'c2' }, spec: { ...GATEWAY_CLASS.spec, description: 'changed' } });
    await until(() => count() === 2);
    await cluster.kubectl(['delete', 'gatewayclass', 'c2']);
    await until(() => told.last('GatewayClass', 'c2') === 'deleted');
    expect(told.source.live.get(ref)).toBeUndefined();
  });

  test('resumes its watches after an outage of the API server', async () => {
    told = new Told(cluster.kubeconfig);
    await told.start();
    await cluster.stopApiServer();
    await until(() => told.problems.length > 0, 'a problem');
    await cluster.startApiServer();
    await apply({ ...GATEWAY_CLASS, metadata: { name: 'c3' } });
    await until(() => told.last('GatewayClass', 'c3') !== undefined);
    await until(() => told.problems.length === 0, 'no problem');
  });

  test('names the missing rule', async () => {
    const rules = [
      { apiGroups: ['gateway.networking.k8s.io'], resources: ['*'], verbs: ['list', 'watch'] },
      { apiGroups: ['gateway.networking.x-k8s.io'], resources: ['*'], verbs: ['list', 'watch'] },
      { apiGroups: ['gateway.weir.dev'], resources: ['*'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      { apiGroups: [''], resources: ['services', 'namespaces', 'configmaps'], verbs: ['list', 'watch'] },
      { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['list', 'watch'] },
    ];
    const { kubeconfig } = await cluster.account('nosecrets', rules);
    told = new Told(kubeconfig);
    const started = told.start();
    expect(told.want({})).toBeNull();
    const others = WATCHED_KINDS.map(({ name }) => name).filter((name) => name !== 'Secret');
    await until(() => told.problems.length === 1 && others.every((kind) => told.source.isSynced(kind)), 'all kinds but one');
    const rule = '{"apiGroups":[""],"resources":["secrets"],"verbs":["list","watch"]}';
    expect(told.problems).toMatchObject([{ object: 'Secret', reason: expect.stringContaining(rule) }]);
    expect(told.source.isSynced('Secret')).toBe(false);
    await told.source.stop();
    await started;
  });

  test.each([
    ['Secret', 'secrets', ['secret', 'generic']],
    ['ConfigMap', 'configmaps', ['configmap']],
  ] as const)('names the missing rule for the data of a %s', async (kind, resource, create) => {
    const every = { apiGroups: ['*'], resources: ['*'], verbs: ['list', 'watch'] };
    const { kubeconfig } = await cluster.account(`nodata-${resource}`, [every]);
    await cluster.kubectl(['create', ...create, 'hidden']);
    told = new Told(kubeconfig);
    await told.start();
    const waiting = told.want({ [kind]: ['hidden'] });
    await until(() => told.problems.length > 0, 'a problem');
    const rule = `{"apiGroups":[""],"resources":["${resource}"],"verbs":["get"]}`;
    expect(told.problems).toMatchObject([{ object: kind, reason: expect.stringContaining(rule) }]);
    expect([...told.source.troubles()]).toMatchObject([[kind, { problem: { type: 'forbidden', verb: 'get' }, matters: true }]]);
    await cluster.account(`nodata-${resource}`, [every, { apiGroups: [''], resources: [resource], verbs: ['get'] }]);
    await waiting;
    expect(told.last(kind, 'hidden')).toMatchObject({ kind, metadata: { name: 'hidden' } });
    expect(told.problems).toEqual([]);
  });

  test('works without a kind whose CRD is missing, reports the remedy, and finds the CRD after its installation', async () => {
    const crd = await cluster.kubectl(['get', 'crd', 'referencegrants.gateway.networking.k8s.io', '-o', 'json']);
    await cluster.kubectl(['delete', 'crd', 'referencegrants.gateway.networking.k8s.io']);
    told = new Told(cluster.kubeconfig);
    await told.start();
    await until(() => told.problems.length > 0);
    expect(told.problems).toMatchObject([
      { object: 'ReferenceGrant', reason: expect.stringContaining('install the CRDs of the Gateway API') },
    ]);
    const { apiVersion, kind, metadata, spec } = JSON.parse(crd) as {
      apiVersion: string;
      kind: string;
      metadata: { name: string; annotations: object };
      spec: object;
    };
    await apply({ apiVersion, kind, metadata: { name: metadata.name, annotations: metadata.annotations }, spec });
    await until(() => told.problems.length === 0, 'the CRD to be found');
  });
});
