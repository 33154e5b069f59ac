// Node.js runs TypeScript by taking its types out, but not below node_modules, where npm puts Weir. For Weir's own files this does it.
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('..', import.meta.url).href;

registerHooks({
  load(url, context, next) {
    const isOwn = url.startsWith(ROOT) && url.endsWith('.ts') && !url.slice(ROOT.length).startsWith('node_modules/');
    if (!isOwn) return next(url, context);
    const source = stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'), { sourceUrl: url });
    return { format: 'module', source, shortCircuit: true };
  },
});
