// A Secret that Weir fills. Several controllers write it without coordination: the API server accepts a write only if it is based on the
// latest version; the other controllers read that result.
import { ApiError } from '../watch/api-client.ts';
import type { ApiClient } from '../watch/api-client.ts';
import type { RawObject } from '../watch/kinds.ts';

/** The data of a Secret as text, by key. */
export type SecretData = Readonly<Record<string, string>>;

/** Maximum number of conflicts in a row. */
const ATTEMPTS = 8;

export class ManagedSecret {
  readonly #client: ApiClient;
  readonly #namespace: string;
  readonly #name: string;

  constructor(client: ApiClient, namespace: string, name: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#name = name;
  }

  /**
   * Reads the Secret, and writes the result of `decide` unless it returns its argument. Resolves to the data of the Secret afterwards.
   * Rejects if the Secret is missing or a request fails. It must exist, so that controllers need no right to create Secrets.
   */
  async bring(decide: (data: SecretData) => SecretData): Promise<SecretData> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.#read();
      const data = decoded(found);
      const desired = decide(data);
      if (desired === data || (await this.#write(found, desired))) return desired;
    }
    throw new Error(`Secret ${this.#namespace}/${this.#name}: too many conflicts with other writers`);
  }

  async #read(): Promise<RawObject> {
    const { status, body } = await this.#client.call({ method: 'GET', path: this.#path });
    if (status === 200) return body as RawObject;
    throw this.#error('get', status, body);
  }

  /** False after a conflict with another writer. */
  async #write(found: RawObject, data: SecretData): Promise<boolean> {
    const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
    const { status, body } = await this.#client.call({ method: 'PUT', path: this.#path, body: { ...found, data: encoded } });
    if (status === 200) return true;
    if (status === 409) return false;
    throw this.#error('update', status, body);
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.#namespace}/secrets/${this.#name}`;
  }

  #error(verb: string, status: number, body: unknown): Error {
    const where = `Secret ${this.#namespace}/${this.#name}`;
    if (status === 404) return new Error(`${where} does not exist: create it, empty`);
    const { message } = new ApiError(status, body);
    return new Error(
      status === 403 ? `${where}: the controller's Role must let it ${verb} this Secret: ${message}` : `${where}: ${message}`,
    );
  }
}

function decoded(object: RawObject): SecretData {
  const data = (object['data'] ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]));
}
