// Consumers in a cluster.
import type { Consumer } from '#api/k8s/k8s.ts';
import { KINDS } from '#api/k8s/kinds.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { ApiClient, ApiError, loadKubeConfig, namespaceOf } from '../../controller/watch/api-client.ts';
import type { ApiCall } from '../../controller/watch/api-client.ts';
import { collectionPath, objectPath } from '../../controller/watch/api-paths.ts';
import { UsageError } from '../command.ts';
import { secretObject, type ConsumerChange, type Edit, type KeySecret } from './edit.ts';
import type { ConsumerStore } from './store.ts';

export class ClusterStore implements ConsumerStore {
  readonly namespace: string;
  readonly #client: ApiClient;

  /** '' for the defaults of kubectl. */
  constructor(kubeconfig: string, namespace: string) {
    const config = loadKubeConfig(kubeconfig);
    this.namespace = namespace === '' ? namespaceOf(config) : namespace;
    this.#client = new ApiClient(config);
  }

  async list(): Promise<readonly Consumer[]> {
    const { items } = (await this.#ask({ method: 'GET', path: collectionPath(KINDS.Consumer, this.namespace) })) as { items: object[] };
    const { apiVersion, kind } = KINDS.Consumer;
    return items.map((item) => withDefaults({ apiVersion, kind, ...item }));
  }

  async get(name: string): Promise<Consumer | undefined> {
    const { status, body } = await this.#client.call({ method: 'GET', path: this.#pathOf('Consumer', name) });
    if (status === 404 && isOfObject(body)) return undefined;
    if (status !== 200) throw refusal(new ApiError(status, body));
    return withDefaults(body as object);
  }

  /** The Secret comes first: no Consumer refers to one that does not exist. */
  async create(consumer: Consumer, secret: KeySecret): Promise<void> {
    await this.#add(secret);
    await this.#undoing(secret, { method: 'POST', path: collectionPath(KINDS.Consumer, this.namespace), body: consumer });
  }

  async change(consumer: Consumer, { edits, added, removed }: ConsumerChange): Promise<void> {
    for (const secret of added) await this.#add(secret);
    const spec = edits.reduce(apply, structuredClone(consumer)).spec;
    // The version refuses the change if the object is another by now.
    const body = { metadata: { resourceVersion: consumer.metadata.resourceVersion }, spec };
    const path = this.#pathOf('Consumer', consumer.metadata.name);
    await this.#undoing(added[0], { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    for (const name of removed) await this.#client.call({ method: 'DELETE', path: this.#pathOf('Secret', name) });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #add(secret: KeySecret): Promise<void> {
    await this.#ask({ method: 'POST', path: collectionPath(KINDS.Secret, this.namespace), body: secretObject(this.namespace, secret) });
  }

  /** A refused change leaves no Secret behind. */
  async #undoing(secret: KeySecret | undefined, call: ApiCall): Promise<void> {
    try {
      await this.#ask(call);
    } catch (error) {
      if (secret !== undefined) await this.#client.call({ method: 'DELETE', path: this.#pathOf('Secret', secret.name) });
      throw error;
    }
  }

  async #ask(call: ApiCall): Promise<unknown> {
    try {
      return await this.#client.ask(call);
    } catch (error) {
      throw error instanceof ApiError ? refusal(error) : error;
    }
  }

  #pathOf(kind: 'Consumer' | 'Secret', name: string): string {
    return objectPath({ kind, namespace: this.namespace, name });
  }
}

function refusal({ status, message }: ApiError): UsageError {
  if (status === 409) return new UsageError(`${message}; run the command again`);
  return new UsageError(status === 404 ? `${message}; are the CRDs of Weir installed?` : message);
}

/** An answer about a missing object, and not about a missing kind. */
function isOfObject(body: unknown): boolean {
  const details = (body as { readonly details?: { readonly name?: unknown } } | null)?.details;
  return typeof details?.name === 'string';
}

function withDefaults(object: object): Consumer {
  const valid = validateObject(object, { strict: false });
  if (!valid.ok)
    throw new UsageError(`the Consumer of the cluster is not valid: ${valid.error[0]?.field ?? ''} ${valid.error[0]?.reason ?? ''}`);
  return valid.value as Consumer;
}

function apply(consumer: Consumer, edit: Edit): Consumer {
  const parents = edit.path.slice(0, edit.type === 'add' ? undefined : -1);
  const last = edit.path.at(-1) ?? '';
  const target = parents.reduce<unknown>((value, name) => Reflect.get(value as object, name), consumer) as object;
  if (edit.type === 'add') (target as unknown[]).push(edit.value);
  else if (edit.type === 'set') Reflect.set(target, last, edit.value);
  else (target as unknown[]).splice(Number(last), 1);
  return consumer;
}
