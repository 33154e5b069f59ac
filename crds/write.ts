// `npm run crds`: writes the CustomResourceDefinitions beside this file.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { definitionFiles } from './definitions.ts';

for (const { name, text } of definitionFiles()) writeFileSync(path.join(import.meta.dirname, name), text);
