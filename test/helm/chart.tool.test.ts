// The rendered chart: golden files for sets of values, values that the schema refuses, and the rights in it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { readValues } from '../../charts/files.ts';
import { COUNT_LIMITS, TIME_LIMITS } from '#api/k8s/proxy-limits.ts';
import type { PolicyRule } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { documentedRights } from '../support/rights.ts';
import { CHART, Helm, KUBE_VERSION } from './helm.ts';

const FOLDER = path.join(import.meta.dirname, 'testdata');

interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly PolicyRule[];
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Values with an admin program. */
const ADMIN = ['--set', 'admin.enabled=true', '--set', 'admin.store.claim=admin'];

/** Values with which the controllers need all rights. */
const EVERYTHING = ['fleet.mode=Both', 'controller.alerts.prometheusRules.enabled=true'];

describeWith(['go'], 'the chart', () => {
  let helm: Helm;
  beforeAll(() => {
    helm = new Helm();
  }, 600_000);
  afterAll(() => helm.remove());

  const template = (...args: string[]) => helm.run('template', 'weir', CHART, '--namespace', 'weir-system', ...KUBE_VERSION, ...args);
  const objects = async (...args: string[]) =>
    parseAllDocuments(await template(...args))
      .map((document) => document.toJS() as Rendered | null)
      .filter((object) => object !== null);

  test('passes lint with every set of values', async () => {
    for (const name of valueSets()) await helm.run('lint', '--strict', CHART, ...KUBE_VERSION, '--values', path.join(FOLDER, name));
  });

  test.each(valueSets())('renders %s as its golden file', async (name) => {
    const text = await template('--values', path.join(FOLDER, name), '--set', 'crds.install=false');
    const golden = path.join(FOLDER, name.replace('.values.', '.golden.'));
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });

  test('sets every value in one of the golden files', () => {
    const sets = valueSets().map((name) => parseAllDocuments(readFileSync(path.join(FOLDER, name), 'utf8'))[0]?.toJS() as unknown);
    const at = (set: unknown, value: string) =>
      value.split('.').reduce((part, name) => (part as Readonly<Record<string, unknown>> | null | undefined)?.[name], set);
    const isSet = (value: string, usual: unknown) =>
      sets.map((set) => at(set, value)).some((given) => given !== undefined && JSON.stringify(given) !== JSON.stringify(usual));
    const unset = readValues().filter(({ isGroup, path: value, default: usual }) => !isGroup && !isSet(value, usual));
    expect(unset.map((value) => value.path)).toEqual([]);
  });

  test.each(valueSets())('gives every object of %s the common labels and annotations', async (name) => {
    const common = ['--set', 'commonLabels.common=yes', '--set', 'commonAnnotations.common=yes'];
    const rendered = await objects('--values', path.join(FOLDER, name), '--set-json', 'extraObjects=[]', ...common);
    const lacks = rendered.filter(({ metadata }) => metadata.labels?.['common'] !== 'yes' || metadata.annotations?.['common'] !== 'yes');
    expect(lacks.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([]);
  });

  test('has the CRDs as templates, so that an upgrade upgrades them and an uninstall keeps them', async () => {
    const rendered = (await objects()).filter(({ kind }) => kind === 'CustomResourceDefinition');
    const source = readdirSync(path.join(CHART, 'files', 'crds')).map((name) =>
      readFileSync(path.join(CHART, 'files', 'crds', name), 'utf8'),
    );
    const expected = source.map((text) => parseAllDocuments(text)[0]?.toJS() as Rendered);
    const byName = (list: readonly Rendered[]) => Object.fromEntries(list.map(({ metadata, spec }) => [metadata.name, spec]));
    expect(byName(rendered)).toEqual(byName(expected));
    for (const { metadata } of rendered) expect(metadata.annotations?.['helm.sh/resource-policy']).toBe('keep');
  });

  test.each([
    // Of Services, that of the shared proxies.
    [
      'fleet.mode=Shared',
      ['fleet.mode=Shared'],
      (right: string) => !right.includes('patch') || /status|events| services patch/.test(right),
    ],
    ['everything', EVERYTHING, () => true],
  ])('with %s gives the controllers the documented rights and no others', async (name, set, belongs) => {
    const rules = (await objects(...set.flatMap((value) => ['--set', value]))).flatMap((object) => object.rules ?? []);
    // The Lease is in the chart.
    const documented = rightsOf(documentedRights()).filter((right) => right !== 'coordination.k8s.io leases create');
    if (name === 'everything') expect(rightsOf(rules)).toEqual(documented);
    else expect(documented).toEqual(expect.arrayContaining(rightsOf(rules)));
    expect(rightsOf(rules).filter((right) => !belongs(right))).toEqual([]);
  });

  test('lets the controllers write one Service where only the shared proxies are served', async () => {
    const writing = (await objects()).flatMap(({ kind, rules = [] }) =>
      rules.filter(({ resources, verbs }) => resources.includes('services') && verbs.includes('patch')).map((rule) => ({ kind, rule })),
    );
    const rule = { apiGroups: [''], resources: ['services'], resourceNames: ['weir-proxy'], verbs: ['patch'] };
    expect(writing).toEqual([{ kind: 'Role', rule }]);
  });

  test('gives no right to read beyond the namespaces to watch, but to classes, CRDs and the namespaces themselves', async () => {
    const rendered = await objects('--set', 'watchNamespaces={shop,blog}', ...EVERYTHING.flatMap((value) => ['--set', value]));
    const cluster = rendered.filter(({ kind }) => kind === 'ClusterRole').flatMap(({ rules = [] }) => rules);
    const resources = new Set(cluster.flatMap((rule) => rule.resources));
    expect(resources).toEqual(new Set(['gatewayclasses', 'gatewayclasses/status', 'namespaces', 'customresourcedefinitions']));
    expect(cluster.find((rule) => rule.resources.includes('namespaces'))).toMatchObject({ resourceNames: ['shop', 'blog', 'weir-system'] });
    const roles = rendered.filter(({ kind }) => kind === 'Role');
    const of = (namespace: string) =>
      rightsOf(roles.filter(({ metadata }) => metadata.namespace === namespace).flatMap(({ rules = [] }) => rules));
    expect(of('default')).toEqual(['events.k8s.io events create', 'events.k8s.io events patch']);
    expect(of('shop')).toEqual(of('blog'));
    const inAll = [...rightsOf(cluster), ...of('weir-system')].sort();
    const documented = rightsOf(documentedRights()).filter((right) => right !== 'coordination.k8s.io leases create');
    expect(inAll).toEqual(documented);
  });

  test('gives the admin program the documented rights, and those to Secrets and Services only if it is told to', async () => {
    const rulesOf = async (...args: string[]) =>
      (await objects(...ADMIN, ...args))
        .filter(({ metadata }) => metadata.name === 'weir-system-weir-admin')
        .flatMap(({ rules = [] }) => rules);
    const usual = rightsOf(await rulesOf());
    expect(usual).toEqual(rightsOf(documentedRights('admin.md')));
    expect(
      usual.filter((right) => / (secrets|\*) |services (create|update|patch|delete)| (bind|escalate|impersonate)$/.test(right)),
    ).toEqual([]);
    const more = rightsOf(await rulesOf('--set', 'admin.rights.secrets=Read', '--set', 'admin.rights.services=Write'));
    const writes = ['create', 'delete', 'patch', 'update'];
    const added = [
      ...['get', 'list', 'watch'].map((verb) => ` secrets ${verb}`),
      ...writes.flatMap((verb) => [` services ${verb}`, `discovery.k8s.io endpointslices ${verb}`]),
    ];
    expect(more.filter((right) => !usual.includes(right))).toEqual(added.sort());
    const watched = (await objects(...ADMIN, '--set', 'watchNamespaces={shop}')).filter(
      ({ metadata }) => metadata.name === 'weir-system-weir-admin',
    );
    const inCluster = watched
      .filter(({ kind }) => kind === 'ClusterRole')
      .flatMap(({ rules = [] }) => rules.flatMap(({ resources }) => resources));
    expect(inCluster).toEqual(['gatewayclasses', 'namespaces', 'customresourcedefinitions', 'tokenreviews']);
    expect(watched.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.namespace)).toEqual(['shop', 'weir-system']);
  });

  test('keeps every pod to the restricted Pod Security Standard', async () => {
    const pods = (await objects(...ADMIN)).flatMap(({ kind, spec }) =>
      kind === 'Pod' ? [spec] : kind === 'Deployment' ? [podOf(spec)] : [],
    );
    expect(pods).toHaveLength(4);
    for (const pod of pods) {
      expect(pod).toMatchObject({ securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } });
      for (const container of pod?.['containers'] as object[]) {
        const securityContext = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };
        expect(container).toMatchObject({ securityContext });
      }
    }
  });

  test.each([
    ['fleet.mode=Own', '/fleet/mode'],
    ['proxy.replcas=3', 'replcas'],
    ['proxy.limits.max-conections=3', 'max-conections'],
    ['proxy.drain.delay=5', '/proxy/drain/delay'],
    ['proxy.service.ports[0].port=70000', '/proxy/service/ports/0/port'],
    ['proxy.image.digest=latest', '/proxy/image/digest'],
    ['gatewayClass.controllerName=weir', '/gatewayClass/controllerName'],
    ['gatewayClass.parametersRef.name=edge', '/gatewayClass/parametersRef'],
    ['certificates.lifetime=30d', '/certificates/lifetime'],
    ['proxy.kind=StatefulSet', '/proxy/kind'],
    ['proxy.livenessProbe.period=3', 'period'],
    ['proxy.podSecurityContext.runAsRoot=true', 'runAsRoot'],
    ['proxy.securityContext.sysctls=a', 'sysctls'],
    ['proxy.extraEnv[0].value=a', 'name'],
    ['proxy.extraEnv[0].name=WEIR_NODE_ID', 'proxy.extraEnv: the chart itself sets WEIR_NODE_ID'],
    ['proxy.extraVolumes[0].name=state', '/proxy/extraVolumes/0'],
    ['proxy.extraVolumes[0].name=state,proxy.extraVolumes[0].emptyDir.medium=Memory', 'the chart itself has a volume state'],
    ['proxy.extraContainers[0].name=Side', '/proxy/extraContainers/0'],
    ['proxy.extraContainers[0].name=proxy,proxy.extraContainers[0].image=a', 'the chart itself has a container proxy'],
    ['proxy.service.type=ClusterIP,proxy.service.externalTrafficPolicy=Local', 'a Service of type ClusterIP has none'],
    ['controller.store.url=postgres://weir:secret@db/weir', '/controller/store/url'],
    ['controller.store.url=postgres://db/weir,controller.store.claim=a', 'url and claim exclude each other'],
    ['controller.store.claim=a', '2 controllers cannot share a file of SQLite'],
    ['admin.enabled=true', 'admin.store: users and the audit log need a store'],
    ['admin.enabled=true,admin.store.claim=a,admin.replicas=2', '2 replicas cannot share a file of SQLite'],
    ['admin.enabled=true,admin.store.claim=a,admin.url=https://admin.example', 'on loopback of the pod only'],
    ['admin.enabled=true,admin.store.claim=a,admin.oidc.issuer=https://a.example', 'sends browsers back to admin.url'],
    [
      'admin.enabled=true,admin.store.claim=a,admin.tlsSecret=a,admin.url=https://b.example,admin.oidc.issuer=https://a.example',
      'knows the admin API by admin.oidc.clientId',
    ],
    ['admin.enabled=true,admin.store.claim=a,admin.oidc.clientId=weir', 'have no effect without issuer'],
    ['admin.enabled=true,admin.store.url=postgres://db/weir,admin.secondFactor=Required', 'set admin.keySecret.name'],
    ['admin.oidc.issuer=http://a.example', '/admin/oidc/issuer'],
    ['admin.store.url=postgres://weir:secret@db/weir', '/admin/store/url'],
    ['admin.rights.secrets=All', '/admin/rights/secrets'],
    ['proxy.redis.addresses={u:secret@cache}', '/proxy/redis/addresses/0'],
    ['controller.alerts.prometheusTokenSecret.name=a', 'a token or a CA needs controller.alerts.prometheusUrl'],
    ['controller.alerts.prometheusCaSecret.name=a,controller.alerts.prometheusCaConfigMap.name=b', 'exclude each other'],
    ['proxy.accessLogOtlp=true', 'proxy.accessLogOtlp: needs proxy.telemetry.otlp.endpoint'],
    ['proxy.redis.addresses={a,b}', 'mode Single needs exactly one address'],
    ['proxy.redis.addresses={a},proxy.redis.mode=Sentinel', 'proxy.redis.masterName: mode Sentinel needs it'],
    ['proxy.redis.addresses={a},proxy.redis.mode=Cluster,proxy.redis.database=1', 'proxy.redis.database: it is for mode Single only'],
    ['proxy.redis.tls.caSecret.name=a,proxy.redis.tls.caConfigMap.name=b', 'proxy.redis.tls: caConfigMap and caSecret exclude each other'],
    ['controller.service.ipFamilies={IPv5}', '/controller/service/ipFamilies/0'],
    ['controller.serviceAccount.create=maybe', '/controller/serviceAccount/create'],
    ['watchNamespaces={Shop}', '/watchNamespaces/0'],
    ['extraObjects[0].kind=ConfigMap', '/extraObjects/0'],
    ['proxy.service.ports[0].hostPort=0', '/proxy/service/ports/0/hostPort'],
    ['proxy.terminationGracePeriodSeconds=64', 'is less than the 65 seconds of proxy.drain'],
    ['proxy.kind=DaemonSet,proxy.autoscaling.enabled=true', 'set proxy.kind to Deployment'],
    [
      'proxy.hostNetwork=true,proxy.service.ports[0].name=a,proxy.service.ports[0].port=80,proxy.service.ports[0].hostPort=81',
      'leave hostPort out',
    ],
  ])('refuses %s and names it', async (set, named) => {
    await expect(template('--set', set)).rejects.toThrow(named);
  });

  test('lets limits be set by all their names', () => {
    const schema = JSON.parse(readFileSync(path.join(CHART, 'values.schema.json'), 'utf8')) as {
      properties: { proxy: { properties: { limits: { properties: object } } } };
    };
    expect(Object.keys(schema.properties.proxy.properties.limits.properties).sort()).toEqual([...COUNT_LIMITS, ...TIME_LIMITS].sort());
  });

  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(path.join(CHART, '..', '..', 'package.json'), 'utf8')) as { version: string };
    const chart = parseAllDocuments(readFileSync(path.join(CHART, 'Chart.yaml'), 'utf8'))[0]?.toJS() as object;
    expect(chart).toMatchObject({ version, appVersion: version });
  });
});

function valueSets(): string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith('.values.yaml'));
}

function podOf(spec: Rendered['spec']): Rendered['spec'] {
  return (spec?.['template'] as { spec: Rendered['spec'] }).spec;
}

/** `group resource verb`, each once, in order. */
function rightsOf(rules: readonly PolicyRule[]): string[] {
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group} ${resource} ${verb}`))),
  );
  return [...new Set(rights)].sort();
}
