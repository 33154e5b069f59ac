// A folder with what the examples of the operations on configuration name.
import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FolderStore } from '../../admin/configuration/folder-store.ts';

const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: cart, namespace: storefront, labels: { team: checkout } }
spec:
  parentRefs: [{ name: edge }]
  rules: [{ backendRefs: [{ name: cart, port: 80 }] }]
`;

export class ConfigurationFolder {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'weir-areas-'));
  readonly store = new FolderStore(this.#folder, { controllerName: 'gateway.weir.dev/controller' });

  /** Makes the route anew, and removes all else. */
  async prepare(): Promise<void> {
    await rm(this.#folder, { recursive: true });
    await mkdir(this.#folder);
    await writeFile(path.join(this.#folder, 'shop.yaml'), ROUTE);
  }

  async stop(): Promise<void> {
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }
}
