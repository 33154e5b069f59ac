// `npm run reference`: writes the reference of the chart's values, for the chart and for the documentation, and the dashboards.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { writtenFiles } from './files.ts';

for (const { name, text } of writtenFiles()) writeFileSync(path.resolve(import.meta.dirname, '..', name), text);
