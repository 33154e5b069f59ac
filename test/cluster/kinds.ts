// The paths of all kinds, from the API server's discovery. Like kubectl it reads them again for an unknown kind.
import type { Answer } from './client.ts';

/** One kind of objects. */
export interface Kind {
  /** Group and version: `apps/v1`, or `v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The name in paths: `deployments`. */
  readonly plural: string;
  readonly isNamespaced: boolean;
  readonly canBeListed: boolean;
  /** The names that kubectl accepts, unique ones first: `deployments.apps`, `deployments`, `deployment`, `deploy`. */
  readonly names: readonly string[];
}

/** The names are those of `apidiscovery.k8s.io/v2`. */
interface Discovery {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly { readonly version: string; readonly resources?: readonly Resource[] }[];
  }[];
}

interface Resource {
  readonly resource: string;
  readonly responseKind: { readonly kind: string };
  readonly scope: 'Cluster' | 'Namespaced';
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
}

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export class Kinds {
  readonly #get: (target: string, accept: string) => Promise<Answer>;
  #known: readonly Kind[] = [];

  /** `get` sends a request to the API server. */
  constructor(get: (target: string, accept: string) => Promise<Answer>) {
    this.#get = get;
  }

  /** The kind of an object; rejects if the API server does not know it. */
  of(apiVersion: string, kind: string): Promise<Kind> {
    return this.#find(`${kind} of ${apiVersion}`, (known) => known.apiVersion === apiVersion && known.kind === kind);
  }

  /** The kind that has a name; of several the first, in the order of the API server. */
  named(name: string): Promise<Kind> {
    return this.#find(name, ({ names }) => names.includes(name));
  }

  /** All current kinds. */
  async all(): Promise<readonly Kind[]> {
    this.#known = await this.#ask();
    return this.#known;
  }

  async #find(what: string, isWanted: (kind: Kind) => boolean): Promise<Kind> {
    let found = this.#known.find(isWanted);
    if (found !== undefined) return found;
    found = (await this.all()).find(isWanted);
    if (found === undefined) throw new Error(`the API server has no ${what}`);
    return found;
  }

  async #ask(): Promise<readonly Kind[]> {
    const lists = await Promise.all(
      ['/api', '/apis'].map(async (target) => {
        const { status, body } = await this.#get(target, ACCEPT);
        if (status !== 200) throw new Error(`${target}: ${status} ${body}`);
        return JSON.parse(body) as Discovery;
      }),
    );
    return lists.flatMap(({ items }) => items).flatMap(kindsOf);
  }
}

/** Path of an object, or of all objects where no name is given, in all namespaces where the namespace is ''. */
export function pathOf({ apiVersion, plural, isNamespaced }: Kind, namespace: string, name?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = isNamespaced && namespace !== '' ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${plural}${name === undefined ? '' : `/${name}`}`;
}

function kindsOf({ metadata, versions }: Discovery['items'][number]): Kind[] {
  const group = metadata?.name ?? '';
  return versions.flatMap(({ version, resources = [] }) =>
    resources.map((resource) => ({
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind: resource.responseKind.kind,
      plural: resource.resource,
      isNamespaced: resource.scope === 'Namespaced',
      canBeListed: resource.verbs.includes('list'),
      names: [
        group === '' ? resource.resource : `${resource.resource}.${group}`,
        resource.resource,
        resource.singularResource,
        ...(resource.shortNames ?? []),
      ],
    })),
  );
}
