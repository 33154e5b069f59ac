// Mistakes of users: one line with the mistake and the remedy, exit code 2, and no stack trace.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { runWeir } from '../test/support/child.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const QUICKSTART = path.join(ROOT, 'examples', 'quickstart');
const API_SERVER = { name: 'c', cluster: { server: 'http://127.0.0.1:1' } };
const KUBECONFIG = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [API_SERVER],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  users: [{ name: 'u', user: {} }],
  'current-context': 'c',
};

let folder = '';
/** A port in use. */
let taken = 0;
const blocker = net.createServer();

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-mistakes-'));
  await once(blocker.listen(0, '127.0.0.1'), 'listening');
  taken = (blocker.address() as net.AddressInfo).port;
  mkdirSync(path.join(folder, 'empty'));
  mkdirSync(path.join(folder, 'demo'));
  const files = {
    'garbage.pem': 'garbage',
    'broken.yaml': 'a: [',
    kubeconfig: JSON.stringify(KUBECONFIG),
    'demo/backend.yaml': `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: a }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${taken} }] }`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
});

afterAll(() => {
  blocker.close();
  rmSync(folder, { recursive: true, force: true });
});

/** In the arguments and messages, `~` is the folder and `TAKEN` the port in use. */
const filled = (text: string) => text.replaceAll('~', folder).replaceAll('TAKEN', String(taken));

const CONTROLLER = ['controller', '--push-address', '127.0.0.1:0', '--metrics-address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0'];
const PROXY = ['proxy', '--controller', '127.0.0.1:1', '--workers', '1'];

describe('a mistake is reported in one line', () => {
  test.each<[readonly string[], string]>([
    [['up'], 'weir up takes one folder: weir up DIR'],
    [['up', '~/nowhere'], '~/nowhere does not exist'],
    [['up', '~/broken.yaml'], '~/broken.yaml is a file; weir up takes the folder that contains it'],
    [['up', '~/empty', '--workers', '100000'], '--workers: "100000" is too large; it must be at most 1024'],
    [['up', '~/empty', '--acess-log', 'off'], 'unknown flag --acess-log; did you mean --access-log?'],
    [['up', '~/empty', '--access-log'], '--access-log needs a value: --access-log off|stdout|FILE'],
    [
      ['up', '~/empty', '--access-log', '--demo'],
      '--access-log needs a value before --demo; a value that begins with - is written --access-log=--demo',
    ],
    [
      ['up', '~/empty', '--admin-port', 'TAKEN'],
      '--admin-port, --probe-port: 127.0.0.1:TAKEN is in use: another program listens there; stop it, or choose another port',
    ],
    [
      ['up', '~/demo', '--demo'],
      '--demo: the backend a cannot start: 127.0.0.1:TAKEN is in use: another program listens there; stop it, or choose another port',
    ],
    [['validate', '~/nowhere'], '~/nowhere does not exist'],
    [['explain', 'http://a/', '--config', '~/nowhere'], '~/nowhere does not exist'],
    [['explain', 'http://a/', '--proxy', '127.0.0.1:1'], '--proxy 127.0.0.1:1: '],
    [['explain', 'http://a/', '--proxy', 'a b'], '--proxy a b: '],
    [['explain', 'http://a/'], 'a configuration is needed: either --config DIR or --proxy ADDRESS'],
    [['try', 'http://a/'], 'a configuration is needed: either --config DIR or --proxy ADDRESS'],
    [['try', 'http://a/', '--config', '.', '--status', '20'], '--status: expected a number from 200 to 599'],
    [['probe', 'http://127.0.0.1:1/', '--within', '10'], '--within: "10" has no unit: 10s is seconds, 10ms is milliseconds'],
    [['completion', 'tcsh'], 'weir completion takes one shell: bash, zsh or fish'],
    [['version', 'now'], 'unexpected argument "now"'],
    [['help', 'valdate'], 'no command "valdate"; did you mean validate? The commands are: '],
    [[...CONTROLLER, '--kubeconfig', '~/nowhere'], '--kubeconfig ~/nowhere: ~/nowhere does not exist'],
    [[...CONTROLLER, '--kubeconfig', '~'], '--kubeconfig ~: ~ is a folder; a file is needed'],
    [[...CONTROLLER, '--kubeconfig', '~/broken.yaml'], '--kubeconfig ~/broken.yaml: it cannot be read as a kubeconfig: '],
    [[...CONTROLLER, '--kubeconfig', '~/garbage.pem'], '--kubeconfig ~/garbage.pem: it names no current cluster'],
    [
      [...CONTROLLER, '--kubeconfig', '~/kubeconfig', '--metrics-address', '127.0.0.1:TAKEN'],
      '127.0.0.1:TAKEN is in use: another program listens there',
    ],
    [
      [
        ...CONTROLLER,
        '--kubeconfig',
        '~/kubeconfig',
        '--push-tls-cert',
        '~/nowhere',
        '--push-tls-key',
        '~/nowhere',
        '--push-tls-ca',
        '~/nowhere',
      ],
      '--push-tls-cert, --push-tls-key, --push-tls-ca: ~/nowhere does not exist',
    ],
    [
      [
        ...CONTROLLER,
        '--kubeconfig',
        '~/kubeconfig',
        '--push-tls-cert',
        '~/garbage.pem',
        '--push-tls-key',
        '~/garbage.pem',
        '--push-tls-ca',
        '~/garbage.pem',
      ],
      '--push-tls-cert, --push-tls-key, --push-tls-ca: ~/garbage.pem holds no certificate in PEM',
    ],
    [['proxy'], '--controller: "" is not HOST:PORT'],
    [
      [...PROXY, '--probe-port', 'off', '--admin-port', 'TAKEN'],
      '--admin-port, --probe-port: 127.0.0.1:TAKEN is in use: another program listens there; stop it, or choose another port',
    ],
  ])('weir %j', async (args, message) => {
    const { code, stdout, stderr } = await runWeir(args.map(filled));
    const told = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":"info"'));
    expect(told).toEqual([expect.stringContaining(`weir: ${filled(message)}`)]);
    expect(stderr).not.toMatch(/^\s+at |node:internal/m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

test.each([[['explain', 'http://127.0.0.1:8080/', '--config', QUICKSTART, '--all']], [['help']], [['up', '--help']]])(
  'a reader that goes away is no mistake: weir %j | true',
  async (args) => {
    const child = spawn(process.execPath, [path.join(ROOT, 'cli', 'weir.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.destroy();
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
);
