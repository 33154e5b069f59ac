// The files that are generated: references from the chart's values.yaml, and dashboards from their code.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DASHBOARDS } from './dashboards/index.ts';
import { valuesReference } from './reference.ts';
import { valuesOf } from './values.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const VALUES = path.join(ROOT, 'charts', 'weir', 'values.yaml');

const README = `# Helm chart of Weir

Installs controllers, proxies that Gateways share, and the GatewayClass \`weir\`. It takes Kubernetes 1.29 or later and the CRDs of the Gateway API.

    helm install weir charts/weir --namespace weir-system --create-namespace --wait
    helm test weir --namespace weir-system

The guides [install](../../docs/guides/install.md), [upgrade](../../docs/guides/upgrade.md) and [uninstall](../../docs/guides/uninstall.md) say more. \`npm run reference\` writes this page from \`values.yaml\`.

`;

const REFERENCE = `# Values of the Helm chart

What \`helm install\` takes with \`--set\` and \`--values\`. The chart refuses values that are not here, and says where. A mapping that is given is merged into the default; a list takes the place of the default; \`null\` takes a value away. \`npm run reference\` writes this page from \`charts/weir/values.yaml\`.

`;

/** A file with its path from the root of the repository. */
export interface WrittenFile {
  readonly name: string;
  readonly text: string;
}

/** The values of the current values.yaml. */
export function readValues(): ReturnType<typeof valuesOf> {
  return valuesOf(readFileSync(VALUES, 'utf8'));
}

/** The files with their expected content. */
export function writtenFiles(): readonly WrittenFile[] {
  const tables = valuesReference(readValues());
  return [
    { name: 'charts/weir/README.md', text: README + tables },
    { name: 'docs/reference/chart.md', text: REFERENCE + tables },
    ...DASHBOARDS.map(({ name, json }) => ({ name: `charts/weir/dashboards/${name}.json`, text: `${JSON.stringify(json, null, 2)}\n` })),
  ];
}
