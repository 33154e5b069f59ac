// The quick start of README.md: its example and its commands as written, on ports of the test.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const EXAMPLE = path.join(ROOT, 'examples', 'quickstart');
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

let folder = '';
let ports = new Map<string, string>();
let weir: Child;

/** Text with the example's ports replaced by free ones. */
function onFreePorts(text: string): string {
  return text.replace(/\b(8080|9001|9002)\b/g, (port) => ports.get(port) as string);
}

/** Runs a command of README.md, selected by its comment, in a shell. */
async function readmeCommand(comment: string): Promise<string> {
  const line = README.split('\n').find((each) => each.includes(`# ${comment}`));
  expect(line).toBeDefined();
  const { stdout } = await promisify(execFile)('bash', ['-c', onFreePorts(line as string).replace('curl', 'curl -sS')]);
  return stdout;
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-quickstart-'));
  const free = await freePorts(3);
  ports = new Map(['8080', '9001', '9002'].map((port, index) => [port, String(free[index])]));
  // `npm start` leaves its store in a folder that begins with a dot.
  for (const file of readdirSync(EXAMPLE).filter((name) => !name.startsWith('.'))) {
    writeFileSync(path.join(folder, file), onFreePorts(readFileSync(path.join(EXAMPLE, file), 'utf8')));
  }
  weir = new Child(['up', folder, '--demo']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('quick start', () => {
  test('prints the URLs to try', () => {
    expect(weir.output).toContain(`listener default/quickstart/http on http://127.0.0.1:${ports.get('8080')}/`);
  });

  test('routes by default, by header, by prefix, and redirects', async () => {
    expect(JSON.parse(await readmeCommand('demo-v1'))).toMatchObject({ backend: 'demo-v1', url: '/' });
    expect(JSON.parse(await readmeCommand('demo-v2, by header'))).toMatchObject({ backend: 'demo-v2' });
    expect(JSON.parse(await readmeCommand('the prefix /api is taken off'))).toMatchObject({ backend: 'demo-v1', url: '/items' });
    const redirect = await readmeCommand('a redirect');
    expect(redirect).toMatch(/^HTTP\/1\.1 301 /);
    expect(redirect).toContain(`location: http://127.0.0.1:${ports.get('8080')}/\r\n`);
  });

  test('the example is valid, and explain names the backend of a request', async () => {
    expect(await runWeir(['validate', EXAMPLE])).toMatchObject({ code: 0, stdout: '6 objects, 0 errors, 0 warnings\n' });
    const { code, stdout } = await runWeir(['explain', 'http://127.0.0.1:8080/api/items', '--config', EXAMPLE]);
    expect(code).toBe(0);
    expect(stdout).toContain('winner    HTTPRoute default/demo, rule 3, match 0\n');
  });

  test('a saved change is live; a mistake is reported with file, line, object and field, and affects nothing else', async () => {
    const file = path.join(folder, 'routes.yaml');
    const good = readFileSync(file, 'utf8');
    const url = `http://127.0.0.1:${ports.get('8080')}/`;
    let from = weir.output.length;
    writeFileSync(file, good.replace('value: /old', 'path: /old'));
    const [line] = await weir.printed(/\{.*routes\.yaml.*\}/, from);
    expect(JSON.parse(line)).toMatchObject({
      file,
      line: 23,
      object: 'HTTPRoute/default/demo',
      field: expect.stringContaining('spec.rules[2]'),
    });
    expect((await fetch(url)).status).toBe(200);
    from = weir.output.length;
    writeFileSync(file, good.replace(/name: demo-v1 \}\n$/, 'name: demo-v2 }\n'));
    await expect(answers(url, 'demo-v2')).resolves.toBe(true);
  });

  test('ends with 0 on SIGTERM', async () => {
    const [port] = await freePorts(1);
    const other = mkdtempSync(path.join(os.tmpdir(), 'weir-empty-'));
    writeFileSync(path.join(other, 'gateway.yaml'), readFileSync(path.join(EXAMPLE, 'gateway.yaml'), 'utf8').replace('8080', String(port)));
    const child = new Child(['up', other]);
    await child.printed(/serving/);
    expect(await child.stop()).toBe(0);
    rmSync(other, { recursive: true, force: true });
  });
});

/** Whether a backend answers before the deadline. All earlier answers must be good. */
async function answers(url: string, backend: string): Promise<boolean> {
  const deadline = performance.now() + 5_000;
  while (performance.now() < deadline) {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    if (((await response.json()) as { backend: string }).backend === backend) return true;
  }
  return false;
}
