// The Gateway that migrated routes attach to: listeners as routes come to need them, and the grants for certificates elsewhere.
import { compact, GATEWAY_V1, slug } from './manifest.ts';
import type { Manifest, ParentRef } from './manifest.ts';

/** The Gateway API's limit for one Gateway; further listeners go to further Gateways. */
const MAX_LISTENERS = 64;

/** A Secret by name and namespace. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** A listener that a route needs. */
export interface WantedListener {
  readonly protocol: 'HTTP' | 'HTTPS' | 'TCP' | 'UDP' | 'TLS';
  readonly port: number;
  /** '' is every host. */
  readonly hostname: string;
  /** Of HTTPS, and of TLS that ends at the gateway. */
  readonly secret?: SecretName;
  readonly passthrough?: boolean;
  readonly options?: Readonly<Record<string, string>>;
}

interface EdgeListener extends WantedListener {
  readonly parent: ParentRef;
}

export interface EdgeOptions {
  readonly namespace: string;
  readonly name: string;
  readonly className: string;
}

/** Collects listeners; the same port, protocol and host name is one listener. */
export class Edge {
  readonly #options: EdgeOptions;
  readonly #listeners = new Map<string, EdgeListener>();
  readonly #annotations: Record<string, string> = {};

  constructor(options: EdgeOptions) {
    this.#options = options;
  }

  /** The parentRef of the listener, and whether an earlier route has asked for it with another certificate. */
  listener(wanted: WantedListener): { readonly parent: ParentRef; readonly clash: SecretName | null } {
    const key = `${wanted.port}/${wanted.protocol}/${wanted.hostname}`;
    const known = this.#listeners.get(key);
    if (known !== undefined) return { parent: known.parent, clash: differentSecret(known, wanted) };
    const { namespace, name } = this.#options;
    const number = Math.floor(this.#listeners.size / MAX_LISTENERS);
    const sectionName = this.#sectionName(wanted);
    const parent = { namespace, name: number === 0 ? name : `${name}-${number + 1}`, sectionName };
    this.#listeners.set(key, { ...wanted, parent });
    return { parent, clash: null };
  }

  /** An annotation that belongs on the Gateway, such as the issuer of cert-manager. */
  annotate(name: string, value: string): void {
    this.#annotations[name] = value;
  }

  /** Gateways and ReferenceGrants. */
  manifests(): Manifest[] {
    const names = [...new Set([...this.#listeners.values()].map(({ parent }) => parent.name))];
    return [...names.map((name) => this.#gateway(name)), ...this.#grants()];
  }

  #sectionName({ protocol, port, hostname }: WantedListener): string {
    const standard = (protocol === 'HTTP' && port === 80) || (['HTTPS', 'TLS'].includes(protocol) && port === 443);
    const base = [protocol.toLowerCase(), ...(standard ? [] : [String(port)]), slug(hostname)].filter((part) => part !== '').join('-');
    const taken = new Set([...this.#listeners.values()].map(({ parent }) => parent.sectionName));
    for (let number = 1; ; number++) {
      const name = number === 1 ? base : `${base}-${number}`;
      if (!taken.has(name)) return name;
    }
  }

  #gateway(name: string): Manifest {
    const { namespace, className } = this.#options;
    const listeners = [...this.#listeners.values()].filter(({ parent }) => parent.name === name);
    const annotated = Object.keys(this.#annotations).length > 0 ? { annotations: this.#annotations } : {};
    return {
      apiVersion: GATEWAY_V1,
      kind: 'Gateway',
      metadata: { name, namespace, ...annotated },
      spec: { gatewayClassName: className, listeners: listeners.map((listener) => listenerOf(listener, namespace)) },
    };
  }

  #grants(): Manifest[] {
    const { namespace } = this.#options;
    const secrets = [...this.#listeners.values()].flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
    const foreign = Map.groupBy(
      secrets.filter((secret) => secret.namespace !== namespace),
      (secret) => secret.namespace,
    );
    return [...foreign].map(([owner, names]) => ({
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      kind: 'ReferenceGrant',
      metadata: { name: `certificates-for-${this.#options.name}`, namespace: owner },
      spec: {
        from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace }],
        to: [...new Set(names.map(({ name }) => name))].map((name) => ({ group: '', kind: 'Secret', name })),
      },
    }));
  }
}

function differentSecret(known: WantedListener, { secret }: WantedListener): SecretName | null {
  if (secret === undefined || known.secret === undefined) return null;
  return secret.name === known.secret.name && secret.namespace === known.secret.namespace ? null : known.secret;
}

function listenerOf(listener: EdgeListener, gatewayNamespace: string) {
  const { parent, protocol, port, hostname, secret, passthrough = false, options } = listener;
  const secretRef =
    secret === undefined ? [] : [{ name: secret.name, ...(secret.namespace === gatewayNamespace ? {} : { namespace: secret.namespace }) }];
  const terms = passthrough ? { mode: 'Passthrough' } : { certificateRefs: secretRef, ...compact({ options }) };
  return {
    name: parent.sectionName,
    port,
    protocol,
    ...(hostname === '' ? {} : { hostname }),
    ...(['HTTPS', 'TLS'].includes(protocol) ? { tls: terms } : {}),
    allowedRoutes: { namespaces: { from: 'All' } },
  };
}
