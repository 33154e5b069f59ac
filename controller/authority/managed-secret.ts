// A Secret whose content is Weir's. Several controllers keep it without asking each other: the API server takes a write only from whoever
// has seen the latest version, and the others read what that one wrote.
import { ApiError } from '../watch/api-client.ts';
import type { ApiClient } from '../watch/api-client.ts';
import type { RawObject } from '../watch/kinds.ts';

/** The data of a Secret as text, by key. */
export type SecretData = Readonly<Record<string, string>>;

/** How often others may be faster in a row. */
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
   * Reads it, and writes what `decide` makes of its data unless that is the same object. Resolves to what it holds then. Rejects when it
   * cannot be read or written: it must exist, so that a controller needs no right to create Secrets.
   */
  async bring(decide: (data: SecretData) => SecretData): Promise<SecretData> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.#read();
      const data = decoded(found);
      const desired = decide(data);
      if (desired === data || (await this.#write(found, desired))) return desired;
    }
    throw new Error(`Secret ${this.#namespace}/${this.#name}: others write it all the time`);
  }

  async #read(): Promise<RawObject> {
    const { status, body } = await this.#client.call({ method: 'GET', path: this.#path });
    if (status === 200) return body as RawObject;
    throw this.#error('get', status, body);
  }

  /** False when somebody else has written meanwhile. */
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
