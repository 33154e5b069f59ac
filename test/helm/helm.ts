// Helm, built from its Go module, with a separate home folder.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildGoTool, moduleTool } from '../support/go-tool.ts';

export const HELM = moduleTool('helm', '3.22.0', ['helm.sh/helm/v3/cmd/helm']);

/** Weir's chart. */
export const CHART = path.resolve(import.meta.dirname, '..', '..', 'charts', 'weir');

/** Without a cluster, a Helm built by `go install` assumes Kubernetes 1.20. */
export const KUBE_VERSION = ['--kube-version', '1.36.0'];

export class Helm {
  readonly #home = mkdtempSync(path.join(os.tmpdir(), 'weir-helm-'));
  readonly #kubeconfig: string;

  /** `kubeconfig`: path of a file, '' without a cluster. Builds Helm unless it exists. */
  constructor(kubeconfig = '') {
    buildGoTool(HELM);
    this.#kubeconfig = kubeconfig;
  }

  /** Resolves to its standard output; rejects with its standard error. */
  async run(...args: string[]): Promise<string> {
    const child = spawn(path.join(HELM.folder, HELM.name), args, { stdio: ['ignore', 'pipe', 'pipe'], env: this.environment });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`helm ${args.join(' ')}: ${output.stderr.trim()}\n${output.stdout.trim()}`);
    return output.stdout;
  }

  /** The environment for this home and cluster. */
  get environment(): NodeJS.ProcessEnv {
    const home = { HELM_CACHE_HOME: this.#home, HELM_CONFIG_HOME: this.#home, HELM_DATA_HOME: this.#home };
    return { ...process.env, ...home, KUBECONFIG: this.#kubeconfig };
  }

  remove(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
