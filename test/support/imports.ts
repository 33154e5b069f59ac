// Reads the imports of source files from their text.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

/** `import ... from 'x'`, `export ... from 'x'` and `import 'x'`. The first group is `type` where only types are imported. */
const STATIC = /(?:^|\n)\s*(?:import|export)\s+(?:(type)\b)?(?:[^'";]*?\bfrom\s+)?['"]([^'"]+)['"]/g;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g;

/** Every TypeScript file below a folder, relative to the root of the checkout. */
export function filesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)));
}

/** The files of the checkout that a file imports, including type-only imports. */
export function importsOf(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return resolve(file, [...text.matchAll(STATIC)].map((match) => match[2] as string).concat(dynamicImports(text)));
}

/** The files of the checkout that a file loads, directly or indirectly. */
export function valueImportsOf(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  const values = [...text.matchAll(STATIC)].filter((match) => match[1] === undefined);
  return resolve(file, values.map((match) => match[2] as string).concat(dynamicImports(text)));
}

function dynamicImports(text: string): string[] {
  return [...text.matchAll(DYNAMIC)].map((match) => match[1] as string);
}

function resolve(file: string, specifiers: readonly string[]): string[] {
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith('#')) return [specifier.slice(1)];
    return specifier.startsWith('.') ? [path.normalize(path.join(path.dirname(file), specifier))] : [];
  });
}
