// Certificates in Secrets of a cluster. Two controllers never overwrite each other: the API server accepts a write only if it is based on
// the latest version.
import { ApiError } from '../watch/api-client.ts';
import type { ApiClient, ApiReply } from '../watch/api-client.ts';
import { WriteConflict, type CertificateStore, type SecretWrite, type StoredSecret } from './certificate-store.ts';

interface RawSecret {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>>; readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, string>>;
}

/** Annotations with which cert-manager is put in charge of a Gateway. */
const CERT_MANAGER = ['cert-manager.io/issuer', 'cert-manager.io/cluster-issuer'];
const LABELS = { 'app.kubernetes.io/managed-by': 'weir' };

export class ClusterStore implements CertificateStore {
  readonly #client: Pick<ApiClient, 'call' | 'ask'>;

  constructor(client: Pick<ApiClient, 'call' | 'ask'>) {
    this.#client = client;
  }

  async read(key: string): Promise<StoredSecret | null> {
    const reply = await this.#client.call({ method: 'GET', path: pathOf(key) });
    if (reply.status === 404) return null;
    return storedFrom(key, 'get', reply);
  }

  async write({ key, type, entries, before }: SecretWrite): Promise<StoredSecret> {
    const [namespace = '', name = ''] = key.split('/');
    const data = Object.fromEntries(Object.entries(entries).map(([entry, text]) => [entry, Buffer.from(text).toString('base64')]));
    if (before !== null) {
      const body = { ...(before.version as RawSecret), data };
      return storedFrom(key, 'update', await this.#client.call({ method: 'PUT', path: pathOf(key), body }));
    }
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name, labels: LABELS }, type, data };
    return storedFrom(key, 'create', await this.#client.call({ method: 'POST', path: `/api/v1/namespaces/${namespace}/secrets`, body }));
  }

  async ownerOf(gateway: string): Promise<string | null> {
    const [namespace = '', name = ''] = gateway.split('/');
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways/${name}`;
    const { annotations = {} } = ((await this.#client.ask({ method: 'GET', path })) as RawSecret).metadata ?? {};
    const found = CERT_MANAGER.find((annotation) => Object.hasOwn(annotations, annotation));
    return found === undefined ? null : `cert-manager (annotation ${found})`;
  }
}

function pathOf(key: string): string {
  const [namespace = '', name = ''] = key.split('/');
  return `/api/v1/namespaces/${namespace}/secrets/${name}`;
}

function storedFrom(key: string, verb: string, { status, body }: ApiReply): StoredSecret {
  if (status === 409) throw new WriteConflict(`Secret/${key} was changed by another program meanwhile`);
  if (status < 200 || status > 299) {
    const { message } = new ApiError(status, body);
    throw new Error(status === 403 ? `the controller may not ${verb} Secret/${key}: ${message}` : `Secret/${key}: ${message}`);
  }
  const secret = body as RawSecret;
  const entries = Object.entries(secret.data ?? {}).map(([entry, text]) => [entry, Buffer.from(text, 'base64').toString()] as const);
  return { entries: Object.fromEntries(entries), version: secret };
}
