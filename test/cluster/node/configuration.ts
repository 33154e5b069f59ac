// The objects that containers need by name: ConfigMaps, Secrets, and the address of the API server.
import type { ConfigMap, KubeObject, Secret, Service } from './objects.ts';
import type { Reflector } from './reflector.ts';

/** Bytes by key. */
export type Values = ReadonlyMap<string, Buffer>;

export class Configuration {
  readonly #configMaps: Reflector<ConfigMap>;
  readonly #secrets: Reflector<Secret>;
  readonly #services: Reflector<Service>;
  readonly #listeners = new Set<(namespace: string) => void>();

  constructor(configMaps: Reflector<ConfigMap>, secrets: Reflector<Secret>, services: Reflector<Service>) {
    this.#configMaps = configMaps;
    this.#secrets = secrets;
    this.#services = services;
    const tell = ({ metadata }: KubeObject) => {
      for (const listener of this.#listeners) listener(metadata.namespace ?? '');
    };
    configMaps.onChange(tell);
    secrets.onChange(tell);
  }

  /** Calls back with the namespace after every change in it; returns a function that stops it. */
  onChange(listener: (namespace: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Null when there is none of that name. */
  configMap(namespace: string, name: string): Values | null {
    const found = this.#configMaps.get(namespace, name);
    if (found === undefined) return null;
    const text = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
    return new Map([...text, ...decoded(found.binaryData)]);
  }

  /** Null when there is none of that name. */
  secret(namespace: string, name: string): Values | null {
    const found = this.#secrets.get(namespace, name);
    return found === undefined ? null : new Map(decoded(found.data));
  }

  /** The variables by which a container finds the API server. */
  apiServerEnvironment(): Readonly<Record<string, string>> {
    const { clusterIP, ports } = this.#services.get('default', 'kubernetes')?.spec ?? {};
    const port = String(ports?.[0]?.port ?? '');
    return clusterIP === undefined
      ? {}
      : { KUBERNETES_SERVICE_HOST: clusterIP, KUBERNETES_SERVICE_PORT: port, KUBERNETES_SERVICE_PORT_HTTPS: port };
  }
}

function decoded(data: Readonly<Record<string, string>> = {}): (readonly [string, Buffer])[] {
  return Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
}
