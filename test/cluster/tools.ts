// The real parts of a test cluster: versions, Go modules, and paths of their binaries.
import { existsSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

/** The cache of everything that is built for tests, by name and version. Ignored by Git. */
export const TOOLS_FOLDER = path.join(ROOT, '.cache', 'tools');

/** Binaries that are built together from one Go module. */
export interface ToolSet {
  readonly name: string;
  readonly version: string;
  /** Name of a binary and the package of its main function. */
  readonly binaries: Readonly<Record<string, string>>;
}

export const ETCD: ToolSet = { name: 'etcd', version: '3.7.3', binaries: { etcd: 'weir.test/etcd' } };

export const KUBERNETES: ToolSet = {
  name: 'kubernetes',
  version: '1.36.3',
  binaries: {
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
    kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  },
};

/** The Gateway API release whose CRDs are installed. */
export const GATEWAY_API_VERSION = '1.6.3';

/** The folder of a version. */
export function toolFolder(name: string, version: string): string {
  return path.join(TOOLS_FOLDER, `${name}-${version}`);
}

/** The folders `standard` and `experimental` with the CRDs of the Gateway API. */
export const CRD_FOLDER = toolFolder('gateway-api-crds', GATEWAY_API_VERSION);

/** The path of a binary, built or not. */
export function toolPath(binary: string): string {
  const set = [ETCD, KUBERNETES].find(({ binaries }) => Object.hasOwn(binaries, binary));
  if (set === undefined) throw new Error(`no tool is called ${binary}`);
  return path.join(toolFolder(set.name, set.version), binary);
}

/** Whether everything is built. A folder gets its name only when it is complete. */
export function allBuilt(): boolean {
  return [toolFolder(ETCD.name, ETCD.version), toolFolder(KUBERNETES.name, KUBERNETES.version), CRD_FOLDER].every((folder) =>
    existsSync(folder),
  );
}
