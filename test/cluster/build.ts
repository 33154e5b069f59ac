// Builds the real parts of a test cluster from their Go modules, once per version: for `npm run cluster:build` and for tests that need
// them. Later calls return at once; concurrent calls wait for the first.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { allBuilt, CRD_FOLDER, ETCD, GATEWAY_API_VERSION, KUBERNETES, toolFolder, TOOLS_FOLDER } from './tools.ts';
import type { ToolSet } from './tools.ts';

/** The lock holder sets it for the process that it runs. */
const LOCKED = 'WEIR_TOOLS_LOCKED';
/** The required first lines of a file for `go build`. */
const GO_VERSION = 'go 1.26';

/** Builds missing parts. Takes minutes the first time, with progress on standard error; throws if a build fails. */
export function buildTools(): void {
  if (allBuilt()) return;
  if (spawnSync('go', ['version']).status !== 0) throw new Error('a test cluster is built from source: install Go 1.26 or later');
  mkdirSync(TOOLS_FOLDER, { recursive: true });
  // The lock of flock ends with its process in any case.
  const command = [path.join(TOOLS_FOLDER, '.lock'), process.execPath, import.meta.filename];
  const { status } = spawnSync('flock', command, { stdio: ['ignore', 2, 2], env: { ...process.env, [LOCKED]: '1' } });
  if (status !== 0) throw new Error('the parts of a test cluster could not be built; the reason is in the output above');
}

function buildAll(): void {
  once(toolFolder(ETCD.name, ETCD.version), (into) => buildEtcd(into));
  once(toolFolder(KUBERNETES.name, KUBERNETES.version), (into) => buildKubernetes(into));
  buildCrds();
}

/** Downloads the CRDs of the Gateway API, unless they exist; throws on failure. */
export function buildCrds(): void {
  mkdirSync(TOOLS_FOLDER, { recursive: true });
  once(CRD_FOLDER, (into) => copyCrds(into));
}

/** Creates a folder unless it exists. Uses another name first, so that an incomplete folder is never used. */
function once(folder: string, make: (into: string) => void): void {
  if (existsSync(folder)) return;
  const started = performance.now();
  console.error(`building ${path.basename(folder)}, once for all later runs`);
  const partial = `${folder}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  make(partial);
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
  console.error(`  built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function buildEtcd(into: string): void {
  const main = ['package main', '', 'import (', '\t"os"', '', '\t"go.etcd.io/etcd/server/v3/etcdmain"', ')', ''];
  const module = ['module weir.test/etcd', GO_VERSION, `require go.etcd.io/etcd/server/v3 v${ETCD.version}`];
  inModule('etcd', { 'go.mod': module, 'main.go': [...main, 'func main() { etcdmain.Main(os.Args) }'] }, (folder) => {
    goBuild(ETCD, folder, into, '-s -w');
  });
}

/** k8s.io/kubernetes uses its staging modules from local folders; outside, they are modules with a matching version. */
function buildKubernetes(into: string): void {
  const { version } = KUBERNETES;
  const [major = '', minor = '', patch = ''] = version.split('.');
  const { GoMod: goMod } = download(`k8s.io/kubernetes@v${version}`);
  const parts = [...readFileSync(goMod, 'utf8').matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map((match) => match[1]);
  const replaced = parts.map((part) => `replace ${part} => ${part} v0.${minor}.${patch}`);
  const module = ['module weir.test/kubernetes', GO_VERSION, `require k8s.io/kubernetes v${version}`, ...replaced];
  const stamps = Object.entries({ gitVersion: `v${version}`, gitMajor: major, gitMinor: minor });
  const flags = stamps.map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  inModule('kubernetes', { 'go.mod': module }, (folder) => goBuild(KUBERNETES, folder, into, ['-s', '-w', ...flags].join(' ')));
}

function inModule(name: string, files: Readonly<Record<string, readonly string[]>>, build: (folder: string) => void): void {
  const folder = path.join(TOOLS_FOLDER, `.module-${name}`);
  mkdirSync(folder, { recursive: true });
  for (const [file, lines] of Object.entries(files)) writeFileSync(path.join(folder, file), `${lines.join('\n')}\n`);
  build(folder);
  rmSync(folder, { recursive: true });
}

function goBuild(set: ToolSet, module: string, into: string, ldflags: string): void {
  go(['build', '-buildvcs=false', '-ldflags', ldflags, '-o', `${into}/`, ...Object.values(set.binaries)], module);
}

/** The folder of the Go module of the Gateway API, which is downloaded if it is not there. */
export function gatewayApiModule(): string {
  mkdirSync(TOOLS_FOLDER, { recursive: true });
  return download(`sigs.k8s.io/gateway-api@v${GATEWAY_API_VERSION}`).Dir;
}

function copyCrds(into: string): void {
  const module = gatewayApiModule();
  for (const channel of ['standard', 'experimental']) {
    const source = path.join(module, 'config', 'crd', channel);
    mkdirSync(path.join(into, channel));
    for (const file of readdirSync(source).filter((name) => name.startsWith('gateway.networking.'))) {
      copyFileSync(path.join(source, file), path.join(into, channel, file));
    }
  }
}

/** The folder with go.mod and the files of a downloaded module. */
function download(module: string): { readonly GoMod: string; readonly Dir: string } {
  return JSON.parse(go(['mod', 'download', '-json', module], TOOLS_FOLDER)) as { GoMod: string; Dir: string };
}

/** Runs go and returns its standard output. It may write go.mod and go.sum, and download modules but no other Go version. */
function go(args: readonly string[], cwd: string): string {
  const env = { ...process.env, GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' };
  const { status, stdout } = spawnSync('go', args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (status !== 0) throw new Error(`go ${args[0]} failed`);
  return stdout;
}

if (process.argv[1] === import.meta.filename) {
  if (process.env[LOCKED] === '1') buildAll();
  else buildTools();
}
