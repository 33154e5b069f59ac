// `weir up` with an admin API, and the commands of its users as processes with contexts of their own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Mistake } from '#lib/flags.ts';
import { UsageError } from '../../cli/command.ts';
import { HERE, loadAll } from '../../cli/commands.ts';
import { Child, type Finished } from './child.ts';
import { freePorts } from './free-port.ts';
import { gateway, gatewayClass } from './objects.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

/** Environment and input of a process. */
export interface Surroundings {
  readonly env?: NodeJS.ProcessEnv;
  /** The standard input. */
  readonly input?: string;
}

/** The file of contexts, and commands that use it. */
export class CliUser implements Disposable {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'weir-cli-'));
  readonly contexts = path.join(this.folder, 'config', 'config.yaml');

  /** Writes a file of the user. Returns its path. */
  file(name: string, text: string): string {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Runs a command to its end. */
  async weir(args: readonly string[], { env = {}, input = '' }: Surroundings = {}): Promise<Finished> {
    const child = spawn(process.execPath, [path.join(ROOT, 'cli', 'weir.ts'), ...args], {
      cwd: this.folder,
      env: { ...process.env, WEIR_CONFIG: this.contexts, ...env },
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined).end(input);
    await once(child, 'close');
    return { code: child.exitCode, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  }

  /** Runs a command in this process, which takes a hundredth of the time. It may not read the standard input. */
  async here(...[name = '', ...args]: readonly string[]): Promise<Finished> {
    const [stdout, stderr]: [string[], string[]] = [[], []];
    const { log, error } = console;
    console.log = (text: string) => void stdout.push(`${text}\n`);
    console.error = (text: string) => void stderr.push(`${text}\n`);
    process.env['WEIR_CONFIG'] = this.contexts;
    try {
      const code = await (await HERE.get(name)?.())?.run(args, loadAll);
      return { code: code ?? null, stdout: stdout.join(''), stderr: stderr.join('') };
    } catch (failure) {
      if (!(failure instanceof UsageError || failure instanceof Mistake)) throw failure;
      return { code: 2, stdout: stdout.join(''), stderr: `${stderr.join('')}weir: ${failure.message}\n` };
    } finally {
      Object.assign(console, { log, error });
      delete process.env['WEIR_CONFIG'];
    }
  }

  /** Runs a command that must succeed. Returns its output. */
  async done(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.weir(args);
    if (code !== 0) throw new Error(`weir ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A running `weir up` with a Gateway `default/edge`, a Backend and an HTTPRoute `shop/cart`. */
export interface AdminUp extends AsyncDisposable {
  readonly url: string;
  /** The first password of `admin`. */
  readonly password: string;
  /** The folder of its configuration. */
  readonly folder: string;
  readonly child: Child;
}

const OBJECTS = `# The route of the shop.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: cart
  namespace: shop
  labels: { team: cart }
spec:
  parentRefs: [{ name: edge, namespace: default }]
  hostnames: [shop.test]
  rules:
    - backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: cart }]
---
apiVersion: gateway.weir.dev/v1alpha1
kind: Backend
metadata: { name: cart, namespace: shop }
spec: { endpoints: [{ ip: 127.0.0.1, port: 9 }] }
---
apiVersion: v1
kind: Secret
metadata: { name: key, namespace: shop }
stringData: { key: very-secret }
`;

/** Starts it. */
export async function startAdminUp(): Promise<AdminUp> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-up-admin-'));
  const [port = 0] = await freePorts(1);
  const listeners = [{ name: 'http', port, allowedRoutes: { namespaces: { from: 'All' } } }];
  const items = [gatewayClass(), gateway('edge', listeners)];
  writeFileSync(path.join(folder, 'gateway.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  writeFileSync(path.join(folder, 'shop.yaml'), OBJECTS);
  const env = { WEIR_ADMIN_API_ADDRESS: '127.0.0.1:0', WEIR_ADMIN_API_CALLER_RATE: '1000' };
  const child = new Child(['up', folder, '--access-log', 'off', '--store', 'off'], env);
  const [, url = ''] = await child.printed(/admin API on (http:\/\/127\.0\.0\.1:\d+)\//);
  const [, password = ''] = await child.printed(/log in as admin with the password (\S+) \(/);
  await child.printed(/serving; stop with/);
  const stop = async (): Promise<void> => {
    await child.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, password, folder, child, [Symbol.asyncDispose]: stop };
}
