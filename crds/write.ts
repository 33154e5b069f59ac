// `npm run crds`: writes the CustomResourceDefinitions beside this file and into the Helm chart, which can only have its own files, and the
// reference of their fields.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { definitionFiles } from './definitions.ts';
import { REFERENCE, referencePage } from './reference.ts';

const CHART = path.resolve(import.meta.dirname, '..', 'charts', 'weir', 'files', 'crds');

for (const { name, text } of definitionFiles())
  for (const folder of [import.meta.dirname, CHART]) writeFileSync(path.join(folder, name), text);
writeFileSync(REFERENCE, referencePage());
