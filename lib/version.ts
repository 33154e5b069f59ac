// The version of Weir that runs.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const PACKAGE_FILE = path.join(import.meta.dirname, '..', 'package.json');

/** As package.json has it. */
export const WEIR_VERSION = (JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { readonly version: string }).version;
