// A git repository with the sources of what the examples of the operations on configuration name.
import { Proposals } from '../../admin/proposal/proposals.ts';
import type { ConfigurationStore } from '../../admin/configuration/configuration-store.ts';
import { createLog } from '#lib/log.ts';
import { GitServer } from './git-server.ts';

const FILES = {
  'shop.yaml': `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: cart, namespace: storefront }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: cart, port: 80 }] }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: page, namespace: storefront }
data: { title: Shop }
`,
};

export class ExampleRepository {
  readonly #store: ConfigurationStore;
  #server: GitServer | null = null;

  constructor(store: ConfigurationStore) {
    this.#store = store;
  }

  /** Those of the server that \`prepare\` starts. */
  get proposals(): Pick<Proposals, 'propose'> {
    return {
      propose: (proposal) => {
        if (this.#server === null) throw new Error('the area is not prepared');
        const { url, user, tokenFile, caFile } = this.#server;
        const settings = { url, user, tokenFile, caFile, branch: 'main', folder: '', provider: 'None', api: '' } as const;
        return new Proposals(settings, this.#store, createLog('silent')).propose(proposal);
      },
    };
  }

  /** Starts the server, or makes the repository anew. */
  async prepare(): Promise<void> {
    if (this.#server === null) this.#server = await GitServer.start(FILES);
    else this.#server.clear();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}
