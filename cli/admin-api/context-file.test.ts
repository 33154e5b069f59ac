// The file of contexts: its place, its mode, and files that are wrong.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { changeContext, contextFile, contextNamed, readContexts, writeContexts } from './context-file.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-contexts-'));
  file = path.join(folder, 'new', 'config.yaml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('is that of WEIR_CONFIG, or below the folder of configurations', () => {
  expect(contextFile({ WEIR_CONFIG: '/a.yaml' })).toBe('/a.yaml');
  expect(contextFile({ XDG_CONFIG_HOME: '/etc/ana' })).toBe('/etc/ana/weir/config.yaml');
  expect(contextFile({})).toBe(path.join(os.homedir(), '.config', 'weir', 'config.yaml'));
});

test('is replaced with a mode for its owner only, and other contexts stay', () => {
  expect(readContexts(file)).toEqual({ contexts: {} });
  writeContexts(file, { currentContext: 'a', contexts: { a: { url: 'http://127.0.0.1:1', token: 'weir_1' } } });
  chmodSync(file, 0o644);
  expect(() => readContexts(file)).toThrow(`chmod 600 ${file}`);
  chmodSync(file, 0o600);
  changeContext(file, 'b', () => ({ url: 'http://127.0.0.1:2' }));
  changeContext(file, 'a', (former) => ({ url: former?.url ?? '' }));
  expect(readContexts(file)).toEqual({
    currentContext: 'a',
    contexts: { a: { url: 'http://127.0.0.1:1' }, b: { url: 'http://127.0.0.1:2' } },
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain('weir_1');
});

test('has no context of a name that all objects have', () => {
  expect(contextNamed({ contexts: {} }, 'constructor')).toBeNull();
  expect(contextNamed({ contexts: {} }, '__proto__')).toBeNull();
});

describe('a wrong file is refused, and not repeated', () => {
  test.each([
    ['contexts: [', 'is no YAML'],
    ['contexts: { a: { url: 1, token: weir_secret } }', 'has not the form'],
    ['contexts: {}\ntokens: weir_secret', 'has not the form'],
    ['- weir_secret', 'has not the form'],
  ])('%j', (text, message) => {
    const wrong = path.join(folder, 'wrong.yaml');
    writeFileSync(wrong, text);
    expect(() => readContexts(wrong)).toThrow(message);
    expect(() => readContexts(wrong)).not.toThrow(/weir_secret/);
  });
});
