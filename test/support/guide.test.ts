// Valid and invalid pages of docs/guides: an invalid page must fail.
import { afterEach, describe, expect, test } from '@jest/globals';
import { readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { describeWith } from './describe-with.ts';
import { follow, patternOf, readGuide } from './guide.ts';
import type { Step } from './guide.ts';
import { Terminal } from './terminal.ts';

const PAGE = [
  '# Title',
  '',
  '```yaml',
  '# a.yaml',
  'kind: A',
  '```',
  'Then:',
  '```console',
  '$ one \\',
  '    two',
  'printed',
  '$ three',
  '```',
];

describe('a page', () => {
  test('is files and commands in their order', () => {
    expect(readGuide(PAGE.join('\n'))).toEqual([
      { kind: 'file', line: 4, name: 'a.yaml', text: '# a.yaml\nkind: A\n' },
      { kind: 'command', line: 9, command: 'one \\\n    two', output: ['printed'] },
      { kind: 'command', line: 12, command: 'three', output: [] },
    ]);
  });

  test.each([
    [
      'a manifest without the name of its file',
      ['```yaml', 'kind: A', '```'],
      'line 2: the first line must be the name of the file, as # gateway.yaml',
    ],
    ['output before any command', ['```console', 'printed', '```'], 'line 2: a block of console must begin'],
    ['a block of an unknown language', ['```js', 'x()', '```'], 'line 2: a block of "js"'],
    ['a block without an end', ['text', '```yaml', '# a.yaml'], 'line 2: the block does not end'],
  ])('with %s is refused', (_, page, message) => {
    expect(() => readGuide(page.join('\n'))).toThrow(message);
  });
});

test.each([
  [['a'], 'a\n', true],
  [['a'], 'a\nb\n', false],
  [['a', '...'], 'a\nb\nc\n', true],
  [['...', 'c'], 'a\nb\nc\n', true],
  [['a ... c'], 'a b c\n', true],
  [['a ... c'], 'a c\n', false],
  [['1.0'], '1x0\n', false],
])('%j matches %j: %j', (output, text, matches) => {
  expect(patternOf(output).test(text)).toBe(matches);
});

describeWith(['root', 'ip'], 'a terminal', () => {
  let terminal: Terminal | null = null;
  const open = async (): Promise<Terminal> => (terminal = await Terminal.open({ GREETING: 'hello' }));
  afterEach(async () => terminal?.close());
  const command = (text: string, ...output: string[]): Step => ({ kind: 'command', line: 1, command: text, output });

  test('keeps the state of the shell between commands, and saves files', async () => {
    const at = await open();
    await follow({ kind: 'file', line: 1, name: 'a.yaml', text: 'kind: A\n' }, at);
    await follow(command('name=world'), at);
    await follow(command('echo "$GREETING $name"; cat a.yaml', 'hello world', 'kind: A'), at);
    await follow(command('printf "no end of line"', 'no end of line'), at);
    expect(await readFile(path.join(at.folder, 'a.yaml'), 'utf8')).toBe('kind: A\n');
  });

  test('rejects a command that fails, or does not print the expected output in time', async () => {
    const at = await open();
    await expect(follow(command('echo why >&2; false'), at)).rejects.toThrow('ended with 1 and printed\nwhy\n');
    await expect(follow(command('echo this', 'that'), at, 50)).rejects.toThrow('this');
    await expect(follow(command('echo this; sleep 9', 'that', '...'), at, 500)).rejects.toThrow('printed\nthis');
  });

  test('repeats a command until the saved configuration is live', async () => {
    const at = await open();
    await follow(command('echo x >> lines; wc -l < lines', '3'), at);
  });

  test('may share the network of the machine', async () => {
    terminal = await Terminal.open({}, 'shared');
    expect((await terminal.run('readlink /proc/self/ns/net')).text.trim()).toBe(await readlink('/proc/self/ns/net'));
  });

  test('keeps a command running that does not end, and has weir and a separate network', async () => {
    const at = await open();
    await follow(command('weir --help | head -1', 'Weir, ...'), at);
    await follow(command('while true; do echo tick; sleep 0.1; done', 'tick', '...'), at);
    await follow(command('ip -br link | wc -l', '1'), at);
  });
});
