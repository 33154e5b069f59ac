// A controller of any release without a cluster: compiles the folder it is given, and again at SIGHUP, serves proxies, and prints what they
// tell. Run with the release as the working folder, whose modules it takes.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const load = (file) => import(pathToFileURL(path.join(process.cwd(), file)).href);
const { Compiler } = await load('controller/compile/compile.ts');
// Former releases have the reader of folders beside their watch.
const reader = existsSync('controller/watch/folder.ts') ? 'controller/watch/folder.ts' : 'controller/watch/files.ts';
const { readOnce } = await load(reader);
const { PushServer } = await load('controller/push/server.ts');
const { Scopes } = await load('controller/push/scopes.ts');
const { createLog } = await load('lib/log.ts');

const compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
const scopes = new Scopes();

async function compile() {
  const { objects } = await readOnce([process.argv[2]]);
  const delta = compiler.apply(objects.map((object) => ({ type: 'upsert', object })));
  scopes.apply(delta);
  return delta.changed;
}

const changed = await compile();
process.on('SIGHUP', compile);

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const observer = {
  connected: () => print({ event: 'connected' }),
  disconnected: () => print({ event: 'disconnected' }),
  acked: (_session, kind, key, version) => print({ event: 'acked', id: `${kind}|${key}`, version }),
  nacked: (_session, kind, key, { errors }) => print({ event: 'nacked', id: `${kind}|${key}`, errors }),
};
const cacheOf = (scope) => scopes.cacheOf(scope);
const server = new PushServer({ address: '127.0.0.1:0', tls: 'plaintext', cacheOf, observer, log: createLog('silent') });
const port = await server.start();
print({ event: 'serving', port, versions: Object.fromEntries(changed.map(({ kind, key, version }) => [`${kind}|${key}`, version])) });
