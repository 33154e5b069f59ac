// The files that a test cluster needs before its parts start: tokens, keys, the audit policy, and the arguments of each part.
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from '../support/free-port.ts';
import type { Nodes } from './nodes.ts';

/** Folder and addresses of one cluster. */
export interface Settings {
  readonly folder: string;
  /** A loopback address that no other test binds. */
  readonly address: string;
  /** The address of the API server: the same, or one that nodes can reach. */
  readonly apiServer: string;
  readonly ports: { readonly etcd: number; readonly etcdPeer: number; readonly apiServer: number };
  readonly url: string;
  /** The token of a user of the group system:masters. */
  readonly adminToken: string;
  readonly auditLog: string | null;
  readonly nodes: Nodes | null;
}

/** Service addresses of a cluster without nodes; they have no route. */
const SERVICE_RANGE = '10.96.0.0/16';

/** The audit policy: writes with their user, and the bodies of status writes. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'None', userGroups: ['system:masters'] },
    { level: 'Request', resources: [{ group: 'gateway.networking.k8s.io' }, { group: 'gateway.weir.dev' }] },
    { level: 'Metadata' },
  ],
};

/** Chooses addresses and writes the files that the parts read. */
export async function prepare(folder: string, audit: boolean, nodes: Nodes | null): Promise<Settings> {
  const address = `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
  const apiServer = nodes?.plan.host ?? address;
  const [etcd = 0, etcdPeer = 0] = await freePorts(2, address);
  const [apiServerPort = 0] = await freePorts(1, apiServer);
  const adminToken = randomBytes(16).toString('hex');
  writeFileSync(path.join(folder, 'tokens.csv'), `${adminToken},test-admin,test-admin,"system:masters"\n`, { mode: 0o600 });
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(path.join(folder, 'accounts.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(path.join(folder, 'accounts.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 });
  writeFileSync(path.join(folder, 'audit-policy.json'), JSON.stringify(AUDIT_POLICY));
  const auditLog = audit ? path.join(folder, 'audit.log') : null;
  const ports = { etcd, etcdPeer, apiServer: apiServerPort };
  return { folder, address, apiServer, ports, url: `https://${apiServer}:${apiServerPort}`, adminToken, auditLog, nodes };
}

export function etcdUrl({ address, ports }: Settings): string {
  return `http://${address}:${ports.etcd}`;
}

export function etcdArguments(settings: Settings): string[] {
  const { folder, address, ports } = settings;
  const client = etcdUrl(settings);
  const peer = `http://${address}:${ports.etcdPeer}`;
  const store = [`--data-dir=${path.join(folder, 'etcd')}`, '--unsafe-no-fsync', '--log-level=warn'];
  const peers = [`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`];
  return [...store, `--listen-client-urls=${client}`, `--advertise-client-urls=${client}`, ...peers];
}

export function apiServerArguments(settings: Settings): string[] {
  const { folder, apiServer, ports, auditLog, nodes } = settings;
  const at = (name: string) => path.join(folder, name);
  const accounts = ['--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${at('accounts.pub')}`];
  const audit = auditLog === null ? [] : [`--audit-log-path=${auditLog}`, `--audit-policy-file=${at('audit-policy.json')}`];
  return [
    `--etcd-servers=${etcdUrl(settings)}`,
    `--bind-address=${apiServer}`,
    `--advertise-address=${apiServer}`,
    `--secure-port=${ports.apiServer}`,
    `--cert-dir=${folder}`,
    `--token-auth-file=${at('tokens.csv')}`,
    ...accounts,
    `--service-account-signing-key-file=${at('accounts.key')}`,
    '--authorization-mode=RBAC,Node',
    ...(nodes === null ? WITHOUT_NODES : withNodes(nodes)),
    // Otherwise it would wait for the end of watches when it stops.
    '--shutdown-delay-duration=0s',
    ...audit,
  ];
}

const WITHOUT_NODES = [
  `--service-cluster-ip-range=${SERVICE_RANGE}`,
  // Otherwise it would publish its own address as an EndpointSlice, which refuses loopback addresses.
  '--endpoint-reconciler-type=none',
];

function withNodes({ plan, files }: Nodes): string[] {
  return [
    `--service-cluster-ip-range=${plan.services}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--kubelet-certificate-authority=${files.ca}`,
    `--kubelet-client-certificate=${files.clientCertificate}`,
    `--kubelet-client-key=${files.clientKey}`,
  ];
}

export function controllerManagerArguments({ folder }: Settings): string[] {
  const at = (name: string) => path.join(folder, name);
  return [
    `--kubeconfig=${at('admin.kubeconfig')}`,
    `--service-account-private-key-file=${at('accounts.key')}`,
    `--root-ca-file=${at('apiserver.crt')}`,
    '--use-service-account-credentials',
    '--controllers=*,-nodeipam,-node-lifecycle-controller',
    '--leader-elect=false',
    '--secure-port=0',
    // The default limit of 20 requests per second would delay its start by four seconds: it requests a token for each controller.
    '--kube-api-qps=1000',
    '--kube-api-burst=1000',
    // Tests of autoscalers would wait for most of their time.
    '--horizontal-pod-autoscaler-sync-period=1s',
  ];
}
