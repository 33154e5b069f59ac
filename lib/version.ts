// The version of this Weir.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { MetricFamily } from './metric.ts';

const PACKAGE_FILE = path.join(import.meta.dirname, '..', 'package.json');

/** The version in package.json. */
export const WEIR_VERSION = (JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { readonly version: string }).version;

/** The version as a metric. */
export const BUILD_INFO: MetricFamily = {
  name: 'weir_build_info',
  type: 'gauge',
  help: 'Always 1; labels tell the versions of Weir and of Node.js',
  aggregator: 'first',
  read: () => [{ labels: { version: WEIR_VERSION, node: process.version }, value: 1 }],
};
