// `npm run reference`: writes the tables of flags into docs/reference.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadAll } from './commands.ts';
import { withFlags } from './reference.ts';

const FOLDER = path.resolve(import.meta.dirname, '..', 'docs', 'reference');

const commands = await loadAll();
for (const name of readdirSync(FOLDER).filter((each) => each.endsWith('.md'))) {
  const file = path.join(FOLDER, name);
  const page = readFileSync(file, 'utf8');
  const written = withFlags(page, commands);
  if (written !== page) writeFileSync(file, written);
}
